"""Weights of which each contributes the same to the variance."""

from __future__ import annotations

from typing import Final

import numpy as np

from portfolio.analytics.estimate import Matrix, Vector
from portfolio.analytics.optimisation.moments import all_moving
from portfolio.analytics.optimisation.problem import NoSolution

MOST_STEPS: Final = 200
NEAR: Final = 1e-13


def risk_parity(covariance: Matrix) -> tuple[Vector, float]:
    """Return shares that sum to 1, with equal risk contributions, and by how much these differ at most.

    They are the least of f(x) = x'Cx/2 - sum ln(x_i) / n, scaled to sum 1: where its gradient is zero, x_i (Cx)_i = 1/n
    for all. f is convex, so Newton's method finds it; it works on the correlations, of which all variances are 1.
    Source: Spinu, "An Algorithm for Computing Risk Parity Weights" (2013), equations 9 to 11.

    Args:
        covariance: ``(n_assets, n_assets)``.

    Raises:
        NoSolution: an asset does not move, or moves together offset each other without end (a singular covariance).
    """
    deviations = all_moving(np.sqrt(np.diag(covariance)))
    correlation = covariance / np.outer(deviations, deviations)
    n_assets = len(deviations)
    x = np.full(n_assets, 1 / np.sqrt(max(float(correlation.sum()), 1.0)))
    for _ in range(MOST_STEPS):
        parts = x * (correlation @ x)
        if np.abs(parts - 1 / n_assets).max() < NEAR:
            break
        x = _step(correlation, x, parts)
    parts = x * (correlation @ x)
    contributions = parts / parts.sum()
    difference = float(np.abs(contributions - 1 / n_assets).max())
    if not difference < 1e-9:
        raise NoSolution("risk_parity_not_found")
    weights = x / deviations
    return weights / weights.sum(), difference


def _step(correlation: Matrix, x: Vector, parts: Vector) -> Vector:
    """Return the next x: a step of Newton, halved until it is inside and f falls as it should."""
    n_assets = len(x)
    gradient = (parts - 1 / n_assets) / x
    hessian = correlation + np.diag(1 / (n_assets * x**2))
    try:
        direction = -np.linalg.solve(hessian, gradient)
    except np.linalg.LinAlgError as error:
        raise NoSolution("risk_parity_not_found") from error
    slope, size = float(gradient @ direction), 1.0
    start = _value(correlation, x)
    while size > 1e-12:
        candidate: Vector = x + size * direction
        # Near the end the slope is below what f can show: then a whole step is right.
        if (candidate > 0).all() and (-slope < 1e-12 or _value(correlation, candidate) <= start + 0.25 * size * slope):
            return candidate
        size /= 2
    raise NoSolution("risk_parity_not_found")


def _value(correlation: Matrix, x: Vector) -> float:
    return float(x @ correlation @ x) / 2 - float(np.log(x).sum()) / len(x)
