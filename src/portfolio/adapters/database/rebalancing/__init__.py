"""Signals in the database."""
