"""What weights promise, and how uncertain that is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np

from portfolio.analytics.conventions import DAYS_PER_YEAR
from portfolio.analytics.estimate import Counts, Matrix, Vector
from portfolio.analytics.optimisation.moments import Moments
from portfolio.analytics.optimisation.problem import Expected, Uncertain
from portfolio.analytics.returns import NO_DEVIATION
from portfolio.analytics.tail_risk import historical_loss, worst_first

SEED: Final = 20_240_601
DRAWS: Final = 400
"""Draws for standard errors: they err by 1 / sqrt(2 x 400), which is 4 %."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Market:
    """What figures are made of: returns ``(n_days, n_assets)``, their moments, and how a tail and an excess count."""

    returns: Matrix
    moments: Moments
    confidence: Decimal
    risk_free_rate: float


def blocks(n_days: int, draws: int) -> Counts:
    """Return days drawn in blocks, ``(draws, n_days)``: the same ones whenever it is asked.

    Blocks are of n^(1/3) days, rounded up, and go round from the last day to the first, so that each day is as likely.
    Source: Politis and Romano, "A Circular Block-Resampling Procedure for Stationary Data" (1992); the length: Hall,
    Horowitz and Jing, "On Blocking Rules for the Bootstrap with Dependent Data", Biometrika 82 (1995).
    """
    length = math.ceil(n_days ** (1 / 3))
    starts = np.random.default_rng(SEED).integers(n_days, size=(draws, math.ceil(n_days / length)))
    days = (starts[:, :, None] + np.arange(length)) % n_days
    drawn: Counts = days.reshape(draws, -1)[:, :n_days]
    return drawn


def expected(weights: Vector, market: Market) -> Expected:
    """Return the figures of weights; cash, which is what they leave, earns nothing.

    The mean and the covariance are the estimator's, annual by 365 and its root; CVaR is that of history (conventions
    ``crypto-365-v1``, 4 and 6). Each standard error is the deviation of the figure over days drawn anew in blocks.
    """
    series = market.returns @ weights
    value = float(weights @ market.moments.mean) * DAYS_PER_YEAR
    deviation = math.sqrt(max(float(weights @ market.moments.covariance @ weights), 0.0))
    drawn = series[blocks(len(series), DRAWS)]
    means, deviations = drawn.mean(axis=1) * DAYS_PER_YEAR, drawn.std(axis=1, ddof=1) * math.sqrt(DAYS_PER_YEAR)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = (means - market.risk_free_rate) / deviations
    tails = np.array([_tail(one, market.confidence) for one in drawn])
    volatility = deviation * math.sqrt(DAYS_PER_YEAR)
    moves = deviation > NO_DEVIATION
    return Expected(
        annual_return=_uncertain(value, means),
        volatility=_uncertain(volatility, deviations),
        sharpe=_uncertain((value - market.risk_free_rate) / volatility if moves else math.nan, ratios),
        cvar=_uncertain(_tail(series, market.confidence), tails),
    )


def contributions(weights: Vector, moments: Moments) -> list[float] | None:
    """Return the part of each asset in the variance, w (Cw) / w'Cw; None where the weights have none."""
    parts = weights * (moments.covariance @ weights)
    whole = float(parts.sum())
    if whole <= NO_DEVIATION**2:
        return None
    return [float(part) / whole for part in parts]


def _tail(series: Vector, confidence: Decimal) -> float:
    found = historical_loss(worst_first(-series), confidence).conditional_value_at_risk.value
    assert found is not None
    return found


def _uncertain(value: float, drawn: Vector) -> Uncertain:
    with np.errstate(invalid="ignore"):
        error = float(drawn.std(ddof=1))
    return Uncertain(
        value=value if math.isfinite(value) else None, standard_error=error if math.isfinite(error) else None
    )
