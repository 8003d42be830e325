"""Keeps prices fresh, and values what is held at them."""
