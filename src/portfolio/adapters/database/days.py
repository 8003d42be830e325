"""Today's row of the performance history, kept current until midnight UTC and final after it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from sqlalchemy import select, update

from portfolio.adapters.database.bulk import upsert_rows
from portfolio.adapters.database.mapping import percent
from portfolio.adapters.database.mapping_positions import Values
from portfolio.adapters.database.mapping_records import day_positions_from_json, day_positions_to_json
from portfolio.adapters.database.session import Session
from portfolio.adapters.database.tables import cash_movements, daily_positions, mock_performance_history
from portfolio.application.daily_positions import DayPositions, FilledDay, positions_of
from portfolio.domain.money import EXACT
from portfolio.domain.movement import MovementKind
from portfolio.domain.portfolio import Portfolio

_ONE, _HUNDRED = Decimal(1), Decimal(100)

days = mock_performance_history.c

_HISTORY = select(mock_performance_history)


async def write_day(session: Session, portfolio: Portfolio, day: date) -> None:
    """Write what the portfolio is worth on ``day``; nothing once a later day has begun."""
    newest = select(mock_performance_history).order_by(days.date.desc()).limit(2)
    rows = (await session.run(newest)).all()
    if rows and rows[0].date > day:
        return
    before = next((row for row in rows if row.date < day), None)
    values = _sums(portfolio, day)
    flow = await _net_deposits_since(session, portfolio, before)
    values |= _results(values, before, flow)
    today = next((row for row in rows if row.date == day), None)
    if today is not None:
        values["id"] = today.id
    await _write(session, values)
    await _write_positions(session, day, positions_of(portfolio))


async def fill_days(session: Session, filled: Sequence[FilledDay]) -> int:
    """Write final days where there is no row, and correct the results of the rows after them; return how many."""
    if not filled:
        return 0
    wanted = {day.value.day: day for day in filled}
    first, last = min(wanted), max(wanted)
    before = (await session.run(_HISTORY.where(days.date < first).order_by(days.date.desc()).limit(1))).first()
    rows = (await session.run(_HISTORY.where(days.date >= first, days.date <= last).order_by(days.date))).all()
    known = {row.date: row for row in rows}
    after = (await session.run(_HISTORY.where(days.date > last).order_by(days.date).limit(1))).first()
    if after is not None:
        known[after.date] = after
    written, is_after_filled = 0, False
    for day in sorted({*wanted, *known}):
        row: Any = known.get(day)
        if row is None:
            values = _filled(wanted[day])
            values |= _results(values, before, _flow(values, before))
            await _write(session, values)
            positions = wanted[day].positions
            if positions is not None:
                await _write_positions(session, day, positions)
            row = SimpleNamespace(**values)
            written, is_after_filled = written + 1, True
        elif is_after_filled:
            if row.unit_value is not None and row.net_deposits is not None:
                values = row._asdict()
                results = _results(values, before, _flow(values, before))
                del results["cumulative_return"]  # linked over the gap already
                await session.run(update(mock_performance_history).where(days.id == row.id).values(**results))
            is_after_filled = False
        before = row
    return written


async def read_positions(session: Session, wanted: Collection[date]) -> dict[date, DayPositions]:
    """Return what was held on these days; absent where it was not recorded."""
    c = daily_positions.c
    rows = await session.run(select(daily_positions).where(c.day.in_(sorted(wanted))))
    return {row.day: day_positions_from_json(row.positions) for row in rows}


async def _write(session: Session, values: Values) -> None:
    columns = [name for name in values if name not in {"id", "date"}]
    await upsert_rows(session, mock_performance_history, [values], key=["date"], update=columns)


async def _write_positions(session: Session, day: date, positions: DayPositions) -> None:
    row = {"day": day, "positions": day_positions_to_json(positions)}
    await upsert_rows(session, daily_positions, [row], key=["day"], update=["positions"])


def _filled(day: FilledDay) -> Values:
    value = day.value
    assert value.net_deposits is not None
    assert value.realized_pnl is not None
    assert value.gross_profit is not None
    assert value.gross_loss is not None
    return {
        "date": value.day,
        "portfolio_value": value.total_value.value,
        "cash_balance": value.cash.value,
        "invested_amount": (value.total_value - value.cash).value,
        "num_positions": day.num_positions,
        "unit_value": value.unit_value,
        "net_deposits": value.net_deposits.value,
        "realized_pnl": value.realized_pnl.value,
        "trades": value.trades,
        "wins": value.wins,
        "losses": value.losses,
        "gross_profit": value.gross_profit.value,
        "gross_loss": value.gross_loss.value,
    }


def _flow(values: Mapping[str, Any], before: Any | None) -> Decimal:
    """Return what was paid in, net, since a row that this service wrote."""
    so_far = before.net_deposits if before is not None and before.net_deposits is not None else Decimal(0)
    return EXACT.subtract(values["net_deposits"], so_far)


def _sums(portfolio: Portfolio, day: date) -> Values:
    tally = portfolio.tally
    return {
        "date": day,
        "portfolio_value": portfolio.total_value.value,
        "cash_balance": portfolio.cash.value,
        "invested_amount": portfolio.invested.value,
        "num_positions": len(portfolio.open_positions),
        "unit_value": portfolio.units.value(portfolio.total_value),
        "net_deposits": portfolio.net_deposits.value,
        "realized_pnl": portfolio.realized_pnl.value,
        "trades": tally.trades,
        "wins": tally.wins,
        "losses": tally.losses,
        "gross_profit": tally.gross_profit.value,
        "gross_loss": tally.gross_loss.value,
    }


def _results(values: Mapping[str, Any], before: Any | None, flow: Decimal) -> Values:
    """Return the day's result in money and percent, and all days' in percent, linked to those of before."""
    value, unit_value = values["portfolio_value"], values["unit_value"]
    if before is None:
        grown = percent(EXACT.subtract(unit_value, _ONE), _ONE)
        return {"daily_pnl": EXACT.subtract(value, flow), "daily_return": grown, "cumulative_return": grown}
    pnl = EXACT.subtract(EXACT.subtract(value, before.portfolio_value), flow)
    if before.unit_value is not None:
        daily = percent(EXACT.subtract(unit_value, before.unit_value), before.unit_value)
    else:
        daily = percent(pnl, before.portfolio_value)
    linked = EXACT.multiply(_grown(before.cumulative_return or Decimal(0)), _grown(daily))
    return {"daily_pnl": pnl, "daily_return": daily, "cumulative_return": percent(EXACT.subtract(linked, _ONE), _ONE)}


def _grown(by_percent: Decimal) -> Decimal:
    return EXACT.add(_ONE, EXACT.divide(by_percent, _HUNDRED))


async def _net_deposits_since(session: Session, portfolio: Portfolio, before: Any | None) -> Decimal:
    """Return what was paid in, net, since the row ``before``; since ever where there is none."""
    if before is None:
        return portfolio.net_deposits.value
    if before.net_deposits is not None:
        return EXACT.subtract(portfolio.net_deposits.value, before.net_deposits)
    # A row from before the adoption: the baseline is no payment, what came after that row's day is.
    c = cash_movements.c
    since = datetime.combine(before.date, time(), UTC) + timedelta(days=1)
    paid = select(c.net_deposits_delta).where(
        c.portfolio_id == portfolio.id, c.kind != MovementKind.BASELINE.value, c.moved_at >= since
    )
    total = Decimal(0)
    for row in await session.run(paid):
        total = EXACT.add(total, row.net_deposits_delta)
    return total
