"""The daily rows of the portfolio, and the reasons of its trades, as ports."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Protocol

from portfolio.application.performance.records import DailyValue, DayPositions, FilledDay


class SignalReasons(Protocol):
    """Why the portfolio's own signals asked for their trades."""

    async def reasons(self, portfolio_id: int, signal_ids: Collection[str]) -> Mapping[str, str]:
        """Return by id the reason of each signal; absent where there is no such signal."""


class DayPositionsStore(Protocol):
    """What was held on days."""

    async def positions(self, portfolio_id: int, days: Collection[date]) -> Mapping[date, DayPositions]:
        """Return what was held on these days; absent where it was not recorded."""


class Days(DayPositionsStore, Protocol):
    """The rows of the performance history: each refresh of the prices updates today's, the others are final."""

    async def values(self, portfolio_id: int, *, since: date, today: date) -> Sequence[DailyValue]:
        """Return the recorded days from ``since`` until ``today``, oldest first; a later day has not come."""

    async def write(self, portfolio_id: int, days: Sequence[FilledDay]) -> None:
        """Store days that are over, in the place of what was recorded on them.

        The day after each is told anew what it brought. The price revision is bumped.

        Raises:
            LedgerUnavailable: the database did not take it; nothing was written.
        """
