"""The books as tables, for files."""
