"""Calls no closer together than an exchange allows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from portfolio.application.clock import Clock


class Pace:
    """Lets callers through one after another, at most ``per_second`` of them a second."""

    def __init__(
        self, clock: Clock, per_second: float, *, wait: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._clock = clock
        self._gap_seconds = 1 / per_second
        self._wait = wait
        self._next = clock.monotonic()

    async def turn(self) -> None:
        """Return when it is the caller's turn."""
        now = self._clock.monotonic()
        mine = max(now, self._next)
        self._next = mine + self._gap_seconds
        if mine > now:
            await self._wait(mine - now)
