"""What a bad day costs: value at risk and conditional value at risk, of one day, in three ways.

Conventions (``crypto-365-v1``, 6): losses, as fractions of the total value, of today's weights over each day of
history; at least 30 of them. A figure below zero is a gain: even that bad a day earned something.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from statistics import NormalDist
from typing import Final

import numpy as np
import numpy.typing as npt

from portfolio.analytics.estimate import Estimate, Matrix, Undefined, Vector
from portfolio.analytics.returns import NO_DEVIATION, common_days

LEAST_OBSERVATIONS: Final = 30
CONFIDENCES: Final = (Decimal("0.95"), Decimal("0.99"))

_STANDARD: Final = NormalDist()


@dataclass(frozen=True, slots=True)
class Loss:
    """The loss of a day that is not exceeded with the confidence asked for, and the mean of the days that exceed it.

    Both are fractions of the total value, positive for a loss; ``conditional_value_at_risk`` is never the smaller.
    """

    value_at_risk: Estimate
    conditional_value_at_risk: Estimate

    @classmethod
    def undefined(cls, reason: Undefined) -> Loss:
        """Return a loss nobody knows, and why."""
        return cls(Estimate(reason=reason), Estimate(reason=reason))


@dataclass(frozen=True, slots=True, kw_only=True)
class LossEstimates:
    """The loss at one confidence, estimated in three ways."""

    confidence: Decimal
    historical: Loss
    normal: Loss
    cornish_fisher: Loss


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Losses:
    """What each day of history would have cost: ``daily``, oldest first, empty where there is a ``reason`` against any
    estimate.

    ``observations`` counts the days used. ``excluded`` has, for each asset left out, the reason; ``covered_weight`` is
    the weight of the others, ``size`` that of their sizes: what the excluded would lose is not in the losses.
    """

    daily: Vector
    reason: Undefined | None
    observations: int
    excluded: tuple[Undefined | None, ...]
    covered_weight: float
    size: float

    def historical(self, confidence: Decimal) -> Loss:
        """Return the loss that history itself says."""
        return Loss.undefined(self.reason) if self.reason else historical_loss(worst_first(self.daily), confidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class TailRisk:
    """The estimates at each confidence; ``moments`` are those of the losses, None where they do not vary or are too
    few.
    """

    estimates: tuple[LossEstimates, ...]
    moments: Moments | None = None


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean, deviation (ddof 1), unbiased skewness and unbiased excess kurtosis of daily losses."""

    mean: float
    deviation: float
    skewness: float
    excess_kurtosis: float


def losses_of(returns: Matrix, weights: npt.ArrayLike) -> Losses:
    """Return what the days of history would have cost the portfolio, those that ``common_days`` finds.

    Under 30 of them nothing can be estimated.

    Args:
        returns: simple daily returns, ``(n_days, n_assets)``, NaN where there is none.
        weights: today's shares of the total value, finite, ``(n_assets,)``; cash is what they leave, and loses nothing.
    """
    shares = np.asarray(weights, dtype=np.float64)
    assert shares.shape == (returns.shape[1],)
    common = common_days(returns, shares, least=LEAST_OBSERVATIONS)
    covered = shares[common.included]
    reason = common.reason_against(shares)
    return Losses(
        daily=-(common.returns @ covered) if reason is None else np.empty(0),
        reason=reason,
        observations=common.n_days,
        excluded=common.excluded,
        covered_weight=float(covered.sum()),
        size=float(np.abs(covered).sum()),
    )


def tail_risk(losses: Losses, confidences: Sequence[Decimal] = CONFIDENCES) -> TailRisk:
    """Return what a day may cost the portfolio at each of ``confidences``.

    Of losses that are all alike the historical figures alone are defined (``constant_series``).

    Args:
        losses: of the days of history.
        confidences: above 0, below 1; exact, as (1 - c) n decides which day it is.
    """
    assert all(0 < confidence < 1 for confidence in confidences)
    if losses.reason is not None:
        return TailRisk(estimates=_undefined(confidences, losses.reason))
    moments = moments_of(losses.daily, losses.size)
    return TailRisk(estimates=_estimates(losses.daily, moments, confidences), moments=moments)


def worst_first(losses: Vector) -> Vector:
    """Return losses ``(n_days,)`` from the greatest to the least."""
    falling: Vector = np.sort(losses)[::-1]
    return falling


def normal_quantile(confidence: Decimal) -> float:
    """Return the number of deviations that a standard normal variable is below with this probability."""
    return _STANDARD.inv_cdf(float(confidence))


def historical_loss(falling: Vector, confidence: Decimal) -> Loss:
    """Return the loss that history itself says.

    With k = (1 - c) n, exact: VaR = L at ceil(k), CVaR = (sum of the floor(k) worst + (k - floor(k)) x the next) / k.
    That sum is computed about VaR, which is the same and never falls below it by rounding. Source: Rockafellar and
    Uryasev, "Conditional Value-at-Risk for General Loss Distributions", Journal of Banking & Finance 26 (2002),
    proposition 8.

    Args:
        falling: losses, the worst first, at least one, ``(n_days,)``.
        confidence: above 0, below 1.
    """
    k = (1 - Fraction(confidence)) * falling.size
    at_risk = float(falling[math.ceil(k) - 1])
    beyond = float((falling[: math.floor(k)] - at_risk).sum())
    return Loss(Estimate(at_risk), Estimate(at_risk + beyond / float(k)))


def normal_loss(moments: Moments, confidence: Decimal) -> Loss:
    """Return the loss if losses were normal: mean + z sigma, and mean + sigma x density(z) / (1 - c).

    Source: McNeil, Frey and Embrechts, "Quantitative Risk Management" (2nd edition, 2015), examples 2.11 and 2.14.

    Args:
        moments: of the losses.
        confidence: above 0, below 1.
    """
    z = normal_quantile(confidence)
    beyond = _STANDARD.pdf(z) / float(1 - Fraction(confidence))
    return Loss(Estimate(moments.mean + z * moments.deviation), Estimate(moments.mean + beyond * moments.deviation))


def cornish_fisher_loss(moments: Moments, confidence: Decimal, *, highest: Decimal) -> Loss:
    """Return the loss with the normal quantile bent by skewness S and excess kurtosis K.

    With z the normal quantile: VaR = mean + sigma x (z + (z^2 - 1) S/6 + (z^3 - 3z) K/24 - (2z^3 - 5z) S^2/36). Source:
    Cornish and Fisher, "Moments and Cumulants in the Specification of Distributions", Revue de l'Institut International
    de Statistique 5 (1938); as a value at risk: Zangari, "A VaR Methodology for Portfolios That Include Options",
    RiskMetrics Monitor (1996). CVaR is the mean of those same quantiles beyond c, in closed form: mean + sigma x
    density(z) / (1 - c) x (1 + z S/6 + (z^2 - 1) K/24 - (2z^2 - 1) S^2/36). Source: Maillard, "A User's Guide to the
    Cornish Fisher Expansion" (2012).

    Far from normal the expansion bends back: a rarer day would cost less. Where it does so between this confidence and
    ``highest``, or beyond on average, nothing is defined (``expansion_not_monotone``).

    Args:
        moments: of the losses.
        confidence: above 0, below 1.
        highest: the highest confidence that is asked for with it, at least ``confidence``.
    """
    z = normal_quantile(confidence)
    skew, kurtosis = moments.skewness / 6.0, moments.excess_kurtosis / 24.0
    square = moments.skewness**2 / 36.0
    quantile = z + (z * z - 1.0) * skew + (z**3 - 3.0 * z) * kurtosis - (2.0 * z**3 - 5.0 * z) * square
    beyond = _STANDARD.pdf(z) / float(1 - Fraction(confidence))
    beyond *= 1.0 + z * skew + (z * z - 1.0) * kurtosis - (2.0 * z * z - 1.0) * square
    # The derivative of the quantile by z is a + bz + cz^2.
    slope = (1.0 - 3.0 * kurtosis + 5.0 * square, 2.0 * skew, 3.0 * kurtosis - 6.0 * square)
    if beyond < quantile or _least(slope, z, normal_quantile(highest)) <= 0.0:
        return Loss.undefined(Undefined.EXPANSION_NOT_MONOTONE)
    return Loss(
        Estimate(moments.mean + quantile * moments.deviation), Estimate(moments.mean + beyond * moments.deviation)
    )


def moments_of(losses: Vector, size: float = 1.0) -> Moments | None:
    """Return the moments of at least four losses ``(n_days,)`` of weights that sum to ``size``; None where they do not
    vary.

    Skewness and excess kurtosis are the unbiased G1 and G2 of Joanes and Gill, "Comparing Measures of Sample Skewness
    and Kurtosis", The Statistician 47 (1998), those of common spreadsheets.
    """
    n = losses.size
    mean, deviation = float(losses.mean()), float(losses.std(ddof=1))
    if deviation <= NO_DEVIATION * size:
        return None
    standard = (losses - mean) / deviation
    squares = standard * standard
    third, fourth = float((squares * standard).sum()), float((squares * squares).sum())
    skewness = n / ((n - 1) * (n - 2)) * third
    kurtosis = n * (n + 1) / ((n - 1) * (n - 2) * (n - 3)) * fourth - 3.0 * (n - 1) ** 2 / ((n - 2) * (n - 3))
    return Moments(mean, deviation, skewness, kurtosis)


def _estimates(losses: Vector, moments: Moments | None, confidences: Sequence[Decimal]) -> tuple[LossEstimates, ...]:
    falling = worst_first(losses)
    alike = Loss.undefined(Undefined.CONSTANT_SERIES)
    return tuple(
        LossEstimates(
            confidence=confidence,
            historical=historical_loss(falling, confidence),
            normal=normal_loss(moments, confidence) if moments else alike,
            cornish_fisher=cornish_fisher_loss(moments, confidence, highest=max(confidences)) if moments else alike,
        )
        for confidence in confidences
    )


def _undefined(confidences: Sequence[Decimal], reason: Undefined) -> tuple[LossEstimates, ...]:
    nothing = Loss.undefined(reason)
    return tuple(
        LossEstimates(confidence=confidence, historical=nothing, normal=nothing, cornish_fisher=nothing)
        for confidence in confidences
    )


def _least(slope: tuple[float, float, float], low: float, high: float) -> float:
    """Return the least value of a + bx + cx^2 for x from ``low`` to ``high``."""
    a, b, c = slope
    candidates = [low, high]
    if c > 0.0 and low < -b / (2.0 * c) < high:
        candidates.append(-b / (2.0 * c))
    return min(a + b * x + c * x * x for x in candidates)
