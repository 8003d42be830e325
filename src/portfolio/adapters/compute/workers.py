"""Several worker processes as one: whoever asks gets the one for which the fewest wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

from portfolio.adapters.compute.process import WorkerProcess

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Workers:
    """So many worker processes, each of which starts when it is needed."""

    def __init__(self, count: int = 1) -> None:
        self._processes = [WorkerProcess() for _ in range(count)]
        self._asked = [0] * count

    @property
    def spare(self) -> int:
        """Return how many of them have nothing to do."""
        return self._asked.count(0)

    async def run(self, function: Callable[[*Ts], T], *given: *Ts, seconds: float) -> T:
        """Return the result of ``function``; see ``WorkerProcess``, also for what is raised."""
        place = self._asked.index(min(self._asked))
        self._asked[place] += 1
        try:
            return await self._processes[place].run(function, *given, seconds=seconds)
        finally:
            self._asked[place] -= 1

    async def close(self) -> None:
        """End the processes, whatever they are at."""
        for process in self._processes:
            await process.close()
