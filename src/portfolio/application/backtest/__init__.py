"""The backtest: the live rules, day by day, on past closes; a computation without any I/O."""
