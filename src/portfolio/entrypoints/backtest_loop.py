"""The tasks that compute backtests, as many at once as there are processes for it, and remove old ones."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field
from datetime import timedelta

import structlog

from portfolio.application.backtest.jobs.computing import ComputeBacktests, Report
from portfolio.application.backtest.jobs.ports import Backtests
from portfolio.application.backtest.jobs.records import JobState
from portfolio.application.clock import Clock

_log = structlog.get_logger(__name__)

IDLE_SECONDS = 1.0
RETRY_AFTER = 5  # times as long it rests where something stood in the way
KEPT = timedelta(days=90)
MOST_KEPT = 1_000
FORGETS_EVERY_SECONDS = 600.0


@dataclass(slots=True, eq=False)
class BacktestLoop:
    """Looks for a job once a second or so, and takes the next one as soon as one has ended."""

    compute: ComputeBacktests
    backtests: Backtests
    clock: Clock
    _: KW_ONLY
    at_once: int = 1
    idle_seconds: float = IDLE_SECONDS
    _forgets_at: float = field(default=-math.inf, init=False)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list, init=False)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _said: type[Exception] | None = field(default=None, init=False)

    def start(self) -> None:
        """Begin, in tasks of their own."""
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(self._run(), name=f"compute backtests {place}") for place in range(self.at_once)
            ]

    async def stop(self) -> None:
        """Give the jobs at work back after their present slices, and end the tasks."""
        self._stopping.set()
        self.compute.stop()
        try:
            if self._tasks:
                await asyncio.wait(self._tasks)
        finally:
            for task in self._tasks:
                task.cancel()

    async def _run(self) -> None:
        while not self._stopping.is_set():
            pause = await self._step()
            if pause:
                await self._rest(pause)

    async def _step(self) -> float:
        """Compute a job, if there is one, and return how long to rest."""
        try:
            report = await self.compute()
            if report is None:
                await self._forget()
        except Exception as error:  # noqa: BLE001  whatever it is, it is said, and tried again
            if self._said is not type(error):
                self._said = type(error)
                _log.warning("backtest.not_taken", reason=f"{type(error).__name__}: {error}")
            return RETRY_AFTER * self.idle_seconds
        self._said = None
        if report is None:
            return self.idle_seconds * self.at_once
        _note(report)
        return 0.0

    async def _forget(self) -> None:
        """Remove old jobs, where it is time to look for some."""
        if self.clock.monotonic() < self._forgets_at:
            return
        self._forgets_at = self.clock.monotonic() + FORGETS_EVERY_SECONDS
        gone = await self.backtests.forget(before=self.clock.now() - KEPT, most=MOST_KEPT)
        if gone:
            self._forgets_at = self.clock.monotonic()  # there may be more
            _log.info("backtest.forgotten", count=gone)

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()


def _note(report: Report) -> None:
    """Log what became of a job."""
    if report.state is JobState.FAILED:
        _log.error("backtest.failed", backtest=report.job_id, reason=report.error, exc_info=report.cause)
    elif report.state is JobState.DONE:
        _log.info("backtest.done", backtest=report.job_id, attempts=report.attempts)
    elif report.state is JobState.QUEUED:
        _log.info("backtest.given_back", backtest=report.job_id)
    else:
        _log.info("backtest.left", backtest=report.job_id)
