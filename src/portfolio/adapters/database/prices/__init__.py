"""Prices, ticks, closes and leases in the database."""
