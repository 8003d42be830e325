"""Keeps a crypto portfolio exact, and says what it is worth."""

__version__ = "0.1.0"
