"""Whether value at risk would have been right: each day beside what the days before it said."""

from __future__ import annotations

import math
from bisect import insort
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from portfolio.analytics.estimate import Estimate, Undefined, Vector
from portfolio.analytics.tail_risk import LEAST_OBSERVATIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """How many of ``days`` lost more than the value at risk of the days before them, and how many were to be expected.

    ``kupiec_p_value`` is how likely a number at least as far off is if the value at risk is right.
    """

    days: int
    expected: Decimal
    beyond: int
    kupiec_p_value: Estimate


def backtest(losses: Vector, confidence: Decimal) -> Backtest:
    """Return the test of the historical value at risk at ``confidence``.

    Each day from the 31st on is compared with the value at risk of all days before it. The p-value is undefined for
    under 30 such days (``too_few_observations``).

    Args:
        losses: by day, oldest first, ``(n_days,)``.
        confidence: above 0, below 1.
    """
    known: list[float] = []  # what days earned, so that the worst come first
    beyond = 0
    for place, loss in enumerate(losses.tolist()):
        if place >= LEAST_OBSERVATIONS:
            beyond += loss > -known[math.ceil((1 - Fraction(confidence)) * place) - 1]
        insort(known, -loss)
    days = max(losses.size - LEAST_OBSERVATIONS, 0)
    few = Estimate(reason=Undefined.TOO_FEW_OBSERVATIONS)
    p_value = few if days < LEAST_OBSERVATIONS else Estimate(kupiec_p_value(days, beyond, confidence))
    return Backtest(days=days, expected=(1 - confidence) * days, beyond=beyond, kupiec_p_value=p_value)


def kupiec_p_value(days: int, beyond: int, confidence: Decimal) -> float:
    """Return the p-value of the proportion of failures: twice the logarithm of the ratio of likelihoods is chi-square
    with one degree of freedom.

    Source: Kupiec, "Techniques for Verifying the Accuracy of Risk Measurement Models", Journal of Derivatives 3 (1995).

    Args:
        days: how many were compared, at least one.
        beyond: how many of them lost more.
        confidence: above 0, below 1.
    """
    ratio = 2.0 * (_log_likelihood(days, beyond, beyond / days) - _log_likelihood(days, beyond, float(1 - confidence)))
    return math.erfc(math.sqrt(max(ratio, 0.0) / 2.0))


def _log_likelihood(days: int, beyond: int, rate: float) -> float:
    within = days - beyond
    return (beyond * math.log(rate) if beyond else 0.0) + (within * math.log1p(-rate) if within else 0.0)
