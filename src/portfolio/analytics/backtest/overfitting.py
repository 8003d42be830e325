"""What the best of many trials is worth: it is the best of many, and that alone makes it look good."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist
from typing import Final

import numpy as np
import numpy.typing as npt

from portfolio.analytics.estimate import Matrix, Vector
from portfolio.analytics.tail_risk import moments_of

BLOCKS: Final = 16
LEAST_DAYS: Final = 4 * BLOCKS
"""So many days make blocks of four, in halves of 32: of fewer a Sharpe ratio says nothing."""

_AT_ONCE: Final = 512  # splits that are looked at together
_STANDARD: Final = NormalDist()
_EULER: Final = 0.5772156649015329


@dataclass(frozen=True, slots=True, kw_only=True)
class Returns:
    """What is kept of the daily returns of a trial: enough for all that is said of many trials.

    ``sums`` and ``squares`` are those of 16 blocks of ``block_days`` days, one after the other; days before the first
    block that a whole number of blocks leaves are not in them. ``sharpe`` is of a day; ``skewness`` and ``kurtosis``,
    3 for a normal distribution, are of all days.
    """

    sums: tuple[float, ...]
    squares: tuple[float, ...]
    block_days: int
    observations: int
    sharpe: float
    skewness: float
    kurtosis: float


def returns_of(values: npt.ArrayLike, risk_free_daily: float = 0.0) -> Returns | None:
    """Return what is kept of a series of values ``(n_days + 1,)``, by what each day brings over one without risk; None
    under 64 returns, where they do not vary, or where a value is not above zero.
    """
    series = np.asarray(values, dtype=np.float64)
    if series.size <= LEAST_DAYS or not (series > 0.0).all():
        return None
    returns = series[1:] / series[:-1] - 1.0 - risk_free_daily
    moments = moments_of(returns)
    if moments is None:
        return None
    days = returns.size // BLOCKS
    blocks = returns[returns.size - days * BLOCKS :].reshape(BLOCKS, days)
    return Returns(
        sums=tuple(blocks.sum(axis=1).tolist()),
        squares=tuple((blocks * blocks).sum(axis=1).tolist()),
        block_days=days,
        observations=returns.size,
        sharpe=moments.mean / moments.deviation,
        skewness=moments.skewness,
        kurtosis=moments.excess_kurtosis + 3.0,
    )


def best_by_chance(variance: float, n_trials: int) -> float:
    """Return the Sharpe ratio that the best of ``n_trials`` is expected to have where all are worth nothing.

    ``sqrt(V) ((1 - g) z(1 - 1/N) + g z(1 - 1/(N e)))`` with Euler's g and the normal quantile z; 0 of one trial.
    Source: Bailey and Lopez de Prado, "The Deflated Sharpe Ratio", Journal of Portfolio Management 40 (2014).

    Args:
        variance: of the Sharpe ratios of the trials, of a day.
        n_trials: at least 1; independent ones, so that of many alike it is too strict.
    """
    if n_trials < 2:
        return 0.0
    likely, rare = (_STANDARD.inv_cdf(1.0 - 1.0 / (n_trials * factor)) for factor in (1.0, math.e))
    return math.sqrt(variance) * ((1.0 - _EULER) * likely + _EULER * rare)


def deflated_sharpe_ratio(
    sharpe: float, benchmark: float, *, observations: int, skewness: float, kurtosis: float
) -> float | None:
    """Return how likely it is that the true Sharpe ratio is above ``benchmark``, of which ``best_by_chance`` makes it
    the deflated Sharpe ratio.

    ``Z((s - s0) sqrt(n - 1) / sqrt(1 - skewness s + (kurtosis - 1) s^2 / 4))``, all of a day. None where that root is
    not of a number above zero. Source: as above.
    """
    spread = 1.0 - skewness * sharpe + (kurtosis - 1.0) / 4.0 * sharpe * sharpe
    if spread <= 0.0:
        return None
    return _STANDARD.cdf((sharpe - benchmark) * math.sqrt(observations - 1) / math.sqrt(spread))


def probability_of_overfitting(sums: Matrix, squares: Matrix, block_days: int) -> float:
    """Return how often the trial that is best in one half of the days is below the middle in the other half.

    Over all 12,870 ways to take 8 of 16 blocks. Equal ranks are shared. Source: Bailey, Borwein, Lopez de Prado and
    Zhu, "The Probability of Backtest Overfitting", Journal of Computational Finance 20 (2017): combinatorially
    symmetric cross-validation, with S = 16.

    Args:
        sums: of the returns of each block and trial, ``(16, n_trials)``, of two trials or more.
        squares: of their squares, as many.
        block_days: days of a block.
    """
    n_trials, below = sums.shape[1], 0
    days = block_days * BLOCKS // 2
    for halves in _splits():
        inside = _sharpes(halves @ sums, halves @ squares, days)
        outside = _sharpes((1.0 - halves) @ sums, (1.0 - halves) @ squares, days)
        own = outside[np.arange(len(halves)), inside.argmax(axis=1)][:, None]
        rank = (outside < own).sum(axis=1) + ((outside == own).sum(axis=1) + 1) / 2.0
        below += int((rank <= (n_trials + 1) / 2.0).sum())
    return below / math.comb(BLOCKS, BLOCKS // 2)


def _splits() -> Iterator[Matrix]:
    """Yield all ways to take half of the blocks: 1 for a block that is taken, ``(n_splits, 16)``."""
    taken = np.array(list(combinations(range(BLOCKS), BLOCKS // 2)))
    for start in range(0, len(taken), _AT_ONCE):
        part = taken[start : start + _AT_ONCE]
        halves = np.zeros((len(part), BLOCKS))
        np.put_along_axis(halves, part, 1.0, axis=1)
        yield halves


def _sharpes(sums: Matrix, squares: Matrix, days: int) -> Matrix:
    """Return mean over deviation (ddof 1); what does not vary has the sign of its mean times infinity, or 0."""
    means = sums / days
    variances = np.maximum(squares - sums * means, 0.0) / (days - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Matrix = np.nan_to_num(means / np.sqrt(variances), nan=0.0, posinf=np.inf, neginf=-np.inf)
    return found


def table(rows: list[tuple[float, ...]]) -> Matrix:
    """Return tuples of 16, one a trial, as ``(16, n_trials)``."""
    return np.array(rows, dtype=np.float64).T


def variance(values: npt.ArrayLike) -> float:
    """Return the sample variance (ddof 1) of numbers ``(n,)``; 0 under two."""
    series: Vector = np.asarray(values, dtype=np.float64)
    return float(series.var(ddof=1)) if series.size > 1 else 0.0
