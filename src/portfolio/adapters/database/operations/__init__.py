"""What the health of the service asks the database."""
