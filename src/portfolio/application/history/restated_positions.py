"""What was held at the end of restated days, with what it had cost and brought by then."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date

from portfolio.application.history.effective import EffectiveDays
from portfolio.application.history.restated import ClosesByDay, price_on
from portfolio.application.performance.days.entries import Change
from portfolio.application.performance.records import DayPositions, PositionOnDay
from portfolio.domain.money import Price, added
from portfolio.domain.symbol import Symbol


def positions_on(entries: EffectiveDays, closes: ClosesByDay, days: Collection[date]) -> dict[date, DayPositions]:
    """Return the positions at the end of days, closed ones too: their results count.

    Quantities, costs and results are sums over the entries that had taken effect, costs as they were booked. An asset
    is worth its close of the day, or of the seven days before; without one it stands at its cost. Of books that were
    opened on something nothing is known before.
    """
    first = entries.opened
    if first is None:
        return {}
    found: dict[date, DayPositions] = {}
    sums: defaultdict[Symbol, Change] = defaultdict(Change)
    moved = sorted(entries.days)
    place = 0
    for day in sorted(days):
        if day < first and entries.begins_with_positions:
            continue
        while place < len(moved) and moved[place] <= day:
            for symbol, change in entries.days[moved[place]].changes.items():
                one = sums[symbol]
                one.quantity = added(one.quantity, change.quantity)
                one.cost_basis = added(one.cost_basis, change.cost_basis)
                one.realized_pnl = added(one.realized_pnl, change.realized_pnl)
            place += 1
        found[day] = {
            symbol: _position(one, price_on(day, symbol, closes.get(symbol, {}), entries.splits)[0])
            for symbol, one in sums.items()
        }
    return found


def _position(sums: Change, price: Price | None) -> PositionOnDay:
    worth = None if price is None else sums.quantity.worth(price)
    is_priced = worth is not None or not sums.quantity
    return PositionOnDay(
        quantity=sums.quantity,
        market_value=sums.cost_basis if worth is None else worth,
        cost_basis=sums.cost_basis,
        realized_pnl=sums.realized_pnl,
        is_priced=is_priced,
    )
