"""The daily rows in the database."""
