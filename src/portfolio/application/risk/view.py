"""Holdings, with the statistics of their assets, as the view that the rules look at, live and in a backtest alike."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from types import MappingProxyType

from portfolio.analytics.statistics import Statistics
from portfolio.domain.rebalancing.view import Holding, MarketView


def view_of(holdings: Iterable[Holding], cash: Decimal, statistics: Statistics) -> MarketView:
    """Return the view of these holdings and this cash; both have their statistics of the same days."""
    by_symbol = {holding.symbol: holding for holding in holdings}
    return MarketView(
        holdings=MappingProxyType(dict(sorted(by_symbol.items()))),
        cash=cash,
        correlations=statistics.correlations,
    )
