"""The commands ``portfolio backtest``."""
