"""Simulated books: fills, costs, write-downs, and where a difference comes from."""
