"""The limits as constraints of a programme, of which those of pairs come in only where they would be broken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from portfolio.analytics.estimate import Matrix, Vector
from portfolio.analytics.optimisation.problem import CLOSE, Bounds
from portfolio.analytics.optimisation.solvers import Constraints, Optimum

PAIR: Final = 2
_MOST_BROKEN: Final = 1e-10

Solve = Callable[[Constraints], Optimum]


class Cuts:
    """Solves programmes over weights within bounds.

    Among hundreds of assets the limits of pairs may be tens of thousands, of which a handful matter. So a programme is
    solved without them first, and again with those that its result breaks, until it breaks none: what comes out is the
    optimum with all of them. A pair that mattered once is in every later programme.

    The variables are the weights ``(n_assets,)``; with a bound on turnover, purchases and sales come after them.
    """

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.active = [limit for limit, members in enumerate(bounds.members) if len(members) != PAIR]

    def solve(self, solve: Solve, *, invested: float | None, scaled_by: Vector | None = None) -> tuple[Vector, Optimum]:
        """Return the weights, and the optimum with the duals of all limits, ``(n_limits,)``, that of turnover last.

        Args:
            solve: solves a programme.
            invested: the sum of the weights; None for any.
            scaled_by: for a homogeneous programme, see ``homogeneous``: a value of each weight, and of 1 last.
        """
        n_assets = self.bounds.n_assets
        while True:
            within = self._constraints(invested)
            if scaled_by is not None:
                within = homogeneous(within, scaled_by)
            found = solve(within)
            weights = found.x[:n_assets] / (found.x[-1] if scaled_by is not None else 1.0)
            known = set(self.active)
            excess = self.bounds.sums(weights) - self.bounds.most
            broken = [limit for limit in np.flatnonzero(excess > _MOST_BROKEN).tolist() if limit not in known]
            if not broken:
                return weights, Optimum(found.x, self._all_duals(found.duals), found.gap)
            self.active += broken

    def _constraints(self, invested: float | None) -> Constraints:
        bounds, n_assets = self.bounds, self.bounds.n_assets
        rows = np.zeros((len(self.active), n_assets))
        for row, limit in enumerate(self.active):
            rows[row, list(bounds.members[limit])] = 1.0
        most = bounds.most[self.active]
        equal, equal_to = np.zeros((0, n_assets)), np.zeros(0)
        if invested is not None:
            equal, equal_to = np.ones((1, n_assets)), np.array([invested])
        if bounds.most_turnover is None:
            return Constraints(equal, equal_to, rows, most)
        unit = np.eye(n_assets)
        return Constraints(
            np.vstack([wider(equal, 2 * n_assets), np.hstack([unit, -unit, unit])]),
            np.concatenate([equal_to, bounds.current]),
            np.vstack([wider(rows, 2 * n_assets), np.repeat([0.0, 1.0, 1.0], n_assets)[None, :]]),
            np.append(most, bounds.most_turnover),
        )

    def _all_duals(self, duals: Vector) -> Vector:
        every = np.zeros(len(self.bounds.most) + 1)
        every[self.active] = duals[: len(self.active)]
        if self.bounds.most_turnover is not None:
            every[-1] = duals[len(self.active)]
        return every


def homogeneous(within: Constraints, value: Vector) -> Constraints:
    """Return the constraints on (k x, k), k >= 0, with ``value`` of them fixed at 1.

    So the greatest ratio of a value to a deviation becomes the least variance at a value of 1. Source: Charnes and
    Cooper, "Programming with Linear Fractional Functionals", Naval Research Logistics Quarterly 9 (1962).

    Args:
        within: the constraints on x ``(n_variables,)``.
        value: of the weights, and of 1 last, ``(n_assets + 1,)``; further variables have none.
    """
    n_variables = within.equal.shape[1]
    valued = np.zeros(n_variables + 1)
    valued[: len(value) - 1], valued[-1] = value[:-1], value[-1]
    return Constraints(
        np.vstack([np.hstack([within.equal, -within.equal_to[:, None]]), valued]),
        np.append(np.zeros(len(within.equal_to)), 1.0),
        np.hstack([within.rows, -within.most[:, None]]),
        np.zeros(len(within.most)),
    )


def wider(matrix: Matrix, by: int) -> Matrix:
    """Return a matrix with so many more columns, of zeros."""
    return np.hstack([matrix, np.zeros((len(matrix), by))])


def near_zero(value: float) -> bool:
    """Return whether a weight or a dual is zero but for the last digits of a solver."""
    return abs(value) <= CLOSE
