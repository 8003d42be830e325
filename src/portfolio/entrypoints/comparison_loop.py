"""The task that holds the rows against the ledger's entries: once after the start, and again where they moved."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import KW_ONLY, dataclass, field

import structlog

from portfolio.application.operations.comparison import Agreement, Comparison
from portfolio.application.uncancelled import end_tasks

_log = structlog.get_logger(__name__)

AGAIN_SECONDS = 60.0
RETRY_SECONDS = 5.0


@dataclass(slots=True, eq=False)
class ComparisonLoop:
    """Compares as soon as it starts, and goes on: sooner where nothing could be compared, or the rows were wrong.

    Then ``prepare`` makes what takes long of the entries that were read, before somebody asks for it.
    """

    compare: Callable[[], Awaitable[Comparison]]
    prepare: Callable[[], Awaitable[object]]
    _: KW_ONLY
    again_seconds: float = AGAIN_SECONDS
    retry_seconds: float = RETRY_SECONDS
    _task: asyncio.Task[None] | None = field(default=None, init=False)
    _said: object = field(default=None, init=False)

    def start(self) -> None:
        """Begin, in a task of its own."""
        self._task = asyncio.create_task(self._run(), name="compare books")

    async def stop(self) -> None:
        """End the task."""
        await end_tasks([self._task] if self._task else [])

    async def _run(self) -> None:
        while True:
            pause = self.again_seconds if await self._step() else self.retry_seconds
            try:
                await self.prepare()
            except Exception as error:  # noqa: BLE001  whoever asks makes it then, and is told
                _log.warning("days.not_prepared", reason=f"{type(error).__name__}: {error}")
            await asyncio.sleep(pause)

    async def _step(self) -> bool:
        """Return whether it can be left for a while."""
        try:
            found = await self.compare()
        except Exception as error:  # noqa: BLE001  whatever it is, it is said, and tried again
            if self._said is not type(error):
                self._said = type(error)
                _log.warning("books.not_compared", reason=f"{type(error).__name__}: {error}")
            return False
        if self._said is not found.status:
            self._said = found.status
            log = _log.info if found.status is Agreement.AGREE else _log.error
            log("books.compared", status=found.status.value, ledger_revision=found.revision, detail=found.detail)
        return found.status is not Agreement.DIFFER
