"""One asset over time: its closes, and the own trades among them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

import msgspec

from portfolio.analytics.decimals import to_decimals
from portfolio.application.errors import LedgerUnavailable
from portfolio.application.ledger.ports import Lookups
from portfolio.application.ledger.records import BookedTrade, TradeFilter
from portfolio.application.ledger.snapshots import Snapshot
from portfolio.application.prices.closes import ReadCloses
from portfolio.application.prices.valuation import PositionValue, value_position
from portfolio.domain.categories import Categories
from portfolio.domain.money import percent_of
from portfolio.domain.symbol import Symbol

MOST_TRADES = 1_000


class PositionHistory(msgspec.Struct, frozen=True, kw_only=True):
    """An asset as it is and as it was.

    ``closes`` has every day of the period, oldest first, with 12 decimals; None where there is no close. The last one
    is today's price so far. ``trades`` are the newest of the asset's, newest first; None where the database is away.
    ``simulated`` says that the closes are made up; ``stale`` that they are the last ones seen.
    """

    value: PositionValue
    closes: Sequence[tuple[date, Decimal | None]]
    trades: Sequence[BookedTrade] | None
    simulated: bool
    stale: bool

    @property
    def is_known(self) -> bool:
        """Return whether the asset is, or ever was, in the books; where nobody can tell it is taken to be."""
        return self.value.position.is_open or self.trades is None or bool(self.trades)


class ReadPositionHistory(msgspec.Struct, frozen=True):
    """Reads the closes and the trades of one asset."""

    closes: ReadCloses
    lookups: Lookups
    categories: Categories
    max_price_age: timedelta

    async def __call__(self, snapshot: Snapshot, symbol: Symbol, days: int, now: datetime) -> PositionHistory:
        """Return the asset at a snapshot, and over the last ``days`` completed days, 1 to 3650."""
        portfolio, away = snapshot.portfolio, snapshot.database_away
        today = (snapshot.as_of if away else now).date()
        read = await self.closes(
            [symbol.code], days, today=today, price_revision=snapshot.revisions.prices, asks=not away
        )
        known = to_decimals(read.history.closes[:, 0])
        first = read.history.last_day - timedelta(days=len(known) - 1)
        position = portfolio.position(symbol)
        share = percent_of(position.market_value, portfolio.total_value)
        value = value_position(position, share, now, self.max_price_age, self.categories)
        price = None if position.mark is None else position.mark.price.value
        return PositionHistory(
            value=value,
            closes=[*((first + timedelta(days=n), close) for n, close in enumerate(known)), (today, price)],
            trades=None if away else await self._trades(portfolio.id, symbol),
            simulated=read.simulated_history,
            stale=not read.is_current,
        )

    async def _trades(self, portfolio_id: int, symbol: Symbol) -> Sequence[BookedTrade] | None:
        try:
            found = await self.lookups.trades(portfolio_id, TradeFilter(symbol=symbol, limit=MOST_TRADES))
        except LedgerUnavailable:
            return None
        return [trade for trade in found.items if trade.entry is not None]
