"""How alike assets move: Pearson's coefficient on the days that a pair has in common.

Conventions (``crypto-365-v1``, 9): at least 20 common days, else undefined; a constant series is undefined. Source of
the formula: Pearson, "Note on Regression and Inheritance in the Case of Two Parents", Proceedings of the Royal Society
58 (1895).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from portfolio.analytics.estimate import Counts, Mask, Matrix, Undefined, frozen
from portfolio.analytics.returns import LEAST_RETURNS, NO_DEVIATION

# Below this share of the sum of squares, a sum of squared deviations has lost three digits to cancellation.
_CANCELLED: Final = 1e-3
# Pairs that are computed a second time, at once: a few megabytes for a year.
_CHUNK: Final = 1024
# Rows of the matrix that are there at once where all of it would be too large.
_ROWS: Final = 200


@dataclass(frozen=True, slots=True, eq=False)
class Correlation:
    """Coefficients of all pairs.

    ``matrix`` is ``(n_assets, n_assets)``, symmetric, in [-1, 1], its diagonal 1; NaN where undefined, which is the
    whole row of an asset whose own series is. ``common_days``, of the same shape, counts the days behind each
    (diagonal: the asset's own returns). ``excluded`` has, for each asset that is correlated with no other although
    there are others, the reason.
    """

    matrix: Matrix
    common_days: Counts
    excluded: tuple[Undefined | None, ...]

    def pair_reason(self, one: int, other: int) -> Undefined | None:
        """Return why the pair of columns ``one`` and ``other`` has no coefficient; None where it has one."""
        if not np.isnan(self.matrix[one, other]):
            return None
        for own in (one, other):
            if np.isnan(self.matrix[own, own]):
                few = self.common_days[own, own] < LEAST_RETURNS
                return Undefined.TOO_FEW_OBSERVATIONS if few else Undefined.CONSTANT_SERIES
        days = int(self.common_days[one, other])
        if days < LEAST_RETURNS:
            return Undefined.TOO_FEW_COMMON_DAYS if days else Undefined.NO_COMMON_DAYS
        return Undefined.CONSTANT_SERIES

    def undefined_pairs(self) -> list[tuple[int, int, Undefined]]:
        """Return (column, higher column, reason) of the pairs without a coefficient whose two assets are included."""
        if not np.isnan(self.matrix.sum()):
            return []
        kept = np.array([reason is None for reason in self.excluded], dtype=np.bool_)
        rows, columns = np.nonzero(np.triu(np.isnan(self.matrix) & kept & kept[:, None], k=1))
        reasons = ((i, j, self.pair_reason(i, j)) for i, j in zip(rows.tolist(), columns.tolist(), strict=True))
        return [(i, j, reason) for i, j, reason in reasons if reason is not None]


def correlation(returns: Matrix) -> Correlation:
    """Return the correlation of every pair of assets.

    Assets without gaps, usually all, cost one matrix product; masks are made for the pairs of assets with gaps alone.

    Args:
        returns: simple daily returns, ``(n_days, n_assets)``, NaN where there is none.
    """
    n_assets = returns.shape[1]
    means = returns.mean(axis=0) if len(returns) else np.full(n_assets, np.nan)
    gaps = np.isnan(means)
    if not gaps.any():
        matrix, days = _without_gaps(returns, means), np.broadcast_to(np.int64(len(returns)), (n_assets, n_assets))
    else:
        matrix, days = _with_gaps(returns, means, gaps)
    result = Correlation(frozen(matrix), days, (None,) * n_assets)
    return Correlation(result.matrix, days, _excluded(result))


def coefficients_of(returns: Matrix, column: int) -> Matrix:
    """Return the coefficients of one asset with each, ``(n_assets,)``; NaN where undefined.

    Args:
        returns: simple daily returns, ``(n_days, n_assets)``, NaN where there is none.
        column: that of the asset.
    """
    block, _ = _pairwise(returns[:, [column]], returns)
    row: Matrix = block[0]
    return row


def pairs_above(returns: Matrix, bound: float) -> dict[tuple[int, int], float]:
    """Return the coefficients greater than ``bound`` by (column, higher column), in order.

    The matrix of all pairs is never there: of ten thousand assets it would take a gigabyte.

    Args:
        returns: simple daily returns, ``(n_days, n_assets)``, NaN where there is none.
        bound: in [-1, 1].
    """
    if len(returns) < LEAST_RETURNS:
        return {}
    gaps = np.isnan(returns).any(axis=0)
    full, gappy = np.flatnonzero(~gaps), np.flatnonzero(gaps)
    series, _ = _of_length_one(returns[:, full], returns[:, full].mean(axis=0))
    found: dict[tuple[int, int], float] = {}
    for start in range(0, full.size, _ROWS):
        block = np.clip(series[:, start : start + _ROWS].T @ series[:, start:], -1.0, 1.0)
        found |= _pairs_in(block, full[start : start + _ROWS], full[start:], bound)
    for start in range(0, gappy.size, _ROWS):
        some = gappy[start : start + _ROWS]
        others = np.concatenate([full, gappy[start:]])
        block, _ = _pairwise(returns[:, some], returns[:, others])
        found |= _pairs_in(block, some, others, bound)
    return dict(sorted(found.items()))


def _pairs_in(block: Matrix, left: Counts, right: Counts, bound: float) -> dict[tuple[int, int], float]:
    rows, columns = np.nonzero(block > bound)
    ones, others = left[rows], right[columns]
    apart = ones != others
    low, high = np.minimum(ones, others)[apart], np.maximum(ones, others)[apart]
    pairs = zip(low.tolist(), high.tolist(), strict=True)
    return dict(zip(pairs, block[rows, columns][apart].tolist(), strict=True))


def _without_gaps(returns: Matrix, means: npt.NDArray[np.float64]) -> Matrix:
    """Return the coefficients of complete series: the product of the series, centred and brought to length one."""
    n_days, n_assets = returns.shape
    if n_days < LEAST_RETURNS:
        return np.full((n_assets, n_assets), np.nan)
    series, constant = _of_length_one(returns, means)
    # The transpose of an array by itself: BLAS computes one half and mirrors it, so this is symmetric to the last bit.
    matrix: Matrix = series.T @ series
    np.clip(matrix, -1.0, 1.0, out=matrix)
    np.fill_diagonal(matrix, np.where(constant, np.nan, 1.0))
    return matrix


def _of_length_one(returns: Matrix, means: npt.NDArray[np.float64]) -> tuple[Matrix, Mask]:
    """Return complete series centred and brought to length one, NaN where constant, and which ones are that."""
    series = returns - means
    lengths = np.sqrt(np.einsum("ij,ij->j", series, series))
    constant: Mask = lengths <= NO_DEVIATION * np.sqrt(len(returns) - 1)
    lengths[constant] = np.nan
    series /= lengths
    return series, constant


def _with_gaps(returns: Matrix, means: npt.NDArray[np.float64], gaps: Mask) -> tuple[Matrix, Counts]:
    """Return coefficients and common days where the assets of ``gaps`` miss some of the days."""
    n_days, n_assets = returns.shape
    matrix = np.empty((n_assets, n_assets))
    days = np.full((n_assets, n_assets), n_days, dtype=np.int64)
    gappy, full = np.flatnonzero(gaps), np.flatnonzero(~gaps)
    matrix[np.ix_(full, full)] = _without_gaps(returns[:, full], means[full])
    block, common = _pairwise(returns[:, gappy], returns)
    block[:, gappy] = (block[:, gappy] + block[:, gappy].T) / 2.0
    matrix[gappy], matrix[:, gappy] = block, block.T
    days[gappy], days[:, gappy] = common, common.T
    # An asset whose own series is undefined has no coefficient at all; a defined one is like itself.
    own = np.diagonal(matrix).copy()
    undefined = np.isnan(own)
    matrix[undefined], matrix[:, undefined] = np.nan, np.nan
    np.fill_diagonal(matrix, np.where(undefined, np.nan, 1.0))
    return matrix, frozen(days)


def _pairwise(left: Matrix, right: Matrix) -> tuple[Matrix, Counts]:
    """Return coefficients and common days of each column of ``left`` with each of ``right``.

    Sums over a pair's common days are products of the series, zero where missing, with the other's mask. They are
    taken about each series' own mean, and computed again in two passes where even so digits were lost: where a pair's
    common days lie far from that mean.
    """
    x, x_there = _centred(left)
    y, y_there = _centred(right)
    n = x_there.T @ y_there
    x_sum, y_sum = x.T @ y_there, x_there.T @ y
    x_square, y_square = (x * x).T @ y_there, x_there.T @ (y * y)
    at_least_one = np.maximum(n, 1.0)
    x_spread = x_square - x_sum * x_sum / at_least_one
    y_spread = y_square - y_sum * y_sum / at_least_one
    product = x.T @ y - x_sum * y_sum / at_least_one
    enough = n >= LEAST_RETURNS
    lost = enough & ((x_spread < _CANCELLED * x_square) | (y_spread < _CANCELLED * y_square))
    rows, columns = np.nonzero(lost)
    for start in range(0, rows.size, _CHUNK):
        at = rows[start : start + _CHUNK], columns[start : start + _CHUNK]
        x_spread[at], y_spread[at], product[at] = _two_passes(left[:, at[0]], right[:, at[1]])
    least = NO_DEVIATION * np.sqrt(np.maximum(n - 1.0, 1.0))
    x_length, y_length = np.sqrt(np.maximum(x_spread, 0.0)), np.sqrt(np.maximum(y_spread, 0.0))
    defined = enough & (x_length > least) & (y_length > least)
    block = np.full(n.shape, np.nan)
    np.divide(product, x_length, out=block, where=defined)
    np.divide(block, y_length, out=block, where=defined)
    return np.clip(block, -1.0, 1.0, out=block), n.astype(np.int64)


def _centred(series: Matrix) -> tuple[Matrix, Matrix]:
    """Return the series about their own means, zero where missing, and 1.0 where there is a value, else 0.0."""
    there = ~np.isnan(series)
    sums = np.where(there, series, 0.0).sum(axis=0)
    means = sums / np.maximum(np.count_nonzero(there, axis=0), 1)
    return np.where(there, series - means, 0.0), there.astype(np.float64)


def _two_passes(x: Matrix, y: Matrix) -> tuple[Matrix, Matrix, Matrix]:
    """Return sums of squared deviations and of their products of pairs of columns ``(n_days, n_pairs)``."""
    both = ~(np.isnan(x) | np.isnan(y))
    n = np.count_nonzero(both, axis=0)
    x, y = np.where(both, x, 0.0), np.where(both, y, 0.0)
    x = np.where(both, x - x.sum(axis=0) / n, 0.0)
    y = np.where(both, y - y.sum(axis=0) / n, 0.0)
    return np.einsum("ij,ij->j", x, x), np.einsum("ij,ij->j", y, y), np.einsum("ij,ij->j", x, y)


def _excluded(result: Correlation) -> tuple[Undefined | None, ...]:
    """Return, for each asset, why it is correlated with no other; None where it is, or where there is no other.

    An asset is out for its own series first. Otherwise it is out if there are others with a series of their own and it
    has too little in common with each of them; the reason is that of the pair with the most common days.
    """
    if not np.isnan(result.matrix.sum()):
        return result.excluded
    defined = ~np.isnan(np.diagonal(result.matrix))
    paired = np.count_nonzero(~np.isnan(result.matrix), axis=1) > 1
    alone = defined & ~paired
    reasons: list[Undefined | None] = [None] * defined.size
    for asset in np.flatnonzero(~defined).tolist():
        reasons[asset] = result.pair_reason(asset, asset)
    for asset in np.flatnonzero(alone).tolist():
        shared = np.where(defined, result.common_days[asset], -1)
        shared[asset] = -1
        nearest = int(np.argmax(shared))
        if shared[nearest] >= 0:
            reasons[asset] = result.pair_reason(asset, nearest)
    return tuple(reasons)
