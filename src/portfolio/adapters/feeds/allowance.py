"""How many calls an exchange may see in an hour."""

from __future__ import annotations

from portfolio.adapters.feeds.errors import NotAsked
from portfolio.application.clock import Clock

CALLS_PER_HOUR = 8000
_BURST = 1000


class Allowance:
    """A bucket of calls: whatever is asked for, no hour sees more than ``calls_per_hour`` of them.

    It holds ``burst`` calls at most and refills at the rest of the hour's number, so that a full bucket and
    an hour's refill add up to the limit.
    """

    def __init__(self, clock: Clock, *, calls_per_hour: int = CALLS_PER_HOUR, burst: int = _BURST) -> None:
        self._clock = clock
        self._burst = float(burst)
        self._per_second = (calls_per_hour - burst) / 3600
        self._left = float(burst)
        self._counted_at = clock.monotonic()

    def take(self) -> None:
        """Count one call.

        Raises:
            NotAsked: the allowance is used up for the moment.
        """
        now = self._clock.monotonic()
        self._left = min(self._burst, self._left + (now - self._counted_at) * self._per_second)
        self._counted_at = now
        if self._left < 1:
            raise NotAsked("not asked: the hourly allowance of calls is used up")
        self._left -= 1

    def interval_seconds(self, calls: int) -> float:
        """Return how far apart rounds of ``calls`` have to be to go on for ever."""
        return calls / self._per_second
