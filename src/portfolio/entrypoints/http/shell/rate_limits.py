"""How often a caller may ask.

Not a library: those at hand count in wall-clock windows, so that a clock set back an hour would lock every engine out
for an hour. This one counts on the monotonic clock and knows exactly when the next request fits.
"""

from __future__ import annotations

from collections import OrderedDict

from portfolio.application.clock import Clock

# Addresses without a key are callers too; the longest silent one is forgotten first.
MOST_CALLERS = 10_000


class RateLimit:
    """Lets each caller through ``per_minute`` times a minute, in bursts up to that many.

    The generic cell rate algorithm (ITU-T I.371): a caller is the moment up to which its allowance is used.
    """

    def __init__(self, clock: Clock, per_minute: int) -> None:
        self._clock = clock
        self._interval = 60.0 / per_minute
        self._used_until: OrderedDict[str, float] = OrderedDict()

    def wait_seconds(self, caller: str) -> float:
        """Return 0 and count the request; or, where it does not fit, the seconds until it would."""
        now = self._clock.monotonic()
        used_until = max(self._used_until.get(caller, now), now) + self._interval
        wait = used_until - now - 60.0
        # Sums of intervals are not exact: the last one of a full burst must not fail by a rounding error.
        if wait > self._interval * 1e-6:
            return wait
        self._used_until[caller] = used_until
        self._used_until.move_to_end(caller)
        if len(self._used_until) > MOST_CALLERS:
            self._used_until.popitem(last=False)
        return 0.0
