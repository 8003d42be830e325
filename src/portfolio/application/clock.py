"""The time, as a port."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the moment, in UTC."""

    def monotonic(self) -> float:
        """Return seconds that only ever grow: for ages and intervals."""
