"""Weights for an objective, over HTTP."""
