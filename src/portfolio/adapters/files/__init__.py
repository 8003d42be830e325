"""The files that settings name."""
