"""How a portfolio moved beside a benchmark: on the days of which both have a return.

Conventions (``crypto-365-v1``) as in ``performance``. Returns are ``(n,)`` and pairwise of the same days.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from portfolio.analytics.decimals import statistic
from portfolio.analytics.estimate import Vector


def returns_of_both(days: npt.ArrayLike, unit_values: npt.ArrayLike, closes: npt.ArrayLike) -> tuple[Vector, Vector]:
    """Return the simple returns of portfolio and benchmark between adjacent days on which the benchmark has closes.

    Args:
        days: ordinals of the days, strictly growing, ``(n_days,)``.
        unit_values: value of one unit at the end of each, above zero, ``(n_days,)``.
        closes: the benchmark's, above zero, NaN where there is none, ``(n_days,)``.
    """
    values = np.stack([np.asarray(unit_values, dtype=np.float64), np.asarray(closes, dtype=np.float64)])
    returns = values[:, 1:] / values[:, :-1] - 1.0
    both = returns[:, (np.diff(np.asarray(days, dtype=np.int64)) == 1) & ~np.isnan(returns[1])]
    return both[0], both[1]


def beta(returns: Vector, benchmark: Vector) -> float | None:
    """Return by how much the portfolio moved when the benchmark moved by one; None where the benchmark does not vary.

    The covariance of both over the variance of the benchmark; a risk-free rate that does not change has no part in it.
    Source: Sharpe, "Capital Asset Prices", Journal of Finance 19 (1964).
    """
    if benchmark.size < 2 or not statistic(float(benchmark.std(ddof=1))):
        return None
    moved = benchmark - benchmark.mean()
    return float(moved @ (returns - returns.mean()) / (moved @ moved))


def capture_ratio(returns: Vector, benchmark: Vector, *, of_gains: bool) -> float | None:
    """Return the portfolio's mean return on the days on which the benchmark gained (or lost), over the benchmark's own.

    The means are geometric. None where there is no such day, or only such as vanish at 12 decimals. Source:
    Morningstar, "Upside and Downside Capture Ratios" (2010), there of months; CFA Institute, "Investment Manager
    Selection" (CFA Program, Level III).
    """
    chosen = benchmark > 0.0 if of_gains else benchmark < 0.0
    if not chosen.any():
        return None
    own, whole = (float(np.expm1(np.log1p(series[chosen]).mean())) for series in (returns, benchmark))
    return own / whole if statistic(whole) else None
