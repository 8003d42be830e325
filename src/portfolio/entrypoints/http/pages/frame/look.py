"""Look-ups for pages: of what is looked up there is no snapshot."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from portfolio.application.errors import LedgerUnavailable
from portfolio.entrypoints.http.portfolio.reads import Reading

T = TypeVar("T")


class Look:
    """Looks something up for a page that shows a reading: a page is there without it too, and says so."""

    def __init__(self, reading: Reading, deadline_seconds: float) -> None:
        self._is_away = reading.snapshot.database_away
        self._deadline_seconds = deadline_seconds

    async def __call__(self, lookup: Callable[[], Awaitable[T]]) -> T | None:
        """Return what is found; None where the database is away, or does not answer in time."""
        if self._is_away:
            return None
        try:
            async with asyncio.timeout(self._deadline_seconds):
                return await lookup()
        except (LedgerUnavailable, TimeoutError):
            self._is_away = True
            return None
