"""The task that keeps prices fresh."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, timedelta

import msgspec
import structlog

from portfolio.application.clock import Clock
from portfolio.application.errors import LeaseLost
from portfolio.application.performance.final_days import FinalReport
from portfolio.application.prices.ports import PriceStore
from portfolio.application.prices.records import Fence
from portfolio.application.prices.refresh import RefreshReport
from portfolio.application.uncancelled import end_tasks
from portfolio.domain.days import day_of
from portfolio.entrypoints.day_end import DayEnd
from portfolio.entrypoints.kept_lease import KeptLease

_log = structlog.get_logger(__name__)

_LONGEST_BACKOFF_SECONDS = 60.0

Refresh = Callable[[Fence | None], Awaitable[RefreshReport]]


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """How often prices are refreshed, and for how many days observed prices are kept.

    The interval is stretched to ``least_interval(symbols held)``, which is what the exchanges allow.
    """

    interval_seconds: float
    retention_days: int = 7
    least_interval: Callable[[int], float] = lambda symbols: 0.0


class PriceLoop:
    """Refreshes at a steady interval while this instance holds the lease; otherwise waits for it.

    Intervals are of the monotonic clock, so that a wall clock that jumps changes nothing; a refresh cycle that takes
    longer than the interval is followed by the next, never overlapped. Whatever a cycle raises is logged and tried
    again after a pause that doubles up to a minute. Once a UTC day old observed prices are thinned, and the day that
    is over is made final.

    The lease is renewed between cycles and during them. In the longer pauses after failures it runs out: another
    instance may fare better.
    """

    def __init__(  # shape: its parts, injected
        self,
        refresh: Refresh,
        lease: KeptLease,
        prices: PriceStore,
        clock: Clock,
        schedule: Schedule,
        *,
        make_final: Callable[[], Awaitable[FinalReport]] | None = None,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._refresh = refresh
        self._lease = lease
        self._day_end = DayEnd(make_final, clock) if make_final else None
        self._thinning = _Thinning(prices, clock, timedelta(days=schedule.retention_days))
        self._clock = clock
        self._schedule = schedule
        self._wait = wait
        self._symbols = 0
        self._failures = 0
        self._next_cycle = clock.monotonic()
        self._last_cycle: float | None = None
        self._leads = self._is_unreachable = False
        self._task: asyncio.Task[None] | None = None

    @property
    def is_leader(self) -> bool:
        """Return whether this instance holds the lease; what has not been renewed in time has run out."""
        return self._lease.is_held

    @property
    def interval_seconds(self) -> float:
        """Return the interval, longer where the exchanges' limits need it for the positions held."""
        return max(self._schedule.interval_seconds, self._schedule.least_interval(self._symbols))

    @property
    def last_cycle_age_seconds(self) -> float | None:
        """Return how long ago a refresh cycle of this instance last went through; None before the first."""
        return None if self._last_cycle is None else self._clock.monotonic() - self._last_cycle

    def start(self) -> None:
        """Begin, in a task of its own."""
        if self._task is None:
            self._task = asyncio.create_task(self.run(), name="price loop")

    async def stop(self) -> None:
        """End the task and give the lease up."""
        task, self._task = self._task, None
        if task is not None:
            await end_tasks([task])
            if not task.cancelled():
                task.result()  # raises what it failed with

    async def run(self) -> None:
        """Go on until cancelled; then give the lease up."""
        try:
            while True:
                await self._wait(await self._step())
        finally:
            await self._lease.give_up()

    async def _step(self) -> float:
        """Take or renew the lease, refresh if it is time, and return how long to wait."""
        try:
            fence = await self._lease.take()
            self._note_lease(leads=fence is not None)
            if fence is not None and self._clock.monotonic() >= self._next_cycle:
                await self._cycle(fence)
        except LeaseLost as error:
            self._lease.lost()
            self._note_lease(leads=False, reason=str(error))
        except asyncio.CancelledError:
            if _is_being_cancelled():
                raise
            return self._failed("the refresh was cancelled")
        except Exception as error:  # noqa: BLE001  prices must not stop, whatever a cycle meets
            return self._failed(f"{type(error).__name__}: {error}")
        self._failures = 0
        renewal_seconds = self._lease.renewal_seconds
        until_cycle = self._next_cycle - self._clock.monotonic() if self.is_leader else renewal_seconds
        return max(0.0, min(until_cycle, renewal_seconds))

    async def _cycle(self, fence: Fence) -> None:
        started = self._clock.monotonic()
        report = await self._lease.during(self._refresh(fence))
        self._symbols = len(report.refreshed) + len(report.failed)
        self._last_cycle = self._clock.monotonic()
        self._next_cycle = started + self.interval_seconds
        _log.info(
            "prices.refreshed",
            refreshed=len(report.refreshed),
            failed={symbol.code: reason for symbol, reason in report.failed.items()},
            quarantined=sorted(symbol.code for symbol in report.quarantined),
            sources=sorted({mark.source for mark in report.refreshed.values()}),
            assumed_rate=len(report.assumed_rate),
            duration_seconds=round(report.duration_seconds, 3),
            interval_seconds=self.interval_seconds,
        )
        if self._thinning.is_due:
            await self._lease.during(self._thinning.thin())
        if self._day_end is not None and self._day_end.is_due:
            await self._lease.during(self._day_end.make_final())

        self._note_reach(report)

    def _note_lease(self, *, leads: bool, reason: str = "it ran out, and another instance has it") -> None:
        if leads and not self._leads:
            _log.info("prices.lease_taken", holder=self._lease.holder)
        elif self._leads and not leads:
            _log.warning("prices.lease_lost", holder=self._lease.holder, reason=reason)
        self._leads = leads

    def _note_reach(self, report: RefreshReport) -> None:
        if report.unreachable and not self._is_unreachable:
            advice = "where no exchange can be reached, PORTFOLIO_PRICE_FEED=simulated makes up prices"
            _log.warning("prices.no_source_ever_answered", reason=report.unreachable, advice=advice)
        self._is_unreachable = report.unreachable is not None

    def _failed(self, reason: str) -> float:
        self._failures += 1
        pause = min(2.0 ** min(self._failures, 6), _LONGEST_BACKOFF_SECONDS)  # 2.0**1024 is no float
        _log.error("prices.cycle_failed", reason=reason, failures=self._failures, pause_seconds=pause)
        return pause


class _Thinning:
    """Thins old observed prices: one day's a cycle until none are left, then again from the next day on."""

    def __init__(self, prices: PriceStore, clock: Clock, retention: timedelta) -> None:
        self._prices = prices
        self._clock = clock
        self._retention = retention
        self._done_on: date | None = None

    @property
    def is_due(self) -> bool:
        """Return whether there may be old prices left today."""
        return self._done_on != day_of(self._clock.now())

    async def thin(self) -> None:
        """Thin one day of them. A failure is logged and tried again with the next cycle."""
        now = self._clock.now()
        try:
            dropped = await self._prices.thin_ticks(now - self._retention)
        except Exception as error:  # noqa: BLE001  old prices are no reason to go without new ones
            _log.warning("prices.thinning_failed", reason=f"{type(error).__name__}: {error}")
            return
        if dropped:
            _log.info("prices.thinned", dropped=dropped)
        else:
            self._done_on = now.date()


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
