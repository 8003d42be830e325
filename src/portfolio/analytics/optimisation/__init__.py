"""Weights: estimates of moments, objectives, and what is known of how good the result is."""
