"""Positions and cash: the aggregate, its entries, and the sums that tie them together."""
