"""The price at which something is valued, where it came from, and since when it stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from portfolio.domain.money import Price

ASSUMED_RATE = "+assumed-rate"
"""What the source of a mark ends with where its price was converted at a rate that nobody confirmed."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The price at which a position is valued, where it came from, and since when it stands."""

    price: Price
    source: str
    at: datetime

    @property
    def has_assumed_rate(self) -> bool:
        """Return whether the price was converted at a rate that nobody confirmed."""
        return self.source.endswith(ASSUMED_RATE)

    def is_live(self, now: datetime, max_age: timedelta) -> bool:
        """Return whether the price is at most ``max_age`` old.

        One from as far in the future does not either: a clock was wrong, and how old it is nobody knows.
        """
        return abs(now - self.at) <= max_age
