"""Computations that may take longer than a request: they go on without it, and the next one who asks has the result."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Final, Generic, TypeVar

from portfolio.application.uncancelled import end_tasks

T = TypeVar("T")

KEPT_SECONDS: Final = 300.0
"""For so long a result that nobody waited for is the answer to the next one who asks."""
MOST_BEGUN: Final = 4
"""So many go on without anybody at a time, or are kept; while all are at work, one more ends with its request."""


class SharedComputations(Generic[T]):
    """Begins a computation when somebody asks for it. Whoever asks for the same meanwhile shares it.

    A result that somebody got is not given again: the next one who asks has a new one.
    """

    def __init__(self, *, kept_seconds: float = KEPT_SECONDS, most: int = MOST_BEGUN) -> None:
        self._kept_seconds = kept_seconds
        self._most = most
        self._begun: dict[Hashable, asyncio.Task[T]] = {}
        self._ended_at: dict[Hashable, float] = {}

    async def __call__(self, key: Hashable, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return what ``make`` makes, or what was begun under ``key`` before."""
        now = asyncio.get_running_loop().time()
        for old in [key for key, at in self._ended_at.items() if at + self._kept_seconds < now]:
            self._forget(old)
        task = self._begun.get(key)
        if task is None:
            if len(self._begun) >= self._most and self._ended_at:
                self._forget(next(iter(self._ended_at)))  # whoever wanted it has not come back for longest
            if len(self._begun) >= self._most:
                return await make()
            task = self._begun[key] = asyncio.create_task(make(), name="shared computation")
            task.add_done_callback(lambda ended: self._note_end(key, ended))
        result = await asyncio.shield(task)
        if self._begun.get(key) is task:
            self._forget(key)
        return result

    async def stop(self) -> None:
        """End what nobody waits for any more."""
        await end_tasks(self._begun.values())

    def _note_end(self, key: Hashable, ended: asyncio.Task[T]) -> None:
        self._ended_at[key] = ended.get_loop().time()
        if ended.cancelled() or ended.exception() is not None:
            self._forget(key)  # who waits has the error, and the next one tries again

    def _forget(self, key: Hashable) -> None:
        self._begun.pop(key, None)
        self._ended_at.pop(key, None)
