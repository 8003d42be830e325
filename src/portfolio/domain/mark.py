"""A mark: the price at which a position is valued, with its source and time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from portfolio.domain.money import Price

ASSUMED_RATE = "+assumed-rate"
"""What the source of a mark ends with where its price was converted at a rate that nobody confirmed."""

TRADE_SOURCE = "trade"
"""The source of a mark that is the price of an execution."""

MAX_PRICE_AGE = timedelta(minutes=5)
"""How long a price counts as fresh, unless it is set otherwise."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The price at which a position is valued, where it came from, and since when it stands."""

    price: Price
    source: str
    at: datetime

    @property
    def is_execution(self) -> bool:
        """Return whether it is the price of an execution, and no feed's."""
        return self.source == TRADE_SOURCE

    @property
    def has_assumed_rate(self) -> bool:
        """Return whether the price was converted at a rate that nobody confirmed."""
        return self.source.endswith(ASSUMED_RATE)

    def is_live(self, now: datetime, max_age: timedelta) -> bool:
        """Return whether the price is at most ``max_age`` old.

        One from as far in the future does not either: a clock was wrong, and how old it is nobody knows.
        """
        return abs(now - self.at) <= max_age

    def yields_to(self, execution: Mark, now: datetime, max_age: timedelta) -> bool:
        """Return whether ``execution`` is the price from ``now`` on: it is newer by its own time, and this is no fresh
        price of a feed.
        """
        if self.is_execution:
            return execution.at >= self.at
        return execution.at > self.at and not self.is_live(now, max_age)
