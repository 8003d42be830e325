"""Use cases of prices: refresh them, and value the positions with them."""
