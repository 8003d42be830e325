"""Plans and projections as the bodies of answers."""

from __future__ import annotations

from collections.abc import Sequence

from portfolio.application.rebalancing.planning import Projection, plan_of
from portfolio.application.risk.concentration import NO_TOTAL_VALUE
from portfolio.application.risk.correlation import average_of
from portfolio.application.risk.state import MarketState, summary_of
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.reason import Priority
from portfolio.domain.rebalancing.recommendation import Recommendation
from portfolio.entrypoints.http.rebalancing.answers import AnalysisView, PolicyView, StandingView, WhatIfView
from portfolio.entrypoints.http.risk.limit_answers import ConcentrationView
from portfolio.entrypoints.http.risk.views import figure_reasons, over_limits
from portfolio.entrypoints.http.views import view


def analysis_view(state: MarketState) -> AnalysisView:
    """Return the portfolio as its policy sees it, and the plan."""
    plan, current = plan_of(state), standing_view(state)
    reasons = {name: why for name, why in current.reasons.items() if name != "cash_allocation"}
    if plan.turnover_percent is None:
        reasons["turnover_percent"] = NO_TOTAL_VALUE
    return view(
        AnalysisView,
        plan,
        current,
        state,
        total_recommendations=len(plan.recommendations),
        high_priority_actions=high_priority(plan.recommendations),
        projected=standing_view(state.imagined(plan.projected)),
        withheld_rules=plan.withheld,
        policy=policy_view(state.policy),
        reasons=reasons,
    )


def what_if_view(projection: Projection) -> WhatIfView:
    """Return the projected portfolio beside the current one."""
    state, before = projection.state, set(projection.plan.current.broken)
    return view(
        WhatIfView,
        projection,
        state,
        basis="plan" if projection.is_planned else "trades",
        current=standing_view(state),
        projected=standing_view(projection.projected),
        newly_broken=[over for over in summary_of(projection.projected).over if over.name not in before],
        recommendations=projection.plan.recommendations,
        remaining=projection.remaining.recommendations,
        unresolved=projection.remaining.unresolved,
        policy=policy_view(state.policy),
        reasons={"turnover_percent": NO_TOTAL_VALUE} if projection.turnover_percent is None else {},
    )


def high_priority(recommendations: Sequence[Recommendation]) -> int:
    """Return how many recommendations are urgent."""
    return sum(trade.priority is Priority.HIGH for trade in recommendations)


def standing_view(state: MarketState) -> StandingView:
    """Return the figures of the portfolio in ``state``, current or projected."""
    figures = summary_of(state)
    return view(
        StandingView,
        figures,
        cash_balance=figures.cash,
        portfolio_health_score=figures.health.score,
        total_positions=figures.num_positions,
        concentration_analysis=view(ConcentrationView, figures, **over_limits(figures)),
        average_correlation=average_of(state),
        broken_limits=figures.over,
        reasons=figure_reasons(figures),
    )


def policy_view(policy: RebalancePolicy) -> PolicyView:
    """Return the policy as its file has it."""
    return view(PolicyView, id=policy.id, **policy.to_mapping())
