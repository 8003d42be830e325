"""Figures of a window that moves over the days, and the fall from the last peak on each of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from portfolio.analytics.conventions import DAYS_PER_YEAR
from portfolio.analytics.estimate import Vector
from portfolio.analytics.returns import NO_DEVIATION


@dataclass(frozen=True, slots=True, eq=False)
class RollingFigures:
    """Figures of the ``n`` days that end with each day, ``(n_days,)`` each; NaN where one is not defined.

    ``growth`` is the simple return of the window; ``volatility`` and ``sharpe`` are annualized, of its daily returns.
    """

    growth: Vector
    volatility: Vector
    sharpe: Vector


def underwater(unit_values: npt.ArrayLike) -> Vector:
    """Return on each day the fall from the highest value so far: a fraction, zero or below; NaN stays NaN.

    Args:
        unit_values: above zero, or NaN on a day without a value, ``(n_days,)``.
    """
    values = np.asarray(unit_values, dtype=np.float64)
    falls: Vector = values / np.fmax.accumulate(values) - 1.0 if values.size else values
    return falls


def rolling_figures(unit_values: npt.ArrayLike, n: int, *, least: int, risk_free_daily: float = 0.0) -> RollingFigures:
    """Return the figures of each window of ``n`` days, which has ``n + 1`` values and ``n`` daily returns.

    The growth needs a value on its first and its last day. Volatility (ddof 1) and Sharpe ratio need ``least`` daily
    returns, and no return is made across a gap; the ratio needs returns that vary.

    Args:
        unit_values: one for each calendar day, oldest first, above zero or NaN, ``(n_days,)``.
        n: days of the window, at least 2.
        least: the least number of daily returns, at least 2.
        risk_free_daily: the return of a day without risk.
    """
    values = np.asarray(unit_values, dtype=np.float64)
    growth, volatility, sharpe = (np.full(values.size, np.nan) for _ in range(3))
    if values.size > n:
        growth[n:] = values[n:] / values[:-n] - 1.0
        windows = np.lib.stride_tricks.sliding_window_view(values[1:] / values[:-1] - 1.0, n)
        counts = np.count_nonzero(~np.isnan(windows), axis=1)
        enough = counts >= least
        means = np.nanmean(windows[enough], axis=1)
        deviations = np.nanstd(windows[enough], axis=1, ddof=1)
        volatility[n:][enough] = deviations * DAYS_PER_YEAR**0.5
        varies = deviations > NO_DEVIATION
        ratios = np.divide(means - risk_free_daily, deviations, out=np.full(means.size, np.nan), where=varies)
        sharpe[n:][enough] = ratios * DAYS_PER_YEAR**0.5
    return RollingFigures(growth, volatility, sharpe)
