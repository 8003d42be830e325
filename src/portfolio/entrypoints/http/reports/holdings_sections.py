"""The sections about what there is: the identity, contributions, weights, what a bad day costs, and correlation."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from portfolio.application.performance.timeframes import Timeframe
from portfolio.application.prices.identity import identity_of
from portfolio.application.prices.valuation import PositionValue, Valuation
from portfolio.application.risk.correlation import average_of, correlation_of, largest_correlations_of
from portfolio.application.risk.state import MarketState
from portfolio.application.risk.value_at_risk import value_at_risk_of
from portfolio.application.risk.volatility import asset_volatilities_of, volatility_of
from portfolio.domain.mark import Mark
from portfolio.domain.money import Money, percent_of
from portfolio.entrypoints.charts import (
    DOLLARS,
    PERCENT,
    Bar,
    Frame,
    Group,
    Step,
    Tile,
    bar_chart,
    heat_cell,
    treemap,
    waterfall_chart,
)
from portfolio.entrypoints.http.pages.frame.figures import Cell
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.pages.frame.reasons import in_words
from portfolio.entrypoints.http.pages.words import PARTS
from portfolio.entrypoints.http.reports.content import Drawing, Entry, Line, Section, Table, left_out, moment_text
from portfolio.entrypoints.http.risk.answers import LossView, TailView
from portfolio.entrypoints.http.shell.numbers import ratio
from portfolio.entrypoints.http.views import view

MOST_POSITIONS: Final = 50
MOST_CONTRIBUTIONS: Final = 20
MOST_CORRELATED: Final = 15  # as many as fit on paper
MOST_BARS: Final = 15
CASH: Final = "cash"


def identity(valuation: Valuation, *, private: bool) -> Section:
    """Return what the total value is made of: in dollars, of a private report in percent of it."""
    found, cash = identity_of(valuation), valuation.portfolio.cash
    lines = [
        Line("total_value", "Total value", found.total, Kind.MONEY),
        *(Line(part.name, PARTS[part.name], part.amount, Kind.MONEY) for part in found.parts),
        Line("cash_balance", "Cash", cash, Kind.MONEY),
        Line("cash_percent", "Cash, share of the total", percent_of(cash, found.total), Kind.PERCENT, "no_total_value"),
    ]
    bar = Frame("identity-bar", "What the total value is made of", unit=PERCENT if private else DOLLARS)
    steps = [Step(PARTS[part.name], part.percent if private else part.amount.value) for part in found.parts]
    whole = percent_of(found.total, found.total) if private else found.total.value
    drawn = waterfall_chart(bar, [*steps, Step("Total value", whole, is_total=True)])
    note = "Net deposits + realized + unrealized + unreconciled = total value, to the last digit."
    return Section("identity", "What there is", [note], lines, [Drawing(bar.title, drawn, has_amounts=not private)])


def contributions(frame: Timeframe) -> Section:
    """Return which positions the result of the period is of."""
    found = frame.attribution
    if found is None:
        return Section("contributions", "Contributions", [f"Not known: {in_words(frame.unattributed)}."])
    ordered = sorted(found.contributions, key=lambda one: (-_size(one.money), one.symbol))
    rows: list[list[Entry]] = [
        [
            one.symbol.code,
            Cell(one.percent, Kind.CHANGE, one.reasons.get("percent")),
            Cell(one.money, Kind.RESULT, one.reasons.get("money")),
        ]
        for one in ordered[:MOST_POSITIONS]
    ]
    rows.append(["other effects", "", Cell(found.other, Kind.RESULT)])
    rest = [one.percent for one in ordered[MOST_CONTRIBUTIONS:] if one.percent is not None]
    steps = [Step(one.symbol.code, one.percent) for one in ordered[:MOST_CONTRIBUTIONS]]
    if len(ordered) > MOST_CONTRIBUTIONS:
        steps.append(Step(f"{len(ordered) - MOST_CONTRIBUTIONS} more", sum(rest, Decimal(0))))
    bar = Frame("contributions-bar", "Contributions, of the value at the start", unit=PERCENT)
    note = "By how much each position's realized and unrealized result grew, fees included."
    more = left_out(len(ordered), MOST_POSITIONS, "position")
    table = Table("Contributions", ["Position", "Of the value at the start", "Result"], rows, more)
    drawn = Drawing(bar.title, waterfall_chart(bar, steps))
    return Section("contributions", "Contributions", [note], drawings=[drawn], tables=[table])


def weights(state: MarketState) -> Section:
    """Return what is held: shares of the total value, categories, and each position's part in the risk."""
    held = sorted(state.valuation.positions, key=lambda one: (-_size(one.position.market_value), one.position.symbol))
    groups: dict[str, list[Tile]] = {}
    for one in held:
        if one.allocation_percent is not None:
            tile = Tile(one.position.symbol.code, one.allocation_percent, PERCENT.text(one.allocation_percent))
            groups.setdefault(one.category, []).append(tile)
    cash = percent_of(state.valuation.portfolio.cash, state.valuation.total_value)
    if cash is not None:
        groups[CASH] = [Tile("USD", cash, PERCENT.text(cash))]
    map_frame = Frame("holdings", "Holdings by category, of the total value", unit=PERCENT, height=280)
    drawn = treemap(map_frame, [Group(name.replace("_", " "), tiles) for name, tiles in groups.items()])
    drawings = [Drawing(map_frame.title, drawn), _risk_bars(state)]
    return Section("weights", "Weights", lines=_volatility_lines(state), drawings=drawings, tables=[_positions(held)])


def _volatility_lines(state: MarketState) -> list[Line]:
    found = volatility_of(state)
    told = (
        ("portfolio_volatility", "Volatility at today's weights", found.portfolio_volatility, Kind.FRACTION),
        ("diversification_ratio", "Diversification ratio", found.diversification_ratio, Kind.RATIO),
    )
    return [Line(name, label, ratio(one.value), kind, one.reason) for name, label, one, kind in told]


def _risk_bars(state: MarketState) -> Drawing:
    frame = Frame("risk-beside-weight", "Weight, and part in the risk", unit=PERCENT)
    assets = sorted(asset_volatilities_of(state), key=lambda one: (-(one.allocation_percent or 0), one.symbol))
    bars = [Bar(one.symbol, (one.allocation_percent, one.risk_contribution_percent)) for one in assets[:MOST_BARS]]
    return Drawing(frame.title, bar_chart(frame, ["weight", "part in the risk"], bars))


def _positions(held: Sequence[PositionValue]) -> Table:
    rows: list[list[Entry]] = []
    for one in held[:MOST_POSITIONS]:
        position, mark = one.position, one.position.mark
        rows.append(
            [
                position.symbol.code,
                one.category.replace("_", " "),
                Cell(one.allocation_percent, Kind.PERCENT, "no_total_value"),
                _price(mark),
                f"{mark.source}, {moment_text(mark.at)}" if mark else "none",
                Cell(position.quantity, Kind.QUANTITY),
                Cell(position.market_value, Kind.MONEY),
                Cell(position.cost_basis, Kind.COST),
                Cell(position.unrealized_pnl, Kind.RESULT),
                Cell(one.unrealized_pnl_percent, Kind.CHANGE, "no_cost_basis"),
            ]
        )
    return Table("Positions", _OF_POSITIONS, rows, left_out(len(held), MOST_POSITIONS, "position"))


_OF_POSITIONS: Final = (
    "Position", "Category", "Weight", "Price", "Source and time", "Quantity", "Value", "Cost", "Unrealized",
    "Unrealized, of the cost",
)  # fmt: skip
_LOSSES: Final = (
    ("value_at_risk", Kind.FRACTION),
    ("conditional_value_at_risk", Kind.FRACTION),
    ("value_at_risk_amount", Kind.MONEY),
    ("conditional_value_at_risk_amount", Kind.MONEY),
)


def value_at_risk(state: MarketState, days: int) -> Section:
    """Return what a bad day costs at today's weights, three ways."""
    report = value_at_risk_of(state, days)
    found = view(TailView, report, state, state.closes, lookback_days=days, backtest_95=None, backtest_99=None)
    rows: list[list[Entry]] = []
    for at in (found.confidence_95, found.confidence_99):
        for way in ("historical", "normal", "cornish_fisher"):
            loss: LossView = getattr(at, way)
            cells = [Cell(getattr(loss, name), kind, loss.reasons.get(name)) for name, kind in _LOSSES]
            rows.append([f"{way.replace('_', '-').capitalize()}, {bytes(at.confidence).decode()}", *cells])
    columns = ["Way and confidence", "Value at risk", "Conditional", "Value at risk, dollars", "Conditional, dollars"]
    note = "Losses of one day, of today's weights over the days of the period; above zero is a loss."
    return Section("value-at-risk", "Value at risk", [note], tables=[Table("Value at risk", columns, rows)])


def correlation(state: MarketState) -> Section:
    """Return how the largest positions move together."""
    found, average = largest_correlations_of(state, MOST_CORRELATED), average_of(state)
    symbols = found.symbols
    rows: list[list[Entry]] = [
        [one, *(heat_cell(found.between(one, other), 1) for other in symbols)] for one in symbols
    ]
    pairs = correlation_of(state).high_pairs
    high: list[list[Entry]] = [
        [" and ".join(pair.symbols), Cell(ratio(pair.correlation), Kind.RATIO), str(pair.common_days)]
        for pair in pairs[:MOST_POSITIONS]
    ]
    more = left_out(len(symbols) + found.left_out, MOST_CORRELATED, "position")
    columns, more_pairs = ["Pair", "Correlation", "Common days"], left_out(len(pairs), MOST_POSITIONS, "pair")
    tables = [
        Table("Correlation of daily returns", ["", *symbols], rows, more),
        Table("Pairs above the policy's bound", columns, high, more_pairs),
    ]
    line = Line("average_correlation", "Average correlation", ratio(average.value), Kind.RATIO, average.reason)
    return Section("correlation", "Correlation", lines=[line], tables=[table for table in tables if table.rows])


def _price(mark: Mark | None) -> Cell:
    """Return the price of a position: the market's, or that of an own execution, which is an amount of the books."""
    if mark is None:
        return Cell(None, Kind.PRICE, "no_price")
    return Cell(mark.price.value, Kind.PAID if mark.is_execution else Kind.PRICE)


def _size(money: Money | None) -> Decimal:
    return money.value.copy_abs() if money is not None else Decimal(0)
