"""Plans, projections and checks as the bodies of answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from portfolio.analytics.conventions import CONVENTION
from portfolio.application.rebalancing.planning import PlannedState, ProjectedTrade, Projection
from portfolio.application.risk.concentration import NO_TOTAL_VALUE
from portfolio.application.risk.correlation import average_of
from portfolio.application.risk.state import MarketState, summary_of
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.reason import Priority
from portfolio.domain.rebalancing.recommendation import Recommendation
from portfolio.domain.rebalancing.unresolved import Unresolved
from portfolio.entrypoints.http.rebalancing.answers import (
    AnalysisView,
    PolicyView,
    ProjectedTradeView,
    StandingView,
    UnresolvedView,
    WhatIfView,
)
from portfolio.entrypoints.http.risk.limit_views import (
    _cents,
    broken_limit_view,
    concentration_view,
    figure_reasons,
    recommendation_view,
)
from portfolio.entrypoints.http.shell.numbers import number, number_or_null, percent, ratio


def analysis_view(planned: PlannedState) -> AnalysisView:
    """Return the portfolio as its policy sees it, and the plan."""
    state, plan, policy = planned.state, planned.plan, planned.state.policy
    current = standing_view(state)
    projected = standing_view(state.imagined(plan.projected))
    recommendations = [recommendation_view(trade) for trade in plan.recommendations]
    reasons = {name: why for name, why in current.reasons.items() if name != "cash_allocation"}
    if plan.turnover_percent is None:
        reasons["turnover_percent"] = NO_TOTAL_VALUE
    return AnalysisView(
        portfolio_health_score=current.portfolio_health_score,
        total_positions=current.total_positions,
        total_recommendations=len(recommendations),
        concentration_analysis=current.concentration_analysis,
        average_correlation=current.average_correlation,
        high_priority_actions=high_priority(plan.recommendations),
        recommendations=recommendations,
        unresolved=[unresolved_view(item) for item in plan.unresolved],
        turnover_percent=percent(plan.turnover_percent),
        estimated_cost=_cents(plan.estimated_cost),
        broken_limits=current.broken_limits,
        projected=projected,
        withheld_rules=[reason.value for reason in plan.withheld],
        withheld_because=plan.withheld_because,
        policy=policy_view(policy),
        lookback_days=state.days,
        convention=CONVENTION,
        stale=state.stale,
        as_of=state.as_of,
        revision=state.snapshot.revisions.ledger,
        reasons=reasons,
    )


def what_if_view(projection: Projection) -> WhatIfView:
    """Return the projected portfolio beside the current one."""
    state, before = projection.state, set(projection.plan.current.broken)
    newly = [over for over in summary_of(projection.projected).over if over.name not in before]
    return WhatIfView(
        basis="plan" if projection.is_planned else "trades",
        trades=[_projected_trade_view(trade) for trade in projection.trades],
        turnover_percent=percent(projection.turnover_percent),
        estimated_cost=_cents(projection.cost),
        current=standing_view(state),
        projected=standing_view(projection.projected),
        newly_broken=[broken_limit_view(over) for over in newly],
        recommendations=[recommendation_view(trade) for trade in projection.plan.recommendations],
        remaining=[recommendation_view(trade) for trade in projection.remaining.recommendations],
        unresolved=[unresolved_view(item) for item in projection.remaining.unresolved],
        policy=policy_view(state.policy),
        stale=state.stale,
        as_of=state.as_of,
        revision=state.snapshot.revisions.ledger,
        reasons={"turnover_percent": NO_TOTAL_VALUE} if projection.turnover_percent is None else {},
    )


def high_priority(recommendations: Sequence[Recommendation]) -> int:
    """Return how many recommendations are urgent."""
    return sum(trade.priority is Priority.HIGH for trade in recommendations)


def unresolved_view(item: Unresolved) -> UnresolvedView:
    """Return one thing that the plan leaves as it is."""
    is_one = item.category is None and len(item.symbols) == 1
    return UnresolvedView(
        symbol=item.symbols[0] if is_one else None,
        category=item.category,
        symbols=list(item.symbols),
        reason=item.obstacle.value,
        detail=item.detail,
        limit=item.limit.value if item.limit else None,
    )


def standing_view(state: MarketState) -> StandingView:
    """Return the figures of the portfolio in ``state``, current or projected."""
    figures = summary_of(state)
    reasons, average = figure_reasons(figures), average_of(state)
    if average.reason is not None:
        reasons["average_correlation"] = average.reason
    return StandingView(
        total_value=_cents(figures.total_value),
        cash_balance=_cents(figures.cash),
        cash_allocation=percent(figures.cash_allocation),
        portfolio_health_score=number_or_null(figures.health.score),
        total_positions=figures.num_positions,
        concentration_analysis=concentration_view(figures),
        average_correlation=ratio(figures.average_correlation),
        broken_limits=[broken_limit_view(limit) for limit in figures.over],
        reasons=reasons,
    )


def policy_view(policy: RebalancePolicy) -> PolicyView:
    """Return the policy as its file has it."""
    return PolicyView(id=policy.id, **{name: _setting(value) for name, value in policy.to_mapping().items()})


def _setting(value: object) -> Any:
    if isinstance(value, Decimal):
        return number(value)
    if isinstance(value, Mapping):
        return {name: _setting(item) for name, item in value.items()}
    return value


def _projected_trade_view(trade: ProjectedTrade) -> ProjectedTradeView:
    return ProjectedTradeView(
        symbol=trade.symbol,
        side=trade.side.value,
        quantity=number(trade.quantity),
        price=number(trade.price),
        trade_value=_cents(trade.value),
        estimated_fee=_cents(trade.fee),
    )
