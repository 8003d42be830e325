"""The way back to the health score that the policy asks for."""

from __future__ import annotations

from portfolio.application.risk.state import MarketState, figure, summary_of
from portfolio.domain.rebalancing.remedies import WayToTarget, way_to_target


@figure
def way_to_target_of(state: MarketState) -> WayToTarget:
    """Return the cheapest trades that raise the score of the portfolio to its target."""
    return way_to_target(summary_of(state))
