"""The rows of the performance history: today's is kept current until midnight UTC, and final after it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
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
    DayResult,
    daily_value,
    day_result,
    flow_since,
    results_with_filled,
)
from portfolio.application.performance.records import DailyValue, DayPositions, FilledDay, PositionOnDay
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.trade_counts import TradeCounts
from portfolio.domain.money import Money, Quantity
from portfolio.domain.symbol import Symbol

_rows = mock_performance_history.c
_HISTORY = select(mock_performance_history)
_SINCE = Prepared(_HISTORY.where(_rows.date >= bindparam("since")).order_by(_rows.date))
_DAY_ROW = RowWriter(mock_performance_history, key=["date"])
_POSITIONS_ROW = RowWriter(daily_positions, key=["day"])

_DAY = Fields(
    DailyValue,
    apart=["trade_counts"],
    day="date",
    total_value="portfolio_value",
    cash="cash_balance",
    cumulative_percent="cumulative_return",
)
_COUNTS = Fields(TradeCounts)
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

    async def fill(self, portfolio_id: int, days: Sequence[FilledDay]) -> int:
        """Keep final days that nothing was recorded on; a day that has a row keeps it. Return how many were written.

        Raises:
            PortfolioMissing: there is no such portfolio yet.
            LedgerUnavailable: the database did not take it; nothing was written.
        """

        async def write(session: Session) -> int:
            row = await self._row.get(session, portfolio_id, lock=True)
            written = await _fill(session, days) if days else 0
            if written:
                await session.run(BUMP.where(mock_portfolio.c.id == row.id))
            return written

        return await self._connections.write(write)


async def write_day(session: Session, portfolio: Portfolio, day: date) -> None:
    """Write what the portfolio is worth on ``day``; nothing once a later day has begun."""
    newest = _HISTORY.order_by(_rows.date.desc()).limit(2)
    rows = (await session.run(newest)).all()
    if rows and rows[0].date > day:
        return
    before = next((daily_value_from_row(row) for row in rows if row.date < day), None)
    value = daily_value(portfolio, day)
    flow = await _net_deposits_since(session, portfolio, before)
    assert value.measured is not None
    result = day_result(value.measured, flow, before)
    columns = _columns(value, len(portfolio.open_positions), result)
    today = next((row for row in rows if row.date == day), None)
    if today is not None:
        columns["id"] = today.id
    await _write(session, columns, positions_of(portfolio))


async def _fill(session: Session, filled: Sequence[FilledDay]) -> int:
    """Write final days where there is no row, and correct the results of the rows after them; return how many."""
    wanted = {day.value.day: day for day in filled}
    first, last = min(wanted), max(wanted)
    earlier = (await session.run(_HISTORY.where(_rows.date < first).order_by(_rows.date.desc()).limit(1))).first()
    known = {row.date: row for row in await session.run(_HISTORY.where(_rows.date >= first, _rows.date <= last))}
    after = (await session.run(_HISTORY.where(_rows.date > last).order_by(_rows.date).limit(1))).first()
    if after is not None:
        known[after.date] = after
    new = {day: made_up for day, made_up in wanted.items() if day not in known}
    results = results_with_filled(
        {day: made_up.value for day, made_up in new.items()},
        {day: daily_value_from_row(row) for day, row in known.items()},
        earlier and daily_value_from_row(earlier),
    )
    for day, result in results.items():
        if day in new:
            columns = _columns(new[day].value, new[day].num_positions, result)
            await _write(session, columns, new[day].positions)
        else:
            corrected = _RESULT.values(result)
            await session.run(update(mock_performance_history).where(_rows.id == known[day].id).values(**corrected))
    return len(new)


async def _write(session: Session, columns: Values, positions: DayPositions | None) -> None:
    statements = _DAY_ROW.on(session.dialect, [columns])
    if positions is not None:
        row = {"day": columns["date"], "positions": day_positions_to_json(positions)}
        statements += _POSITIONS_ROW.on(session.dialect, [row])
    await session.execute(*statements)


def _columns(value: DailyValue, num_positions: int, result: DayResult) -> Values:
    assert value.trade_counts is not None
    return {
        **_DAY.values(value),
        **_COUNTS.values(value.trade_counts),
        "invested_amount": (value.total_value - value.cash).value,
        "num_positions": num_positions,
        **_RESULT.values(result),
    }


async def _net_deposits_since(session: Session, portfolio: Portfolio, before: DailyValue | None) -> Money:
    """Return what was paid in, net, since the row ``before``; since ever where there is none."""
    if before is None or before.net_deposits is not None:
        return flow_since(before, portfolio.net_deposits)
    # A row from before the adoption: the baseline is no payment, what came after that row's day is.
    c = cash_transactions.c
    since = datetime.combine(before.day, time(), UTC) + timedelta(days=1)
    paid = select(c.net_deposits_delta).where(
        c.portfolio_id == portfolio.id, c.kind != CashTransactionKind.BASELINE.value, c.moved_at >= since
    )
    return sum((Money(row.net_deposits_delta) for row in await session.run(paid)), Money.zero())


def daily_value_from_row(row: Any) -> DailyValue:
    """Return a recorded day; without sums where the row is from before the adoption."""
    # A day that says only a part of what had been booked says nothing.
    counts = None if None in (row.trades, row.wins, row.losses, row.gross_profit, row.gross_loss) else row
    return _DAY.record(row, trade_counts=counts and _COUNTS.record(counts))


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
