"""Imports and their previews in the database."""
