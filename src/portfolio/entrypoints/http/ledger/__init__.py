"""Bookings, trades and cash over HTTP."""
