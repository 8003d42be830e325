"""A clock that moves when a test says so."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

NOON = datetime(2025, 6, 15, 12, 0, tzinfo=UTC)


class FakeClock:
    """Stands still at noon until it is moved; ``sleep`` moves it, and remembers for how long."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now
        self._monotonic = 1000.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        """The moment, in UTC."""
        return self._now

    def monotonic(self) -> float:
        """Seconds that only grow."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._monotonic += seconds
        self._now += timedelta(seconds=seconds)

    def set_wall_clock(self, now: datetime) -> None:
        """Set the wall clock, as an operator or NTP does: no time passes."""
        self._now = now

    async def sleep(self, seconds: float) -> None:
        """Let time pass, and others run."""
        self.slept.append(seconds)
        self.advance(seconds)
        await asyncio.sleep(0)
