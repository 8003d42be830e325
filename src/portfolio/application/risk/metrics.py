"""The portfolio's risk in a few figures, for every answer that shows the portfolio."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from portfolio.analytics.conventions import DAYS_PER_YEAR
from portfolio.application.in_thread import computed
from portfolio.application.risk.concentration import NO_TOTAL_VALUE, concentration_reasons
from portfolio.application.risk.correlation import average_of
from portfolio.application.risk.state import MarketState, figure, summary_of
from portfolio.application.risk.value_at_risk import value_at_risk_of
from portfolio.application.risk.volatility import volatility_of
from portfolio.domain.level import Level

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskMetrics:
    """Each None where undefined; ``reasons`` says why. ``value_at_risk_95`` is historical, a fraction, over a year."""

    health_score: Decimal | None
    hhi: Decimal | None
    concentration_level: Level | None
    average_correlation: Decimal | None
    portfolio_volatility: Decimal | None
    portfolio_heat: Decimal | None
    value_at_risk_95: Decimal | None
    reasons: dict[str, str]


@figure
def risk_metrics_of(state: MarketState) -> RiskMetrics:
    """Return the figures of a state, each the one that its own report shows."""
    figures, moves = summary_of(state), volatility_of(state)
    at_risk = value_at_risk_of(state, DAYS_PER_YEAR).confidence_95.historical.value_at_risk
    average = average_of(state)
    reasons = {n: why for n, why in concentration_reasons(figures).items() if n in {"hhi", "concentration_level"}}
    for name, measured in (
        ("average_correlation", average),
        ("portfolio_volatility", moves.portfolio_volatility),
        ("portfolio_heat", moves.portfolio_heat),
        ("value_at_risk_95", at_risk),
    ):
        if measured.reason is not None:
            reasons[name] = measured.reason
    if figures.health.score is None:
        reasons["health_score"] = NO_TOTAL_VALUE
    return RiskMetrics(
        health_score=figures.health.score,
        hhi=figures.hhi,
        concentration_level=figures.concentration_level,
        average_correlation=average.value,
        portfolio_volatility=moves.portfolio_volatility.value,
        portfolio_heat=moves.portfolio_heat.value,
        value_at_risk_95=at_risk.value,
        reasons=reasons,
    )


async def measured(measure: Callable[[MarketState], T], state: MarketState) -> T:
    """Return the result of ``measure`` for the state; with many assets it is computed in a thread."""
    return await computed(len(state.view.holdings), measure, state)
