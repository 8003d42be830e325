"""Many backtests of one start: sweeps over settings, stability, and settings that are chosen on the past alone."""
