"""What the first page shows: key figures, the identity, holdings by category, alerts, the newest entries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from portfolio.application.ledger.cash_records import RecordedCashEntry
from portfolio.application.ledger.records import BookedTrade
from portfolio.application.operations.newest_entries import revision_of
from portfolio.application.performance.period import of_today
from portfolio.application.performance.series.daily import DailySeries
from portfolio.application.prices.identity import Identity
from portfolio.application.prices.valuation import Valuation
from portfolio.application.risk.concentration import NO_TOTAL_VALUE
from portfolio.domain.money import Money
from portfolio.domain.rebalancing.summary import Summary
from portfolio.entrypoints.charts import DOLLARS, PERCENT, Frame, Group, Step, Tile, treemap, waterfall_chart
from portfolio.entrypoints.http.pages.activity.form import KINDS
from portfolio.entrypoints.http.pages.frame.figures import Cell, Chart, Figure, Term
from portfolio.entrypoints.http.pages.frame.filters import Value
from portfolio.entrypoints.http.pages.frame.formats import Kind, shown
from portfolio.entrypoints.http.pages.frame.humanized import humanized
from portfolio.entrypoints.http.pages.words import named
from portfolio.entrypoints.http.performance.views import performance_view
from portfolio.entrypoints.http.portfolio.answers import PortfolioView

SINCE_START: Final = "since the start"
AVERAGE_COST: Final = "average cost, fees included, at the newest believed prices"
SMALL_PERCENT: Final = 3
MOST_SMALL: Final = 8
PARTS: Final = {
    "net_deposits": "Net deposits",
    "realized_pnl": "Realized result",
    "unrealized_pnl": "Unrealized result",
    "unreconciled": "Unreconciled",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentEntry:
    """An entry in one line; what does not belong to its kind is None."""

    revision: int
    at: datetime
    what: str
    symbol: str | None
    quantity: Value
    price: Value
    cash_delta: Money


def key_figures(view: PortfolioView, series: DailySeries, *, restated: bool = False) -> list[Figure]:
    """Return the figures that are looked at first; the change of the day is that of the days of the series."""
    return [_total_value(view), *_day_change(view, series, restated=restated), *_results(view), *_cash(view)]


def _figures_of(view: PortfolioView) -> Callable[..., Figure]:
    """Return what makes figures of the books, at average cost and as of the portfolio's moment."""
    return partial(Figure, convention=AVERAGE_COST, as_of=view.as_of)


def _total_value(view: PortfolioView) -> Figure:
    figure = _figures_of(view)
    return figure(
        name="total_value",
        label="Total value",
        value=view.total_value,
        kind=Kind.MONEY,
        formula="Cash plus the market value of what is held.",
        terms=[
            Term(label="Cash", value=view.cash_balance, kind=Kind.MONEY),
            Term(label="Market value", value=view.invested_amount, kind=Kind.MONEY, sign="+"),
        ],
    )


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
            Term(label="Value now", value=series.today.value, kind=Kind.MONEY),
            Term(label="Value at the end of yesterday", value=yesterday.value, kind=Kind.MONEY, sign="−"),
            Term(label="Net deposits until now", value=series.today.net_deposits, kind=Kind.MONEY, sign="−"),
            Term(label="Net deposits until yesterday", value=yesterday.net_deposits, kind=Kind.MONEY, sign="+"),
        ]
    labels = (("daily_return", "Day change", Kind.RESULT), ("daily_return_percent", "Day change, percent", Kind.CHANGE))
    for name, label, kind in labels:
        yield Figure(
            name=name,
            label=label,
            value=None if measured is None else getattr(measured, name),
            kind=kind,
            formula="The change since the end of yesterday (UTC), without deposits and withdrawals"
            + (", in percent of the unit value." if kind is Kind.CHANGE else "."),
            terms=terms if kind is Kind.RESULT else (),
            period="since midnight UTC",
            convention=series.convention,
            as_of=view.as_of,
            reason=why or reasons.get(name),
        )


def _results(view: PortfolioView) -> Iterator[Figure]:
    figure = _figures_of(view)
    yield figure(
        name="total_pnl",
        label="Total result",
        value=view.total_pnl,
        kind=Kind.RESULT,
        formula="Realized plus unrealized result.",
        terms=[
            Term(label="Realized result", value=view.realized_pnl, kind=Kind.RESULT),
            Term(label="Unrealized result", value=view.unrealized_pnl, kind=Kind.RESULT, sign="+"),
        ],
        period=SINCE_START,
    )
    yield _result_percent(view)
    yield figure(
        name="unrealized_pnl",
        label="Unrealized result",
        value=view.unrealized_pnl,
        kind=Kind.RESULT,
        formula="The market value less the cost basis of what is held.",
        terms=[
            Term(label="Market value", value=view.invested_amount, kind=Kind.MONEY),
            Term(label="Cost basis", value=view.cost_basis, kind=Kind.COST, sign="−"),
        ],
    )


def _result_percent(view: PortfolioView) -> Figure:
    figure = _figures_of(view)
    return figure(
        name="total_pnl_percent",
        label="Total result, percent",
        value=view.total_pnl_percent,
        kind=Kind.CHANGE,
        formula="The total result in percent of the net deposits.",
        terms=[
            Term(label="Total result", value=view.total_pnl, kind=Kind.RESULT),
            Term(label="Net deposits", value=view.net_deposits, kind=Kind.MONEY, sign="/"),
        ],
        period=SINCE_START,
        reason=view.reasons.get("total_pnl_percent"),
    )


def _cash(view: PortfolioView) -> Iterator[Figure]:
    figure = _figures_of(view)
    single = (
        (
            "cash_balance",
            "Cash",
            "Deposits less withdrawals, less what was bought, plus what was sold, fees paid; interest less charges.",
            "",
        ),
        ("fees_paid", "Fees paid", "All fees of all trades.", SINCE_START),
    )
    for name, label, formula, period in single:
        yield figure(
            name=name,
            label=label,
            value=getattr(view, name),
            kind=Kind.MONEY,
            formula=formula,
            period=period,
        )


def health_figure(summary: Summary, as_of: datetime, convention: str) -> Figure:
    """Return the health score with what was deducted."""
    health = summary.health
    taken = [
        Term(label=humanized(one.detail), value=one.points, kind=Kind.NUMBER, sign="−") for one in health.deductions
    ]
    return Figure(
        name="health_score",
        label="Health score",
        value=health.score,
        kind=Kind.NUMBER,
        formula="100 points, less what the limits and the correlation take. Under 70 the score is a reason to trade; a "
        "broken limit always is.",
        terms=[Term(label="Points at the start", value=100, kind=Kind.NUMBER), *taken]
        if health.score is not None
        else (),
        convention=convention,
        as_of=as_of,
        reason=None if health.score is not None else NO_TOTAL_VALUE,
    )


def identity_chart(identity: Identity, *, private: bool) -> Chart:
    """Return what the total value is made of, as a waterfall; on a private page in shares of it."""
    steps = [
        Step(PARTS[part.name], part.percent if private else part.amount.value, is_total=part.name == "net_deposits")
        for part in identity.parts
    ]
    whole = (100 if identity.total else None) if private else identity.total.value
    title = "What the total value is made of" + (", in percent of it" if private else "")
    frame = Frame(id="identity", title=title, unit=PERCENT if private else DOLLARS)
    return Chart(
        name="identity",
        title=title,
        svg=waterfall_chart(frame, [*steps, Step("Total value", whole, is_total=True)]),
        columns=["Part", "Share of the total value"] if private else ["Part", "Amount", "Share of the total value"],
        rows=[
            [
                PARTS[part.name],
                *([] if private else [Cell(value=part.amount, kind=Kind.RESULT)]),
                Cell(value=part.percent, kind=Kind.CHANGE, reason=NO_TOTAL_VALUE),
            ]
            for part in identity.parts
        ],
        note="Net deposits + realized result + unrealized result + unreconciled = total value, to the last digit.",
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
    title = "Holdings by category"
    frame = Frame(id="holdings", title=title, unit=PERCENT if private else DOLLARS, height=280)
    return Chart(
        name="holdings",
        title=title,
        svg=treemap(frame, [Group(named(name), tiles) for name, tiles in groups.items()]),
        columns=["Asset", "Category", "Share of the total value"] + ([] if private else ["Market value"]),
        rows=[
            [
                value.position.symbol.code,
                named(value.category),
                Cell(value=value.allocation_percent, kind=Kind.PERCENT, reason=NO_TOTAL_VALUE),
                *([] if private else [Cell(value=value.position.market_value, kind=Kind.MONEY)]),
            ]
            for value in valuation.positions
        ],
        note=_small(valuation),
    )


def _small(valuation: Valuation) -> str:
    """Return what a drawing of areas cannot tell: what has no room for its name."""
    shares = [(value.position.symbol.code, value.allocation_percent) for value in valuation.positions]
    small = sorted((share, code) for code, share in shares if share is not None and 0 < share < SMALL_PERCENT)[::-1]
    if not small:
        return "Cash is not among them."
    names = ", ".join(f"{code} {shown(share, Kind.PERCENT)}" for share, code in small[:MOST_SMALL])
    return f"Cash is not among them. Small ones: {names}{' and others' if len(small) > MOST_SMALL else ''}."


def entry_line(entry: BookedTrade | RecordedCashEntry) -> RecentEntry:
    """Return an entry in one line."""
    revision = revision_of(entry)
    if isinstance(entry, RecordedCashEntry):
        moved, legs = entry.entry.transaction, entry.entry.legs
        label = moved.event.label if moved.event is not None else None
        return RecentEntry(
            revision=revision,
            at=moved.at,
            what=KINDS[moved.kind] + (f": {label.replace('_', ' ')}" if label else ""),
            symbol=legs[0].symbol.code if legs else None,
            quantity=legs[0].quantity_delta if legs else None,
            price=None,
            cash_delta=moved.cash_delta,
        )
    assert entry.entry is not None  # ``revision_of`` has looked
    trade = entry.entry.trade
    return RecentEntry(
        revision=revision,
        at=trade.executed_at,
        what=trade.side.value.lower() + (f", takes back {trade.reverses}" if trade.reverses else ""),
        symbol=trade.symbol.code,
        quantity=trade.quantity,
        price=trade.price,
        cash_delta=trade.cash_delta,
    )
