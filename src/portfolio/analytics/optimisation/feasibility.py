"""How much can be invested within the limits, and which of them say so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from portfolio.analytics.optimisation.cuts import Cuts, near_zero, wider
from portfolio.analytics.optimisation.problem import CLOSE, Bounds, NoSolution, Shortfall, TurnoverTooSmall
from portfolio.analytics.optimisation.solvers import Constraints, Optimum, Solvers


def reachable(cuts: Cuts, solvers: Solvers) -> tuple[float, Shortfall | None]:
    """Return the sum of weights that is nearest to what is to be invested, and what keeps it from being that.

    The limits that do are those with a dual above zero in the programme that comes as near as can be: its duals are the
    proof that nothing is nearer.

    Raises:
        TurnoverTooSmall: the limits cannot be met at all by so little trading.
        NoSolution: the solver failed.
    """
    wanted, n_assets = cuts.bounds.invested, cuts.bounds.n_assets
    if cuts.bounds.most_turnover is None and _has_room_for_equal_weights(cuts.bounds):
        return wanted, None

    def solve(within: Constraints) -> Optimum:
        # Two more variables: what is invested too little, and too much.
        row = np.zeros((1, within.equal.shape[1] + 2))
        row[0, :n_assets], row[0, -2], row[0, -1] = 1.0, 1.0, -1.0
        equal = np.vstack([wider(within.equal, 2), row])
        slope = np.zeros(equal.shape[1])
        slope[-2:] = 1.0
        every = Constraints(equal, np.append(within.equal_to, wanted), wider(within.rows, 2), within.most)
        return solvers.linear(slope, every)

    try:
        weights, optimum = cuts.solve(solve, invested=None)
    except NoSolution:
        if cuts.bounds.most_turnover is None:
            raise
        raise TurnoverTooSmall(_least_turnover(cuts, solvers)) from None
    possible = float(weights.sum())
    if abs(possible - wanted) <= CLOSE:
        return wanted, None
    limits = [limit for limit, dual in enumerate(optimum.duals[:-1].tolist()) if not near_zero(dual)]
    by_turnover = not near_zero(float(optimum.duals[-1]))
    return possible, Shortfall(wanted=wanted, possible=possible, limits=limits, turnover=by_turnover)


def _has_room_for_equal_weights(bounds: Bounds) -> bool:
    """Return whether the same weight of each asset keeps to all limits: then all can be invested, for sure."""
    return bool((bounds.sums(np.full(bounds.n_assets, bounds.invested / bounds.n_assets)) <= bounds.most).all())


def _least_turnover(cuts: Cuts, solvers: Solvers) -> float:
    """Return the least turnover that leads into the limits, whatever is invested then.

    With nearly as much owed as is held, weights of now are many times one: they are brought to a size that is solved.
    """
    bounds, n_assets = cuts.bounds, cuts.bounds.n_assets
    size = max(float(bounds.current.max()), 1.0)
    # To sell everything is always within the limits, so that this much is no bound.
    any_turnover = 2.0 * n_assets
    scaled = replace(bounds, most=bounds.most / size, current=bounds.current / size, most_turnover=any_turnover)

    def solve(within: Constraints) -> Optimum:
        slope = np.ones(within.equal.shape[1])
        slope[:n_assets] = 0.0
        return solvers.linear(slope, within)

    weights, _ = Cuts(scaled).solve(solve, invested=None)
    return float(np.abs(weights - scaled.current).sum()) * size
