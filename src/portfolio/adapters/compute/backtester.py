"""The port of computing backtests, on the worker processes."""

from __future__ import annotations

from typing import Final

from portfolio.adapters.compute.optimiser import LIBRARIES, check_installed
from portfolio.adapters.compute.worker import advance_backtest
from portfolio.adapters.compute.workers import Workers
from portfolio.application.backtest.jobs.records import Advanced
from portfolio.application.backtest.request import Kind

SLICE_SECONDS: Final = 0.5
"""Who asks for weights meanwhile waits for no more than this."""

LATE_SECONDS: Final = 120.0


class SpawnedBacktester:
    """Computes backtests in the worker processes, a slice at a time."""

    def __init__(
        self, workers: Workers, *, slice_seconds: float = SLICE_SECONDS, libraries: tuple[str, ...] = LIBRARIES
    ) -> None:
        self._workers = workers
        self._slice_seconds = slice_seconds
        self._libraries = libraries

    def check(self, kind: Kind) -> None:
        """See that backtests of a kind can be computed; raises as the port says."""
        if kind is Kind.TARGETS:
            check_installed(self._libraries)

    async def advance(self, given: bytes, checkpoint: bytes | None) -> Advanced:
        """Go on for a slice; raises as the port says."""
        return await self._workers.run(advance_backtest, given, checkpoint, self._slice_seconds, seconds=LATE_SECONDS)
