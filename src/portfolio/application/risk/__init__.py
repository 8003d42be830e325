"""Use cases of risk: concentration, correlation, volatility, value at risk, health."""
