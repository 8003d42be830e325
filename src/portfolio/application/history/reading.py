"""The history that performance is measured by: the restated days in the place of the recorded ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from portfolio.application.backtest.shadows import ReadShadows
from portfolio.application.clock import Clock
from portfolio.application.errors import LedgerUnavailable, PortfolioMissing
from portfolio.application.history.restated import measured_days, today_so_far
from portfolio.application.history.restating import Restated, RestateDays
from portfolio.application.ledger.lots.journal import KnownAt
from portfolio.application.ledger.snapshots import Snapshot, Snapshots
from portfolio.application.performance.benchmark import ReadBenchmark
from portfolio.application.performance.history import History
from portfolio.application.performance.period import Performance, ReadPerformance, measure_days
from portfolio.application.performance.records import EARLIEST, Basis, DayPositions
from portfolio.application.performance.series.daily import ReadSeries
from portfolio.application.performance.tags.reading import ReadTaggedResults
from portfolio.application.performance.timeframes import ReadTimeframes, Timeframe
from portfolio.domain.days import day_of
from portfolio.domain.symbol import Symbol

ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class ReadRestated:
    """Reads the restated days as ``ReadHistory`` does the recorded ones."""

    restate: RestateDays
    snapshots: Snapshots
    benchmark: ReadBenchmark
    clock: Clock
    _: KW_ONLY
    risk_free_rate: Decimal = Decimal(0)

    async def __call__(
        self,
        snapshot: Snapshot,
        lookback_days: int | None = None,
        benchmark: Symbol | None = None,
        *,
        today: date | None = None,
        known_at: KnownAt | None = None,
    ) -> History:
        """Return the days of the last ``lookback_days``, None for all, by the entries that were known at ``known_at``.

        The other parameters are those of ``ReadHistory``.

        Where more was booked than the snapshot knows, the history is of a newer one: today so far has to be worth what
        the entries say.
        """
        attempts = ATTEMPTS
        while True:
            portfolio, away = snapshot.portfolio, snapshot.database_away
            of = today or (snapshot.as_of if away else self.clock.now()).date()
            found = await self.restate(portfolio, of, known_at)
            attempts -= 1
            if away or not attempts or found.entries.revision <= portfolio.revision:
                return await self._history_of(snapshot, found, lookback_days, benchmark, of)
            snapshot = await self.snapshots.newest()

    async def _history_of(
        self, snapshot: Snapshot, found: Restated, lookback_days: int | None, benchmark: Symbol | None, today: date
    ) -> History:
        portfolio, away = snapshot.portfolio, snapshot.database_away
        since = EARLIEST if lookback_days is None else today - timedelta(days=lookback_days)
        opening, days = measured_days(found.days, since)
        every = [opening, *days] if opening is not None else days
        finals = [day for day in every if since <= day.day < today]
        beside = await self.benchmark(snapshot, today, finals[0].day if finals else today, benchmark)
        return History(
            snapshot=snapshot,
            finals=finals,
            opening=opening,
            entries=found.entries,
            today=today,
            stale=away or not beside.is_current,
            benchmark=beside,
            risk_free_rate=self.risk_free_rate,
            so_far=today_so_far(found.days, found.entries, today, portfolio.total_value, portfolio.net_deposits),
            basis=Basis.RESTATED,
        )


@dataclass(frozen=True, slots=True)
class RestatedPositions:
    """What was held on restated days, as ``DayPositionsStore`` has it of recorded ones, as far as was known."""

    restate: RestateDays
    snapshots: Snapshots
    clock: Clock
    known_at: KnownAt | None = None

    async def positions(self, portfolio_id: int, days: Collection[date]) -> Mapping[date, DayPositions]:
        """Return the positions at the end of those of the days that are over."""
        assert portfolio_id == self.snapshots.portfolio_id
        today = day_of(self.clock.now())
        over = [day for day in days if day < today]
        if not over:
            return {}
        return await self.restate.positions((await self.snapshots.newest()).portfolio, over, self.known_at)


class Measures(msgspec.Struct, frozen=True, kw_only=True):
    """The reads of performance on one basis."""

    performance: ReadPerformance
    series: ReadSeries
    timeframes: ReadTimeframes
    attribution: ReadTaggedResults
    shadows: ReadShadows

    async def between(self, first: date | None, last: date | None, benchmark: Symbol | None) -> Timeframe:
        """Return the figures from the beginning of ``first`` to the end of ``last``."""
        return await self.timeframes.between(first, last, benchmark)


class ReadByBasis(msgspec.Struct, frozen=True, kw_only=True):
    """Chooses the days: the restated ones where the recorded ones do not know all of the past."""

    recorded: Measures
    restated: Measures

    async def __call__(self, basis: Basis | None) -> tuple[Basis, Measures]:
        """Return the basis, and the reads on it; that which is usual for these books where none is named."""
        if basis is None:
            basis = Basis.RESTATED if await self.recorded.performance.is_late() else Basis.RECORDED
        return basis, self.restated if basis is Basis.RESTATED else self.recorded


class ReadUsual(msgspec.Struct, frozen=True, kw_only=True):
    """Measures the last days on the basis that is usual for these books.

    The restated days of long books take seconds when they are made for the first time: until then these are the
    recorded ones, which say so.
    """

    by_basis: ReadByBasis
    restate: RestateDays
    snapshots: Snapshots
    clock: Clock

    def basis(self) -> Basis:
        """Return of which days late books are measured now."""
        return Basis.RESTATED if self.restate.has_begun else Basis.RECORDED

    async def of(self, snapshot: Snapshot, days: int) -> Performance:
        """Return the figures of the last ``days`` completed days at a snapshot."""
        usual = self.by_basis.recorded.performance
        recorded = await usual.days(snapshot, days)
        if recorded.entries.is_late and self.basis() is Basis.RESTATED:
            return await self.by_basis.restated.performance.of(snapshot, days)
        return measure_days(recorded, days, usual.figures)

    async def prepare(self) -> None:
        """Make the restated days, where these are the usual ones; what nobody can read now is left for later."""
        with suppress(LedgerUnavailable, PortfolioMissing):
            basis, _ = await self.by_basis(None)
            if basis is Basis.RESTATED:
                await self.restate.prepare((await self.snapshots.newest()).portfolio, day_of(self.clock.now()))
