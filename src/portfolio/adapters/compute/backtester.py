"""The port of computing backtests, on the worker processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Final

from portfolio.adapters.compute.cluster import Cluster
from portfolio.adapters.compute.optimiser import LIBRARIES, check_installed
from portfolio.adapters.compute.worker import advance_backtest, attempt_trial
from portfolio.adapters.compute.workers import Workers
from portfolio.application.backtest.jobs.records import Advanced, Attempted
from portfolio.application.backtest.request import Kind

SLICE_SECONDS: Final = 0.5
"""Who asks for weights meanwhile waits for no more than this."""

LATE_SECONDS: Final = 120.0


@dataclass(slots=True)
class SpawnedBacktester:
    """Computes backtests in the worker processes, a slice at a time."""

    workers: Workers | Cluster
    _: KW_ONLY
    slice_seconds: float = SLICE_SECONDS
    libraries: tuple[str, ...] = LIBRARIES

    def check(self, kind: Kind) -> None:
        if kind is Kind.TARGETS:
            check_installed(self.libraries)

    @property
    def spare(self) -> int:
        return self.workers.spare

    async def advance(self, given: bytes, checkpoint: bytes | None, ahead: Mapping[int, bytes]) -> Advanced:
        asked = given, checkpoint, dict(ahead), self.slice_seconds
        return await self.workers.run(advance_backtest, *asked, seconds=LATE_SECONDS)

    async def attempt(self, given: bytes, place: int, state: bytes | None) -> Attempted:
        asked = given, place, state, self.slice_seconds
        return await self.workers.run(attempt_trial, *asked, seconds=LATE_SECONDS)
