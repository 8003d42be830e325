"""Risk figures from history: correlation, volatility and value at risk, with today's weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from portfolio.analytics.decimals import statistic, to_decimals
from portfolio.analytics.estimate import Estimate, Undefined
from portfolio.analytics.tail_risk import Loss, tail_risk
from portfolio.analytics.volatility import Volatility, volatility
from portfolio.application.risk.concentration import NO_TOTAL_VALUE, apportioned
from portfolio.application.risk.state import MarketState, figure, summary_of, weights_of
from portfolio.domain.arithmetic import HUNDRED, exact
from portfolio.domain.level import Level, level_of

HISTORY_UNAVAILABLE: Final = "history_unavailable"
OUT_OF_RANGE: Final = "out_of_range"

_MEDIUM_ABOVE: Final = Decimal("0.4")
_HIGH_ABOVE: Final = Decimal("0.8")

_FROM_HISTORY = {
    Undefined.TOO_FEW_OBSERVATIONS, Undefined.NO_COMMON_DAYS, Undefined.TOO_FEW_COMMON_DAYS, Undefined.MISSING_CLOSE,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measured:
    """A statistic as an exact number of 12 decimals, or None and why."""

    value: Decimal | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Excluded:
    """An asset that figures are made without, and why."""

    symbol: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HighPair:
    """Two assets that move together more than the policy likes."""

    symbols: tuple[str, str]
    correlation: Decimal
    common_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrelationReport:
    """How what is held moves together. ``matrix`` is by ``symbols``, None where undefined, and else
    the float whose shortest text is the coefficient at 12 decimals.

    ``high_pairs`` are those over the policy's bound, no stablecoin among them, the highest first. ``undefined_pairs``
    are those of two assets that are not excluded themselves.
    """

    symbols: Sequence[str]
    matrix: Sequence[Sequence[float | None]]
    average: Measured
    high_pairs: Sequence[HighPair]
    excluded: Sequence[Excluded]
    undefined_pairs: Sequence[tuple[tuple[str, str], str]]


@figure
def correlation_of(state: MarketState) -> CorrelationReport:
    """Return the correlations of what is held, over the state's lookback."""
    related, symbols = state.statistics.correlation, state.statistics.history.symbols
    place = {symbol: number for number, symbol in enumerate(symbols)}
    risky = {h.symbol for h in state.view.held if h.category not in state.policy.stable_categories}
    high = [
        HighPair(symbols=pair, correlation=value, common_days=int(related.common_days[place[pair[0]], place[pair[1]]]))
        for pair, value in state.view.correlated_above(state.policy.pair_correlation).items()
        if risky.issuperset(pair)
    ]
    return CorrelationReport(
        symbols=symbols,
        matrix=state.statistics.correlations.rows(),
        average=average_of(state),
        high_pairs=sorted(high, key=lambda pair: (-pair.correlation, pair.symbols)),
        excluded=_excluded(state, symbols, related.excluded),
        undefined_pairs=[
            ((symbols[one], symbols[other]), _why(state, reason)) for one, other, reason in related.undefined_pairs()
        ],
    )


@figure
@exact
def average_of(state: MarketState) -> Measured:
    """Return the average correlation: the one that health counts."""
    whole, holdings = state.view.total_value, state.view.holdings
    if whole <= 0 and state.view.held:
        return Measured(None, NO_TOTAL_VALUE)
    average = summary_of(state).average_correlation
    if average is not None:
        return Measured(average)
    counted = [
        holding
        for holding in holdings.values()
        if holding.is_held
        and holding.value * HUNDRED >= whole
        and holding.category not in state.policy.stable_categories
    ]
    reason = Undefined.NO_POSITIONS if not holdings else Undefined.TOO_FEW_POSITIONS
    if len(counted) > 1:
        reason = Undefined.TOO_FEW_OBSERVATIONS
    return Measured(None, _why(state, reason))


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetVolatility:
    """One asset's volatility, and its part in the portfolio's: ``contribution`` a fraction, its percentage with 6
    decimals. Undefined figures are None; ``reasons`` says why.
    """

    symbol: str
    daily: Decimal | None
    annualized: Decimal | None
    level: Level | None
    allocation: Decimal | None
    contribution: Decimal | None
    contribution_percent: Decimal | None
    reasons: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class VolatilityReport:
    """How much the portfolio moves; ``covered_percent`` is how much of the total value is in its figures."""

    portfolio: Measured
    diversification_ratio: Measured
    heat: Measured
    excluded: Sequence[Excluded]
    common_days: int
    covered_percent: Decimal | None


@figure
def _volatility(state: MarketState) -> Volatility:
    return volatility(state.statistics.history.returns, weights_of(state))


@figure
def volatility_of(state: MarketState) -> VolatilityReport:
    """Return the volatility of the portfolio at today's weights, over the state's lookback."""
    measured = _volatility(state)
    covered = statistic(measured.covered_weight * 100)
    return VolatilityReport(
        portfolio=_measured(state, measured.portfolio),
        diversification_ratio=_measured(state, measured.diversification_ratio),
        heat=_measured(state, measured.heat),
        excluded=_excluded(state, state.statistics.history.symbols, measured.daily.reasons),
        common_days=measured.common_days,
        covered_percent=covered if state.view.total_value > 0 else None,
    )


@figure
@exact
def asset_volatilities_of(state: MarketState) -> Sequence[AssetVolatility]:
    """Return each asset's volatility and its part in the portfolio's, by symbol; the parts' percentages sum to 100."""
    measured, whole = _volatility(state), state.view.total_value
    daily, parts = to_decimals(measured.daily.values), to_decimals(measured.contributions.values)
    defined = [part for part in parts if part is not None]
    percents = iter(apportioned([part * HUNDRED / sum(defined) for part in defined]) if defined else ())
    assets = []
    for place, symbol in enumerate(state.statistics.history.symbols):
        annualized = state.statistics.volatilities.get(symbol)
        own, shared = measured.daily.reasons[place], measured.contributions.reasons[place]
        lacking = {
            "daily_volatility": (daily[place], own),
            "annualized_volatility": (annualized, own),
            "level": (annualized, own),
            "risk_contribution": (parts[place], shared),
            "risk_contribution_percent": (parts[place], shared),
        }
        reasons = {name: _weighed(state, reason) for name, (value, reason) in lacking.items() if value is None}
        if whole <= 0:
            reasons["allocation_percent"] = NO_TOTAL_VALUE
        assets.append(
            AssetVolatility(
                symbol=symbol,
                daily=daily[place],
                annualized=annualized,
                level=volatility_level(annualized),
                allocation=state.view.holdings[symbol].value * HUNDRED / whole if whole > 0 else None,
                contribution=parts[place],
                contribution_percent=next(percents) if parts[place] is not None else None,
                reasons=reasons,
            )
        )
    return assets


@dataclass(frozen=True, slots=True, kw_only=True)
class LossReport:
    """Value at risk and conditional value at risk in one way, as fractions of the total value and as exact money."""

    value_at_risk: Measured
    value_at_risk_money: Decimal | None
    conditional: Measured
    conditional_money: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceReport:
    """The loss at one confidence, in three ways."""

    confidence: Decimal
    historical: LossReport
    cornish_fisher: LossReport
    normal: LossReport


@dataclass(frozen=True, slots=True, kw_only=True)
class TailReport:
    """What a bad day costs; ``covered_percent`` is how much of the total value the figures are made of."""

    confidences: Sequence[ConfidenceReport]
    observations: int
    excluded: Sequence[Excluded]
    covered_percent: Decimal | None


def volatility_level(annualized: Decimal | None) -> Level | None:
    """Return high above 80 % a year, medium above 40 %, else low; None for None.

    80 % is where the rebalancing policy by default begins to cap a position for its volatility; 40 % is half of it.
    Both are the house's own choice.
    """
    return level_of(annualized, medium_above=_MEDIUM_ABOVE, high_above=_HIGH_ABOVE)


def value_at_risk_of(state: MarketState, days: int) -> TailReport:
    """Return what a day may cost at today's weights, over the last ``days``: those of the state, or up to 365."""
    return state.figures.once(("value_at_risk", days), lambda: _value_at_risk(state, days))


def _value_at_risk(state: MarketState, days: int) -> TailReport:
    history, whole = state.closes.history.last(days), state.view.total_value
    measured = tail_risk(history.returns, weights_of(state))
    covered = statistic(measured.covered_weight * 100)
    return TailReport(
        confidences=[
            ConfidenceReport(
                confidence=estimate.confidence,
                historical=_loss(state, estimate.historical),
                cornish_fisher=_loss(state, estimate.cornish_fisher),
                normal=_loss(state, estimate.normal),
            )
            for estimate in measured.estimates
        ],
        observations=measured.observations,
        excluded=_excluded(state, history.symbols, measured.excluded),
        covered_percent=covered if whole > 0 else None,
    )


@exact
def _loss(state: MarketState, loss: Loss) -> LossReport:
    at_risk = _measured(state, loss.value_at_risk)
    conditional = _measured(state, loss.conditional_value_at_risk)
    whole = state.view.total_value
    return LossReport(
        value_at_risk=at_risk,
        value_at_risk_money=None if at_risk.value is None else at_risk.value * whole,
        conditional=conditional,
        conditional_money=None if conditional.value is None else conditional.value * whole,
    )


def _measured(state: MarketState, figure: Estimate) -> Measured:
    value = None if figure.value is None else statistic(figure.value)
    return Measured(value, _weighed(state, figure.reason) if value is None else None)


def _weighed(state: MarketState, reason: Undefined | None) -> str:
    """Return why a figure of the weights is undefined: without a total value there are none."""
    if reason is Undefined.NO_POSITIONS and state.view.total_value <= 0 and state.view.held:
        return NO_TOTAL_VALUE
    return _why(state, reason)


def _why(state: MarketState, reason: Undefined | None) -> str:
    """Return the reason, or that the closes could not be read; where nothing is lacking, the value is too large."""
    if reason is None:
        return OUT_OF_RANGE
    unread = not state.closes.is_current and not state.closes.is_known
    return HISTORY_UNAVAILABLE if unread and reason in _FROM_HISTORY else reason.value


def _excluded(state: MarketState, symbols: Sequence[str], reasons: Sequence[Undefined | None]) -> list[Excluded]:
    pairs = zip(symbols, reasons, strict=True)
    return [Excluded(symbol, _why(state, reason)) for symbol, reason in pairs if reason is not None]
