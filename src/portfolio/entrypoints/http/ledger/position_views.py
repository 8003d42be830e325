"""Positions, as answers show them."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from datetime import datetime
from decimal import Decimal

from portfolio.application.prices.valuation import PositionValue, Valuation
from portfolio.domain.money import Price
from portfolio.entrypoints.http.ledger.answers import PositionView
from portfolio.entrypoints.http.shell.numbers import number, number_or_null


def position_view(value: PositionValue, *, updated_at: datetime | None = None) -> PositionView:
    """Return a position at its price; ``updated_at`` is for one that is not read back yet."""
    position, mark = value.position, value.position.mark
    break_even, unrealized_percent = position.break_even_price, value.unrealized_pnl_percent
    return PositionView(
        symbol=position.symbol.code,
        quantity=number(position.quantity),
        avg_entry_price=number_or_null(position.avg_entry_price),
        break_even_price=number_or_null(break_even),
        current_price=number_or_null(mark.price if mark else None),
        market_value=number(position.market_value),
        cost_basis=number(position.cost_basis),
        unrealized_pnl=number(position.unrealized_pnl),
        unrealized_pnl_percent=number_or_null(unrealized_percent),
        realized_pnl=number(position.realized_pnl),
        allocation_percent=number_or_null(value.allocation_percent),
        category=value.category,
        price_source=mark.source if mark else None,
        price_age_seconds=value.price_age_seconds,
        price_status=value.price_status.value,
        last_updated=updated_at or position.updated_at,
        reasons=_position_reasons(value, break_even, unrealized_percent),
    )


class PositionViews:
    """Makes the views of positions. Of one that is as it was before, only the share and the age are made anew."""

    def __init__(self) -> None:
        self._values: Mapping[str, PositionValue] = {}
        self._views: Mapping[str, PositionView] = {}

    def __call__(self, valuation: Valuation) -> list[PositionView]:
        """Return the views of the open positions, by symbol."""
        values = {value.position.symbol.code: value for value in valuation.positions}
        views = {code: _view(value, self._values.get(code), self._views.get(code)) for code, value in values.items()}
        self._values, self._views = values, views  # both or none: the views are those of the values
        return list(views.values())


def _view(value: PositionValue, before: PositionValue | None, view: PositionView | None) -> PositionView:
    if before is None or view is None:
        return position_view(value)
    if before.position is not value.position or before.price_status is not value.price_status:
        return position_view(value)
    # A copy: an answer that is still in the making has the views of its own moment.
    view = copy(view)
    view.price_age_seconds = value.price_age_seconds
    if before.allocation_percent != value.allocation_percent:
        if before.allocation_percent is None or value.allocation_percent is None:
            return position_view(value)
        view.allocation_percent = number(value.allocation_percent)
    return view


def _position_reasons(
    value: PositionValue, break_even: Price | None, unrealized_percent: Decimal | None
) -> dict[str, str]:
    position, reasons = value.position, {}
    # What came for nothing has no average price: zero means none, in the columns that other programs read.
    is_free = not position.asset_cost and position.quantity == position.ledger_quantity
    why = ("cost_zero" if is_free else "cost_unknown") if position.is_open else "closed"
    if position.avg_entry_price is None:
        reasons["avg_entry_price"] = why
    if break_even is None:
        reasons["break_even_price"] = why
    if position.mark is None:
        reasons["current_price"] = reasons["price_source"] = reasons["price_age_seconds"] = "no_price"
    if unrealized_percent is None:
        reasons["unrealized_pnl_percent"] = "no_cost_basis"
    if value.allocation_percent is None:
        reasons["allocation_percent"] = "no_total_value"
    return reasons
