"""Backtests in the database."""
