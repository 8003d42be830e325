"""Positions, as answers show them."""

from __future__ import annotations

from copy import copy
from datetime import datetime

from portfolio.application.prices.valuation import PositionValue, PriceStatus, Valuation
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.money import Price
from portfolio.entrypoints.http.ledger.answers import PositionView
from portfolio.entrypoints.http.shell.numbers import number, number_or_null


def position_view(value: PositionValue, *, updated_at: datetime | None = None) -> PositionView:
    """Return a position at its price; ``updated_at`` is for one that is not read back yet."""
    position, mark = value.position, value.position.mark
    break_even = position.break_even_price
    return PositionView(
        symbol=position.symbol.code,
        quantity=number(position.quantity),
        avg_entry_price=number_or_null(position.avg_entry_price),
        break_even_price=number_or_null(break_even),
        current_price=number_or_null(mark.price if mark else None),
        market_value=number(value.market_value),
        cost_basis=number(position.cost_basis),
        unrealized_pnl=number(value.unrealized_pnl),
        unrealized_pnl_percent=number_or_null(value.unrealized_pnl_percent),
        realized_pnl=number(position.realized_pnl),
        allocation_percent=number_or_null(value.allocation_percent),
        category=value.category,
        price_source=mark.source if mark else None,
        price_age_seconds=value.price_age_seconds,
        price_status=value.price_status.value,
        last_updated=updated_at or position.updated_at,
        reasons=_position_reasons(value, break_even),
    )


class PositionViews:
    """The views of a portfolio's positions, made once: while no status changes, ages alone are made anew."""

    def __init__(self) -> None:
        self._portfolio: Portfolio | None = None
        self._statuses: tuple[PriceStatus, ...] = ()
        self._views: list[PositionView] = []

    def __call__(self, valuation: Valuation) -> list[PositionView]:
        """Return the views of the open positions, by symbol."""
        statuses = valuation.statuses
        if self._portfolio is not valuation.portfolio or self._statuses != statuses:
            self._views = [position_view(value) for value in valuation.positions]
            self._portfolio, self._statuses = valuation.portfolio, statuses
        # Copies: an answer that is still in the making has the views of its own moment.
        views = list(map(copy, self._views))
        for view, value in zip(views, valuation.positions, strict=True):
            view.price_age_seconds = value.price_age_seconds
        return views


def _position_reasons(value: PositionValue, break_even: Price | None) -> dict[str, str]:
    position, reasons = value.position, {}
    if position.avg_entry_price is None:
        reasons["avg_entry_price"] = "cost_unknown" if position.is_open else "closed"
    if break_even is None:
        reasons["break_even_price"] = "cost_unknown" if position.is_open else "closed"
    if position.mark is None:
        reasons["current_price"] = reasons["price_source"] = reasons["price_age_seconds"] = "no_price"
    if value.unrealized_pnl_percent is None:
        reasons["unrealized_pnl_percent"] = "no_cost_basis"
    if value.allocation_percent is None:
        reasons["allocation_percent"] = "no_total_value"
    return reasons
