"""Use cases for operators: the health of the service."""
