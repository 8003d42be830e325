"""What a series of daily unit values says about a portfolio: return, risk, and their ratios.

Conventions (``crypto-365-v1``): a day is a UTC date, a year has 365 of them, returns are simple and time-weighted, the
risk-free rate is zero unless given. Series are one-dimensional, oldest first, without missing values: a day without a
value is absent from the series, and no return is made across the gap. A figure that is not defined is None, never NaN.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from portfolio.analytics.conventions import DAYS_PER_YEAR
from portfolio.analytics.decimals import statistic

Series = npt.NDArray[np.float64]

_FARTHEST: Final = 600.0
"""Logarithms of growths that are told apart, to each side: of ten years a day's of e^0.16, and no sum is too large."""
_PLACES: Final = np.sinh(np.linspace(-10.0, 10.0, 1001)) / math.sinh(10.0) * _FARTHEST
"""Where several are looked for: 0.001 apart around none, and the wider the farther away. Closer ones may be missed."""
_HALVINGS: Final = 63


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The deepest fall of a series from a peak: a fraction, zero or below, and the indices where it happened.

    ``recovery`` is the first index after the trough that is at the peak's height again; None while there is none.
    """

    depth: float
    peak: int
    trough: int
    recovery: int | None


def daily_returns(days: npt.ArrayLike, unit_values: npt.ArrayLike) -> Series:
    """Return the simple returns between adjacent days, oldest first.

    Args:
        days: ordinals of the days, strictly growing, ``(n_days,)``.
        unit_values: value of one unit at the end of each, above zero, ``(n_days,)``.

    Returns:
        ``(n_adjacent,)``, at most ``n_days - 1``: a pair with a gap between gives none; empty where there is no pair.
    """
    ordinals = np.asarray(days, dtype=np.int64)
    values = np.asarray(unit_values, dtype=np.float64)
    assert ordinals.shape == values.shape
    returns: Series = values[1:] / values[:-1] - 1.0
    adjacent: Series = returns[np.diff(ordinals) == 1]
    return adjacent


def annualized_volatility(returns: npt.ArrayLike) -> float | None:
    """Return the sample standard deviation (ddof 1) of daily returns ``(n,)`` times sqrt(365); None for under two."""
    series = np.asarray(returns, dtype=np.float64)
    return float(series.std(ddof=1)) * DAYS_PER_YEAR**0.5 if series.size > 1 else None


def risk_free_of_a_day(risk_free_rate: Decimal) -> float:
    """Return what a day without risk brings, of which 365 make that of a year; both are fractions."""
    growth: float = float(1 + risk_free_rate) ** (1 / DAYS_PER_YEAR)
    return growth - 1


def sharpe_ratio(returns: npt.ArrayLike, *, risk_free_daily: float = 0.0) -> float | None:
    """Return mean excess return over its standard deviation (ddof 1), annualized by sqrt(365).

    None for under two returns, and where they do not vary. Source: Sharpe, "The Sharpe Ratio", Journal of Portfolio
    Management 21 (1994), the ex post ratio.

    Args:
        returns: simple daily returns, ``(n,)``.
        risk_free_daily: the return of a day without risk.
    """
    excess = np.asarray(returns, dtype=np.float64) - risk_free_daily
    if excess.size < 2:
        return None
    return _annualized_ratio(float(excess.mean()), float(excess.std(ddof=1)))


def sortino_ratio(returns: npt.ArrayLike, *, risk_free_daily: float = 0.0) -> float | None:
    """Return mean excess return over its downside deviation, annualized by sqrt(365).

    The deviation is the root mean square of ``min(excess, 0)`` over all n days, gains counted as zero. None without
    returns, and where no day lost. Source: Sortino and Price, "Performance Measurement in a Downside Risk Framework",
    Journal of Investing 3 (1994).

    Args:
        returns: simple daily returns, ``(n,)``.
        risk_free_daily: the return that counts as no loss.
    """
    excess = np.asarray(returns, dtype=np.float64) - risk_free_daily
    if not excess.size:
        return None
    shortfall = np.minimum(excess, 0.0)
    return _annualized_ratio(float(excess.mean()), float(np.sqrt(np.mean(shortfall * shortfall))))


def annualized_return(growth: float, days: int) -> float:
    """Return the yearly rate that makes ``growth`` (end over start, above zero) out of one in ``days`` days.

    Geometric: ``growth ** (365 / days) - 1``. Infinite where that is too large for a float.
    """
    try:
        return math.pow(growth, DAYS_PER_YEAR / days) - 1.0
    except OverflowError:
        return float("inf")


def max_drawdown(unit_values: npt.ArrayLike) -> Drawdown | None:
    """Return the deepest fall from a running peak, the first value included; None for an empty series.

    Of equally deep falls the first counts, and its peak is the last day at that height before it. A series that never
    falls has depth zero, at its first index. Source: Magdon-Ismail and Atiya, "Maximum Drawdown", Risk 17 (2004).

    Args:
        unit_values: above zero, ``(n_days,)``.
    """
    if not np.size(unit_values):
        return None
    falls = drawdowns(unit_values)
    return falls[0] if falls else Drawdown(depth=0.0, peak=0, trough=0, recovery=0)


def drawdowns(unit_values: npt.ArrayLike) -> list[Drawdown]:
    """Return every fall from a running peak until the peak's height is reached again, the deepest first.

    Args:
        unit_values: above zero, ``(n_days,)``.
    """
    values = np.asarray(unit_values, dtype=np.float64)
    falls = values / np.maximum.accumulate(values) - 1.0 if values.size else values
    edges = np.diff(np.concatenate(([0], (falls < 0.0).astype(np.int8), [0])))
    found = []
    for start, end in zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True):
        trough = start + int(np.argmin(falls[start:end]))
        recovery = end if end < values.size else None
        found.append(Drawdown(depth=float(falls[trough]), peak=start - 1, trough=trough, recovery=recovery))
    return sorted(found, key=lambda fall: fall.depth)


def sharpe_standard_error(returns: npt.ArrayLike, sharpe: float) -> float:
    """Return the standard error of an annualized Sharpe ratio of ``(n,)`` daily returns.

    ``sqrt((1 + s x s / 2) / n) x sqrt(365)`` with the daily ratio s. Source: Lo, "The Statistics of Sharpe Ratios",
    Financial Analysts Journal 58 (2002), for returns that are independent and alike.
    """
    daily = sharpe / math.sqrt(DAYS_PER_YEAR)
    return math.sqrt((1.0 + daily * daily / 2.0) / np.size(returns)) * math.sqrt(DAYS_PER_YEAR)


def money_weighted_growths(days: Sequence[date], payments: Sequence[float]) -> list[float]:
    """Return each growth from the first day to the last at which the payments are worth nothing together, the least
    first: usually one.

    That is the internal rate of return of dated payments (XIRR), of the whole period in place of a year: of a few days
    the yearly rate is beyond all numbers. Source: CFA Institute, GIPS Standards (2020), money-weighted return. Above
    one there are at most as many growths as the sums of the payments from the first on change their sign, below as
    those from the last (Laguerre, "Sur la théorie des équations numériques", 1883): after one, no other is looked for.

    Args:
        days: strictly growing, ``(n_days,)`` of two or more.
        payments: on each day, what was paid in below zero, and on the last also what was there above it; not all zero.
    """
    every = np.asarray(payments, dtype=np.float64)
    paid, at = every[every != 0.0], _share_of_period(days)[every != 0.0]
    changes = sum(map(_changes, (np.cumsum(paid), np.cumsum(paid[::-1]))))
    places = _PLACES[[0, -1]] if changes <= 1 else _PLACES
    inner = [_worth(paid, at, place) > 0.0 for place in places[1:-1].tolist()]
    above = [paid[-1] > 0.0, *inner, paid[0] > 0.0]  # the farther away, the more the last payment, or the first, is all
    spans = zip(pairwise(places.tolist()), pairwise(above), strict=True)
    return [math.exp(_between(paid, at, *ends, rises=over)) for ends, (under, over) in spans if under != over]


def _share_of_period(days: Sequence[date]) -> Series:
    ordinals = np.asarray([day.toordinal() for day in days], dtype=np.float64)
    shares: Series = (ordinals - ordinals[0]) / (ordinals[-1] - ordinals[0])
    return shares


def _changes(sums: Series) -> int:
    signs = np.sign(sums[sums != 0.0])
    return int(np.count_nonzero(signs[1:] != signs[:-1]))


def _worth(paid: Series, at: Series, growth: float) -> float:
    """Return what the payments are worth on the first day, at the logarithm of a growth."""
    return float(paid @ np.exp(at * -growth))


def _between(paid: Series, at: Series, low: float, high: float, *, rises: bool) -> float:
    """Return where the worth changes its sign, to the last digits of a float."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        if (_worth(paid, at, middle) > 0.0) == rises:
            high = middle
        else:
            low = middle
    return (low + high) / 2.0


def _annualized_ratio(mean: float, deviation: float) -> float | None:
    """Return ``mean / deviation x sqrt(365)``; None where the deviation vanishes at 12 decimals."""
    return mean / deviation * DAYS_PER_YEAR**0.5 if statistic(deviation) else None
