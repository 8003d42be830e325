"""The errors of price sources; each feed turns them into a reason, and none leaves this package.

::

    SourceError
    ├── Refused             the source works, and has no price for this
    ├── NotAsked            no call was made: the circuit is open, or the hourly allowance is spent
    └── SourceFailed        the source itself fails; its circuit breaker counts this
        ├── Throttled       it wants fewer calls, for some time
        ├── Blocked         a firewall refuses ours, at present
        └── Unavailable     it refuses this country
"""

from __future__ import annotations


class SourceError(Exception):
    """A source gave no price; ``reason`` is for the reader of a report."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Refused(SourceError):
    """The source answered, and has no price for what was asked. ``code`` is the source's own code for it."""

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
    """Too many calls; the source wants none for ``retry_after_seconds``, where the source said so."""

    def __init__(self, reason: str, retry_after_seconds: float | None) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class Blocked(SourceFailed):
    """A firewall refused the call."""


class Unavailable(SourceFailed):
    """The source refuses this country for legal reasons; asking again does not help."""
