"""Prices in a database: marks and valuations beside the holdings, ticks and daily closes in a history of their own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Select, and_, delete, extract, func, select, update

from portfolio.adapters.database.bulk import upsert_rows
from portfolio.adapters.database.days import fill_days, write_day
from portfolio.adapters.database.engine import Connections
from portfolio.adapters.database.leases import check_fence
from portfolio.adapters.database.mapping import read_portfolio, totals_to_row
from portfolio.adapters.database.mapping_positions import Values, position_to_row
from portfolio.adapters.database.mapping_records import close_from_row
from portfolio.adapters.database.portfolio_row import THE_PORTFOLIO, PortfolioRow, find_row
from portfolio.adapters.database.portfolio_writes import NOW
from portfolio.adapters.database.session import Session
from portfolio.adapters.database.statements import Prepared
from portfolio.adapters.database.tables import close_marks, mock_holdings, mock_portfolio, price_history
from portfolio.application.daily_positions import FilledDay
from portfolio.application.errors import PortfolioMissing
from portfolio.application.price_records import PriceUpdate
from portfolio.application.records import Close, Fence
from portfolio.domain.portfolio import Portfolio
from portfolio.domain.position import Mark
from portfolio.domain.symbol import Symbol

TICK = "tick"
DAY = "day"

# Never the quantity, never the cost: those are the bookings', and other programs'.
_PRICE_COLUMNS = ("last_price", "price_source", "price_at", "position_value", "unrealized_pnl", "total_pnl")
_SYMBOLS_A_STATEMENT = 500
_LAST_HOUR = 23

_LOCK_HOLDINGS = Prepared(select(mock_holdings).with_for_update())

history = price_history.c

_BUMP = update(mock_portfolio).values(price_revision=mock_portfolio.c.price_revision + 1)


class DatabasePriceStore:
    """The port ``PriceStore`` on a database."""

    def __init__(self, connections: Connections, row: PortfolioRow, *, prices_schema: str | None) -> None:
        self._connections = connections
        self._row = row
        self._schema = prices_schema

    async def record(self, portfolio_id: int, update: PriceUpdate, fence: Fence | None) -> None:
        """Write marks, valuations, one tick a symbol and today's value in one transaction; bump the price revision.

        Raises:
            LeaseLost: ``fence`` is no longer the newest, or its lease has run out; nothing was written.
            PortfolioMissing: there is no such portfolio yet.
            LedgerUnavailable: the database did not take it; nothing was written.
        """

        async def write(session: Session) -> None:
            row = await find_row(session, self._row.id_for(portfolio_id), lock=True)
            if row is None:
                raise PortfolioMissing(portfolio_id)
            if fence is not None:
                await check_fence(session, fence)
            # Under their locks, so that a value written is right for the quantity beside it.
            [holdings] = await session.ask(_LOCK_HOLDINGS.on(session.dialect))
            before, held = read_portfolio(row, holdings, self._row.read)
            self._row.had_lock()
            marks = update.marks_for(before)
            portfolio = before.marked(marks)
            await _write_marks(session, portfolio, held.rows, marks)
            await self._write_history(session, [_tick(symbol, mark) for symbol, mark in marks.items()])
            # One that was observed yesterday may be what yesterday closed at.
            today = _midnight(update.at.astimezone(UTC).date())
            await self._mark(session, [symbol for symbol, mark in marks.items() if mark.at < today])
            await _write_totals(session, portfolio)
            await write_day(session, portfolio, today.date())

        await self._connections.write(write)
        self._row.had_lock()

    async def fill_days(self, portfolio_id: int, days: Sequence[FilledDay]) -> int:
        """Keep final days that nothing was recorded on; a day that has a row keeps it. Return how many were written.

        Raises:
            PortfolioMissing: there is no such portfolio yet.
            LedgerUnavailable: the database did not take it; nothing was written.
        """

        async def write(session: Session) -> int:
            row = await find_row(session, self._row.id_for(portfolio_id), lock=True)
            if row is None:
                raise PortfolioMissing(portfolio_id)
            written = await fill_days(session, days)
            if written:
                await session.run(_BUMP.where(mock_portfolio.c.id == row.id))
            return written

        return await self._connections.write(write)

    async def add_closes(self, closes: Sequence[Close]) -> int:
        """Keep daily closes, replacing what was known of the same day; return how many were written."""
        rows = {(close.symbol, close.day): _close(close) for close in closes}

        async def write(session: Session) -> None:
            # The row first, as everywhere; before the books are open there is none, and nobody to tell.
            row = await find_row(session, self._row.id_for(THE_PORTFOLIO), lock=True)
            await self._write_history(session, list(rows.values()))
            await self._mark(session, {symbol for symbol, _ in rows})
            if row is not None:
                await session.run(_BUMP.where(mock_portfolio.c.id == row.id))

        if rows:
            await self._connections.write(write)
        return len(rows)

    async def closes(self, symbols: Collection[Symbol], *, since: date, until: date) -> Sequence[Close]:
        """Return daily closes of both bounds' days and those between, by symbol and day.

        A day without a candle's close has the last price observed within its last hour, if there is one.
        """
        codes = sorted(symbol.code for symbol in symbols)
        start, end = _midnight(since), _midnight(until + timedelta(days=1))

        async def read(session: Session) -> dict[tuple[str, date], Close]:
            found: dict[tuple[str, date], Close] = {}
            for first in range(0, len(codes), _SYMBOLS_A_STATEMENT):
                of_these = history.symbol.in_(codes[first : first + _SYMBOLS_A_STATEMENT])
                days = select(price_history).where(
                    of_these, history.granularity == DAY, history.observed_at >= start, history.observed_at < end
                )
                for statement in (_last_ticks(start, end, of_these), days):
                    for row in await session.run(statement):
                        day = row.observed_at.date()
                        found[row.symbol, day] = close_from_row(row, day)
            return found

        found = await self._connections.read(read, snapshot=True)
        return [found[key] for key in sorted(found)]

    async def close_marks(self, symbols: Collection[Symbol]) -> Mapping[Symbol, str]:
        """Return by symbol the word that was written with its closes the last time."""
        codes = sorted(symbol.code for symbol in symbols)

        async def read(session: Session) -> dict[Symbol, str]:
            found = {}
            for first in range(0, len(codes), _SYMBOLS_A_STATEMENT):
                of_these = close_marks.c.symbol.in_(codes[first : first + _SYMBOLS_A_STATEMENT])
                for row in await session.run(select(close_marks).where(of_these)):
                    found[Symbol(row.symbol)] = row.mark
            return found

        return await self._connections.read(read)

    async def thin_ticks(self, older_than: datetime) -> int:
        """Turn ticks of the days before ``older_than``'s into one close a day, where there is none yet, and drop them.

        The closes are what the ticks were taken for: no mark moves.

        Returns how many ticks went. Each day is a transaction, then each of its hours: what was interrupted goes on
        where it ended.
        """
        limit = _midnight(older_than.astimezone(UTC).date())
        gone = 0
        while (oldest := await self._connections.read(_oldest_tick)) is not None and oldest < limit:
            day = _midnight(oldest.date())
            await self._connections.write(lambda session, day=day: self._keep_closes(session, day))  # type: ignore[misc]
            for hour in range(oldest.hour, 24):
                start = day + timedelta(hours=hour)
                gone += await self._connections.write(lambda session, start=start: _drop_hour(session, start))  # type: ignore[misc]
        return gone

    async def _keep_closes(self, session: Session, day: datetime) -> None:
        ticks = await session.run(_last_ticks(day, day + timedelta(days=1)))
        rows = [_close(close_from_row(row, day.date())) for row in ticks]
        # One that is there stays, also one that was written since: nothing but its own day is set.
        await self._write_history(session, rows, update=["observed_at"])

    async def _write_history(
        self, session: Session, rows: Sequence[Values], *, update: Sequence[str] = ("price", "source")
    ) -> None:
        await upsert_rows(
            session,
            price_history,
            rows,
            key=["symbol", "granularity", "observed_at"],
            update=update,
            schema=None if session.is_sqlite else self._schema,
        )

    async def _mark(self, session: Session, symbols: Collection[Symbol]) -> None:
        """Give symbols another word than they had, in their order: two writers never wait for each other."""
        word = uuid4().hex
        await upsert_rows(
            session,
            close_marks,
            [{"symbol": code, "mark": word} for code in sorted(symbol.code for symbol in symbols)],
            key=["symbol"],
            update=["mark"],
            schema=None if session.is_sqlite else self._schema,
        )


async def _write_marks(
    session: Session, portfolio: Portfolio, rows: Mapping[Symbol, Any], marks: Mapping[Symbol, Mark]
) -> None:
    marked = []
    for symbol, row in rows.items():
        if symbol in marks:
            values = position_to_row(portfolio.positions[symbol])
            marked.append({"id": row.id, "symbol": row.symbol, **{name: values[name] for name in _PRICE_COLUMNS}})
    await upsert_rows(session, mock_holdings, marked, key=["id"], update=_PRICE_COLUMNS, touch="updated_at")


async def _write_totals(session: Session, portfolio: Portfolio) -> None:
    row = update(mock_portfolio).where(mock_portfolio.c.id == portfolio.id)
    values = totals_to_row(portfolio)
    await session.run(row.values(price_revision=mock_portfolio.c.price_revision + 1, updated_at=NOW, **values))


async def _oldest_tick(session: Session) -> datetime | None:
    oldest = select(func.min(history.observed_at)).where(history.granularity == TICK)
    found: datetime | None = (await session.run(oldest)).scalar()
    return found


async def _drop_hour(session: Session, start: datetime) -> int:
    hour = and_(history.observed_at >= start, history.observed_at < start + timedelta(hours=1))
    return (await session.run(delete(price_history).where(history.granularity == TICK, hour))).rowcount


def _last_ticks(start: datetime, end: datetime, *wanted: ColumnElement[bool]) -> Select[Any]:
    """Return the statement for the last tick of each symbol wanted within the last hour of each day."""
    last = (
        select(history.symbol.label("of_symbol"), func.max(history.observed_at).label("last_at"))
        .where(
            history.granularity == TICK,
            history.observed_at >= start,
            history.observed_at < end,
            extract("hour", history.observed_at) == _LAST_HOUR,
            *wanted,
        )
        .group_by(history.symbol, func.date(history.observed_at))
        .subquery()
    )
    return select(price_history).join(
        last,
        and_(history.symbol == last.c.of_symbol, history.granularity == TICK, history.observed_at == last.c.last_at),
    )


def _tick(symbol: Symbol, mark: Mark) -> Values:
    return _history_row(symbol, TICK, mark.at, mark.price.value, mark.source)


def _close(close: Close) -> Values:
    return _history_row(close.symbol, DAY, _midnight(close.day), close.price.value, close.source)


def _history_row(symbol: Symbol, granularity: str, at: datetime, price: Any, source: str) -> Values:
    return {
        "symbol": symbol.code,
        "granularity": granularity,
        "observed_at": at,
        "price": price,
        "source": source,
    }


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
