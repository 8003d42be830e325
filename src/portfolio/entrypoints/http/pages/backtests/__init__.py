"""The page of backtests: those that were asked for, and what came of one of them."""
