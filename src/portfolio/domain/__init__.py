"""Decides: positions, cash and profit and loss, exact and free of I/O, clocks, logs and floats."""
