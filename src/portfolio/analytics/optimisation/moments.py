"""Estimates of the mean and the covariance of daily returns."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from portfolio.analytics.estimate import Matrix, Vector
from portfolio.analytics.optimisation.problem import Estimator, NoSolution
from portfolio.analytics.returns import NO_DEVIATION


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Daily ``mean`` ``(n_assets,)`` and ``covariance`` ``(n_assets, n_assets)``.

    ``effective_observations`` are as many days of equal weight as tell as much; ``shrinkage`` is the part of the
    covariance that is its target, None where nothing is shrunk.
    """

    mean: Vector
    covariance: Matrix
    effective_observations: float
    shrinkage: float | None = None

    @property
    def condition_number(self) -> float:
        """Return how many times larger the largest eigenvalue is than the smallest; infinite for a singular one."""
        values = np.linalg.eigvalsh(self.covariance)
        return float(values[-1] / values[0]) if values[0] > 0 else math.inf


def moments(returns: Matrix, estimator: Estimator, half_life: float) -> Moments:
    """Return the moments of ``(n_days, n_assets)``, at least two days, without NaN, by an estimator."""
    if estimator is Estimator.EWMA:
        return exponentially_weighted(returns, half_life)
    return ledoit_wolf(returns) if estimator is Estimator.LEDOIT_WOLF else sample(returns)


def sample(returns: Matrix) -> Moments:
    """Return the mean, and the covariance with n - 1 in the denominator (conventions ``crypto-365-v1``, 8)."""
    centred = returns - returns.mean(axis=0)
    return Moments(returns.mean(axis=0), centred.T @ centred / (len(returns) - 1), float(len(returns)))


def ledoit_wolf(returns: Matrix) -> Moments:
    """Return the covariance shrunk towards the mean variance on the diagonal, as much as the data ask for.

    With S the covariance (1/n), m its mean variance, d2 = |S - m I|^2 and b2 = min(d2, sum |x x' - S|^2 / n^2), all
    norms of Frobenius, the shrinkage is b2 / d2. What is shrunk is the covariance with n - 1, so that a figure made of
    it compares with those of the other estimators. Source: Ledoit and Wolf, "A Well-Conditioned Estimator for
    Large-Dimensional Covariance Matrices", Journal of Multivariate Analysis 88 (2004), section 3.2.
    """
    n_days, n_assets = returns.shape
    plain = sample(returns)
    centred = returns - plain.mean
    biased = plain.covariance * ((n_days - 1) / n_days)
    level = np.trace(biased) / n_assets
    distance = float(((biased - level * np.eye(n_assets)) ** 2).sum())
    # |x x' - S|^2 = (x'x)^2 - 2 x'Sx + |S|^2, of which the middle sums to n |S|^2.
    scatter = float((((centred**2).sum(axis=1)) ** 2).sum()) / n_days - float((biased**2).sum())
    shrinkage = min(1.0, max(0.0, scatter / n_days / distance)) if distance > 0 else 1.0
    target = np.eye(n_assets) * (np.trace(plain.covariance) / n_assets)
    covariance = shrinkage * target + (1 - shrinkage) * plain.covariance
    return Moments(plain.mean, covariance, float(n_days), shrinkage)


def exponentially_weighted(returns: Matrix, half_life: float) -> Moments:
    """Return the moments with weights that halve every ``half_life`` days into the past.

    With weights v that sum to 1 the covariance is divided by 1 - sum v^2, which makes it unbiased for independent days;
    1 / sum v^2 days of equal weight tell as much. Source: Kish, "Survey Sampling" (1965), section 11.7, for the latter.
    """
    ages = np.arange(len(returns) - 1, -1, -1, dtype=np.float64)
    shares = 0.5 ** (ages / half_life)
    shares /= shares.sum()
    square = float((shares**2).sum())
    mean = shares @ returns
    centred = returns - mean
    return Moments(mean, (centred * shares[:, None]).T @ centred / (1 - square), 1 / square)


def all_moving(deviations: Vector) -> Vector:
    """Return standard deviations of a day; raises ``NoSolution`` where one is nothing but rounding."""
    if not (deviations > NO_DEVIATION).all():
        raise NoSolution("an_asset_does_not_move")
    return deviations
