"""What the first page shows: key figures, the identity, holdings by category, alerts, the newest entries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from portfolio.application.ledger.cash_records import RecordedCashEntry
from portfolio.application.ledger.happenings.activity import ListedEntry
from portfolio.application.operations.health import Health
from portfolio.application.performance.period import of_today
from portfolio.application.performance.series.daily import DailySeries
from portfolio.application.prices.identity import Identity
from portfolio.application.prices.valuation import PositionValue, Valuation
from portfolio.application.risk.concentration import NO_TOTAL_VALUE
from portfolio.domain.decimal_text import counted, listed
from portfolio.domain.rebalancing.summary import Summary
from portfolio.entrypoints.charts import DOLLARS, PERCENT, Frame, Group, Step, Tile, treemap, waterfall_chart
from portfolio.entrypoints.http.pages.activity.form import KINDS
from portfolio.entrypoints.http.pages.frame.figures import SINCE_START, About, Cell, Chart, Figure, FigureOf, Term
from portfolio.entrypoints.http.pages.frame.filters import MOST_NAMED, Value
from portfolio.entrypoints.http.pages.frame.formats import Kind, shown
from portfolio.entrypoints.http.pages.risk.limits import health_terms
from portfolio.entrypoints.http.pages.words import PARTS, RULES, named, subject_of
from portfolio.entrypoints.http.performance.views import performance_view
from portfolio.entrypoints.http.portfolio.answers import PortfolioView

AVERAGE_COST: Final = "average cost, fees included, at the newest believed prices"
SMALL_PERCENT: Final = 3
MOST_SMALL: Final = 8
MOST_LISTED: Final = 100
FIGURES: Final[Mapping[str, About]] = {
    "total_value": ("Total value", Kind.MONEY, "Cash plus the market value of what is held."),
    "total_pnl": ("Total result", Kind.RESULT, "Realized plus unrealized result."),
    "total_pnl_percent": ("Total result, percent", Kind.CHANGE, "The total result in percent of the net deposits."),
    "unrealized_pnl": ("Unrealized result", Kind.RESULT, "The market value less the cost basis of what is held."),
    "cash_balance": (
        "Cash", Kind.MONEY,
        "Deposits less withdrawals, less what was bought, plus what was sold, fees paid; interest less charges."),
    "fees_paid": ("Fees paid", Kind.MONEY, "All fees of all trades."),
    "daily_return": ("Day change", Kind.RESULT,
                     "The change since the end of yesterday (UTC), without deposits and withdrawals."),
    "daily_return_percent": (
        "Day change, percent", Kind.CHANGE,
        "The change since the end of yesterday (UTC), without deposits and withdrawals, in percent of the unit value."),
    "health_score": (
        "Health score", Kind.NUMBER,
        ("100 points, less what the limits and the correlation take. Under 70 the score is a reason to trade; a "
         "broken limit always is.")),
}  # fmt: skip


def alerts_of(health: Health, summary: Summary) -> Iterator[Mapping[str, Any]]:
    """Yield what wants a person, the most serious first: how serious, what it is, where more is said, and an amount
    where there is one. Broken limits come before all else.
    """
    for over in sorted(summary.over, key=lambda over: -over.used_percent)[:MOST_NAMED]:
        shares = f"{shown(over.allocation, Kind.PERCENT)} of at most {shown(over.limit_allocation, Kind.PERCENT)}"
        text = f"Over the {RULES[over.rule.value]}: {subject_of(over.name.subject)}, {shares}"
        yield _alert("limit", "high", text, "/pages/rebalancing")
    if (more := len(summary.over) - MOST_NAMED) > 0:
        yield _alert("limit", "high", f"Over {counted(more, 'other limit')}", "/pages/rebalancing")
    books, operations = health.database, "/pages/operations"
    if health.unreconciled_lines:
        moved = f"Other programs moved {counted(len(health.unreconciled_lines), 'row')}"
        yield _alert("unreconciled", "high", moved, operations, health.unreconciled)
    if refused := books.refused_bookings:
        text = f"{counted(refused, 'booking')} refused"
        yield _alert("refused", "medium", text, "/pages/trades#refused")
    if unreadable := len(books.unreadable_rows):
        text = f"{counted(unreadable, 'row')} unreadable"
        yield _alert("unreadable", "medium", text, operations)
    if quarantined := health.prices.quarantined:
        text = f"Prices in quarantine: {listed(quarantined, MOST_NAMED)}"
        yield _alert("quarantined", "low", text, operations)


def _alert(name: str, severity: str, text: str, path: str, value: Value = None) -> Mapping[str, Any]:
    return {"name": name, "severity": severity, "text": text, "path": path, "value": value}


def key_figures(view: PortfolioView, series: DailySeries, *, restated: bool = False) -> list[Figure]:
    """Return the figures that are looked at first; the change of the day is that of the days of the series."""
    figure = FigureOf(FIGURES, AVERAGE_COST, view.as_of)
    worth = Term("Market value", view.invested_amount, Kind.MONEY)
    unrealized = Term("Unrealized result", view.unrealized_pnl, Kind.RESULT, "+")
    of_value = [Term("Cash", view.cash_balance, Kind.MONEY), replace(worth, sign="+")]
    of_result = [Term("Realized result", view.realized_pnl, Kind.RESULT), unrealized]
    of_unrealized = [worth, Term("Cost basis", view.cost_basis, Kind.COST, "−")]
    of_percent = [
        Term("Total result", view.total_pnl, Kind.RESULT),
        Term("Net deposits", view.net_deposits, Kind.MONEY, "/"),
    ]
    return [
        figure.of(view, "total_value", terms=of_value),
        *_day_change(view, series, restated=restated),
        figure.of(view, "total_pnl", terms=of_result, period=SINCE_START),
        figure.always(view, "total_pnl_percent", of_percent, period=SINCE_START),
        figure.of(view, "unrealized_pnl", terms=of_unrealized),
        figure.of(view, "cash_balance"),
        figure.of(view, "fees_paid", period=SINCE_START),
    ]


def _day_change(view: PortfolioView, series: DailySeries, *, restated: bool) -> Iterator[Figure]:
    """Yield the change since the end of yesterday, in dollars and in percent."""
    measured = view.performance_metrics
    if restated if measured is None else measured.basis != series.history.basis:
        # Of today alone: to measure the whole year for it took a fifth of the page.
        measured = performance_view(of_today(series.history))
    yesterday = series.days[-1] if series.days else None
    reasons = view.reasons if measured is None else measured.reasons
    why = None if measured is not None else reasons.get("performance_metrics")
    terms: Sequence[Term] = ()
    if measured is not None and measured.daily_return is not None and yesterday is not None:
        terms = [
            Term("Value now", series.today.value, Kind.MONEY),
            Term("Value at the end of yesterday", yesterday.value, Kind.MONEY, "−"),
            Term("Net deposits until now", series.today.net_deposits, Kind.MONEY, "−"),
            Term("Net deposits until yesterday", yesterday.net_deposits, Kind.MONEY, "+"),
        ]
    figure = FigureOf(FIGURES, series.convention, view.as_of)
    told: tuple[tuple[str, Sequence[Term]], ...] = (("daily_return", terms), ("daily_return_percent", ()))
    for name, of in told:
        value = None if measured is None else getattr(measured, name)
        yield figure(name, value, terms=of, reason=why or reasons.get(name), period="since midnight UTC")


def health_figure(summary: Summary, as_of: datetime, convention: str) -> Figure:
    """Return the health score with what was deducted."""
    score, figure = summary.health.score, FigureOf(FIGURES, convention, as_of)
    reason = None if score is not None else NO_TOTAL_VALUE
    return figure("health_score", score, terms=health_terms(summary), reason=reason)


def identity_chart(identity: Identity, *, private: bool) -> Chart:
    """Return what the total value is made of, as a waterfall; on a private page in shares of it."""
    steps = [
        Step(PARTS[part.name], part.percent if private else part.amount.value, is_total=part.name == "net_deposits")
        for part in identity.parts
    ]
    whole = (100 if identity.total else None) if private else identity.total.value
    title = "What the total value is made of" + (", in percent of it" if private else "")
    frame = Frame("identity", title, unit=PERCENT if private else DOLLARS)
    return Chart.of(
        frame,
        waterfall_chart(frame, [*steps, Step("Total value", whole, is_total=True)]),
        ["Part", "Share of the total value"] if private else ["Part", "Amount", "Share of the total value"],
        [
            [
                PARTS[part.name],
                *([] if private else [Cell(part.amount, Kind.RESULT)]),
                Cell(part.percent, Kind.CHANGE, NO_TOTAL_VALUE),
            ]
            for part in identity.parts
        ],
        "Net deposits + realized result + unrealized result + unreconciled = total value, to the last digit.",
    )


def holdings_chart(valuation: Valuation, *, private: bool) -> Chart:
    """Return what is held, by category, as areas; on a private page as shares of the total value."""
    groups: dict[str, list[Tile]] = defaultdict(list)
    for value in valuation.positions:
        share = value.allocation_percent
        size = share if private else value.position.market_value.value
        if size is not None:
            note = "" if share is None else shown(share, Kind.PERCENT)
            groups[value.category].append(Tile(value.position.symbol.code, size, note))
    frame = Frame("holdings", "Holdings by category", unit=PERCENT if private else DOLLARS, height=280)
    return Chart.of(
        frame,
        treemap(frame, [Group(named(name), tiles) for name, tiles in groups.items()]),
        ["Asset", "Category", "Share of the total value"] + ([] if private else ["Market value"]),
        [
            [
                value.position.symbol.code,
                named(value.category),
                Cell(value.allocation_percent, Kind.PERCENT, NO_TOTAL_VALUE),
                *([] if private else [Cell(value.position.market_value, Kind.MONEY)]),
            ]
            for value in _listed(valuation.positions)
        ],
        _small(valuation),
    )


def _listed(positions: Sequence[PositionValue]) -> Sequence[PositionValue]:
    """Return the positions that the table beneath lists: all, else the largest."""
    if len(positions) <= MOST_LISTED:
        return positions
    return sorted(positions, key=lambda value: value.position.market_value.value or 0, reverse=True)[:MOST_LISTED]


def _small(valuation: Valuation) -> str:
    """Return what a drawing of areas cannot tell: what has no room for its name."""
    shares = [(value.position.symbol.code, value.allocation_percent) for value in valuation.positions]
    small = sorted((share, code) for code, share in shares if share is not None and 0 < share < SMALL_PERCENT)[::-1]
    names = ", ".join(f"{code} {shown(share, Kind.PERCENT)}" for share, code in small[:MOST_SMALL])
    short = [one.position.symbol.code for one in valuation.positions if one.position.quantity.value < 0]
    not_drawn = f" Short, and so not drawn: {listed(short, MOST_NAMED)}." if short else ""
    words = f" Small ones: {names}{' and others' if len(small) > MOST_SMALL else ''}." if small else ""
    few = f" The table has the {MOST_LISTED} largest of {len(shares):,}." if len(shares) > MOST_LISTED else ""
    return f"Cash is not among them.{words}{not_drawn}{few}"


def entry_line(listed: ListedEntry) -> dict[str, Any]:
    """Return an entry in one line; what does not belong to its kind is None."""
    recorded = listed.recorded
    if isinstance(recorded, RecordedCashEntry):
        moved, legs = recorded.entry.transaction, recorded.entry.legs
        label = moved.event.label if moved.event is not None else None
        return {
            "revision": listed.revision,
            "at": moved.at,
            "what": KINDS[moved.kind] + (f": {label.replace('_', ' ')}" if label else ""),
            "symbol": legs[0].symbol.code if legs else None,
            "quantity": legs[0].quantity_delta if legs else None,
            "price": None,
            "cash_delta": moved.cash_delta,
        }
    assert recorded.entry is not None, "rows that other programs wrote are not listed"
    trade = recorded.entry.trade
    return {
        "revision": listed.revision,
        "at": trade.executed_at,
        "what": trade.side.value.lower() + (f", takes back {trade.reverses}" if trade.reverses else ""),
        "symbol": trade.symbol.code,
        "quantity": trade.quantity,
        "price": trade.price,
        "cash_delta": trade.cash_delta,
    }
