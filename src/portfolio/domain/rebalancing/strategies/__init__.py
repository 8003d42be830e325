"""The strategies of rebalancing: pure functions from targets to proposals, applied in the order of their reasons."""
