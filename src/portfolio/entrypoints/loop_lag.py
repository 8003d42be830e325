"""Measures how late the event loop runs what is due; every request waits as long."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from portfolio.application.uncancelled import end_tasks

INTERVAL_SECONDS = 0.05
RECENT = 1_200
"""How many of the last lags are kept: those of a minute."""


class LoopLag:
    """Sleeps in a loop and reports how much later it woke up than asked for; ``recent`` are the last lags, in seconds,
    oldest first.
    """

    def __init__(self, observe: Callable[[float], object], *, interval_seconds: float = INTERVAL_SECONDS) -> None:
        self.recent: deque[float] = deque(maxlen=RECENT)
        self._observe = observe
        self._interval_seconds = interval_seconds
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to measure."""
        self._task = asyncio.create_task(self._measure(), name="event-loop-lag")

    async def stop(self) -> None:
        """End measuring."""
        await end_tasks([self._task] if self._task else [])

    async def _measure(self) -> None:
        while True:
            # Not the loop's own clock: it stands still while the loop is busy.
            due = time.monotonic() + self._interval_seconds
            await asyncio.sleep(self._interval_seconds)
            self.recent.append(max(0.0, time.monotonic() - due))
            self._observe(self.recent[-1])
