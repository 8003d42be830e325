"""The limits of the policy, and how much of each is used."""

from __future__ import annotations

from collections.abc import Sequence

from portfolio.application.risk.state import MarketState, figure, summary_of
from portfolio.domain.rebalancing.limit_use import LimitUse, limit_uses


@figure
def limit_uses_of(state: MarketState) -> Sequence[LimitUse]:
    """Return the limits that something counts against, the most used first."""
    return limit_uses(summary_of(state))
