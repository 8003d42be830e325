"""The days that periods are made of: those of before the adoption, the opening, and the final ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Protocol

from portfolio.application.clock import Clock
from portfolio.application.errors import LedgerUnavailable
from portfolio.application.ledger.snapshots import RELOAD_SECONDS, Snapshot, Snapshots
from portfolio.application.performance.benchmark import Benchmark, ReadBenchmark
from portfolio.application.performance.days.entries import DayEntries, LedgerDay
from portfolio.application.performance.days.ledger_days import LedgerDays
from portfolio.application.performance.ports import Days
from portfolio.application.performance.records import EARLIEST, Basis, DailyValue, MeasuredDay
from portfolio.application.performance.unit_history import opening_of
from portfolio.domain.arithmetic import HUNDRED, ONE, exact
from portfolio.domain.money import round_to_step
from portfolio.domain.symbol import Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The days of a lookback, and the portfolio of the moment that they were read at.

    ``finals`` are the days that are over and of which everything is known, ``opening`` first where it is among them.
    ``stale`` says that the database could not be asked: the days, or the portfolio, are the last ones seen.
    ``risk_free_rate`` is what a year without risk brings, a fraction.
    """

    snapshot: Snapshot
    finals: Sequence[MeasuredDay]
    opening: MeasuredDay | None
    entries: DayEntries
    today: date
    stale: bool
    benchmark: Benchmark
    risk_free_rate: Decimal = Decimal(0)
    so_far: MeasuredDay | None = None
    basis: Basis = Basis.RECORDED

    @property
    def now(self) -> MeasuredDay:
        """Return today so far; where nothing else is said, in the ledger's own units."""
        if self.so_far is not None:
            return self.so_far
        portfolio = self.snapshot.portfolio
        total = portfolio.total_value
        return MeasuredDay(self.today, total, portfolio.net_deposits, portfolio.units.value(total))

    def booked(self, start: date, end: date) -> Sequence[LedgerDay]:
        """Return the entries after the end of ``start`` until the end of ``end``, by day."""
        return self.entries.within(start, end)


class ReadsHistory(Protocol):
    """What reads the days of a lookback, None for all, and what measures are made of beside them."""

    async def __call__(
        self,
        snapshot: Snapshot,
        lookback_days: int | None = None,
        benchmark: Symbol | None = None,
        *,
        today: date | None = None,
    ) -> History:
        """Return the days; raises LedgerUnavailable where they cannot be read and never were."""


@dataclass(slots=True)
class ReadHistory:
    """Reads the recorded days and the entries, and keeps them for when the database is away."""

    days: Days
    entries: LedgerDays
    snapshots: Snapshots
    benchmark: ReadBenchmark
    clock: Clock
    _: KW_ONLY
    risk_free_rate: Decimal = Decimal(0)
    # The rows last seen and from when on: what there is to answer with while the database is away.
    _kept: list[DailyValue] = field(default_factory=list, init=False)
    _kept_since: date | None = field(default=None, init=False)
    # From when on they are the newest, of which price revision, and for how long: this service writes none without
    # a new revision, other programs may.
    _newest_since: date = field(default=date.max, init=False)
    _newest_of: int = field(default=-1, init=False)
    _newest_until: float = field(default=-math.inf, init=False)

    async def __call__(
        self,
        snapshot: Snapshot,
        lookback_days: int | None = None,
        benchmark: Symbol | None = None,
        *,
        today: date | None = None,
    ) -> History:
        """Return the days of the last ``lookback_days``, None for all; with the database away, the last seen.

        The benchmark is the one that is set where none is given. ``today`` is the day of the snapshot's prices where
        that is to count, and not the clock's.
        """
        away = snapshot.database_away
        today = today or (snapshot.as_of if away else self.clock.now()).date()
        since = EARLIEST if lookback_days is None else today - timedelta(days=lookback_days)
        rows, old = await self._recorded(since, today, snapshot.revisions.prices, asks=not away)
        old |= not await self._entries_until(snapshot, asks=not away)
        measured = measured_days(rows)
        opening = opening_of(self.entries.transactions, snapshot.portfolio.units)
        if opening is not None and measured and measured[0].is_adopted:
            opening = None
        if opening is not None:
            measured = [opening, *(day for day in measured if day.day > opening.day)]
        finals = [day for day in measured if since <= day.day < today]
        beside = await self.benchmark(snapshot, today, finals[0].day if finals else today, benchmark)
        return History(
            snapshot=snapshot,
            finals=finals,
            opening=opening,
            entries=self.entries,
            today=today,
            stale=old or away or not beside.is_current,
            benchmark=beside,
            risk_free_rate=self.risk_free_rate,
        )

    async def _entries_until(self, snapshot: Snapshot, *, asks: bool) -> bool:
        """Read the entries, and return whether these are all that there are; those last seen without ``asks``.

        Where not all of them were ever read, they are asked for: figures of a part of them would be wrong.
        """
        if self.entries.is_read and not asks:
            return False
        try:
            await self.entries.read(self.snapshots.portfolio_id, snapshot.revisions.ledger, waits=False)
        except LedgerUnavailable:
            if not self.entries.is_read:
                raise
            return False
        return True

    async def _recorded(
        self, since: date, today: date, price_revision: int, *, asks: bool
    ) -> tuple[list[DailyValue], bool]:
        """Return the recorded days since then, and whether they are only the last ones seen, as without ``asks``."""
        is_known = self._kept_since is not None and since >= self._kept_since
        is_newest = price_revision == self._newest_of and self.clock.monotonic() < self._newest_until
        if is_known and (not asks or (is_newest and since >= self._newest_since)):
            return [row for row in self._kept if row.day >= since], not asks
        try:
            rows = list(await self.days.values(self.snapshots.portfolio_id, since=since, today=today))
        except LedgerUnavailable:
            if not is_known:
                raise
            return [row for row in self._kept if row.day >= since], True
        self._kept = [row for row in self._kept if row.day < since] + rows
        self._kept_since = min(since, self._kept_since or since)
        self._newest_since = min(since, self._newest_since) if is_newest else since
        if not is_newest:
            self._newest_of, self._newest_until = price_revision, self.clock.monotonic() + RELOAD_SECONDS
        return rows, False


def measured_days(rows: Sequence[DailyValue]) -> list[MeasuredDay]:
    """Return the days with all that returns are made of, oldest first.

    Days from before the adoption have neither units nor deposits: they are what makes the recorded result of the day
    after them true, its percentage and its money. Where that is no growth, nothing before it is known.
    """
    measured: list[MeasuredDay] = []
    after: DailyValue | None = None
    for row in reversed(rows):
        day = row.measured
        if day is None and after is not None:
            day = _before(row, measured[-1], after)
            if day is None:
                break
        if day is not None:
            measured.append(day)
            after = row
    return measured[::-1]


@exact
def _before(row: DailyValue, next_day: MeasuredDay, after: DailyValue) -> MeasuredDay | None:
    if after.result is None or after.result.percent <= -HUNDRED:
        return None
    growth = ONE + after.result.percent / HUNDRED
    paid_in = next_day.total_value - row.total_value - after.result.pnl
    unit_value = round_to_step(next_day.unit_value / growth)
    return MeasuredDay(row.day, row.total_value, next_day.net_deposits - paid_in, unit_value, is_adopted=True)
