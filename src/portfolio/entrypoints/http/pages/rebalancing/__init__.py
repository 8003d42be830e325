"""The page of rebalancing: the plan and its evidence, what something else would do, and the open signals."""
