"""Performance as of a past moment, as far as was known: of restated days, and of none that was not over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from portfolio.application.history.reading import ReadRestated, RestatedPositions
from portfolio.application.ledger.lots.journal import KnownAt
from portfolio.application.ledger.snapshots import Snapshot
from portfolio.application.performance.history import History
from portfolio.application.performance.period import Performance, ReadPerformance
from portfolio.application.performance.series.daily import NOT_OVER, DailySeries, ReadSeries
from portfolio.application.performance.tags.reading import ReadTaggedResults, TaggedResults, TagKind, TagSources
from portfolio.application.performance.timeframes import ReadTimeframes, Timeframe, Timeframes
from portfolio.application.prices.closes import ReadCloses
from portfolio.domain.symbol import Symbol

_DAY = timedelta(days=1)
_OF_TODAY = ("daily_return", "daily_return_percent")
_OF_A_DAY = ("value", "net_deposits", "unit_value", "unit_index", "drawdown")


@dataclass(frozen=True, slots=True)
class _AsOf:
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
        return await self.restated.known(snapshot, lookback_days, benchmark, today=day, known_at=self.known_at)


class ReadPastPerformance:
    """Measures the portfolio as of a past moment. Nothing is told of the day that was not over then.

    Its methods raise LedgerUnavailable where the database is away and not all was read before, and PortfolioMissing
    where the books were never opened.
    """

    def __init__(  # shape: its parts, injected
        self,
        restated: ReadRestated,
        positions: RestatedPositions,
        sources: TagSources,
        closes: ReadCloses,
        today: Callable[[], date],
    ) -> None:
        self._restated = restated
        self._positions = positions
        self._sources = sources
        self._snapshots = sources.snapshots
        self._closes = closes
        self._today = today

    async def performance(
        self, days: int, benchmark: Symbol | None, as_of: datetime | None, known_at: KnownAt | None
    ) -> Performance:
        """Return the figures of the last ``days`` days that were over."""
        found = await ReadPerformance(self._as_of(as_of, known_at), self._snapshots)(days, benchmark)
        reasons = {**found.reasons, **dict.fromkeys(_OF_TODAY, NOT_OVER)}
        return replace(found, daily_return=None, daily_return_percent=None, as_of=as_of or found.as_of, reasons=reasons)

    async def history(self, as_of: datetime | None, known_at: KnownAt | None) -> History:
        """Return all days that were over."""
        return await ReadPerformance(self._as_of(as_of, known_at), self._snapshots).history()

    async def series(
        self, days: int, benchmark: Symbol | None, as_of: datetime | None, known_at: KnownAt | None
    ) -> DailySeries:
        """Return the last ``days`` days that were over, one by one."""
        read = await ReadSeries(self._as_of(as_of, known_at), self._snapshots, self._closes)(days, benchmark)
        reasons = {**read.today.reasons, **dict.fromkeys(_OF_A_DAY, NOT_OVER)}
        today = replace(
            read.today,
            value=None,
            net_deposits=None,
            unit_value=None,
            unit_index=None,
            drawdown=None,
            reasons=reasons,
        )
        return replace(read, today=today)

    async def timeframes(
        self, benchmark: Symbol | None, as_of: datetime | None, known_at: KnownAt | None
    ) -> Timeframes:
        """Return every timeframe of the days that were over; none goes on until the moment."""
        found = await self._frames(as_of, known_at)(benchmark)
        return replace(found, to_now=[], as_of=as_of or found.as_of)

    async def between(  # shape: the ends of a period, and the two moments
        self,
        first: date | None,
        last: date | None,
        benchmark: Symbol | None,
        as_of: datetime | None,
        known_at: KnownAt | None,
    ) -> Timeframe:
        """Return the figures from the beginning of ``first`` to the end of ``last``, at most of what was over."""
        end = self._day(as_of) - _DAY
        return await self._frames(as_of, known_at).between(first, min(last or end, end), benchmark)

    async def attribution(
        self, by: TagKind, days: int, as_of: datetime | None, known_at: KnownAt | None
    ) -> TaggedResults:
        """Return the results by tag over the last ``days`` days that were over."""
        positions = replace(self._positions, known_at=known_at)
        read = ReadTaggedResults(self._sources, self._as_of(as_of, known_at), positions, by_effect=True)
        found = await read(by, days, known_at)
        return replace(found, as_of=as_of or found.as_of)

    def _frames(self, as_of: datetime | None, known_at: KnownAt | None) -> ReadTimeframes:
        performance = ReadPerformance(self._as_of(as_of, known_at), self._snapshots)
        return ReadTimeframes(performance, replace(self._positions, known_at=known_at))

    def _as_of(self, as_of: datetime | None, known_at: KnownAt | None) -> _AsOf:
        return _AsOf(self._restated, self._day(as_of), known_at)

    def _day(self, as_of: datetime | None) -> date:
        """Return the UTC day of a moment, at most today."""
        today = self._today()
        return today if as_of is None else min(as_of.astimezone(UTC).date(), today)
