"""Connections to the database: how they are made, kept, bounded and given back."""
