"""The rows of the performance history: today's is kept current until midnight UTC, and final after it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, or_, select, update

from portfolio.adapters.database.connection.bulk import RowWriter
from portfolio.adapters.database.connection.connections import Connections
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.connection.statements import Prepared
from portfolio.adapters.database.ledger.portfolio_row import PortfolioRow
from portfolio.adapters.database.prices.prices import next_price_revision
from portfolio.adapters.database.schema.fields import Fields, UnreadableRow, Values, reading
from portfolio.adapters.database.schema.tables import (
    cash_transactions,
    daily_positions,
    mock_performance_history,
)
from portfolio.adapters.database.schema.unreadable import Rows
from portfolio.application.performance.daily_positions import positions_of
from portfolio.application.performance.day_results import (
    daily_value,
    day_result,
    flow_since,
    results_with_final,
)
from portfolio.application.performance.records import (
    EARLIEST,
    DailyValue,
    DayPositions,
    DayResult,
    FilledDay,
    PositionOnDay,
)
from portfolio.domain.days import DAY
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.money import Money, Quantity
from portfolio.domain.symbol import Symbol

_rows = mock_performance_history.c
_HISTORY = select(mock_performance_history)
# What others left there that is no day, or none that can be, is before the earliest one.
_is_none = or_(_rows.date < bindparam("earliest"), _rows.date.is_(None))
_SINCE = Prepared(_HISTORY.where(or_(_rows.date >= bindparam("since"), _is_none)).order_by(_rows.date))
_SOME = 10
"""So many rows are looked at for one that can be read."""
_NEWEST_UNTIL = Prepared(_HISTORY.where(_rows.date <= bindparam("day")).order_by(_rows.date.desc()).limit(_SOME))
_DAY_ROW = RowWriter(mock_performance_history, key=["date"])
_POSITIONS_ROW = RowWriter(daily_positions, key=["day"])

_DAY = Fields(DailyValue, apart=["result"], day="date", total_value="portfolio_value", cash="cash_balance")
_RESULT = Fields(DayResult, pnl="daily_pnl", percent="daily_return", cumulative_percent="cumulative_return")


class DatabaseDays:
    """The port ``Days`` on a database."""

    def __init__(self, connections: Connections, row: PortfolioRow) -> None:
        self._connections = connections
        self._row = row
        self._days = Rows.of(_rows.id, self._read)
        self._today = EARLIEST

    async def values(self, portfolio_id: int, *, since: date, today: date) -> Sequence[DailyValue]:
        self._row.id_for(portfolio_id)
        self._today = max(self._today, today)

        async def read(session: Session) -> Sequence[DailyValue]:
            [rows] = await session.execute(_SINCE.on(session.dialect, since=since, earliest=EARLIEST))
            return [day for day in self._readable(rows) if since <= day.day <= today]

        return await self._connections.read(read)

    async def positions(self, portfolio_id: int, days: Collection[date]) -> Mapping[date, DayPositions]:
        self._row.id_for(portfolio_id)
        rows = await self._connections.rows(select(daily_positions).where(daily_positions.c.day.in_(sorted(days))))
        return dict(self._row.unreadable.readable(_POSITIONS, rows))

    async def write(self, portfolio_id: int, days: Sequence[FilledDay]) -> None:
        async def write(session: Session) -> int:
            row = await self._row.get(session, portfolio_id, lock=True)
            await self._write_final(session, {day.value.day: day for day in days})
            return await next_price_revision(session, row)

        self._row.known.priced(await self._connections.write(write))

    async def write_day(self, session: Session, portfolio: Portfolio, day: date) -> None:
        """Write what the portfolio is worth on ``day``; nothing once the next day has begun."""
        self._today = max(self._today, day)
        [rows] = await session.execute(_NEWEST_UNTIL.on(session.dialect, day=day + DAY))
        # A row without units is another program's: the next day has not begun with it.
        if any(row.date > day and row.unit_value is not None for row in rows if row.date is not None):
            return
        value = daily_value(portfolio, day)
        earlier = [known for known in self._readable(rows) if known.day < day]
        before = await _before(session, earlier[0], value) if earlier else None
        assert value.measured is not None
        result = day_result(value.measured, flow_since(before, value.measured.net_deposits), before)
        columns = _columns(value, len(portfolio.open_positions), result)
        today = next((row for row in rows if row.date == day), None)
        if today is not None:
            columns["id"] = today.id
        _write(session, columns, positions_of(portfolio))

    async def _write_final(self, session: Session, days: Mapping[date, FilledDay]) -> None:
        """Write days that are over, and correct the results of the rows after them."""
        first, last = min(days), max(days)
        [before_them] = await session.execute(_NEWEST_UNTIL.on(session.dialect, day=first - DAY))
        earlier = self._readable(before_them)
        rows = (await session.run(_HISTORY.where(_rows.date >= first, _rows.date <= last))).all()
        later = _HISTORY.where(_rows.date > last).order_by(_rows.date).limit(_SOME)
        known = {day.day: day for day in [*self._readable(rows), *self._readable(await session.run(later))[:1]]}
        before = await _before(session, earlier[0], days[first].value) if earlier else None
        results = results_with_final({day: made.value for day, made in days.items()}, known, before)
        ids = {row.date: row.id for row in rows}
        for day, result in results.items():
            if day in days:
                columns = _columns(days[day].value, days[day].num_positions, result)
                if day in ids:
                    columns["id"] = ids[day]
                _write(session, columns, days[day].positions)
            else:
                corrected = _RESULT.values(result)
                await session.run(update(mock_performance_history).where(_rows.date == day).values(**corrected))

    def _readable(self, rows: Iterable[Any]) -> list[DailyValue]:
        return self._row.unreadable.readable(self._days, rows)

    def _read(self, row: Any) -> DailyValue:
        """Return a recorded day. One that has not come is none; the next one may have begun on another instance."""
        value = daily_value_from_row(row)
        if value.day > self._today + DAY:
            raise UnreadableRow(f"date: {value.day} has not come yet")
        return value


def _write(session: Session, columns: Values, positions: DayPositions | None) -> None:
    statements = _DAY_ROW.on(session.dialect, [columns])
    if positions is not None:
        row = {"day": columns["date"], "positions": day_positions_to_json(positions)}
        statements += _POSITIONS_ROW.on(session.dialect, [row])
    session.later(*statements)


def _columns(value: DailyValue, num_positions: int, result: DayResult) -> Values:
    return {
        **_DAY.values(value),
        "invested_amount": (value.total_value - value.cash).value,
        "num_positions": num_positions,
        **_RESULT.values(result),
    }


async def _before(session: Session, row: DailyValue, value: DailyValue) -> DailyValue:
    """Return the row of the day before ``value``; one from before the adoption with what had been paid in by then."""
    if row.net_deposits is not None:
        return row
    # The baseline is no payment, what came after that row's day is.
    c = cash_transactions.c
    since, until = (datetime.combine(on, time(), UTC) + DAY for on in (row.day, value.day))
    paid = select(c.net_deposits_delta).where(
        c.kind != CashTransactionKind.BASELINE.value, c.moved_at >= since, c.moved_at < until
    )
    total = sum((Money(paid_in.net_deposits_delta) for paid_in in await session.run(paid)), Money.zero())
    assert value.net_deposits is not None
    return replace(row, net_deposits=value.net_deposits - total)


def daily_value_from_row(row: Any) -> DailyValue:
    """Return a recorded day; without sums where the row is from before the adoption."""
    value = _DAY.record(row, result=_RESULT.record(row))
    if value.unit_value is not None and value.unit_value < 0:
        raise UnreadableRow("unit_value: is below zero")
    return value


def day_positions_to_json(positions: DayPositions) -> str:
    """Return what was held on a day as JSON, decimals as text."""
    return json.dumps(
        {
            symbol.code: [*(str(a) for a in (p.quantity, p.market_value, p.cost_basis, p.realized_pnl)), p.is_priced]
            for symbol, p in positions.items()
        }
    )


def day_positions_from_json(text: str) -> DayPositions:
    """Return what was held on a day."""
    with reading("positions"):
        return {
            Symbol(code): PositionOnDay(
                quantity=Quantity(Decimal(quantity)),
                market_value=Money(Decimal(value)),
                cost_basis=Money(Decimal(cost)),
                realized_pnl=Money(Decimal(realized)),
                is_priced=bool(is_priced),
            )
            for code, (quantity, value, cost, realized, is_priced) in json.loads(text).items()
        }


_POSITIONS = Rows.of(daily_positions.c.day, lambda row: (row.day, day_positions_from_json(row.positions)))
