"""Assets at their prices, with their statistics: what the rules look at, live and in a backtest alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from portfolio.analytics.statistics import Statistics
from portfolio.domain.prices.exchange_rules import NEVER_FETCHED, Rules
from portfolio.domain.rebalancing.view import Holding, MarketView


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedAsset:
    """An asset as it is held, or as it could be bought.

    ``tradable`` says that its price is live; ``rules`` are those of the exchange where it is traded.
    """

    symbol: str
    quantity: Decimal
    value: Decimal
    price: Decimal | None
    category: str
    tradable: bool
    rules: Rules = NEVER_FETCHED


def view_of(assets: Iterable[PricedAsset], cash: Decimal, statistics: Statistics) -> MarketView:
    """Return the view of these assets and this cash."""
    holdings = {asset.symbol: _holding(asset, statistics) for asset in assets}
    return MarketView(
        holdings=MappingProxyType(dict(sorted(holdings.items()))),
        cash=cash,
        correlations=statistics.correlations,
    )


def _holding(asset: PricedAsset, statistics: Statistics) -> Holding:
    return Holding(
        symbol=asset.symbol,
        quantity=asset.quantity,
        value=asset.value,
        price=asset.price,
        category=asset.category,
        tradable=asset.tradable,
        volatility=statistics.volatilities.get(asset.symbol),
        momentum=statistics.momenta.get(asset.symbol),
        rules=asset.rules,
    )
