"""Backtests as jobs: stored when asked for, computed by whichever instance has time, kept when they are done."""
