"""What trading cost in a period: fees, and the money that was traded for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from portfolio.application.performance.days.entries import Change, LedgerDay
from portfolio.domain.money import Money, added, percent_of, sum_of
from portfolio.domain.symbol import Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """So many trades, their notional and their fees."""

    trades: int
    notional: Money
    fees: Money

    @property
    def fees_percent(self) -> Decimal | None:
        """Return the fees in percent of the notional; None of nothing."""
        return percent_of(self.fees, self.notional)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetCosts(Costs):
    """Those of the trades in one asset."""

    symbol: Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingCosts(Costs):
    """Those of all trades of the period, and of each asset, the highest fees first."""

    assets: Sequence[AssetCosts]


def trading_costs_of(days: Sequence[LedgerDay]) -> TradingCosts:
    """Return what the trades of these days cost; a trade that was reversed is in none of the sums."""
    sums: dict[Symbol, Change] = {}
    for day in days:
        for symbol, change in day.changes.items():
            found = sums.setdefault(symbol, Change())
            found.trades += change.trades
            found.notional = added(found.notional, change.notional)
            found.fees = added(found.fees, change.fees)
    assets = [
        AssetCosts(symbol=symbol, trades=found.trades, notional=found.notional, fees=found.fees)
        for symbol, found in sums.items()
        if found.trades
    ]
    return TradingCosts(
        trades=sum(one.trades for one in assets),
        notional=sum_of(one.notional for one in assets),
        fees=sum_of(one.fees for one in assets),
        assets=sorted(assets, key=lambda one: (-one.fees.value, one.symbol)),
    )
