"""The daily rows of the portfolio, as a port."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Protocol

from portfolio.application.performance.records import DailyValue, DayPositions, FilledDay


class Days(Protocol):
    """The rows of the performance history: each refresh of the prices updates today's, the others are final."""

    async def values(self, portfolio_id: int, *, since: date) -> Sequence[DailyValue]:
        """Return the recorded days from ``since`` on, oldest first."""
        ...

    async def positions(self, portfolio_id: int, days: Collection[date]) -> Mapping[date, DayPositions]:
        """Return what was held on these days; absent where it was not recorded."""
        ...

    async def write(self, portfolio_id: int, days: Sequence[FilledDay]) -> None:
        """Store days that are over, in the place of what was recorded on them.

        The day after each is told anew what it brought. The price revision is bumped.
        """
        ...
