"""Health and limits, as the page of risk shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from portfolio.application.risk.concentration import sectors_of
from portfolio.application.risk.state import MarketState, summary_of
from portfolio.application.risk.terms import cash_square_of, hhi_parts_of
from portfolio.domain.arithmetic import total
from portfolio.domain.decimal_text import counted, listed
from portfolio.domain.rebalancing.summary import LimitUse, Summary
from portfolio.entrypoints.charts import PERCENT, Bar, Bullet, Frame, bar_chart, bullet_chart
from portfolio.entrypoints.http.pages.frame.figures import About, Cell, Chart, Figure, FigureOf, Term
from portfolio.entrypoints.http.pages.frame.filters import MOST_NAMED
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.pages.frame.humanized import humanized
from portfolio.entrypoints.http.pages.words import RULES, broken_limits, named, subject_of
from portfolio.entrypoints.http.risk.answers import ConcentrationRiskView
from portfolio.entrypoints.http.risk.views import concentration_view, health_score_view
from portfolio.entrypoints.http.shell.numbers import cents, number, percent, percent_or_null, ratio

LIMITS_SHOWN: Final = 20
PARTS_SHOWN: Final = 5
SYMBOLS_SHOWN: Final = 12

HEALTH_FORMULA: Final = (
    "100, less 15 for each position over the position limit, 10 for each category over its limit, and 30 x the average "
    "correlation cut to 0..1; not below 0."
)
FIGURES: Final[Mapping[str, About]] = {
    "health_score": ("Health score", Kind.NUMBER, HEALTH_FORMULA),
    "hhi": ("Herfindahl index", Kind.RATIO,
            "The sum of the squared shares of the invested value: 1 where all is in one position."),
    "hhi_with_cash": ("Herfindahl index with cash", Kind.RATIO,
                      "The same of shares of the total value, with cash as one of them."),
    "effective_positions": ("Effective positions", Kind.NUMBER,
                            "1 / Herfindahl index: so many positions of equal size would be as concentrated."),
    "num_positions": ("Positions", Kind.COUNT, "All that is held, dust too."),
}  # fmt: skip


def health_content(state: MarketState) -> dict[str, Any]:
    """Return the health of the portfolio, as ``GET /risk/portfolio-health`` has it, without the plan's trades: the
    score, what is deducted, the cheapest way to the target, and the limits that are broken, by name.
    """
    view, summary = health_score_view(state, ()), summary_of(state)
    figure = FigureOf(FIGURES, state.convention, state.as_of)
    score = figure("health_score", view.score, terms=health_terms(summary), reason=view.reasons.get("score"))
    return {"score": score, "view": view, "broken": broken_limits(summary)}


def limits_chart(state: MarketState) -> Chart:
    """Return the limits as bullets, the most used first."""
    uses = summary_of(state).uses
    shown, left = uses[:LIMITS_SHOWN], uses[LIMITS_SHOWN:]
    bullets = [Bullet(label=_limit_label(use), value=use.allocation, limit=use.limit_allocation) for use in shown]
    note = (
        "Shares of the total value, cash included. Of each position the lowest of its limits, and each that is broken."
    )
    if left:
        note += f" {counted(len(left), 'limit')} more are used less than the last of these."
    frame = Frame("limits-chart", "How much of each limit is used", unit=PERCENT)
    return Chart.of(
        frame,
        bullet_chart(frame, bullets),
        ("Limit", "Rule", "Share", "Limit of it", "Used", "State"),
        [_limit_row(use) for use in shown],
        note,
    )


def concentration_figures(state: MarketState) -> Sequence[Figure]:
    """Return how much lies in how few positions, as ``GET /risk/concentration`` has it."""
    view, figure = concentration_view(state), FigureOf(FIGURES, state.convention, state.as_of)
    return [
        figure.of(view, "hhi", terms=_hhi_terms(state)),
        figure.of(view, "hhi_with_cash", terms=_with_cash_terms(state)),
        figure.of(view, "effective_positions", terms=_inverse_terms(view)),
        figure.of(view, "num_positions"),
    ]


def sectors_chart(state: MarketState) -> Chart:
    """Return the categories beside their limits, and cash, as ``GET /risk/sector-allocation`` has them."""
    sectors = sectors_of(state)
    bars = [Bar(named(one.category), (one.allocation_percent, one.limit_percent)) for one in sectors]
    frame = Frame("sectors-chart", "Categories and cash", unit=PERCENT)
    return Chart.of(
        frame,
        bar_chart(frame, ("Share of the total value", "Limit"), bars),
        ("Category", "Share", "Limit", "State", "Value", "Positions", "Symbols"),
        [
            [
                named(one.category),
                Cell(percent_or_null(one.allocation_percent), Kind.PERCENT, one.reasons.get("allocation_percent")),
                Cell(percent_or_null(one.limit_percent), Kind.PERCENT, one.reasons.get("limit_percent")),
                "over" if one.over_limit else "within",
                Cell(cents(one.value), Kind.MONEY),
                Cell(len(one.symbols), Kind.COUNT),
                listed(one.symbols, SYMBOLS_SHOWN),
            ]
            for one in sectors
        ],
        "" if state.view.total_value <= 0 else "The shares sum to 100 %.",
    )


def health_terms(summary: Summary) -> Sequence[Term]:
    """Return what is deducted as terms of the score: the largest by name, the others together."""
    found = sorted(summary.health.deductions, key=lambda one: -abs(one.points))
    terms = [_deducted(humanized(one.detail), one.points) for one in found[:MOST_NAMED]]
    if others := found[MOST_NAMED:]:
        terms.append(_deducted(counted(len(others), "other"), total(one.points for one in others)))
    return [Term("Points at the start", 100, Kind.NUMBER), *terms]


def _deducted(label: str, points: Decimal) -> Term:
    return Term(label, number(abs(points)), Kind.NUMBER, "+" if points < 0 else "−")


def _limit_label(use: LimitUse) -> str:
    return f"{subject_of(use.name.subject)}: {RULES[use.rule.value]}"


def _limit_row(use: LimitUse) -> Sequence[str | Cell]:
    return [
        subject_of(use.name.subject),
        RULES[use.rule.value],
        Cell(percent(use.allocation), Kind.PERCENT),
        Cell(percent(use.limit_allocation), Kind.PERCENT),
        Cell(percent(use.used_percent), Kind.PERCENT),
        "broken" if use.is_broken else "within",
    ]


def _hhi_terms(state: MarketState) -> Sequence[Term]:
    parts = hhi_parts_of(state, PARTS_SHOWN)
    if parts is None:
        return ()
    terms = [Term(f"{one}, share squared", ratio(part), Kind.RATIO, "+") for one, part in parts.largest]
    if parts.others:
        label = f"{counted(parts.others, 'other')}, shares squared"
        terms.append(Term(label, ratio(parts.rest), Kind.RATIO, "+"))
    return terms


def _with_cash_terms(state: MarketState) -> Sequence[Term]:
    cash, whole = cash_square_of(state), summary_of(state).hhi_with_cash
    if cash is None or whole is None:
        return ()
    return [
        Term("Positions, shares squared", ratio(whole - cash), Kind.RATIO),
        Term("Cash, share squared", ratio(cash), Kind.RATIO, "+"),
    ]


def _inverse_terms(view: ConcentrationRiskView) -> Sequence[Term]:
    return [Term("One", 1, Kind.COUNT), Term("Herfindahl index", view.hhi, Kind.RATIO, "/")]
