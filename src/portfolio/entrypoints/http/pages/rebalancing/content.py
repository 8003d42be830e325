"""What the page of rebalancing shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from msgspec import Raw

from portfolio.application.ledger.records import Page
from portfolio.application.rebalancing.planning import Projection, plan_of
from portfolio.application.rebalancing.records import Signal
from portfolio.application.risk.state import MarketState, summary_of
from portfolio.domain.rebalancing.health import HealthScore
from portfolio.domain.rebalancing.summary import Summary
from portfolio.entrypoints.http.pages.frame.figures import Cell, Chart, Figure, FigureOf, Row, Term
from portfolio.entrypoints.http.pages.frame.filters import Value
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.pages.rebalancing.before_after import (
    EvidenceOfTrade,
    before_after_rows,
    broken_rows,
    evidence_of,
    shares_chart,
    unresolved_rows,
)
from portfolio.entrypoints.http.pages.rebalancing.form import SETTINGS, WhatIfForm
from portfolio.entrypoints.http.pages.risk.limits import deducted
from portfolio.entrypoints.http.pages.words import RULES
from portfolio.entrypoints.http.rebalancing.answers import AnalysisView, PolicyView, WhatIfView
from portfolio.entrypoints.http.rebalancing.signal_answers import SignalView
from portfolio.entrypoints.http.rebalancing.signals import signal_view
from portfolio.entrypoints.http.rebalancing.views import analysis_view, standing_view, what_if_view
from portfolio.entrypoints.http.shell.numbers import cents, number


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanContent:
    """The plan, as ``GET /rebalance/analysis`` has it."""

    view: AnalysisView
    figures: Sequence[Figure]
    chart: Chart
    standing: Sequence[Row]
    broken: Sequence[Row]
    evidence: Sequence[EvidenceOfTrade]
    unresolved: Sequence[Row]
    withheld: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfContent:
    """What would be, as ``POST /rebalance/what-if`` has it; ``changed`` are the settings that differ."""

    view: WhatIfView
    standing: Sequence[Row]
    newly_broken: Sequence[Row]
    unresolved: Sequence[Row]
    changed: Sequence[Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class RebalancingContent:
    """The plan, the form of the what-if with its answer where one was asked for, and the live signals.

    ``signals`` is None where they could not be read.
    """

    plan: PlanContent
    form: WhatIfForm
    mistakes: Mapping[str, str]
    what_if: WhatIfContent | None
    signals: Sequence[SignalView] | None
    settings: Sequence[tuple[str, Value]]
    rules: Mapping[str, str] = field(default_factory=lambda: RULES)


def plan_content(state: MarketState) -> PlanContent:
    """Return the plan, its evidence, and the portfolio before and after it."""
    view = analysis_view(state)
    return PlanContent(
        view=view,
        figures=_figures(state, view),
        chart=shares_chart(view.recommendations),
        standing=before_after_rows(standing_view(state), view.projected),
        broken=broken_rows(view.broken_limits),
        evidence=evidence_of(view.recommendations),
        unresolved=unresolved_rows(view.unresolved),
        withheld=[RULES[rule] for rule in view.withheld_rules],
    )


def what_if_content(projection: Projection, before: PolicyView) -> WhatIfContent:
    """Return what would be; ``before`` is the policy as it is."""
    view = what_if_view(projection)
    names = (name for name in SETTINGS if getattr(before, name) != getattr(view.policy, name))
    return WhatIfContent(
        view=view,
        standing=before_after_rows(view.current, view.projected),
        newly_broken=broken_rows(view.newly_broken),
        unresolved=unresolved_rows(view.unresolved),
        changed=[[name, _written(getattr(before, name)), _written(getattr(view.policy, name))] for name in names],
    )


Listed = tuple[Page[Signal], datetime]


def live_signals(*pages: Listed) -> Sequence[SignalView]:
    """Return signals with what they are at the moment that each page is of."""
    return [signal_view(signal, now) for page, now in pages for signal in page.items]


def settings_of(policy: PolicyView) -> Sequence[tuple[str, Value]]:
    """Return the settings of the policy that are numbers, by name."""
    found = ((name, getattr(policy, name)) for name in SETTINGS)
    return [(name, value) for name, value in found if not isinstance(value, list)]


def _figures(state: MarketState, view: AnalysisView) -> Sequence[Figure]:
    figure, plan = FigureOf(state.convention, state.as_of), plan_of(state)
    return [
        _health(figure, "portfolio_health_score", "Health now", summary_of(state)),
        _health(figure, "projected_health_score", "Health after the plan", plan.projected),
        figure(
            "turnover_percent",
            "Turnover",
            view.turnover_percent,
            Kind.PERCENT,
            "The value of all trades of the plan, in percent of today's total value.",
            terms=[
                Term(label="Value of all trades", value=cents(plan.turnover), kind=Kind.MONEY),
                Term(sign="/", label="Total value", value=cents(state.view.total_value), kind=Kind.MONEY),
            ],
            reason=view.reasons.get("turnover_percent"),
        ),
        figure(
            "estimated_cost",
            "Estimated cost",
            view.estimated_cost,
            Kind.COST,
            "The value of all trades, times the fee of the policy.",
            terms=[
                Term(label="Value of all trades", value=cents(plan.turnover), kind=Kind.MONEY),
                Term(sign="x", label="Fee, in basis points", value=number(state.policy.fee_bps), kind=Kind.NUMBER),
            ],
        ),
    ]


def _health(figure: FigureOf, name: str, label: str, summary: Summary) -> Figure:
    health: HealthScore = summary.health
    return figure(
        name,
        label,
        None if health.score is None else number(health.score),
        Kind.NUMBER,
        "100, less 15 for each position over the position limit, 10 for each category over its limit, and 30 x the "
        "average correlation cut to 0..1; not below 0.",
        terms=[Term(label="Nothing deducted", value=100, kind=Kind.NUMBER), *map(deducted, health.deductions)],
        reason="no_total_value",
    )


def _written(value: object) -> str | Cell:
    if isinstance(value, list):
        return ", ".join(value) or "none"
    assert isinstance(value, Raw)
    return Cell(value=value, kind=Kind.NUMBER)
