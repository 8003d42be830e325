"""The portfolio's risk in a few figures, for every answer that shows the portfolio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, TypeVar

from portfolio.application.in_thread import in_thread
from portfolio.application.ledger.snapshots import Snapshot
from portfolio.application.prices.closes import YEAR
from portfolio.application.prices.valuation import Valuation
from portfolio.application.risk.concentration import NO_TOTAL_VALUE, concentration_reasons
from portfolio.application.risk.state import MarketState, ReadMarket
from portfolio.application.risk.statistics import average_of, value_at_risk_of, volatility_of
from portfolio.domain.rebalancing.concentration import ConcentrationLevel
from portfolio.domain.rebalancing.summary import figures_of

T = TypeVar("T")

# The figures of fewer assets take less time than handing them to a thread.
_ASSETS_AT_ONCE: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskMetrics:
    """Each None where undefined; ``reasons`` says why. ``value_at_risk_95`` is historical, a fraction, over a year."""

    health_score: Decimal | None
    hhi: Decimal | None
    concentration_level: ConcentrationLevel | None
    average_correlation: Decimal | None
    portfolio_volatility: Decimal | None
    portfolio_heat: Decimal | None
    value_at_risk_95: Decimal | None
    reasons: dict[str, str]


def risk_metrics_of(state: MarketState) -> RiskMetrics:
    """Return the figures of a state, each the one that its own report shows."""
    figures, moves = figures_of(state.view, state.policy), volatility_of(state)
    at_risk = value_at_risk_of(state, YEAR).confidences[0].historical.value_at_risk
    average = average_of(state)
    reasons = {n: why for n, why in concentration_reasons(figures).items() if n in {"hhi", "concentration_level"}}
    for name, measured in (
        ("average_correlation", average),
        ("portfolio_volatility", moves.portfolio),
        ("portfolio_heat", moves.heat),
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
        portfolio_volatility=moves.portfolio.value,
        portfolio_heat=moves.heat.value,
        value_at_risk_95=at_risk.value,
        reasons=reasons,
    )


class ReadRiskMetrics:
    """Answers the figures, computed once for what they are made of: who asks at the same time shares them."""

    def __init__(self, market: ReadMarket) -> None:
        self._market = market
        self._of: tuple[object, ...] | None = None
        self._last: RiskMetrics | None = None
        self._turn = asyncio.Lock()

    async def __call__(self, snapshot: Snapshot, valuation: Valuation, day: date) -> RiskMetrics:
        """Return the figures of a snapshot, valued on ``day`` as in ``valuation``."""
        statuses = tuple(value.price_status for value in valuation.positions)
        of = (snapshot.portfolio, snapshot.database_away, statuses, day)
        async with self._turn:
            if self._last is not None and self._of == of:
                return self._last
            state = await self._market.of(snapshot)
            metrics = await measured(risk_metrics_of, state)
            # Made without the database's word they are for this once, unless it is known to be away.
            if state.closes.is_current or snapshot.database_away:
                self._of, self._last = of, metrics
            return metrics


async def measured(measure: Callable[[MarketState], T], state: MarketState) -> T:
    """Return the result of ``measure`` for the state; with many assets it is computed in a thread."""
    if len(state.view.holdings) > _ASSETS_AT_ONCE:
        return await in_thread(measure, state)
    return measure(state)
