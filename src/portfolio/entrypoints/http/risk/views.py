"""Risk reports as the bodies of answers."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from msgspec import Raw, structs

from portfolio.analytics.conventions import CONVENTION
from portfolio.application.risk.concentration import NO_TOTAL_VALUE, ConcentrationReport, Sector
from portfolio.application.risk.correlation import CorrelationReport
from portfolio.application.risk.health import HealthReport
from portfolio.application.risk.measured import Excluded, Measured
from portfolio.application.risk.state import MarketState
from portfolio.application.risk.value_at_risk import ConfidenceReport, LossReport, TailReport
from portfolio.application.risk.volatility import AssetVolatility, VolatilityReport, asset_volatilities_of
from portfolio.domain.rebalancing.health import Deduction
from portfolio.domain.rebalancing.recommendation import Recommendation
from portfolio.domain.rebalancing.remedies import WayToTarget
from portfolio.entrypoints.http.risk.answers import (
    AssetVolatilityView,
    ConcentrationRiskView,
    ConfidenceView,
    CorrelationView,
    DeductionView,
    ExcludedView,
    HealthScoreView,
    HighPairView,
    LossView,
    ObstacleView,
    SectorView,
    TailView,
    UndefinedPairView,
    VolatilityView,
    WayToTargetView,
)
from portfolio.entrypoints.http.risk.limit_views import concentration_view, recommendation_view
from portfolio.entrypoints.http.shell.numbers import cents, coefficients, number, number_or_null, percent, ratio


def provenance(state: MarketState) -> dict[str, Any]:
    """Return what every answer says about where its figures come from."""
    return {
        "convention": CONVENTION,
        "stale": state.stale,
        "as_of": state.as_of,
        "revision": state.snapshot.revisions.ledger,
    }


def concentration_risk_view(report: ConcentrationReport, state: MarketState) -> ConcentrationRiskView:
    """Return how concentrated the portfolio is."""
    shown = structs.asdict(concentration_view(report.figures))
    return ConcentrationRiskView(**shown, **provenance(state), reasons=dict(report.reasons))


def correlation_view(report: CorrelationReport, state: MarketState) -> CorrelationView:
    """Return how the assets move together."""
    return CorrelationView(
        symbols=list(report.symbols),
        matrix=[coefficients(row) for row in report.matrix],
        average_correlation=ratio(report.average.value),
        high_pairs=[
            HighPairView(symbols=list(pair.symbols), correlation=_ratio(pair.correlation), common_days=pair.common_days)
            for pair in report.high_pairs
        ],
        excluded=_excluded(report.excluded),
        undefined_pairs=[UndefinedPairView(symbols=list(pair), reason=why) for pair, why in report.undefined_pairs],
        reasons=_reasons(average_correlation=report.average),
        **_history(state, state.days),
    )


def volatility_view(report: VolatilityReport, state: MarketState) -> VolatilityView:
    """Return how much the portfolio moves."""
    return VolatilityView(
        portfolio_volatility=ratio(report.portfolio.value),
        diversification_ratio=ratio(report.diversification_ratio.value),
        portfolio_heat=ratio(report.heat.value),
        assets=[_asset(asset) for asset in asset_volatilities_of(state)],
        excluded=_excluded(report.excluded),
        common_days=report.common_days,
        covered_percent=percent(report.covered_percent),
        reasons={
            **_reasons(
                portfolio_volatility=report.portfolio,
                diversification_ratio=report.diversification_ratio,
                portfolio_heat=report.heat,
            ),
            **_no_total_value(report.covered_percent),
        },
        **_history(state, state.days),
    )


def tail_view(report: TailReport, state: MarketState, days: int) -> TailView:
    """Return what a bad day costs."""
    at_95, at_99 = (_confidence(confidence) for confidence in report.confidences)
    return TailView(
        confidence_95=at_95,
        confidence_99=at_99,
        observations=report.observations,
        excluded=_excluded(report.excluded),
        covered_percent=percent(report.covered_percent),
        reasons=_no_total_value(report.covered_percent),
        **_history(state, days),
    )


def sector_view(sector: Sector) -> SectorView:
    """Return a category, or cash."""
    return SectorView(
        category=sector.category,
        value=_cents(sector.value),
        allocation_percent=percent(sector.allocation),
        limit_percent=percent(sector.limit),
        over_limit=sector.is_over,
        symbols=list(sector.symbols),
        reasons=sector.reasons,
    )


def health_score_view(
    report: HealthReport, recommendations: Sequence[Recommendation], state: MarketState
) -> HealthScoreView:
    """Return the score, what was deducted, and the way back."""
    health = report.health
    return HealthScoreView(
        score=number_or_null(health.score),
        target=number(report.target),
        healthy=health.is_healthy,
        average_correlation=ratio(report.average.value),
        deductions=[_deduction(deduction) for deduction in health.deductions],
        recommendations=[recommendation_view(trade) for trade in recommendations],
        to_reach_target=_way(report.way),
        lookback_days=state.days,
        reasons={**report.reasons, **_reasons(average_correlation=report.average)},
        **provenance(state),
    )


def _history(state: MarketState, days: int) -> dict[str, Any]:
    return {
        "lookback_days": days,
        "simulated_history": state.closes.is_simulated,
        "mixed_history": list(state.closes.left_out),
        **provenance(state),
    }


def _asset(asset: AssetVolatility) -> AssetVolatilityView:
    return AssetVolatilityView(
        symbol=asset.symbol,
        daily_volatility=ratio(asset.daily),
        annualized_volatility=ratio(asset.annualized),
        level=asset.level.value if asset.level else None,
        allocation_percent=percent(asset.allocation),
        risk_contribution=ratio(asset.contribution),
        risk_contribution_percent=percent(asset.contribution_percent),
        reasons=dict(asset.reasons),
    )


def _confidence(report: ConfidenceReport) -> ConfidenceView:
    return ConfidenceView(
        confidence=number(report.confidence),
        historical=_loss(report.historical),
        cornish_fisher=_loss(report.cornish_fisher),
        normal=_loss(report.normal),
    )


def _loss(loss: LossReport) -> LossView:
    return LossView(
        value_at_risk=ratio(loss.value_at_risk.value),
        value_at_risk_amount=cents(loss.value_at_risk_money),
        conditional_value_at_risk=ratio(loss.conditional.value),
        conditional_value_at_risk_amount=cents(loss.conditional_money),
        reasons=_reasons(
            value_at_risk=loss.value_at_risk,
            value_at_risk_amount=loss.value_at_risk,
            conditional_value_at_risk=loss.conditional,
            conditional_value_at_risk_amount=loss.conditional,
        ),
    )


def _way(way: WayToTarget) -> WayToTargetView:
    return WayToTargetView(
        reachable=way.is_reachable,
        projected_score=number_or_null(way.projected_score),
        trades=[recommendation_view(trade) for trade in way.trades],
        trade_value=_cents(way.value),
        estimated_cost=_cents(way.estimated_cost),
        in_the_way=[
            ObstacleView(deduction=_deduction(left.deduction), obstacle=left.obstacle.value if left.obstacle else None)
            for left in way.in_the_way
        ],
    )


def _deduction(deduction: Deduction) -> DeductionView:
    return DeductionView(
        factor=deduction.factor.value,
        points=number(deduction.points),
        subject=deduction.subject,
        detail=deduction.detail,
    )


def _excluded(excluded: Sequence[Excluded]) -> list[ExcludedView]:
    return [ExcludedView(symbol=item.symbol, reason=item.reason) for item in excluded]


def _reasons(**figures: Measured) -> dict[str, str]:
    return {name: figure.reason for name, figure in figures.items() if figure.reason is not None}


def _no_total_value(covered: Decimal | None) -> dict[str, str]:
    return {} if covered is not None else {"covered_percent": NO_TOTAL_VALUE}


def _cents(value: Decimal) -> Raw:
    written = cents(value)
    assert written is not None
    return written


def _ratio(value: Decimal) -> Raw:
    written = ratio(value)
    assert written is not None
    return written
