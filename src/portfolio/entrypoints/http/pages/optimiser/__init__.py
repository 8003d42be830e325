"""The page of the optimiser: weights for an objective beside today's and equal ones, and how far to trust them."""
