"""What trading cost in a period: fees, and the money that was traded for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from portfolio.application.performance.days.entries import Change, LedgerDay
from portfolio.domain.money import Money, added, percent_of, sum_of
from portfolio.domain.symbol import Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetCosts:
    """The trades in one asset, their notional, their fees, and these in percent of the notional, None of nothing."""

    symbol: Symbol
    trades: int
    notional: Money
    fees: Money
    fees_percent: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingCosts:
    """The same of all trades of the period, and of each asset, the highest fees first."""

    trades: int
    notional: Money
    fees: Money
    fees_percent: Decimal | None
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
        AssetCosts(
            symbol=symbol,
            trades=found.trades,
            notional=found.notional,
            fees=found.fees,
            fees_percent=percent_of(found.fees, found.notional),
        )
        for symbol, found in sums.items()
        if found.trades
    ]
    notional, fees = (sum_of(getattr(one, name) for one in assets) for name in ("notional", "fees"))
    return TradingCosts(
        trades=sum(one.trades for one in assets),
        notional=notional,
        fees=fees,
        fees_percent=percent_of(fees, notional),
        assets=sorted(assets, key=lambda one: (-one.fees.value, one.symbol)),
    )
