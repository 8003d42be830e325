"""The rows of the performance history: today's is kept current until midnight UTC, and final after it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, select, update

from portfolio.adapters.database.connection.bulk import RowWriter
from portfolio.adapters.database.connection.connections import Connections
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.connection.statements import Prepared
from portfolio.adapters.database.ledger.portfolio_row import PortfolioRow
from portfolio.adapters.database.prices.prices import BUMP
from portfolio.adapters.database.schema.fields import Fields, Values
from portfolio.adapters.database.schema.tables import (
    cash_transactions,
    daily_positions,
    mock_performance_history,
    mock_portfolio,
)
from portfolio.application.performance.daily_positions import positions_of
from portfolio.application.performance.day_results import (
    daily_value,
    day_result,
    flow_since,
    results_with_final,
)
from portfolio.application.performance.records import (
    DailyValue,
    DayPositions,
    DayResult,
    FilledDay,
    PositionOnDay,
)
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.money import Money, Quantity
from portfolio.domain.symbol import Symbol

_rows = mock_performance_history.c
_HISTORY = select(mock_performance_history)
_SINCE = Prepared(_HISTORY.where(_rows.date >= bindparam("since")).order_by(_rows.date))
_DAY_ROW = RowWriter(mock_performance_history, key=["date"])
_POSITIONS_ROW = RowWriter(daily_positions, key=["day"])

_DAY = Fields(DailyValue, apart=["result"], day="date", total_value="portfolio_value", cash="cash_balance")
_RESULT = Fields(DayResult, pnl="daily_pnl", percent="daily_return", cumulative_percent="cumulative_return")


class DatabaseDays:
    """The port ``Days`` on a database."""

    def __init__(self, connections: Connections, row: PortfolioRow) -> None:
        self._connections = connections
        self._row = row

    async def values(self, portfolio_id: int, *, since: date) -> Sequence[DailyValue]:
        """Return the recorded days from ``since`` on, oldest first."""
        self._row.id_for(portfolio_id)

        async def read(session: Session) -> Sequence[DailyValue]:
            [rows] = await session.execute(_SINCE.on(session.dialect, since=since))
            return [daily_value_from_row(row) for row in rows]

        return await self._connections.read(read)

    async def positions(self, portfolio_id: int, days: Collection[date]) -> Mapping[date, DayPositions]:
        """Return what was held on these days; absent where it was not recorded."""
        self._row.id_for(portfolio_id)
        c = daily_positions.c
        rows = await self._connections.rows(select(daily_positions).where(c.day.in_(sorted(days))))
        return {row.day: day_positions_from_json(row.positions) for row in rows}

    async def write(self, portfolio_id: int, days: Sequence[FilledDay]) -> None:
        """Store days that are over, in the place of what was recorded on them.

        Raises:
            PortfolioMissing: there is no such portfolio yet.
            LedgerUnavailable: the database did not take it; nothing was written.
        """

        async def write(session: Session) -> None:
            row = await self._row.get(session, portfolio_id, lock=True)
            await _write_final(session, {day.value.day: day for day in days})
            await session.run(BUMP.where(mock_portfolio.c.id == row.id))

        await self._connections.write(write)


async def write_day(session: Session, portfolio: Portfolio, day: date) -> None:
    """Write what the portfolio is worth on ``day``; nothing once a later day has begun."""
    newest = _HISTORY.order_by(_rows.date.desc()).limit(2)
    rows = (await session.run(newest)).all()
    if rows and rows[0].date > day:
        return
    value = daily_value(portfolio, day)
    before = next((daily_value_from_row(row) for row in rows if row.date < day), None)
    before = before and await _before(session, before, value)
    assert value.measured is not None
    result = day_result(value.measured, flow_since(before, value.measured.net_deposits), before)
    columns = _columns(value, len(portfolio.open_positions), result)
    today = next((row for row in rows if row.date == day), None)
    if today is not None:
        columns["id"] = today.id
    await _write(session, columns, positions_of(portfolio))


async def _write_final(session: Session, days: Mapping[date, FilledDay]) -> None:
    """Write days that are over, and correct the results of the rows after them."""
    first, last = min(days), max(days)
    earlier = (await session.run(_HISTORY.where(_rows.date < first).order_by(_rows.date.desc()).limit(1))).first()
    known = {row.date: row for row in await session.run(_HISTORY.where(_rows.date >= first, _rows.date <= last))}
    after = (await session.run(_HISTORY.where(_rows.date > last).order_by(_rows.date).limit(1))).first()
    if after is not None:
        known[after.date] = after
    before = earlier and await _before(session, daily_value_from_row(earlier), days[first].value)
    values = {day: made.value for day, made in days.items()}
    results = results_with_final(values, {day: daily_value_from_row(row) for day, row in known.items()}, before)
    for day, result in results.items():
        if day in days:
            columns = _columns(days[day].value, days[day].num_positions, result)
            if day in known:
                columns["id"] = known[day].id
            await _write(session, columns, days[day].positions)
        else:
            corrected = _RESULT.values(result)
            await session.run(update(mock_performance_history).where(_rows.id == known[day].id).values(**corrected))


async def _write(session: Session, columns: Values, positions: DayPositions | None) -> None:
    statements = _DAY_ROW.on(session.dialect, [columns])
    if positions is not None:
        row = {"day": columns["date"], "positions": day_positions_to_json(positions)}
        statements += _POSITIONS_ROW.on(session.dialect, [row])
    await session.execute(*statements)


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
    since, until = (datetime.combine(on, time(), UTC) + timedelta(days=1) for on in (row.day, value.day))
    paid = select(c.net_deposits_delta).where(
        c.kind != CashTransactionKind.BASELINE.value, c.moved_at >= since, c.moved_at < until
    )
    total = sum((Money(paid_in.net_deposits_delta) for paid_in in await session.run(paid)), Money.zero())
    assert value.net_deposits is not None
    return replace(row, net_deposits=value.net_deposits - total)


def daily_value_from_row(row: Any) -> DailyValue:
    """Return a recorded day; without sums where the row is from before the adoption."""
    return _DAY.record(row, result=_RESULT.record(row))


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
    return {
        Symbol(code): PositionOnDay(
            quantity=Quantity(Decimal(quantity)),
            market_value=Money(Decimal(value)),
            cost_basis=Money(Decimal(cost)),
            realized_pnl=Money(Decimal(realized)),
            is_priced=is_priced,
        )
        for code, (quantity, value, cost, realized, is_priced) in json.loads(text).items()
    }
