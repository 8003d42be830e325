"""Work that outlives the request it came with."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


class Uncancelled:
    """Runs work in tasks of its own: a caller who goes away cancels the waiting, never a write or a long reading."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __call__(self, work: Coroutine[Any, Any, T]) -> T:
        """Return the result of ``work``, which runs to its end whatever becomes of the caller."""
        task = asyncio.create_task(work, name="uncancelled")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Return when all that was begun has ended."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def stop(self) -> None:
        """End what was begun, which nobody needs any more."""
        await end_tasks(self._tasks)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        fetch_error(task)


async def end_tasks(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks, and return when they have ended; what they end with is for whoever waits for them."""
    at_work = [task for task in tasks if not task.done()]
    for task in at_work:
        task.cancel()
    if at_work:
        await asyncio.wait(at_work)


def fetch_error(task: asyncio.Task[Any]) -> None:
    """Fetch the error of a task that has ended: all who asked may have gone, and one nobody fetches is warned of."""
    if not task.cancelled():
        task.exception()
