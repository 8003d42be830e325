"""A clock that stands where the demonstration's history has come to."""

from __future__ import annotations

from datetime import datetime


class HistoryClock:
    """Stands still until it is set to a later moment."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """Return the moment that the history has come to, in UTC."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds of that moment: they grow as the history goes on."""
        return self._now.timestamp()

    def set(self, moment: datetime) -> None:
        """Go on to a moment that is not before this one."""
        assert moment >= self._now, f"{moment} is before {self._now}"
        self._now = moment
