"""The history that performance is measured by: the restated days in the place of the recorded ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from portfolio.application.clock import Clock
from portfolio.application.history.restated import measured_days, today_so_far
from portfolio.application.history.restating import RestateDays
from portfolio.application.ledger.lots.journal import KnownAt
from portfolio.application.ledger.snapshots import Snapshot, Snapshots
from portfolio.application.performance.benchmark import ReadBenchmark
from portfolio.application.performance.history import EARLIEST, History
from portfolio.application.performance.period import ReadPerformance
from portfolio.application.performance.records import DayPositions
from portfolio.application.performance.series.daily import ReadSeries
from portfolio.application.performance.timeframes import ReadTimeframes
from portfolio.domain.symbol import Symbol


class Basis(StrEnum):
    """What days are made of: what is known by now, or what was recorded when they were over."""

    RESTATED = "restated"
    RECORDED = "recorded"


class ReadRestated:
    """Reads the restated days as ``ReadHistory`` does the recorded ones."""

    def __init__(
        self, restate: RestateDays, benchmark: ReadBenchmark, clock: Clock, *, risk_free_rate: Decimal = Decimal(0)
    ) -> None:
        self._restate = restate
        self._benchmark = benchmark
        self._clock = clock
        self._risk_free_rate = risk_free_rate

    async def __call__(
        self,
        snapshot: Snapshot,
        lookback_days: int | None = None,
        benchmark: Symbol | None = None,
        *,
        today: date | None = None,
    ) -> History:
        """Return the days of the last ``lookback_days``, None for all. The parameters are those of ``ReadHistory``.

        Raises:
            LedgerUnavailable: the database is away, and not all was read before.
        """
        return await self.known(snapshot, lookback_days, benchmark, today=today)

    async def known(  # shape: those of a history, and as far as was known when
        self,
        snapshot: Snapshot,
        lookback_days: int | None = None,
        benchmark: Symbol | None = None,
        *,
        today: date | None = None,
        known_at: KnownAt | None = None,
    ) -> History:
        """Return the same of the entries that were known at a moment or a revision.

        Raises:
            LedgerUnavailable: the database is away, and not all was read before.
        """
        portfolio, away = snapshot.portfolio, snapshot.database_away
        today = today or (snapshot.as_of if away else self._clock.now()).date()
        since = EARLIEST if lookback_days is None else today - timedelta(days=lookback_days)
        found = await self._restate(portfolio, today, known_at)
        opening, days = measured_days(found.days)
        every = [opening, *days] if opening is not None else days
        finals = [day for day in every if since <= day.day < today]
        beside = await self._benchmark(snapshot, today, finals[0].day if finals else today, benchmark)
        return History(
            snapshot=snapshot,
            finals=finals,
            opening=opening,
            entries=found.entries,
            today=today,
            stale=away or not beside.is_current,
            benchmark=beside,
            risk_free_rate=self._risk_free_rate,
            so_far=today_so_far(found.days, found.entries, today, portfolio.total_value, portfolio.net_deposits),
        )


class RestatedPositions:
    """What was held on restated days, as ``DayPositionsStore`` has it of recorded ones."""

    def __init__(self, restate: RestateDays, snapshots: Snapshots, clock: Clock) -> None:
        self._restate = restate
        self._snapshots = snapshots
        self._clock = clock

    async def positions(self, portfolio_id: int, days: Collection[date]) -> Mapping[date, DayPositions]:
        """Return the positions at the end of those of the days that are over.

        Raises:
            LedgerUnavailable: the database is away.
        """
        assert portfolio_id == self._snapshots.portfolio_id
        today = self._clock.now().date()
        over = [day for day in days if day < today]
        return await self._restate.positions((await self._snapshots.newest()).portfolio, over) if over else {}


class NotRecorded:
    """What was held on days as of a past moment: nobody keeps it."""

    async def positions(self, portfolio_id: int, days: Collection[date]) -> Mapping[date, DayPositions]:
        """Return nothing."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """The reads of performance on one basis."""

    performance: ReadPerformance
    series: ReadSeries
    timeframes: ReadTimeframes


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadByBasis:
    """Chooses the days: the restated ones where the recorded ones do not know all of the past."""

    recorded: Measures
    restated: Measures

    async def __call__(self, basis: Basis | None) -> tuple[Basis, Measures]:
        """Return the basis, and the reads on it; that which is usual for these books where none is named.

        Raises:
            LedgerUnavailable: the database is away, and nothing was read before.
            PortfolioMissing: the books were never opened.
        """
        if basis is None:
            basis = Basis.RESTATED if await self.recorded.performance.is_late() else Basis.RECORDED
        return basis, self.restated if basis is Basis.RESTATED else self.recorded
