"""What can go wrong at a price source; translated at the edge of each feed, never seen outside.

::

    SourceError
    ├── Refused             the source is well, and has no price for this
    ├── NotAsked            no call was made: the circuit is open, or the hourly allowance is spent
    └── SourceFailed        the source itself is not well, and its circuit hears of it
        ├── Throttled       it wants fewer calls, for some time
        ├── Blocked         it does not want ours, at present
        └── Unavailable     it will not serve this place
"""

from __future__ import annotations


class SourceError(Exception):
    """A source gave no price; ``reason`` is half a sentence for the reader of a report."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Refused(SourceError):
    """The source answered, and has no price for what was asked. ``code`` is its own word for why."""

    def __init__(self, reason: str, *, code: str | None = None) -> None:
        super().__init__(reason)
        self.code = code


class NotAsked(SourceError):
    """No call was made; the next may be in ``wait_seconds``, where that is known."""

    def __init__(self, reason: str, wait_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.wait_seconds = wait_seconds


class SourceFailed(SourceError):
    """No answer in time, or none that can be read."""


class Throttled(SourceFailed):
    """Too many calls; none is welcome for ``retry_after_seconds``, where the source said so."""

    def __init__(self, reason: str, retry_after_seconds: float | None) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class Blocked(SourceFailed):
    """A firewall turned the call away."""


class Unavailable(SourceFailed):
    """The source is closed to this place for legal reasons: asking again is no use."""
