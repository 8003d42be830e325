"""The health score of the portfolio, and the cheapest trades that raise it to its target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from portfolio.application.risk.concentration import NO_TOTAL_VALUE
from portfolio.application.risk.correlation import average_of
from portfolio.application.risk.measured import Measured
from portfolio.application.risk.state import MarketState, figure, summary_of
from portfolio.domain.rebalancing.health import TARGET_SCORE, HealthScore
from portfolio.domain.rebalancing.remedies import WayToTarget, way_to_target


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """The score with what was deducted, the correlation in it, and the shortest way to the target."""

    health: HealthScore
    average_correlation: Measured
    to_reach_target: WayToTarget
    target: Decimal
    reasons: Mapping[str, str]


@figure
def health_of(state: MarketState) -> HealthReport:
    """Return the health of the portfolio; there is no score where the total value is not above zero."""
    summary = summary_of(state)
    return HealthReport(
        health=summary.health,
        average_correlation=average_of(state),
        to_reach_target=way_to_target(summary),
        target=TARGET_SCORE,
        reasons={} if summary.health.score is not None else dict.fromkeys(("score", "healthy"), NO_TOTAL_VALUE),
    )
