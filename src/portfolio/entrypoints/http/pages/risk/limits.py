"""Health and limits, as the page of risk shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from portfolio.application.risk.concentration import sectors_of
from portfolio.application.risk.limits import limit_uses_of
from portfolio.application.risk.state import MarketState, summary_of
from portfolio.application.risk.terms import cash_square_of, hhi_parts_of
from portfolio.domain.decimal_text import counted
from portfolio.domain.rebalancing.health import Deduction
from portfolio.domain.rebalancing.limit_use import LimitUse
from portfolio.entrypoints.charts import PERCENT, Bar, Bullet, Frame, bar_chart, bullet_chart
from portfolio.entrypoints.http.pages.frame.figures import Cell, Chart, Figure, FigureOf, Term
from portfolio.entrypoints.http.pages.frame.filters import Value
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.pages.frame.humanized import humanized
from portfolio.entrypoints.http.pages.words import RULES, broken_limits, named, subject_of
from portfolio.entrypoints.http.risk.answers import ConcentrationRiskView, HealthScoreView
from portfolio.entrypoints.http.risk.views import concentration_view, health_score_view
from portfolio.entrypoints.http.shell.numbers import cents, number, percent, ratio

LIMITS_SHOWN: Final = 20
PARTS_SHOWN: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthContent:
    """The score, what is deducted, the cheapest way to the target, and the limits that are broken, by name."""

    score: Figure
    view: HealthScoreView
    broken: Sequence[str]


def health_content(state: MarketState) -> HealthContent:
    """Return the health of the portfolio, as ``GET /risk/portfolio-health`` has it, without the plan's trades."""
    view = health_score_view(state, ())
    deductions = summary_of(state).health.deductions
    score = FigureOf(state.convention, state.as_of)(
        "health_score",
        "Health score",
        view.score,
        Kind.NUMBER,
        "100, less 15 for each position over the position limit, 10 for each category over its limit, and 30 x the "
        "average correlation cut to 0..1; not below 0.",
        terms=[Term(label="Nothing deducted", value=100, kind=Kind.NUMBER), *map(deducted, deductions)],
        reason=view.reasons.get("score"),
    )
    return HealthContent(score=score, view=view, broken=broken_limits(summary_of(state)))


def limits_chart(state: MarketState) -> Chart:
    """Return the limits as bullets, the most used first."""
    uses = limit_uses_of(state)
    shown, left = uses[:LIMITS_SHOWN], uses[LIMITS_SHOWN:]
    bullets = [Bullet(label=_limit_label(use), value=use.allocation, limit=use.limit_allocation) for use in shown]
    title = "How much of each limit is used"
    note = (
        "Shares of the total value, cash included. Of each position the lowest of its limits, and each that is broken."
    )
    if left:
        note += f" {counted(len(left), 'limit')} more are used less than the last of these."
    return Chart(
        name="limits",
        title=title,
        svg=bullet_chart(Frame(id="limits-chart", title=title, unit=PERCENT), bullets),
        columns=("Limit", "Rule", "Share", "Limit of it", "Used", "State"),
        rows=[_limit_row(use) for use in shown],
        note=note,
    )


def concentration_figures(state: MarketState) -> Sequence[Figure]:
    """Return how much lies in how few positions, as ``GET /risk/concentration`` has it."""
    view, figure = concentration_view(state), FigureOf(state.convention, state.as_of)
    return [
        figure(
            "hhi",
            "Herfindahl index",
            view.hhi,
            Kind.RATIO,
            "The sum of the squared shares of the invested value: 1 where all is in one position.",
            terms=_hhi_terms(state),
            reason=view.reasons.get("hhi"),
        ),
        figure(
            "hhi_with_cash",
            "Herfindahl index with cash",
            view.hhi_with_cash,
            Kind.RATIO,
            "The same of shares of the total value, with cash as one of them.",
            terms=_with_cash_terms(state),
            reason=view.reasons.get("hhi_with_cash"),
        ),
        figure(
            "effective_positions",
            "Effective positions",
            view.effective_positions,
            Kind.NUMBER,
            "1 / Herfindahl index: so many positions of equal size would be as concentrated.",
            terms=_inverse_terms(view),
            reason=view.reasons.get("effective_positions"),
        ),
        figure("num_positions", "Positions", view.num_positions, Kind.COUNT, "All that is held, dust too."),
    ]


def sectors_chart(state: MarketState) -> Chart:
    """Return the categories beside their limits, and cash, as ``GET /risk/sector-allocation`` has them."""
    sectors, title = sectors_of(state), "Categories and cash"
    bars = [Bar(named(one.category), (one.allocation_percent, one.limit_percent)) for one in sectors]
    return Chart(
        name="sectors",
        title=title,
        svg=bar_chart(
            Frame(id="sectors-chart", title=title, unit=PERCENT), ("Share of the total value", "Limit"), bars
        ),
        columns=("Category", "Share", "Limit", "State", "Value", "Positions", "Symbols"),
        rows=[
            [
                named(one.category),
                Cell(
                    value=_percent(one.allocation_percent),
                    kind=Kind.PERCENT,
                    reason=one.reasons.get("allocation_percent"),
                ),
                Cell(value=_percent(one.limit_percent), kind=Kind.PERCENT, reason=one.reasons.get("limit_percent")),
                "over" if one.over_limit else "within",
                Cell(value=cents(one.value), kind=Kind.MONEY),
                Cell(value=len(one.symbols), kind=Kind.COUNT),
                _listed(one.symbols),
            ]
            for one in sectors
        ],
        note="The shares sum to 100 %.",
    )


def deducted(deduction: Deduction) -> Term:
    """Return a deduction as a term of the score."""
    given_back = deduction.points < 0
    return Term(
        sign="+" if given_back else "−",
        label=humanized(deduction.detail),
        value=number(abs(deduction.points)),
        kind=Kind.NUMBER,
    )


def _limit_label(use: LimitUse) -> str:
    return f"{subject_of(use.name.subject)}: {RULES[use.rule.value]}"


def _limit_row(use: LimitUse) -> Sequence[str | Cell]:
    return [
        subject_of(use.name.subject),
        RULES[use.rule.value],
        Cell(value=percent(use.allocation), kind=Kind.PERCENT),
        Cell(value=percent(use.limit_allocation), kind=Kind.PERCENT),
        Cell(value=percent(use.used_percent), kind=Kind.PERCENT),
        "broken" if use.is_broken else "within",
    ]


def _hhi_terms(state: MarketState) -> Sequence[Term]:
    parts = hhi_parts_of(state, PARTS_SHOWN)
    if parts is None:
        return ()
    terms = [
        Term(sign="+", label=f"{one}, share squared", value=ratio(part), kind=Kind.RATIO) for one, part in parts.largest
    ]
    if parts.others:
        label = f"{counted(parts.others, 'other')}, shares squared"
        terms.append(Term(sign="+", label=label, value=ratio(parts.rest), kind=Kind.RATIO))
    return terms


def _with_cash_terms(state: MarketState) -> Sequence[Term]:
    cash, whole = cash_square_of(state), summary_of(state).hhi_with_cash
    if cash is None or whole is None:
        return ()
    return [
        Term(label="Positions, shares squared", value=ratio(whole - cash), kind=Kind.RATIO),
        Term(sign="+", label="Cash, share squared", value=ratio(cash), kind=Kind.RATIO),
    ]


def _inverse_terms(view: ConcentrationRiskView) -> Sequence[Term]:
    return [
        Term(label="One", value=1, kind=Kind.COUNT),
        Term(sign="/", label="Herfindahl index", value=view.hhi, kind=Kind.RATIO),
    ]


def _percent(value: Decimal | None) -> Value:
    return None if value is None else percent(value)


def _listed(symbols: Sequence[str]) -> str:
    most = 12
    return ", ".join(symbols[:most]) + (f" and {len(symbols) - most} more" if len(symbols) > most else "")
