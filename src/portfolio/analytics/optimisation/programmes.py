"""The objectives that are programmes: least variance, greatest Sharpe ratio, least CVaR, nearest to a target."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from portfolio.analytics.conventions import DAYS_PER_YEAR
from portfolio.analytics.estimate import Matrix, Vector
from portfolio.analytics.optimisation.cuts import Cuts
from portfolio.analytics.optimisation.moments import Moments
from portfolio.analytics.optimisation.problem import CLOSE, NoSolution
from portfolio.analytics.optimisation.solvers import Constraints, Optimum, Solvers
from portfolio.analytics.returns import NO_DEVIATION


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Weights ``(n_assets,)``; ``duals`` of the limits ``(n_limits,)`` in the units of ``Binding``, None where they
    mean nothing; ``gap`` is the relative distance to what is proven to be the best, None where nothing is.
    """

    weights: Vector
    duals: Vector | None = None
    gap: float | None = None


def min_variance(moments: Moments, cuts: Cuts, invested: float, solvers: Solvers) -> Found:
    """Return the weights of least variance; raises ``NoSolution``."""
    scale = _scale(moments.covariance)

    def solve(within: Constraints) -> Optimum:
        curvature = _curvature(moments.covariance / scale, within)
        return solvers.quadratic(curvature, np.zeros(len(curvature)), within)

    weights, optimum = cuts.solve(solve, invested=invested)
    return Found(weights, optimum.duals[:-1] * (2 * scale * DAYS_PER_YEAR), optimum.gap)


def max_sharpe(moments: Moments, cuts: Cuts, invested: float, solvers: Solvers, risk_free_rate: float) -> Found:
    """Return the weights of the greatest Sharpe ratio, cash earning nothing.

    Where y is the optimum of the homogeneous programme, the weights are y / k, the ratio of a day S = 1 / sqrt(y'Cy),
    and a limit with dual z that is wider by d lifts it by S^3 k z d.

    Raises:
        NoSolution: no weights within the bounds have a mean above the risk-free rate, or none were found.
    """
    scale, daily_rate = _scale(moments.covariance), risk_free_rate / DAYS_PER_YEAR
    _check_there_is_excess(moments, cuts, invested, solvers, daily_rate)
    level = float(np.abs(moments.mean).max()) or 1.0
    value = np.append(moments.mean, -daily_rate) / level

    def solve(within: Constraints) -> Optimum:
        curvature = _curvature(moments.covariance / scale, within)
        return solvers.quadratic(curvature, np.zeros(len(curvature)), within)

    weights, optimum = cuts.solve(solve, invested=invested, scaled_by=value)
    deviation = math.sqrt(max(float(weights @ moments.covariance @ weights), 0.0))
    if deviation <= NO_DEVIATION:  # a ratio without end, of which nothing is a part
        return Found(weights, gap=optimum.gap)
    factor = float(optimum.x[-1])
    ratio = level / (factor * deviation)
    # The programme was in units of the scale and of the level: its duals are those of (C / scale) and (mean / level).
    lifted = ratio**3 * factor * scale / level**2 * math.sqrt(DAYS_PER_YEAR)
    return Found(weights, optimum.duals[:-1] * lifted, optimum.gap)


def min_cvar(returns: Matrix, confidence: Decimal, cuts: Cuts, invested: float, solvers: Solvers) -> Found:
    """Return the weights of the least mean loss beyond the confidence, by history; raises ``NoSolution``.

    Source: Rockafellar and Uryasev, "Optimization of Conditional Value-at-Risk", Journal of Risk 2 (2000).
    """
    weights, optimum = cuts.solve(
        lambda within: solvers.least_tail(returns, confidence, within),
        invested=invested,
    )
    return Found(weights, optimum.duals[:-1], optimum.gap)


def nearest(target: Vector, cuts: Cuts, invested: float, solvers: Solvers) -> Found:
    """Return the weights within the bounds whose squared distance to ``target`` is least; raises ``NoSolution``."""

    def solve(within: Constraints) -> Optimum:
        n_variables = within.equal.shape[1]
        slope = np.zeros(n_variables)
        slope[: len(target)] = -target
        return solvers.quadratic(_curvature(np.eye(len(target)), within), slope, within)

    weights, _ = cuts.solve(solve, invested=invested)
    return Found(weights)


def _check_there_is_excess(moments: Moments, cuts: Cuts, invested: float, solvers: Solvers, daily_rate: float) -> None:
    def solve(within: Constraints) -> Optimum:
        slope = np.zeros(within.equal.shape[1])
        slope[: len(moments.mean)] = -moments.mean
        return solvers.linear(slope, within)

    if invested <= CLOSE or (moments.mean <= 0).all():
        raise NoSolution("no_positive_mean")
    weights, _ = cuts.solve(solve, invested=invested)
    if float(weights @ moments.mean) - daily_rate <= CLOSE * float(np.abs(moments.mean).max()):
        raise NoSolution("no_positive_mean")


def _scale(covariance: Matrix) -> float:
    """Return the mean variance: programmes are solved in units of it, so that tolerances mean the same for all."""
    return float(np.trace(covariance)) / len(covariance) or 1.0


def _curvature(covariance: Matrix, within: Constraints) -> Matrix:
    n_variables = within.equal.shape[1]
    curvature = np.zeros((n_variables, n_variables))
    curvature[: len(covariance), : len(covariance)] = covariance
    return curvature
