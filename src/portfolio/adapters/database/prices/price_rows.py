"""The rows of the prices database: ticks, daily closes, and by symbol when its closes were last written."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, MetaData, Select, String, and_, bindparam, cast, delete, extract, func, select

from portfolio.adapters.database.connection.bulk import RowWriter
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.connection.statements import Prepared, chunks
from portfolio.adapters.database.schema.fields import NOT_READABLE, Values, reading
from portfolio.adapters.database.schema.tables import close_marks, price_history
from portfolio.adapters.database.schema.unreadable import Rows, UnreadableRows
from portfolio.application.prices.records import Close
from portfolio.domain.mark import Mark
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol

TICK = "tick"
DAY = "day"

_LAST_HOUR = 23


class PriceRows:
    """Reads and writes the rows, in the transaction of a session.

    Args:
        schema: the prices database of a MySQL server; None where there is no other database.
    """

    def __init__(self, schema: str | None, unreadable: UnreadableRows) -> None:
        self._table, self._marks = (
            table.to_metadata(MetaData(), schema=schema) if schema else table for table in (price_history, close_marks)
        )
        self._unreadable = unreadable
        self._closes = Rows.of(self._table.c.id, _close_of)
        self._changed = Rows.of(self._marks.c.symbol, lambda row: _symbol(row.symbol))
        key = ["symbol", "granularity", "observed_at"]
        self._prices = RowWriter(self._table, key=key)
        self._closes_if_none = RowWriter(self._table, key=key, update=["observed_at"])
        self._changes = RowWriter(self._marks, key=["symbol"])
        self._history = history = self._table.c
        of_these = history.symbol.in_(bindparam("symbols", expanding=True))
        days = self._days(bindparam("start"), bindparam("end"), of_these)
        ticks = self._last_ticks(bindparam("start"), bindparam("end"), of_these)
        # A candle's close comes after a tick's, and counts.
        self._ask_closes = Prepared(ticks), Prepared(days)
        self._ask_days = select(self._table).where(history.granularity == DAY)
        marks = self._marks.c
        self._ask_changed = Prepared(select(marks.symbol).where(marks.price_revision > bindparam("after")))

    def write_ticks(self, session: Session, ticks: Collection[tuple[Symbol, Mark]]) -> None:
        """Keep observed prices."""
        rows = [_row(s, TICK, mark.at, mark.price.value, mark.source) for s, mark in ticks]
        session.later(*self._prices.on(session.dialect, rows))

    async def write_closes(self, session: Session, closes: Collection[Close]) -> None:
        """Keep closes, each of another symbol or day; what was known of the day is replaced."""
        await session.execute(*self._prices.on(session.dialect, [_close(close) for close in closes]))

    def mark_changed(self, session: Session, symbols: Collection[Symbol], price_revision: int) -> None:
        """Keep the price revision that comes with new closes; in the order of the symbols, as all writers do."""
        rows = [{"symbol": code, "price_revision": price_revision} for code in sorted(s.code for s in symbols)]
        session.later(*self._changes.on(session.dialect, rows))

    async def closes(
        self, session: Session, symbols: Collection[Symbol], start: datetime, end: datetime
    ) -> dict[tuple[str, date], Close]:
        """Return closes by symbol and day: a candle's, else the last tick of the last hour."""
        found: dict[tuple[str, date], Close] = {}
        by_code = {symbol.code: symbol for symbol in symbols}
        for part in chunks(sorted(by_code)):
            ticks, days = await session.execute(
                *(ask.on(session.dialect, symbols=part, start=start, end=end) for ask in self._ask_closes)
            )
            by_tick = self._unreadable.readable(self._closes, ticks)
            found |= {(close.symbol.code, close.day): close for close in by_tick}
            try:
                by_candle = [close for row in days for close in _closes_of(row, by_code)]
            except NOT_READABLE:
                # One by one, so that those that can be read are, and the others are known by their numbers.
                each = self._ask_days.where(self._history.symbol.in_(part), *self._within(start, end))
                by_candle = self._unreadable.readable(self._closes, await session.run(each))
            found |= {(close.symbol.code, close.day): close for close in by_candle}
        return found

    async def changed(self, session: Session, after: int) -> set[Symbol]:
        """Return the symbols whose closes were written later than the price revision ``after``."""
        [result] = await session.execute(self._ask_changed.on(session.dialect, after=after))
        return set(self._unreadable.readable(self._changed, result))

    async def oldest_tick(self, session: Session) -> datetime | None:
        """Return when the oldest tick was observed."""
        oldest = select(func.min(self._history.observed_at)).where(self._history.granularity == TICK)
        found: datetime | None = (await session.run(oldest)).scalar()
        return found

    async def close_by_ticks(self, session: Session, day: datetime) -> None:
        """Keep what the ticks of the day that begins then say it closed at, for symbols without a close.

        A close that is there stays, also one that was written since: nothing but its own day is set.
        """
        ticks = await session.run(self._last_ticks(day, day + timedelta(days=1)))
        rows = [_close(close) for close in self._unreadable.readable(self._closes, ticks)]
        await session.execute(*self._closes_if_none.on(session.dialect, rows))

    async def drop_ticks(self, session: Session, start: datetime, end: datetime) -> int:
        """Drop the ticks observed from ``start`` on, before ``end``; return how many went."""
        old = delete(self._table).where(self._history.granularity == TICK, *self._within(start, end))
        return (await session.run(old)).rowcount

    def _within(self, start: Any, end: Any) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return self._history.observed_at >= start, self._history.observed_at < end

    def _days(self, start: Any, end: Any, of_these: ColumnElement[bool]) -> Select[Any]:
        """Return the statement for the days' closes, up to ten in a row: bringing a row costs more than a price.

        They are joined by commas, each the last digit of its day and the price. Ten are below the 1,024 bytes that a
        server joins at most unless told otherwise.
        """
        history = self._history
        day = cast(history.observed_at, String)  # as in 2026-11-28
        ten_days = func.substr(day, 1, 9, type_=String).label("ten_days")
        closes = func.group_concat(func.substr(day, 10, 1, type_=String) + cast(history.price, String), type_=String)
        wanted = of_these, history.granularity == DAY, *self._within(start, end)
        chosen = select(history.symbol, history.source, ten_days, closes.label("closes")).where(*wanted)
        return chosen.group_by(history.symbol, history.source, ten_days)

    def _last_ticks(self, start: Any, end: Any, *wanted: ColumnElement[bool]) -> Select[Any]:
        """Return the statement for the last tick of each symbol wanted within the last hour of each day."""
        history = self._history
        last = (
            select(history.symbol.label("of_symbol"), func.max(history.observed_at).label("last_at"))
            .where(
                history.granularity == TICK,
                *self._within(start, end),
                extract("hour", history.observed_at) == _LAST_HOUR,
                *wanted,
            )
            .group_by(history.symbol, func.date(history.observed_at))
            .subquery()
        )
        is_last = and_(
            history.symbol == last.c.of_symbol, history.granularity == TICK, history.observed_at == last.c.last_at
        )
        chosen = select(history.id, history.symbol, history.observed_at, history.price, history.source)
        return chosen.join(last, is_last)


def _close_of(row: Any) -> Close:
    """Return the close of its day that a row of the price history holds."""
    with reading("symbol, observed_at, price, source"):
        return _believed(
            Close(symbol=Symbol(row.symbol), day=row.observed_at.date(), price=Price(row.price), source=row.source)
        )


def _closes_of(row: Any, by_code: Mapping[str, Symbol]) -> Iterator[Close]:
    """Yield the closes of up to ten days."""
    for close in row.closes.split(","):
        day = date.fromisoformat(row.ten_days + close[0])
        price = Price(Decimal(close[1:]))
        yield _believed(Close(symbol=by_code[row.symbol], day=day, price=price, source=row.source))


def _believed(close: Close) -> Close:
    if not close.price or not isinstance(close.source, str):
        raise ValueError("no price is zero, and each has a source")
    return close


def _symbol(code: Any) -> Symbol:
    with reading("symbol"):
        return Symbol(code)


def midnight(day: date) -> datetime:
    """Return when a day begins."""
    return datetime.combine(day, time(), UTC)


def _close(close: Close) -> Values:
    return _row(close.symbol, DAY, midnight(close.day), close.price.value, close.source)


def _row(symbol: Symbol, granularity: str, at: datetime, price: Any, source: str) -> Values:
    return {
        "symbol": symbol.code,
        "granularity": granularity,
        "observed_at": at,
        "price": price,
        "source": source,
    }
