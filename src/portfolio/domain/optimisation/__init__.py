"""From weights to trades, and the limits that weights keep to."""
