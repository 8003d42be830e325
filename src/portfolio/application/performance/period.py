"""How the portfolio did: the figures of a period, from its final days and what was booked in it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from portfolio.analytics.conventions import CONVENTION, MAX_DAYS
from portfolio.application.clock import Clock
from portfolio.application.errors import LedgerUnavailable
from portfolio.application.ledger.snapshots import RELOAD_SECONDS, Snapshot, Snapshots
from portfolio.application.performance.measures import (
    Reasons,
    daily_change,
    days_covered,
    deepest_fall,
    period_change,
    risk_ratios,
    trading_results,
)
from portfolio.application.performance.ports import Days
from portfolio.application.performance.records import DailyValue, MeasuredDay
from portfolio.domain.ledger.trade_counts import TradeCounts
from portfolio.domain.money import Money

EARLIEST: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """The figures of the last ``period_days`` completed days; ``daily_return`` alone is of today so far.

    Names in ``_percent`` are percentages with 6 decimals; ratios, ``win_rate`` and the other rates are fractions with
    12. A figure that is not defined is None, and ``reasons`` says why under the figure's name:

    - ``no_history``: fewer than two final days in the period
    - ``no_value_yesterday``: no final row of the day before today
    - ``too_few_observations``: fewer than 30 daily returns
    - ``period_too_short``: fewer than 90 days to annualize
    - ``no_variation``, ``no_losing_days``, ``no_drawdown``: nothing to divide by
    - ``not_recovered``: still below the peak
    - ``no_closing_trades``, ``no_losses``: of the trades booked in the period
    - ``out_of_range``: 1e20 or more

    ``days_covered`` are the days between the first and the last final row used, ``observations`` the daily returns
    among them: fewer where there are gaps. ``stale`` says that the database could not be asked since ``as_of``.
    """

    total_return: Money | None
    total_return_percent: Decimal | None
    daily_return: Money | None
    daily_return_percent: Decimal | None
    win_rate: Decimal | None
    profit_factor: Decimal | None
    sharpe_ratio: Decimal | None
    sortino_ratio: Decimal | None
    annualized_return: Decimal | None
    annualized_volatility: Decimal | None
    max_drawdown: Decimal | None
    max_drawdown_peak: date | None
    max_drawdown_trough: date | None
    max_drawdown_recovery: date | None
    calmar_ratio: Decimal | None
    num_trades: int
    period_days: int
    days_covered: int
    observations: int
    first_day: date | None
    last_day: date | None
    as_of: datetime
    stale: bool
    reasons: Mapping[str, str]
    convention: str = CONVENTION


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The recorded days of a lookback, and the portfolio of the moment that they were read at.

    ``finals`` are those of ``rows`` that are over and of which everything is known. ``stale`` says that the database
    could not be asked: the days, or the portfolio, are the last ones seen.
    """

    snapshot: Snapshot
    rows: Sequence[DailyValue]
    finals: Sequence[MeasuredDay]
    today: date
    stale: bool


class ReadPerformance:
    """Measures the portfolio over its last completed days."""

    def __init__(self, days: Days, snapshots: Snapshots, clock: Clock) -> None:
        self._days = days
        self._snapshots = snapshots
        self._clock = clock
        # The rows last seen and from when on: what there is to answer with while the database is away.
        self._kept: list[DailyValue] = []
        self._kept_since: date | None = None
        # From when on they are the newest, of which price revision, and for how long: this service writes none without
        # a new revision, other programs may.
        self._newest_since, self._newest_of, self._newest_until = date.max, -1, -math.inf

    async def __call__(self, days: int) -> Performance:
        """Return the figures of the last ``days`` completed days, 1 to 3650; with the database away, the last seen.

        Raises:
            LedgerUnavailable: the database is away, and these days were never read.
            PortfolioMissing: the books were never opened.
        """
        return await self.of(await self._snapshots.newest_in_time(), days)

    async def of(self, snapshot: Snapshot, days: int) -> Performance:
        """Return the figures at a snapshot read already."""
        assert 1 <= days <= MAX_DAYS
        history = await self._history(snapshot, days + 1)
        start = history.today - timedelta(days=days + 1)
        older = history.rows
        if not older or older[0].day > start:
            # What was booked before the first day is known from an older row, and exactly so: on a day without a row
            # nothing ran, so nothing was booked.
            older, _ = await self._recorded(EARLIEST, snapshot.revisions.prices, asks=not history.stale)
        return measure(history, history.finals, trade_counts_at_end_of(older, start), days)

    async def history(self) -> History:
        """Return all recorded days; with the database away, the last seen.

        Raises:
            LedgerUnavailable: the database is away, and these days were never read.
            PortfolioMissing: the books were never opened.
        """
        return await self._history(await self._snapshots.newest_in_time())

    async def _history(self, snapshot: Snapshot, lookback_days: int | None = None) -> History:
        away = snapshot.database_away
        today = (snapshot.as_of if away else self._clock.now()).date()
        since = EARLIEST if lookback_days is None else today - timedelta(days=lookback_days)
        rows, old = await self._recorded(since, snapshot.revisions.prices, asks=not away)
        finals = [m for row in rows if row.day < today and (m := row.measured)]
        return History(snapshot=snapshot, rows=rows, finals=finals, today=today, stale=old or away)

    async def _recorded(self, since: date, price_revision: int, *, asks: bool) -> tuple[list[DailyValue], bool]:
        """Return the recorded days since then, and whether they are only the last ones seen, as without ``asks``."""
        is_known = self._kept_since is not None and since >= self._kept_since
        is_newest = price_revision == self._newest_of and self._clock.monotonic() < self._newest_until
        if is_known and (not asks or (is_newest and since >= self._newest_since)):
            return [row for row in self._kept if row.day >= since], not asks
        try:
            rows = list(await self._days.values(self._snapshots.portfolio_id, since=since))
        except LedgerUnavailable:
            if not is_known:
                raise
            return [row for row in self._kept if row.day >= since], True
        self._kept = [row for row in self._kept if row.day < since] + rows
        self._kept_since = min(since, self._kept_since or since)
        self._newest_since = min(since, self._newest_since) if is_newest else since
        if not is_newest:
            self._newest_of, self._newest_until = price_revision, self._clock.monotonic() + RELOAD_SECONDS
        return rows, False


def trade_counts_at_end_of(rows: Sequence[DailyValue], start: date) -> TradeCounts:
    """Return what had been booked at the end of ``start``; nothing where the portfolio is younger."""
    counts = (row.trade_counts for row in reversed(rows) if row.day <= start and row.trade_counts is not None)
    return next(counts, TradeCounts())


def measure(history: History, finals: Sequence[MeasuredDay], before: TradeCounts, days: int) -> Performance:
    """Return the figures of the period of ``days`` that ``finals`` make up, and of today so far.

    ``before`` is what had been booked when the period began.
    """
    portfolio, reasons = history.snapshot.portfolio, Reasons()
    fall = deepest_fall(finals, reasons)
    return Performance(
        **period_change(finals, reasons),
        **daily_change(portfolio, finals, history.today, reasons),
        **fall,
        **risk_ratios(finals, fall["max_drawdown"], reasons),
        **trading_results(before, portfolio.trade_counts, reasons),
        period_days=days,
        days_covered=days_covered(finals),
        first_day=finals[0].day if finals else None,
        last_day=finals[-1].day if finals else None,
        as_of=history.snapshot.as_of,
        stale=history.stale,
        reasons=reasons.noted,
    )
