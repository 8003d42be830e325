"""From daily closes to aligned daily returns: gaps, late listings and single bars stay visible as NaN.

Conventions (``crypto-365-v1``, 1): a day is a UTC date; a lookback of N days is the last N completed days, today not
among them: N + 1 closes, N returns. A return exists only between adjacent days, so one missing close takes two returns
away, and nothing is ever filled in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt

from portfolio.analytics.estimate import Mask, Matrix, Undefined, Vector

LEAST_RETURNS: Final = 20
LIGHT_WEIGHT: Final = 0.02
LEAST_DAYS_LEFT: Final = 0.8
MOST_LEFT_OUT: Final = 0.1

# A standard deviation that is zero at 12 decimals, half even: what varies less, varies by rounding alone. That of a
# portfolio is to be compared with as much for each of its weights: what is small is not constant.
NO_DEVIATION: Final = 5e-13


@dataclass(frozen=True, slots=True, eq=False)
class PriceHistory:
    """Closes and returns of several assets on the same days, oldest first; NaN where there is none.

    ``closes`` is ``(n_days + 1, n_assets)`` in US dollars, ``returns`` ``(n_days, n_assets)`` as fractions; both are
    C-contiguous and read-only. Their last row is ``last_day``, the last completed day. Columns are in the order of
    ``symbols``.
    """

    symbols: tuple[str, ...]
    last_day: date
    closes: Matrix
    returns: Matrix

    @property
    def n_days(self) -> int:
        """Return the number of days of the lookback."""
        return len(self.returns)

    def last(self, n_days: int) -> PriceHistory:
        """Return the history of the last ``n_days`` alone, at most as many as there are; nothing is copied."""
        n_days = min(n_days, self.n_days)
        start = self.n_days - n_days
        return PriceHistory(self.symbols, self.last_day, self.closes[start:], self.returns[start:])


@dataclass(frozen=True, slots=True, eq=False)
class CommonDays:
    """The returns of the days that are common to all assets with enough of them.

    ``returns`` is ``(n_common, n_included)`` without NaN; ``included`` ``(n_assets,)`` says which assets are its
    columns, ``excluded`` why the others are not. ``least`` is the least number of days for a result.
    """

    returns: Matrix
    included: Mask
    excluded: tuple[Undefined | None, ...]
    least: int

    @property
    def n_days(self) -> int:
        """Return how many days are common; none where no asset has returns enough."""
        return len(self.returns) if self.included.any() else 0

    def reason_against(self, weights: Vector) -> Undefined | None:
        """Return why a portfolio of ``weights`` ``(n_assets,)`` has no result; None where it has one."""
        if not weights.any():
            return Undefined.NO_POSITIONS
        if not weights[self.included].any():
            return Undefined.TOO_FEW_OBSERVATIONS
        if self.n_days < self.least:
            return Undefined.TOO_FEW_COMMON_DAYS if self.n_days else Undefined.NO_COMMON_DAYS
        return None


def simple_returns(closes: npt.ArrayLike) -> Matrix:
    """Return ``close / close of the day before - 1`` as ``(n_days, n_assets)``, NaN where either is missing.

    Args:
        closes: one row a day without leaving any out, oldest first, above zero or NaN, ``(n_days + 1, n_assets)``.
    """
    matrix = np.asarray(closes, dtype=np.float64)
    assert matrix.ndim == 2
    returns: Matrix = matrix[1:] / matrix[:-1] - 1.0
    return returns


def common_days(returns: Matrix, weights: Vector, *, least: int = LEAST_RETURNS) -> CommonDays:
    """Return what the assets with ``least`` returns or more have in common, without those that cost more days than
    their weight is worth.

    An asset with fewer is left out (``too_few_observations``) and takes no day from the others. So is one of under 2 %
    that would cost the others over a fifth of their days, or leave too few (``too_short_for_its_weight``; conventions
    ``crypto-365-v1``, 6): by leaving out w of the weights a figure errs by about w, and of a fifth fewer days its
    standard error is an eighth larger. Together they are at most a tenth of the weights, else none of them is left out.
    One of no weight is left out where it would cost a day.

    The rest is complete by construction, so a covariance made of it is positive semidefinite, which one made pair by
    pair is not.

    Args:
        returns: ``(n_days, n_assets)``, NaN where there is none.
        weights: shares of the total value, finite, ``(n_assets,)``; they count by their size.
        least: the least number of returns of an asset, and of days in common.
    """
    there = ~np.isnan(returns)
    if len(returns) >= least and there.all():  # the usual case, in a fifth of the time
        n_assets = returns.shape[1]
        return CommonDays(np.ascontiguousarray(returns), np.ones(n_assets, dtype=np.bool_), (None,) * n_assets, least)
    enough = np.count_nonzero(there, axis=0) >= least
    held = enough & (weights != 0)
    included = held & ~_costly(there, held, np.abs(weights), least)
    complete = there[:, included].all(axis=1) if included.any() else np.zeros(len(returns), dtype=np.bool_)
    included |= enough & ~held & there[complete].all(axis=0)
    left_out = np.where(enough, Undefined.TOO_SHORT_FOR_ITS_WEIGHT, Undefined.TOO_FEW_OBSERVATIONS).tolist()
    return CommonDays(
        returns=np.ascontiguousarray(returns[np.ix_(complete, included)]),
        included=included,
        excluded=tuple(None if kept else Undefined(why) for kept, why in zip(included.tolist(), left_out, strict=True)),
        least=least,
    )


def _costly(there: Mask, enough: Mask, sizes: Vector, least: int) -> Mask:
    """Return which of the assets with enough returns cost more days than their weight is worth.

    The light ones are taken after the others, those of the most returns first, each beside what was taken before it.
    """
    costly = np.zeros(len(sizes), dtype=np.bool_)
    light = enough & (sizes < LIGHT_WEIGHT)
    if there[:, enough].all() or not light.any():
        return costly
    by_count = np.flatnonzero(light)[np.argsort(-np.count_nonzero(there[:, light], axis=0), kind="stable")]
    heavy = enough & ~light
    days = there[:, heavy].all(axis=1) if heavy.any() else there[:, by_count[0]]
    n_days = np.count_nonzero(days)
    for asset in by_count.tolist():
        both = days & there[:, asset]
        n_both = np.count_nonzero(both)
        if n_both < LEAST_DAYS_LEFT * n_days or n_both < least <= n_days:
            costly[asset] = True
        else:
            days = both
    return costly if sizes[costly].sum() <= MOST_LEFT_OUT * sizes[enough].sum() else np.zeros_like(costly)
