"""Limits the rate of calls to an exchange."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Self

from portfolio.adapters.feeds.errors import NotAsked
from portfolio.application.clock import Clock

CALLS_PER_HOUR = 8000
_BURST = 1000


class Throttle:
    """A token bucket of at most ``burst`` calls, refilled at ``per_second``; other calls wait or are refused."""

    def __init__(
        self,
        clock: Clock,
        per_second: float,
        burst: int = 1,
        *,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._per_second = per_second
        self._burst = float(burst)
        self._wait = wait
        self._left = float(burst)
        self._counted_at = clock.monotonic()

    @classmethod
    def hourly(cls, clock: Clock, *, calls_per_hour: int = CALLS_PER_HOUR, burst: int = _BURST) -> Self:
        """Return a throttle of at most ``calls_per_hour`` in any hour: a full bucket and an hour's refill."""
        return cls(clock, (calls_per_hour - burst) / 3600, burst)

    def take(self) -> None:
        """Count one call; raises NotAsked where none is left for the moment."""
        self._refill()
        if self._left < 1:
            raise NotAsked("not asked: the hourly allowance of calls is used up")
        self._left -= 1

    async def turn(self) -> None:
        """Count one call, and return when it is its turn: callers are let through one after another."""
        self._refill()
        self._left -= 1
        if self._left < 0:
            await self._wait(-self._left / self._per_second)

    def interval_seconds(self, calls: int) -> float:
        """Return the least interval between rounds of ``calls`` that the refill can sustain."""
        return calls / self._per_second

    def _refill(self) -> None:
        now = self._clock.monotonic()
        self._left = min(self._burst, self._left + (now - self._counted_at) * self._per_second)
        self._counted_at = now
