"""Today's row of the performance history, kept current until midnight UTC and final after it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from portfolio.adapters.database.bulk import upsert_rows
from portfolio.adapters.database.engine import Session
from portfolio.adapters.database.mapping import percent
from portfolio.adapters.database.mapping_positions import Values
from portfolio.adapters.database.tables import cash_movements, mock_performance_history
from portfolio.domain.money import EXACT
from portfolio.domain.movement import MovementKind
from portfolio.domain.portfolio import Portfolio

_ONE, _HUNDRED = Decimal(1), Decimal(100)

days = mock_performance_history.c


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
    update = [name for name in values if name not in {"id", "date"}]
    await upsert_rows(session, mock_performance_history, [values], key=["date"], update=update)


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


def _results(values: Values, before: Any | None, flow: Decimal) -> Values:
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
    linked = EXACT.multiply(
        _ONE + EXACT.divide(before.cumulative_return or Decimal(0), _HUNDRED), _ONE + EXACT.divide(daily, _HUNDRED)
    )
    return {"daily_pnl": pnl, "daily_return": daily, "cumulative_return": percent(linked - _ONE, _ONE)}


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
