"""The task that keeps prices fresh."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import date, timedelta
from typing import TypeVar

import structlog

from portfolio.application.clock import Clock
from portfolio.application.errors import LeaseLost
from portfolio.application.prices.ports import Leases, PriceStore
from portfolio.application.prices.records import Fence
from portfolio.application.prices.refresh import RefreshReport

_log = structlog.get_logger(__name__)

T = TypeVar("T")

LEASE = "prices"
LEASE_SECONDS = 15.0
_RENEWALS = 3  # of which two may fail
_LONGEST_BACKOFF_SECONDS = 60.0
_RELEASE_SECONDS = 2.0

Refresh = Callable[[Fence | None], Awaitable[RefreshReport]]


class PriceLoop:
    """Refreshes at a steady interval while this instance holds the lease; otherwise waits for it.

    Intervals are of the monotonic clock, so that a wall clock that jumps changes nothing; a tick that takes
    longer than the interval is followed by the next, never overlapped. Whatever a tick raises is logged and
    tried again after a pause that doubles up to a minute. The interval is stretched to
    ``least_interval(symbols held)``, which is what the exchanges allow. Once a UTC day the ticks older than
    ``retention_days`` are thinned.

    The lease is short whatever the interval, and renewed between ticks and during them. In the longer pauses
    after failures it runs out: another instance may fare better.
    """

    def __init__(  # noqa: PLR0913 (its parts, injected)
        self,
        refresh: Refresh,
        leases: Leases,
        prices: PriceStore,
        clock: Clock,
        *,
        interval_seconds: float,
        holder: str,
        least_interval: Callable[[int], float] = lambda symbols: 0.0,
        retention_days: int = 7,
        lease_seconds: float = LEASE_SECONDS,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._refresh = refresh
        self._leases = leases
        self._prices = prices
        self._clock = clock
        self._set_interval_seconds = interval_seconds
        self._holder = holder
        self._least_interval = least_interval
        self._retention = timedelta(days=retention_days)
        self._lease_seconds = lease_seconds
        self._wait = wait
        self._symbols = 0
        self._fence: Fence | None = None
        self._held_until = clock.monotonic()
        self._may_hold = False
        self._failures = 0
        self._next_tick = clock.monotonic()
        self._last_tick: float | None = None
        self._thinned_on: date | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def is_leader(self) -> bool:
        """Return whether this instance holds the lease; what has not been renewed in time has run out."""
        return self._fence is not None and self._clock.monotonic() < self._held_until

    @property
    def interval_seconds(self) -> float:
        """Return the interval, stretched to what the exchanges allow for what is held."""
        return max(self._set_interval_seconds, self._least_interval(self._symbols))

    @property
    def last_tick_age_seconds(self) -> float | None:
        """Return how long ago a tick of this instance last went through; None before the first."""
        return None if self._last_tick is None else self._clock.monotonic() - self._last_tick

    def start(self) -> None:
        """Begin, in a task of its own."""
        if self._task is None:
            self._task = asyncio.create_task(self.run(), name="price loop")

    async def stop(self) -> None:
        """End the task and give the lease up."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def run(self) -> None:
        """Go on until cancelled; then give the lease up."""
        try:
            while True:
                await self._wait(await self._step())
        finally:
            await self._give_up()

    async def _step(self) -> float:
        """Take or renew the lease, refresh if it is time, and return how long to wait."""
        try:
            fence = await self._take()
            if fence is not None and self._clock.monotonic() >= self._next_tick:
                await self._tick(fence)
        except LeaseLost as error:
            self._fence = None
            _log.warning("prices.lease_lost", holder=self._holder, reason=str(error))
        except asyncio.CancelledError:
            if _is_being_cancelled():
                raise
            return self._failed("the refresh was cancelled")
        except Exception as error:  # noqa: BLE001 (prices must not stop, whatever a tick meets)
            return self._failed(f"{type(error).__name__}: {error}")
        self._failures = 0
        until_tick = self._next_tick - self._clock.monotonic() if self.is_leader else self._renewal_seconds
        return max(0.0, min(until_tick, self._renewal_seconds))

    @property
    def _renewal_seconds(self) -> float:
        return self._lease_seconds / _RENEWALS

    async def _take(self) -> Fence | None:
        """Take the lease or renew it; None while another instance holds it."""
        asked_at = self._clock.monotonic()
        self._may_hold = True
        self._fence = await self._leases.acquire(LEASE, self._holder, self._lease_seconds)
        self._may_hold = self._fence is not None
        # Counted from before the question: it ends here before it ends at the database.
        self._held_until = asked_at + self._lease_seconds
        return self._fence

    async def _tick(self, fence: Fence) -> None:
        started = self._clock.monotonic()
        report = await self._refreshed(fence)
        self._symbols = len(report.refreshed) + len(report.failed)
        self._last_tick = self._clock.monotonic()
        self._next_tick = started + self.interval_seconds
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
        await self._thin()

    async def _refreshed(self, fence: Fence) -> RefreshReport:
        """Return what a refresh brought."""
        return await self._renewing(self._refresh(fence))

    async def _renewing(self, work: Awaitable[T]) -> T:
        """Return what ``work`` brings, during which the lease is renewed, however long it takes."""
        at_work = asyncio.ensure_future(work)
        try:
            while not (await asyncio.wait({at_work}, timeout=self._renewal_seconds))[0]:
                await self._renew()
            return at_work.result()
        finally:
            at_work.cancel()

    async def _renew(self) -> None:
        """Renew the lease; whether that went well is for the refresh's own write to find out."""
        try:
            await self._take()
        except Exception as error:  # noqa: BLE001 (the refresh under way may still be written in time)
            _log.warning("prices.lease_not_renewed", reason=f"{type(error).__name__}: {error}")

    async def _thin(self) -> None:
        """Thin old ticks, a day of them with each tick until there are none, and then again the next day.

        A failure spoils no tick and is tried again with the next.
        """
        now = self._clock.now()
        if self._thinned_on == now.date():
            return
        try:
            dropped = await self._renewing(self._prices.thin_ticks(now - self._retention))
        except Exception as error:  # noqa: BLE001 (old ticks are no reason to go without new prices)
            _log.warning("prices.thinning_failed", reason=f"{type(error).__name__}: {error}")
        else:
            if not dropped:
                self._thinned_on = now.date()
                return
            _log.info("prices.thinned", dropped=dropped)

    def _failed(self, reason: str) -> float:
        self._failures += 1
        pause = min(2.0**self._failures, _LONGEST_BACKOFF_SECONDS)
        _log.error("prices.tick_failed", reason=reason, failures=self._failures, pause_seconds=pause)
        return pause

    async def _give_up(self) -> None:
        """Release the lease, so that another instance goes on at once; if that fails it expires."""
        self._fence = None
        if not self._may_hold:
            return
        try:
            async with asyncio.timeout(_RELEASE_SECONDS):
                await self._leases.release(LEASE, self._holder)
        except Exception as error:  # noqa: BLE001 (the lease expires all the same)
            _log.warning("prices.lease_not_released", reason=f"{type(error).__name__}: {error}")


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
