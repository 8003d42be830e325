"""What the pages of positions show: the table of all, and one asset with its figures, its closes and its trades."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal, get_args

import msgspec

from portfolio.application.ledger.records import BookedTrade
from portfolio.application.prices.identity import realized_beside
from portfolio.application.prices.position_history import PositionHistory
from portfolio.application.prices.small_positions import SmallPositions, sift
from portfolio.application.prices.valuation import PositionValue, Valuation
from portfolio.domain.decimal_text import counted
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import Money
from portfolio.entrypoints.charts import DOLLARS, Frame, Level, Marker, Scale, Series, line_chart
from portfolio.entrypoints.charts import Side as Way
from portfolio.entrypoints.http.ledger.answers import PositionView
from portfolio.entrypoints.http.pages.frame.figures import About, Cell, Chart, Figure, FigureOf, Term
from portfolio.entrypoints.http.pages.frame.formats import Kind

AVERAGE_COST: Final = "average cost, fees included, at the newest believed price"

SortName = Literal[
    "symbol", "category", "quantity", "price", "value", "share", "cost", "result", "result_percent", "realized", "age"
]
OrderName = Literal["asc", "desc"]
TEXTS: Final = frozenset({"symbol", "category"})


class Column(msgspec.Struct, frozen=True):
    """A column of the table: by what it is sorted, its heading, and of a number the field and the kind."""

    sort: str
    label: str
    field: str = ""
    kind: Kind | None = None

    @property
    def is_own(self) -> bool:
        """Return whether it has amounts of the own books, which a private page leaves out."""
        return self.kind is not None and self.kind.is_own


COLUMNS: Final[Sequence[Column]] = (
    Column("symbol", "Asset"),
    Column("category", "Category"),
    Column("quantity", "Quantity", "quantity", Kind.QUANTITY),
    Column("price", "Price", "current_price", Kind.PRICE),
    Column("value", "Market value", "market_value", Kind.MONEY),
    Column("share", "Share", "allocation_percent", Kind.PERCENT),
    Column("cost", "Cost basis", "cost_basis", Kind.COST),
    Column("result", "Unrealized", "unrealized_pnl", Kind.RESULT),
    Column("result_percent", "Unrealized, %", "unrealized_pnl_percent", Kind.CHANGE),
    Column("realized", "Realized", "realized_pnl", Kind.RESULT),
    Column("age", "Age of the price"),
)
FIGURES: Final[Mapping[str, About]] = {
    "market_value": ("Market value", Kind.MONEY, "Quantity times price; the cost where no price is known."),
    "allocation_percent": ("Share of the total value", Kind.PERCENT, "The market value in percent of the total value."),
    "unrealized_pnl": ("Unrealized result", Kind.RESULT, "The market value less the cost basis."),
    "unrealized_pnl_percent": ("Unrealized result, percent", Kind.CHANGE, "In percent of the cost basis."),
    "realized_pnl": (
        "Realized result",
        Kind.RESULT,
        "What sales brought, less their share of the cost basis; with income and losses.",
    ),
    "quantity": ("Quantity", Kind.QUANTITY, "Bought less sold, and what events and other programs moved."),
    "current_price": ("Price", Kind.PRICE, "The newest believed price."),
    "cost_basis": ("Cost basis", Kind.COST, "What the quantity held cost, fees included."),
    "avg_entry_price": ("Average entry price", Kind.PAID, "What the quantity held cost, without fees, for one unit."),
    "break_even_price": ("Break-even price", Kind.PAID, "A sale of all at it, free of fees, brings the cost back."),
}
_LEAST: Final = Decimal("-Infinity")
_KEYS: Final[dict[str, Callable[[PositionValue], Any]]] = {
    "symbol": lambda value: value.position.symbol.code,
    "category": lambda value: (value.category, value.position.symbol.code),
    "quantity": lambda value: value.position.quantity.value,
    "price": lambda value: value.position.mark.price.value if value.position.mark else _LEAST,
    "value": lambda value: value.position.market_value.value,
    "share": lambda value: value.position.market_value.value,
    "cost": lambda value: value.position.cost_basis.value,
    "result": lambda value: value.position.unrealized_pnl.value,
    "result_percent": lambda value: _LEAST if value.unrealized_pnl_percent is None else value.unrealized_pnl_percent,
    "realized": lambda value: value.position.realized_pnl.value,
    "age": lambda value: -1 if value.price_age_seconds is None else value.price_age_seconds,
}
assert set(_KEYS) == set(get_args(SortName)) == {column.sort for column in COLUMNS}


class Sorting(msgspec.Struct, frozen=True):
    """By what the table is sorted, and which way; numbers by the largest first, texts from A on."""

    by: str
    order: str

    @classmethod
    def of(cls, by: str | None, order: str | None) -> Sorting:
        """Return what a query asks for."""
        chosen = by or "value"
        return cls(chosen, order or _usual(chosen))

    def aria(self, column: str) -> str:
        """Return what is said of a column to those who do not see the arrow."""
        return {"asc": "ascending", "desc": "descending"}[self.order] if column == self.by else "none"

    def next_order(self, column: str) -> str:
        """Return which way a column is sorted by the next click."""
        if column != self.by:
            return _usual(column)
        return "asc" if self.order == "desc" else "desc"


def _usual(column: str) -> str:
    return "asc" if column in TEXTS else "desc"


def table_of(
    valuation: Valuation, views: Sequence[PositionView], sorting: Sorting, *, unfolded: bool
) -> tuple[Sequence[PositionView], SmallPositions | None]:
    """Return the rows of the table in their order, and the dust that is one row below them."""
    sifted = sift(valuation)
    shown = valuation.positions if unfolded else sifted.positions
    by_symbol = {view.symbol: view for view in views}
    ordered = sorted(shown, key=_KEYS[sorting.by], reverse=sorting.order == "desc")
    return [by_symbol[value.position.symbol.code] for value in ordered], None if unfolded else sifted.small


def beside_rows(portfolio: Portfolio) -> list[tuple[str, str, Money]]:
    """Return what was realized by no position that is held: with the rows of the table it adds up to their sum."""
    beside = realized_beside(portfolio)
    closed = counted(beside.closed_count, "closed position")
    rows = [(closed, "held no more", beside.closed), ("No asset", "interest, charges, adjustments", beside.adjustments)]
    return [row for row in rows if row[-1]]


def position_figures(view: PositionView, as_of: datetime) -> list[Figure]:
    """Return the figures of one position."""
    quantity = Term("Quantity", view.quantity, Kind.QUANTITY)
    worth = Term("Market value", view.market_value, Kind.MONEY)
    cost = Term("Cost basis", view.cost_basis, Kind.COST, "−")
    price = Term("Price", view.current_price, Kind.PRICE, "×", reason=view.reasons.get("current_price"))
    result = Term("Unrealized result", view.unrealized_pnl, Kind.RESULT)
    by_cost = replace(cost, sign="/")
    terms_of: dict[str, Sequence[Term]] = {
        "market_value": (quantity, price),
        "unrealized_pnl": (worth, cost),
        "unrealized_pnl_percent": (result, by_cost),
        "break_even_price": (replace(cost, sign=""), replace(quantity, sign="/")),
    }
    figure = FigureOf(FIGURES, AVERAGE_COST, as_of)
    return [figure.always(view, name, terms_of.get(name, ())) for name in FIGURES]


def closes_chart(history: PositionHistory, scale: Scale, *, private: bool) -> Chart:
    """Return the closes with the own trades on them; a private page has neither their prices nor the break-even."""
    position, symbol = history.value.position, history.value.position.symbol.code
    title = f"{symbol}: closes and own trades"
    frame = Frame("closes", title, desc="At the end of each day, UTC.", unit=DOLLARS, height=280)
    even = position.break_even_price
    closes = dict(history.closes)
    markers = [] if history.trades is None else [
        Marker(
            when=trade.executed_at,
            value=value,
            side=Way.BUY if trade.side is Side.BUY else Way.SELL,
            note=f"{trade.side.value} {trade.executed_at:%Y-%m-%d}",
        )
        for booked in reversed(history.trades)
        if (trade := _standing(booked)) is not None
        and (value := closes.get(trade.executed_at.date()) if private else trade.price.value) is not None
    ]  # fmt: skip
    return Chart.of(
        frame,
        line_chart(
            frame,
            [Series(name=symbol, points=history.closes)],
            markers=markers,
            levels=[] if private or even is None else [Level("break-even", even.value)],
            scale=scale,
        ),
        ["Day (UTC)", "Close"],
        [[day.isoformat(), Cell(close, Kind.PRICE, "no_close")] for day, close in history.closes],
        "The last one is the price of now." + (" All closes are made up." if history.simulated else ""),
    )


def _standing(booked: BookedTrade) -> Any:
    """Return a trade that was neither taken back nor takes one back; None for others."""
    if booked.entry is None or booked.reversed_by is not None or booked.entry.trade.reverses is not None:
        return None
    return booked.entry.trade
