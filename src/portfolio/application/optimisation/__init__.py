"""Use cases of optimisation: weights for an objective, and the plan that leads to them."""
