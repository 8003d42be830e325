"""Risk as the bodies of answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from litestar import Response

from portfolio.application.risk.concentration import NO_TOTAL_VALUE, concentration_reasons
from portfolio.application.risk.correlation import average_of, correlation_of
from portfolio.application.risk.measured import measured_of
from portfolio.application.risk.metrics import measured
from portfolio.application.risk.state import MarketState, summary_of, way_to_target_of
from portfolio.application.risk.value_at_risk import backtests_of, value_at_risk_of
from portfolio.application.risk.volatility import AssetVolatility, volatility_of
from portfolio.domain.rebalancing.health import TARGET_SCORE
from portfolio.domain.rebalancing.reason import Reason
from portfolio.domain.rebalancing.recommendation import Recommendation
from portfolio.domain.rebalancing.summary import LimitUse, Summary
from portfolio.entrypoints.http.risk.answers import (
    BacktestView,
    ConcentrationRiskView,
    CorrelationView,
    HealthScoreView,
    TailView,
    VolatilityView,
)
from portfolio.entrypoints.http.risk.limit_answers import OverCategoryView, OverLimitView
from portfolio.entrypoints.http.shell.responses import Answer, encode, encoded
from portfolio.entrypoints.http.views import S, view


def over_limits(figures: Summary) -> dict[str, object]:
    """Return what is over the limits of positions and categories, and what to do about it."""
    positions = [over for over in figures.over if over.rule is Reason.CONCENTRATION_RISK]
    categories = [over for over in figures.over if over.category is not None]
    return {
        "over_concentrated_positions": [
            _excess(OverLimitView, over, symbol=over.name.subject[0]) for over in positions
        ],
        "over_concentrated_categories": [_excess(OverCategoryView, over) for over in categories],
        "recommended_action": "reduce_concentration" if positions or categories else "maintain",
    }


def figure_reasons(figures: Summary) -> dict[str, str]:
    """Return why figures are null: those of concentration too, under their own names."""
    reasons = concentration_reasons(figures)
    if figures.cash_allocation is None:
        reasons["cash_allocation"] = NO_TOTAL_VALUE
    if figures.health.score is None:
        reasons["portfolio_health_score"] = NO_TOTAL_VALUE
    return reasons


def _excess(kind: type[S], over: LimitUse, **given: object) -> S:
    return view(kind, over, current_allocation=over.allocation, **given)


async def answered(state: MarketState, make: Callable[[], Answer]) -> Response[Any]:
    """Return what ``make`` answers of a state; one as long as a large portfolio is made and encoded in a thread."""
    return encoded(await measured(lambda _: encode(make()), state))


def concentration_view(state: MarketState) -> ConcentrationRiskView:
    """Return how much lies in how few positions."""
    figures = summary_of(state)
    reasons = concentration_reasons(figures)
    return view(ConcentrationRiskView, figures, state, reasons=reasons, **over_limits(figures))


def correlation_view(state: MarketState) -> CorrelationView:
    """Return how the assets move together."""
    return view(CorrelationView, correlation_of(state), state, state.closes)


def volatility_view(state: MarketState, assets: Sequence[AssetVolatility]) -> VolatilityView:
    """Return how much the portfolio moves, and these of its assets."""
    return view(VolatilityView, volatility_of(state), state, state.closes, assets=assets)


def tail_view(state: MarketState, days: int) -> TailView:
    """Return what a bad day costs, over the last ``days``."""
    tests = [
        view(BacktestView, test, kupiec_p_value=measured_of(state, test.kupiec_p_value))
        for test in backtests_of(state, days)
    ]
    return view(
        TailView,
        value_at_risk_of(state, days),
        state,
        state.closes,
        lookback_days=days,
        backtest_95=tests[0],
        backtest_99=tests[1],
    )


def health_score_view(state: MarketState, recommendations: Sequence[Recommendation]) -> HealthScoreView:
    """Return the health score, its deductions, the way to the target, and trades of a plan beside it."""
    health = summary_of(state).health
    return view(
        HealthScoreView,
        health,
        state,
        target=TARGET_SCORE,
        healthy=health.is_healthy,
        average_correlation=average_of(state),
        recommendations=recommendations,
        to_reach_target=way_to_target_of(state),
        reasons={} if health.score is not None else dict.fromkeys(("score", "healthy"), NO_TOTAL_VALUE),
    )
