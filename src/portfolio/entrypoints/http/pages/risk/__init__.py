"""The page of risk: limits, what moves together, what moves the portfolio, and what a bad day costs."""
