"""Arrays of a backtest: what is known of each close, the screen of days without trades, resampled intervals."""
