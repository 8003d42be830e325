"""Use cases of rebalancing: the plan, signals, and the check before a trade."""
