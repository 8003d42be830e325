"""The limits of the policy: how much of each is used, and the way back to the health score that they ask for."""

from __future__ import annotations

from collections.abc import Sequence

from portfolio.application.risk.state import MarketState, figure, summary_of
from portfolio.domain.rebalancing.limit_use import limit_uses
from portfolio.domain.rebalancing.remedies import WayToTarget, way_to_target
from portfolio.domain.rebalancing.summary import LimitUse


@figure
def limit_uses_of(state: MarketState) -> Sequence[LimitUse]:
    """Return the limits that something counts against, the most used first."""
    return limit_uses(summary_of(state))


@figure
def way_to_target_of(state: MarketState) -> WayToTarget:
    """Return the cheapest trades that raise the score of the portfolio to its target."""
    return way_to_target(summary_of(state))
