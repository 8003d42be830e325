"""What is answered about the books as they were. Names are those of the books as they are, so far as they are there."""

from __future__ import annotations

from datetime import date

import msgspec

from portfolio.application.history.past import PastBooks
from portfolio.entrypoints.http.shell.numbers import Number
from portfolio.entrypoints.http.shell.responses import Answer, Moment, Reasons, SymbolCode
from portfolio.entrypoints.http.views import view


class PastPositionView(msgspec.Struct, kw_only=True):
    """What was held of an asset; `current_price` is the close of the day of `as_of`."""

    symbol: SymbolCode
    quantity: Number
    current_price: Number | None
    market_value: Number | None
    cost_basis: Number
    unrealized_pnl: Number | None
    realized_pnl: Number


class PastPortfolioView(msgspec.Struct, kw_only=True):
    """The books as of a moment: what had taken effect until then, whenever it was booked.

    By the entries alone: cash_balance + cost_basis = net_deposits + realized_pnl. What nobody knows is null.
    """

    total_value: Number | None
    cash_balance: Number
    invested_amount: Number | None
    cost_basis: Number
    unrealized_pnl: Number | None
    realized_pnl: Number
    total_pnl: Number | None
    fees_paid: Number
    net_deposits: Number
    num_positions: int
    positions: list[PastPositionView]
    as_of: Moment
    priced_on: date
    revision: int
    complete: bool
    reasons: Reasons


class PastPortfolioAnswer(Answer, kw_only=True):
    """The portfolio as of a moment."""

    portfolio: PastPortfolioView


class PastPositionsAnswer(Answer, kw_only=True):
    """What was held at a moment, by symbol."""

    positions: list[PastPositionView]
    count: int
    as_of: Moment
    priced_on: date
    revision: int
    complete: bool


def past_positions(books: PastBooks) -> list[PastPositionView]:
    """Return what was held."""
    return [view(PastPositionView, one, current_price=one.price) for one in books.positions]


def past_portfolio(books: PastBooks) -> PastPortfolioView:
    """Return the books as they were; ``reasons`` names the sums that lack a close."""
    lacking = ("total_value", "invested_amount", "unrealized_pnl", "total_pnl") if books.total_value is None else ()
    return view(
        PastPortfolioView,
        books,
        num_positions=sum(bool(one.quantity) for one in books.positions),
        positions=past_positions(books),
        complete=books.is_complete,
        reasons=dict.fromkeys(lacking, "no_close"),
    )
