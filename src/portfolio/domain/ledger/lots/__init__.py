"""Lots: what was acquired when and for how much, and which of it a sale takes."""
