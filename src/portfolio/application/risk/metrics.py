"""The portfolio's risk in a few figures, for every answer that shows the portfolio."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, TypeVar

import msgspec

from portfolio.analytics.conventions import DAYS_PER_YEAR
from portfolio.application.in_thread import computed
from portfolio.application.risk.concentration import NO_TOTAL_VALUE, concentration_reasons
from portfolio.application.risk.correlation import average_covered_percent, average_of
from portfolio.application.risk.measured import Measured, measured_of, share_without
from portfolio.application.risk.state import MarketState, figure, summary_of
from portfolio.application.risk.value_at_risk import historical_value_at_risk_of, past_losses_of
from portfolio.application.risk.volatility import moves_of
from portfolio.domain.level import Level

T = TypeVar("T")


LEAST_COVERED_PERCENT: Final = Decimal(90)
TOO_LITTLE_COVERED: Final = "too_little_covered"


class RiskMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """Each undefined where it is made of under 90 % of the value of what it is about. ``value_at_risk_95`` is
    historical, a fraction, over a year.

    ``covered_percent`` has for each the share that it is made of, where anything is held: of the average correlation
    that of the positions which it counts.
    """

    health_score: Measured
    hhi: Measured
    concentration_level: Level | None
    average_correlation: Measured
    portfolio_volatility: Measured
    portfolio_heat: Measured
    value_at_risk_95: Measured
    covered_percent: Mapping[str, Decimal]
    reasons: Mapping[str, str]


@figure
def risk_metrics_of(state: MarketState) -> RiskMetrics:
    """Return the figures of a state, each the one that its own report shows."""
    figures, moves, losses = summary_of(state), moves_of(state), past_losses_of(state, DAYS_PER_YEAR)
    why = concentration_reasons(figures)
    found = {
        "health_score": Measured(figures.health.score, NO_TOTAL_VALUE if figures.health.score is None else None),
        "hhi": Measured(figures.hhi, why.get("hhi")),
        "average_correlation": average_of(state),
        "portfolio_volatility": measured_of(state, moves.portfolio),
        "portfolio_heat": measured_of(state, moves.heat),
        "value_at_risk_95": historical_value_at_risk_of(state, DAYS_PER_YEAR),
    }
    priced, symbols = state.valuation.priced_share_percent, state.closes.history.symbols
    unseen, unmoved = (
        {symbol for symbol, why in zip(symbols, excluded, strict=True) if why is not None}
        for excluded in (losses.excluded, moves.excluded)
    )
    covered = {
        "health_score": priced,
        "hhi": priced,
        "average_correlation": average_covered_percent(state),
        "portfolio_volatility": share_without(state, unmoved),
        "portfolio_heat": share_without(state, state.view.holdings.keys() - state.statistics.volatilities.keys()),
        "value_at_risk_95": share_without(state, unseen),
    }
    known = {name: percent for name, percent in covered.items() if percent is not None}
    for name, percent in known.items():
        if percent < LEAST_COVERED_PERCENT and found[name].value is not None:
            found[name] = Measured(None, TOO_LITTLE_COVERED)
    hhi = found["hhi"]
    return RiskMetrics(
        **found,
        concentration_level=None if hhi.value is None else figures.concentration_level,
        covered_percent=known,
        reasons={} if hhi.reason is None else {"concentration_level": hhi.reason},
    )


async def measured(measure: Callable[[MarketState], T], state: MarketState) -> T:
    """Return the result of ``measure`` for the state; with many assets it is computed in a thread."""
    return await computed(len(state.view.holdings), measure, state)
