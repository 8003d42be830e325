"""The port of computing weights, on the worker process."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Final

from portfolio.adapters.compute.cluster import Cluster
from portfolio.adapters.compute.process import WorkerProcess
from portfolio.adapters.compute.worker import optimise
from portfolio.adapters.compute.workers import Workers
from portfolio.analytics.optimisation.problem import Problem, Solved
from portfolio.application.errors import NotInstalled

EXTRA: Final = "optimise"
LIBRARIES: Final = ("clarabel", "scipy")


class SpawnedOptimiser:
    """Computes weights in the worker process, where the libraries for it are installed."""

    def __init__(self, worker: WorkerProcess | Workers | Cluster, *, libraries: tuple[str, ...] = LIBRARIES) -> None:
        self._worker = worker
        self._libraries = libraries

    async def optimise(self, problem: Problem, *, seconds: float) -> Solved:
        check_installed(self._libraries)
        return await self._worker.run(optimise, problem, seconds=seconds)


def check_installed(libraries: Sequence[str] = LIBRARIES) -> None:
    """See that the libraries that weights are computed with are there.

    Raises:
        NotInstalled: names those that are not.
    """
    if missing := [name for name in libraries if find_spec(name) is None]:
        raise NotInstalled(" and ".join(missing), EXTRA)
