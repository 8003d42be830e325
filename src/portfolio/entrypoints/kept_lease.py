"""A lease that is renewed as long as it is needed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import structlog

from portfolio.application.clock import Clock
from portfolio.application.prices.ports import Leases
from portfolio.application.prices.records import Fence

_log = structlog.get_logger(__name__)

T = TypeVar("T")

LEASE = "prices"
LEASE_SECONDS = 15.0
_RENEWALS = 3  # of which two may fail
_RELEASE_SECONDS = 2.0


class KeptLease:
    """The lease on refreshing prices, held by one instance at a time.

    It is short whatever it is held for, and renewed three times in its life.
    """

    def __init__(self, leases: Leases, clock: Clock, *, holder: str, seconds: float = LEASE_SECONDS) -> None:
        self._leases = leases
        self._clock = clock
        self._seconds = seconds
        self._fence: Fence | None = None
        self._held_until = clock.monotonic()
        self._may_hold = False
        self.holder = holder
        self.renewal_seconds = seconds / _RENEWALS

    @property
    def is_held(self) -> bool:
        """Return whether this instance holds the lease; what has not been renewed in time has run out."""
        return self.fence is not None

    @property
    def fence(self) -> Fence | None:
        """Return the fence of the lease while this instance holds it, for others who write what its holder may."""
        return self._fence if self._clock.monotonic() < self._held_until else None

    async def take(self) -> Fence | None:
        """Take the lease or renew it; return its fence, None while another instance holds it."""
        asked_at = self._clock.monotonic()
        self._may_hold = True
        self._fence = await self._leases.acquire(LEASE, self.holder, self._seconds)
        self._may_hold = self._fence is not None
        # Counted from before the question: it ends here before it ends at the database.
        self._held_until = asked_at + self._seconds
        return self._fence

    async def during(self, work: Awaitable[T]) -> T:
        """Return the result of ``work``; the lease is renewed while it runs."""
        at_work = asyncio.ensure_future(work)
        try:
            while not (await asyncio.wait({at_work}, timeout=self.renewal_seconds))[0]:
                await self._renew()
            return at_work.result()
        finally:
            at_work.cancel()

    def lost(self) -> None:
        """Note that another instance has it."""
        self._fence = None

    async def give_up(self) -> None:
        """Release the lease, so that another instance goes on at once; if that fails it expires."""
        self._fence = None
        if not self._may_hold:
            return
        try:
            async with asyncio.timeout(_RELEASE_SECONDS):
                await self._leases.release(LEASE, self.holder)
        except Exception as error:  # noqa: BLE001  the lease expires all the same
            _log.warning("prices.lease_not_released", reason=f"{type(error).__name__}: {error}")

    async def _renew(self) -> None:
        """Renew the lease. A failure is only logged: the fence is checked when the work is written."""
        try:
            await self.take()
        except Exception as error:  # noqa: BLE001  the refresh under way may still be written in time
            _log.warning("prices.lease_not_renewed", reason=f"{type(error).__name__}: {error}")
