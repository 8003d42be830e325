"""Computes weights and backtests at once, in the process of the test, and not measured: that has tests of its own."""

from __future__ import annotations

from collections.abc import Mapping

from portfolio.adapters.compute.solvers import NativeSolvers
from portfolio.analytics.optimisation.optimise import choose, optimise
from portfolio.analytics.optimisation.problem import Chosen, Problem, Solved
from portfolio.application.backtest.jobs.records import Advanced, Attempted
from portfolio.application.backtest.jobs.slices import advanced, attempted
from portfolio.application.backtest.request import Kind
from tests.support.run.untraced import untraced


class InThisProcess:
    """The port of computing, on the solvers themselves; ``failure`` is raised instead, where a test sets it."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.seconds: list[float] = []

    async def optimise(self, problem: Problem, *, seconds: float) -> Solved:
        self.seconds.append(seconds)
        if self.failure is not None:
            raise self.failure
        return optimise(problem, NativeSolvers())


def chosen_here(problem: Problem) -> Chosen:
    """The weights alone."""
    return choose(problem, NativeSolvers())


class SlicesInThisProcess:
    """The port of computing backtests, eight days a slice; ``failure`` is raised where targets are asked for."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.spare = 0

    def check(self, kind: Kind) -> None:
        if self.failure is not None and kind is Kind.TARGETS:
            raise self.failure

    async def advance(self, given: bytes, checkpoint: bytes | None, ahead: Mapping[int, bytes]) -> Advanced:
        with untraced():
            return advanced(given, checkpoint, ahead, is_over=lambda: True, solve=chosen_here)

    async def attempt(self, given: bytes, place: int, state: bytes | None) -> Attempted:
        with untraced():
            return attempted(given, place, state, is_over=lambda: True, solve=chosen_here)
