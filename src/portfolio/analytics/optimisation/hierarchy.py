"""Hierarchical risk parity: money is divided down the tree of what moves alike."""

from __future__ import annotations

import numpy as np

from portfolio.analytics.estimate import Matrix, Vector
from portfolio.analytics.optimisation.moments import all_moving
from portfolio.analytics.optimisation.solvers import Solvers


def hierarchical_risk_parity(covariance: Matrix, solvers: Solvers) -> Vector:
    """Return shares that sum to 1.

    Assets are put in the order of the leaves of the single-linkage tree of the distances sqrt((1 - correlation) / 2);
    the list is halved again and again, and each half gets the share of the other half's variance in both, the variance
    of a half being that of its inverse-variance portfolio. Source: Lopez de Prado, "Building Diversified Portfolios
    that Outperform Out of Sample", Journal of Portfolio Management 42 (2016), whose code takes distances of distances
    instead.

    Args:
        covariance: ``(n_assets, n_assets)``.
        solvers: for the tree.

    Raises:
        NoSolution: an asset does not move.
    """
    deviations = all_moving(np.sqrt(np.diag(covariance)))
    correlation = np.clip(covariance / np.outer(deviations, deviations), -1, 1)
    distances = np.sqrt((1 - correlation) / 2)
    shares = np.ones(len(covariance))
    waiting = [solvers.leaves(distances) if len(covariance) > 1 else [0]]
    while waiting:
        part = waiting.pop()
        if len(part) > 1:
            halves = part[: len(part) // 2], part[len(part) // 2 :]
            first, second = (_variance(covariance, half) for half in halves)
            shares[halves[0]] *= second / (first + second)
            shares[halves[1]] *= first / (first + second)
            waiting += halves
    return shares


def _variance(covariance: Matrix, part: list[int]) -> float:
    inside = covariance[np.ix_(part, part)]
    weights = 1 / np.diag(inside)
    weights /= weights.sum()
    return float(weights @ inside @ weights)
