"""Performance as of a past moment, as far as was known: of restated days, and of none that was not over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import msgspec

from portfolio.application.history.reading import ReadRestated, RestatedPositions
from portfolio.application.ledger.lots.journal import KnownAt
from portfolio.application.ledger.snapshots import Snapshot
from portfolio.application.performance.history import History
from portfolio.application.performance.period import Performance, ReadPerformance
from portfolio.application.performance.records import EARLIEST
from portfolio.application.performance.series.daily import NOT_OVER, DailySeries, ReadSeries
from portfolio.application.performance.tags.reading import ReadTaggedResults, TaggedResults, TagKind, TagSources
from portfolio.application.performance.timeframes import ReadTimeframes, Timeframe, Timeframes
from portfolio.application.prices.closes import ReadCloses
from portfolio.domain.days import DAY, day_of
from portfolio.domain.symbol import Symbol

_OF_TODAY = ("daily_return", "daily_return_percent")
_OF_A_DAY = ("value", "net_deposits", "unit_value", "unit_index", "drawdown")


class _Over(msgspec.Struct, frozen=True):
    """The restated days that were over on a day, of what was known: read as ``ReadRestated`` reads those of now."""

    restated: ReadRestated
    day: date
    known_at: KnownAt | None

    async def __call__(
        self,
        snapshot: Snapshot,
        lookback_days: int | None = None,
        benchmark: Symbol | None = None,
        *,
        today: date | None = None,
    ) -> History:
        """Return the days before the one of the moment, whatever ``today`` is."""
        day = min(self.day, today or self.day)
        return await self.restated(snapshot, lookback_days, benchmark, today=day, known_at=self.known_at)


class ReadPastPerformance(msgspec.Struct, frozen=True):
    """Measures the portfolio as of past moments, and as far as was known."""

    restated: ReadRestated
    positions: RestatedPositions
    sources: TagSources
    closes: ReadCloses
    today: Callable[[], date]

    def __call__(self, as_of: datetime | None, known_at: KnownAt | None) -> PastPerformance:
        """Return what measures as of a moment, None for now, what was known."""
        return PastPerformance(self, as_of, known_at)


class PastPerformance:
    """Measures the portfolio as of a past moment, as ``Measures`` does as of now.

    Nothing is told of the day that was not over then. Its methods raise LedgerUnavailable where the database is away
    and not all was read before, and PortfolioMissing where the books were never opened.
    """

    def __init__(self, parts: ReadPastPerformance, as_of: datetime | None, known_at: KnownAt | None) -> None:
        today = parts.today()
        # Nothing is of a day before the earliest: there all is as on that one, and the calendar has days before it.
        self._day = today if as_of is None else min(max(day_of(as_of), EARLIEST), today)
        self._parts, self._as_of, self._known_at = parts, as_of, known_at
        self._over = _Over(parts.restated, self._day, known_at)
        self._positions = replace(parts.positions, known_at=known_at)
        self._performance = ReadPerformance(self._over, parts.sources.snapshots)
        self._timeframes = ReadTimeframes(self._performance, self._positions)

    async def performance(self, days: int, benchmark: Symbol | None) -> Performance:
        """Return the figures of the last ``days`` days that were over."""
        found = await self._performance(days, benchmark)
        reasons = {**found.reasons, **dict.fromkeys(_OF_TODAY, NOT_OVER)}
        as_of = self._as_of or found.as_of
        return replace(found, daily_return=None, daily_return_percent=None, as_of=as_of, reasons=reasons)

    async def history(self) -> History:
        """Return all days that were over."""
        return await self._performance.history()

    async def series(self, days: int, benchmark: Symbol | None = None) -> DailySeries:
        """Return the last ``days`` days that were over, one by one."""
        read = await ReadSeries(self._over, self._parts.sources.snapshots, self._parts.closes)(days, benchmark)
        reasons = {**read.today.reasons, **dict.fromkeys(_OF_A_DAY, NOT_OVER)}
        nothing: dict[str, Any] = dict.fromkeys(_OF_A_DAY)
        return replace(read, today=replace(read.today, **nothing, reasons=reasons))

    async def timeframes(self, benchmark: Symbol | None) -> Timeframes:
        """Return every timeframe of the days that were over; none goes on until the moment."""
        found = await self._timeframes(benchmark)
        return replace(found, to_now=[], as_of=self._as_of or found.as_of)

    async def between(self, first: date | None, last: date | None, benchmark: Symbol | None) -> Timeframe:
        """Return the figures from the beginning of ``first`` to the end of ``last``, at most of what was over."""
        end = self._day - DAY
        return await self._timeframes.between(first, min(last or end, end), benchmark)

    async def attribution(self, by: TagKind, days: int) -> TaggedResults:
        """Return the results by tag over the last ``days`` days that were over."""
        read = ReadTaggedResults(self._parts.sources, self._over, self._positions, by_effect=True)
        found = await read(by, days, self._known_at)
        return replace(found, as_of=self._as_of or found.as_of)
