"""Prices in a database: marks and valuations beside the holdings, ticks and daily closes in a history of their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Select, and_, bindparam, exists, func, or_, select, update

from portfolio.adapters.database.connection.bulk import NOW, RowWriter
from portfolio.adapters.database.connection.connections import Connections
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.connection.statements import Prepared
from portfolio.adapters.database.ledger.known_portfolio import HOLDINGS
from portfolio.adapters.database.ledger.mapping import read_portfolio, totals_to_row
from portfolio.adapters.database.ledger.mapping_positions import position_to_row
from portfolio.adapters.database.ledger.portfolio_row import PortfolioRow
from portfolio.adapters.database.prices.leases import check_fence
from portfolio.adapters.database.prices.price_rows import PriceRows, midnight
from portfolio.adapters.database.schema.fields import reading
from portfolio.adapters.database.schema.tables import mock_holdings, mock_portfolio, mock_trades
from portfolio.adapters.database.schema.unreadable import Rows
from portfolio.application.prices.records import Close, Fence, PriceUpdate
from portfolio.domain.days import DAY, day_of
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.mark import TRADE_SOURCE, Mark
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol

# Never the quantity, never the cost: those are the bookings', and other programs'.
_PRICE_COLUMNS = ("last_price", "price_source", "price_at", "position_value", "unrealized_pnl", "total_pnl")
_MARKS = RowWriter(mock_holdings, key=["id"], touch="updated_at")

_LOCK_HOLDINGS = Prepared(HOLDINGS.with_for_update())

_AT_ONCE = 200  # SQLite takes no condition of a thousand parts

_TRADE, _REVERSAL = mock_trades.c, mock_trades.alias("reversal")
# SQLite takes `reverses_trade_id IS NULL` for one row of its index, and so would read all trades.
_EXECUTIONS = (
    select(_TRADE.id, _TRADE.symbol, _TRADE.price, _TRADE.execution_time, _TRADE.booked_at)
    .where(_TRADE.booked_by.is_not(None), func.coalesce(_TRADE.reverses_trade_id, 0) == 0)
    .where(~exists().where(_REVERSAL.c.reverses_trade_id == _TRADE.id))
    .order_by(_TRADE.execution_time, _TRADE.id)
)


def executions_since(since: Mapping[Symbol, datetime]) -> Select[Any]:
    """Return the statement for the executions of each asset since its moment, the newest last."""
    of_each = (and_(_TRADE.symbol == symbol.code, _TRADE.execution_time >= at) for symbol, at in since.items())
    return _EXECUTIONS.where(or_(*of_each))


_CLOCKS_APART = timedelta(days=1)


def _executed(row: Any) -> tuple[Symbol, Mark]:
    with reading("symbol, price, execution_time"):
        if row.execution_time - row.booked_at > _CLOCKS_APART:
            raise ValueError(f"{row.execution_time} is after it was booked")
        return Symbol(row.symbol), Mark(Price(row.price), TRADE_SOURCE, row.execution_time)


_EXECUTED = Rows.of(_TRADE.id, _executed)

_BUMP = update(mock_portfolio).values(price_revision=mock_portfolio.c.price_revision + 1)
_TOTALS = Prepared(_BUMP.values(updated_at=NOW).where(mock_portfolio.c.id == bindparam("row_id")))


WriteDay = Callable[[Session, Portfolio, date], Awaitable[None]]


class DatabasePriceStore:
    """The port ``PriceStore`` on a database."""

    def __init__(
        self, connections: Connections, row: PortfolioRow, write_day: WriteDay, *, prices_schema: str | None
    ) -> None:
        """Wire the parts: ``write_day`` is done in the transaction that records prices, with the portfolio at them."""
        self._connections = connections
        self._write_day = write_day
        self._row = row
        self._rows = PriceRows(prices_schema, row.unreadable)

    async def record(self, portfolio_id: int, update: PriceUpdate, fence: Fence | None) -> int:
        async def write(session: Session) -> int:
            # Under their locks, so that a value written is right for the quantity beside it.
            lock_holdings = _LOCK_HOLDINGS.on(session.dialect)
            row, [holdings] = await self._row.read(session, portfolio_id, lock_holdings, lock=True)
            if fence is not None:
                await check_fence(session, fence)
            read = read_portfolio(row, holdings, self._row.known.position)
            revision = _next_price_revision(row)
            marks = update.marks_for(read.portfolio)
            portfolio = read.portfolio.marked(marks)
            _write_marks(session, portfolio, read.rows, marks)
            observed = {symbol: mark for symbol, mark in marks.items() if not mark.is_execution}
            self._rows.write_ticks(session, observed.items())
            # One that was observed yesterday may be what yesterday closed at.
            today = midnight(day_of(update.at))
            late = [symbol for symbol, mark in observed.items() if mark.at < today]
            self._rows.mark_changed(session, late, revision)
            session.later(_TOTALS.on(session.dialect, row_id=row.id, **totals_to_row(portfolio)))
            await self._write_day(session, portfolio, today.date())
            return revision

        revision = await self._connections.write(write)
        self._row.had_lock()
        return revision

    async def executed(self, portfolio_id: int, since: Mapping[Symbol, datetime]) -> Mapping[Symbol, Mark]:
        self._row.id_for(portfolio_id)
        found: dict[Symbol, Mark] = {}
        asked = sorted(since)
        for part in (asked[start : start + _AT_ONCE] for start in range(0, len(asked), _AT_ONCE)):
            rows = await self._connections.rows(executions_since({symbol: since[symbol] for symbol in part}))
            found |= dict(self._row.unreadable.readable(_EXECUTED, rows))
        return found

    async def add_closes(self, closes: Sequence[Close]) -> int:
        newest = {(close.symbol, close.day): close for close in closes}
        await self.changed({symbol for symbol, _ in newest}, newest.values())
        return len(newest)

    async def changed(self, symbols: Collection[Symbol], closes: Collection[Close] = ()) -> None:
        """Keep the closes, and that those of the symbols are others than before."""

        async def write(session: Session) -> int:
            # The row first, as everywhere; before the books are open there is none, and nobody to tell.
            row = await self._row.find(session, self._row.number, lock=True)
            await self._rows.write_closes(session, closes)
            revision = 1 if row is None else await next_price_revision(session, row)
            self._rows.mark_changed(session, symbols, revision)
            return revision

        if symbols:
            self._row.known.priced(await self._connections.write(write))

    async def closes(self, symbols: Collection[Symbol], *, since: date, until: date) -> Sequence[Close]:
        start, end = midnight(since), midnight(until + DAY)
        found = await self._connections.read(
            lambda session: self._rows.closes(session, symbols, start, end), snapshot=True
        )
        return [found[key] for key in sorted(found)]

    async def changed_closes(self, *, after: int) -> Collection[Symbol]:
        return await self._connections.read(partial(self._rows.changed, after=after))

    async def thin_ticks(self, older_than: datetime) -> int:
        """Turn the ticks of the oldest day before ``older_than`` into closes, where there are none yet, and drop them.

        The closes are what the ticks were taken for: none counts as changed.

        Returns how many ticks went. The closes are a transaction, then each of the day's hours: what was interrupted
        goes on where it ended.
        """
        oldest = await self._connections.read(self._rows.oldest_tick)
        if oldest is None or oldest >= midnight(day_of(older_than)):
            return 0
        day, gone = midnight(oldest.date()), 0
        await self._connections.write(partial(self._rows.close_by_ticks, day=day))
        for hour in range(oldest.hour, 24):
            start = day + timedelta(hours=hour)
            end = start + timedelta(hours=1)
            gone += await self._connections.write(partial(self._rows.drop_ticks, start=start, end=end))
        return gone


async def next_price_revision(session: Session, row: Any) -> int:
    """Count one price revision more, for what stands in no row of the holdings; return it."""
    await session.run(_BUMP.where(mock_portfolio.c.id == row.id))
    return _next_price_revision(row)


def _next_price_revision(row: Any) -> int:
    with reading(f"the row {row.id} of mock_portfolio cannot be read: price_revision"):
        return int(row.price_revision) + 1


def _write_marks(
    session: Session, portfolio: Portfolio, rows: Mapping[Symbol, Any], marks: Mapping[Symbol, Mark]
) -> None:
    marked = []
    for symbol, row in rows.items():
        if symbol in marks:
            values = position_to_row(portfolio.positions[symbol])
            marked.append({"id": row.id, "symbol": row.symbol, **{name: values[name] for name in _PRICE_COLUMNS}})
    session.later(*_MARKS.on(session.dialect, marked))
