"""What a bad day costs, at today's weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from portfolio.analytics.decimals import statistic, to_decimals
from portfolio.analytics.tail_risk import (
    CONFIDENCES,
    Loss,
    Losses,
    LossEstimates,
    Moments,
    losses_of,
    normal_quantile,
    tail_risk,
)
from portfolio.analytics.var_backtest import Backtest, backtest
from portfolio.application.risk.measured import Excluded, Measured, covered_percent, excluded_of, measured_of
from portfolio.application.risk.state import MarketState, weights_of
from portfolio.domain.arithmetic import ONE, exact


class LossReport(msgspec.Struct, frozen=True, kw_only=True):
    """Value at risk and conditional value at risk in one way, as fractions of the total value and as exact money."""

    value_at_risk: Measured
    value_at_risk_amount: Measured
    conditional_value_at_risk: Measured
    conditional_value_at_risk_amount: Measured


class ConfidenceReport(msgspec.Struct, frozen=True, kw_only=True):
    """The loss at one confidence, in three ways.

    ``tail_days`` is k = (1 - confidence) x the days observed, ``place`` that of value at risk among the losses, 1 for
    the worst; ``normal_quantile`` the deviations that a normal loss stays below.
    """

    confidence: Decimal
    tail_days: Decimal
    place: int
    normal_quantile: Decimal
    historical: LossReport
    cornish_fisher: LossReport
    normal: LossReport


class LossMoments(msgspec.Struct, frozen=True, kw_only=True):
    """Mean, deviation, skewness and excess kurtosis of the daily losses, at 12 decimals; None where out of range."""

    mean: Decimal | None
    deviation: Decimal | None
    skewness: Decimal | None
    excess_kurtosis: Decimal | None


class TailReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a bad day costs; ``covered_percent`` is how much of the total value the figures are made of.

    ``moments`` are those of the losses, None where the normal estimates are undefined.
    """

    confidence_95: ConfidenceReport
    confidence_99: ConfidenceReport
    observations: int
    moments: LossMoments | None
    excluded: Sequence[Excluded]
    covered_percent: Measured


def value_at_risk_of(state: MarketState, days: int) -> TailReport:
    """Return what a day may cost at today's weights, over the last ``days``: those of the state, or up to 365."""
    return state.figures.once(("value_at_risk", days), lambda: _value_at_risk(state, days))


def historical_value_at_risk_of(state: MarketState, days: int) -> Measured:
    """Return the historical value at risk at 95 % of the report, without the rest of it."""
    at_95, _ = CONFIDENCES
    return measured_of(state, past_losses_of(state, days).historical(at_95).value_at_risk)


def backtests_of(state: MarketState, days: int) -> Sequence[Backtest]:
    """Return the backtests of historical value at risk at 95 % and 99 % over the same days."""
    return [backtest(past_losses_of(state, days).daily, confidence) for confidence in CONFIDENCES]


def past_losses_of(state: MarketState, days: int) -> Losses:
    """Return what each of the last ``days`` would have cost at today's weights."""
    returns = state.closes.history.last(days).returns
    return state.figures.once(("past_losses", days), lambda: losses_of(returns, weights_of(state)))


def _value_at_risk(state: MarketState, days: int) -> TailReport:
    losses = past_losses_of(state, days)
    measured = tail_risk(losses)
    at_95, at_99 = (_confidence(state, estimate, losses.observations) for estimate in measured.estimates)
    return TailReport(
        confidence_95=at_95,
        confidence_99=at_99,
        observations=losses.observations,
        moments=_moments(measured.moments),
        excluded=excluded_of(state, state.closes.history.symbols, losses.excluded),
        covered_percent=covered_percent(state, losses.covered_weight),
    )


@exact
def _confidence(state: MarketState, estimate: LossEstimates, observations: int) -> ConfidenceReport:
    tail_days = (ONE - estimate.confidence) * observations
    quantile = statistic(normal_quantile(estimate.confidence))
    assert quantile is not None
    return ConfidenceReport(
        confidence=estimate.confidence,
        tail_days=tail_days,
        place=math.ceil(tail_days),
        normal_quantile=quantile,
        historical=_loss(state, estimate.historical),
        cornish_fisher=_loss(state, estimate.cornish_fisher),
        normal=_loss(state, estimate.normal),
    )


def _moments(moments: Moments | None) -> LossMoments | None:
    if moments is None:
        return None
    mean, deviation, skewness, kurtosis = to_decimals(
        [moments.mean, moments.deviation, moments.skewness, moments.excess_kurtosis]
    )
    return LossMoments(mean=mean, deviation=deviation, skewness=skewness, excess_kurtosis=kurtosis)


def _loss(state: MarketState, loss: Loss) -> LossReport:
    at_risk = measured_of(state, loss.value_at_risk)
    conditional = measured_of(state, loss.conditional_value_at_risk)
    return LossReport(
        value_at_risk=at_risk,
        value_at_risk_amount=at_risk.times(state.view.total_value),
        conditional_value_at_risk=conditional,
        conditional_value_at_risk_amount=conditional.times(state.view.total_value),
    )
