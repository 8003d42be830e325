"""What the page of rebalancing shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Raw

from portfolio.application.ledger.records import Page
from portfolio.application.rebalancing.planning import Projection, plan_of
from portfolio.application.rebalancing.records import Signal
from portfolio.application.risk.state import MarketState, summary_of
from portfolio.entrypoints.http.pages.frame.figures import About, Cell, Figure, FigureOf, Term
from portfolio.entrypoints.http.pages.frame.filters import Value
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.pages.rebalancing.before_after import (
    before_after_rows,
    broken_rows,
    evidence_of,
    shares_chart,
    unresolved_rows,
)
from portfolio.entrypoints.http.pages.rebalancing.form import SETTINGS
from portfolio.entrypoints.http.pages.risk.limits import HEALTH_FORMULA, health_terms
from portfolio.entrypoints.http.pages.words import RULES
from portfolio.entrypoints.http.rebalancing.answers import AnalysisView, PolicyView
from portfolio.entrypoints.http.rebalancing.signals import SignalView, signal_view
from portfolio.entrypoints.http.rebalancing.views import analysis_view, standing_view, what_if_view
from portfolio.entrypoints.http.shell.numbers import cents, number, number_or_null

FIGURES: Final[Mapping[str, About]] = {
    "portfolio_health_score": ("Health now", Kind.NUMBER, HEALTH_FORMULA),
    "projected_health_score": ("Health after the plan", Kind.NUMBER, HEALTH_FORMULA),
    "turnover_percent": ("Turnover", Kind.PERCENT,
                         "The value of all trades of the plan, in percent of today's total value."),
    "estimated_cost": ("Estimated cost", Kind.COST, "The value of all trades, times the fee of the policy."),
}  # fmt: skip

MOST_TRADES: Final = 100


def plan_content(state: MarketState) -> dict[str, Any]:
    """Return the plan as ``GET /rebalance/analysis`` has it, its evidence, and the portfolio before and after it."""
    view = analysis_view(state)
    trades = view.recommendations[:MOST_TRADES]
    return {
        "view": view,
        "figures": _figures(state, view),
        "trades": trades,
        "chart": shares_chart(trades),
        "standing": before_after_rows(standing_view(state), view.projected),
        "broken": broken_rows(view.broken_limits),
        "evidence": evidence_of(trades),
        "unresolved": unresolved_rows(view.unresolved),
        "withheld": [RULES[rule] for rule in view.withheld_rules],
    }


def what_if_content(projection: Projection, before: PolicyView) -> dict[str, Any]:
    """Return what would be, as ``POST /rebalance/what-if`` has it; ``before`` is the policy as it is."""
    view = what_if_view(projection)
    names = (name for name in SETTINGS if getattr(before, name) != getattr(view.policy, name))
    return {
        "view": view,
        "standing": before_after_rows(view.current, view.projected),
        "newly_broken": broken_rows(view.newly_broken),
        "unresolved": unresolved_rows(view.unresolved),
        "changed": [[name, _written(getattr(before, name)), _written(getattr(view.policy, name))] for name in names],
    }


Listed = tuple[Page[Signal], datetime]


def live_signals(*pages: Listed) -> Sequence[SignalView]:
    """Return signals with what they are at the moment that each page is of."""
    return [signal_view(signal, now) for page, now in pages for signal in page.items]


def settings_of(policy: PolicyView) -> Sequence[tuple[str, Value]]:
    """Return the settings of the policy that are numbers, by name."""
    found = ((name, getattr(policy, name)) for name in SETTINGS)
    return [(name, value) for name, value in found if not isinstance(value, list)]


def _figures(state: MarketState, view: AnalysisView) -> Sequence[Figure]:
    figure, plan = FigureOf(FIGURES, state.convention, state.as_of), plan_of(state)
    traded = Term("Value of all trades", cents(plan.turnover), Kind.MONEY)
    whole = Term("Total value", cents(state.view.total_value), Kind.MONEY, "/")
    fee = Term("Fee, in basis points", number(state.policy.fee_bps), Kind.NUMBER, "x")
    return [
        *(
            figure(name, number_or_null(one.health.score), terms=health_terms(one), reason="no_total_value")
            for name, one in (("portfolio_health_score", summary_of(state)), ("projected_health_score", plan.projected))
        ),
        figure.of(view, "turnover_percent", terms=[traded, whole]),
        figure("estimated_cost", view.estimated_cost, terms=[traded, fee]),
    ]


def _written(value: object) -> str | Cell:
    if isinstance(value, list):
        return ", ".join(value) or "none"
    assert isinstance(value, Raw)
    return Cell(value, Kind.NUMBER)
