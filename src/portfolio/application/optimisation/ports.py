"""The computing of weights, as a port: it takes solvers, which do not run in the service's own process."""

from __future__ import annotations

from typing import Protocol

from portfolio.analytics.optimisation.problem import Problem, Solved


class Compute(Protocol):
    """Where weights are computed."""

    async def optimise(self, problem: Problem, *, seconds: float) -> Solved:
        """Return the weights of a problem within so many seconds.

        Raises:
            NotInstalled: what computes them is not there.
            ComputationFailed: it ended without a result; the next call begins anew.
            ComputationLate: it took longer.
            TurnoverTooSmall: the problem has no solution.
        """
