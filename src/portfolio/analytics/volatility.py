"""How much assets and the portfolio move, and which position it comes from.

Conventions (``crypto-365-v1``, 8 and 11): sample standard deviation (ddof 1) of simple daily returns, a year has 365
days; covariance over the days common to all assets that have 20 returns or more. Weights are shares of the total value,
cash included, so that they add up to less than 1 and cash adds no risk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from portfolio.analytics.conventions import DAYS_PER_YEAR
from portfolio.analytics.estimate import Counts, Estimate, Estimates, Matrix, Undefined, Vector
from portfolio.analytics.returns import LEAST_RETURNS, NO_DEVIATION, common_days

_ANNUAL: Final = DAYS_PER_YEAR**0.5


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """What the common days say: ``centred`` returns of the included assets, and ``portfolio``, their sum by weights.

    ``reason`` is why there are no parts of the portfolio's ``deviation``, that of a day; NaN where it is undefined too.

    With C the covariance, sqrt(w'Cw) is the deviation of the portfolio's own daily returns, and Cw the covariance of
    each asset with them: both come without C, in one pass, and never of a negative variance.
    """

    centred: Matrix
    weights: Vector
    portfolio: Vector
    deviation: float
    reason: Undefined | None

    @classmethod
    def of(cls, returns: Matrix, weights: Vector, reason: Undefined | None) -> Moves:
        """Return those of complete returns ``(n_common, n_included)``, unless there is a reason against any."""
        if reason is not None:
            return cls(returns, weights, np.empty(0), np.nan, reason)
        centred = returns - returns.mean(axis=0)
        portfolio = centred @ weights
        deviation = (float(portfolio @ portfolio) / (len(returns) - 1)) ** 0.5
        if deviation <= NO_DEVIATION * float(np.abs(weights).sum()):
            reason = Undefined.CONSTANT_SERIES
        return cls(centred, weights, portfolio, deviation, reason)

    def contributions(self) -> Vector:
        """Return w_i (Cw)_i / w'Cw.

        After Litterman, "Hot Spots and Hedges", Journal of Portfolio Management 23 (1996).
        """
        degrees = len(self.centred) - 1
        variance = float(self.portfolio @ self.portfolio) / degrees
        return self.weights * (self.portfolio @ self.centred) / degrees / variance

    def diversification_ratio(self) -> float:
        """Return the sum of w_i sigma_i over the portfolio's sigma.

        After Choueifaty and Coignard, "Toward Maximum Diversification", Journal of Portfolio Management 35 (2008), here
        with sigma_i of the common days too, so that it is never below 1 without shorts.
        """
        own = np.sqrt(np.einsum("ij,ij->j", self.centred, self.centred) / (len(self.centred) - 1))
        return float(self.weights @ own) / self.deviation


@dataclass(frozen=True, slots=True, eq=False)
class Volatility:
    """The volatility of assets and portfolio, all of them fractions; one element an asset, in the order of the input.

    ``daily`` is of each asset's own returns. ``portfolio`` is annualized. ``contributions`` are
    shares of the portfolio's variance and add up to 1. ``common_days`` are those behind ``portfolio``,
    ``contributions`` and ``diversification_ratio``; ``covered_weight`` is the weight of the assets in them, those
    not ``excluded``: what the others would add is missing in the figures.

    ``contributions`` and ``diversification_ratio`` are computed when they are asked for: a read of the portfolio has
    neither.
    """

    daily: Estimates
    portfolio: Estimate
    heat: Estimate
    excluded: tuple[Undefined | None, ...]
    common_days: int
    covered_weight: float
    moves: Moves

    @property
    def contributions(self) -> Estimates:
        """Return each asset's share of the portfolio's variance."""
        reasons = [reason or self.moves.reason for reason in self.excluded]
        values = np.full(len(reasons), np.nan)
        if self.moves.reason is None:
            values[[reason is None for reason in reasons]] = self.moves.contributions()
        return Estimates.of(values, reasons)

    @property
    def diversification_ratio(self) -> Estimate:
        """Return the weighted sum of the assets' deviations over the portfolio's."""
        reason = self.moves.reason
        return Estimate(self.moves.diversification_ratio()) if reason is None else Estimate(reason=reason)


def volatility(returns: Matrix, weights: npt.ArrayLike, daily: Estimates | None = None) -> Volatility:
    """Return the volatility of each asset and of the portfolio, with each one's part in it.

    Args:
        returns: simple daily returns, ``(n_days, n_assets)``, NaN where there is none.
        weights: shares of the total value, finite, ``(n_assets,)``.
        daily: the ``daily_volatility`` of these returns, where it is known: weights do not matter for it.
    """
    shares = np.asarray(weights, dtype=np.float64)
    assert shares.shape == (returns.shape[1],)
    daily = daily_volatility(returns) if daily is None else daily
    common = common_days(returns, shares)
    covered = shares[common.included]
    reason = common.reason_against(shares)
    moves = Moves.of(common.returns, covered, reason)
    return Volatility(
        daily=daily,
        portfolio=Estimate(moves.deviation * _ANNUAL) if reason is None else Estimate(reason=reason),
        heat=_heat(daily, shares),
        excluded=common.excluded,
        common_days=common.n_days,
        covered_weight=float(covered.sum()),
        moves=moves,
    )


def daily_volatility(returns: Matrix) -> Estimates:
    """Return the sample standard deviation (ddof 1) of each asset's own returns, as a fraction a day.

    Undefined for under 20 returns (``too_few_observations``). A constant series has the volatility 0.

    Args:
        returns: ``(n_days, n_assets)``, NaN where there is none.
    """
    deviations, n = _deviations(returns)
    few = n < LEAST_RETURNS
    reasons: list[Undefined | None] = [Undefined.TOO_FEW_OBSERVATIONS if lacking else None for lacking in few.tolist()]
    return Estimates.of(deviations, reasons)


def _heat(daily: Estimates, weights: Vector) -> Estimate:
    """Return the sum of allocation x daily volatility over the assets that have one.

    Source: the house's convention 11; what the portfolio would move in a day if all assets moved together.
    """
    defined = ~np.isnan(daily.values)
    if not weights.any():
        return Estimate(reason=Undefined.NO_POSITIONS)
    if not defined.any():
        return Estimate(reason=Undefined.TOO_FEW_OBSERVATIONS)
    return Estimate(float(weights[defined] @ daily.values[defined]))


def _deviations(returns: Matrix) -> tuple[Vector, Counts]:
    """Return deviation (ddof 1) and number of each column's returns; masks only where there are gaps."""
    n_days, n_assets = returns.shape
    if n_days < 2:
        return np.full(n_assets, np.nan), np.count_nonzero(~np.isnan(returns), axis=0)
    means = returns.mean(axis=0)
    n = np.full(n_assets, n_days, dtype=np.int64)
    centred = returns - means
    gappy = np.flatnonzero(np.isnan(means))
    if gappy.size:
        column = returns[:, gappy]
        there = ~np.isnan(column)
        n[gappy] = np.count_nonzero(there, axis=0)
        sums = np.where(there, column, 0.0).sum(axis=0)
        centred[:, gappy] = np.where(there, column - sums / np.maximum(n[gappy], 1), 0.0)
    squares = np.einsum("ij,ij->j", centred, centred)
    return np.sqrt(squares / np.maximum(n - 1, 1)), n
