"""Waits for what nobody tells of: the doing of another task, thread or process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], *, seconds: float = 60.0, pause_seconds: float = 0.01) -> None:
    """Wait until a condition holds, for which others are at work.

    With a pause of 0 the other tasks of the event loop go one step on between two looks.

    Raises:
        TimeoutError: it did not come to hold in time.
    """
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  whoever brings it about has no event for it
            await asyncio.sleep(pause_seconds)
