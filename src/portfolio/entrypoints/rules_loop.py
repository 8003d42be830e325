"""The task that has the rules of exchanges fetched, beside the prices, which never wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field

import structlog

from portfolio.application.errors import LedgerUnavailable
from portfolio.application.prices.exchange_rules import RulesReport
from portfolio.application.prices.records import Fence
from portfolio.application.uncancelled import end_tasks
from portfolio.entrypoints.kept_lease import KeptLease

_log = structlog.get_logger(__name__)

AGAIN_SECONDS = 3_600.0
RETRY_SECONDS = 300.0
WAITING_SECONDS = 5.0


@dataclass(slots=True, eq=False)
class RulesLoop:
    """Asks once an hour for what is a day old, while this instance holds the lease on refreshing prices.

    Whatever fails is logged, once while it lasts, and tried again an hour later; five minutes later where the database
    did not take it. The ``lease`` is the one that the price loop keeps; that there may be new rules is ``noted``.
    """

    fetch: Callable[[Fence | None], Awaitable[RulesReport]]
    lease: KeptLease
    noted: Callable[[], None]
    _: KW_ONLY
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep
    _failing: dict[str, str] = field(default_factory=dict, init=False)
    _task: asyncio.Task[None] | None = field(default=None, init=False)

    def start(self) -> None:
        """Begin, in a task of its own."""
        self._task = asyncio.create_task(self._run(), name="exchange rules")

    async def stop(self) -> None:
        """End the task."""
        await end_tasks([self._task] if self._task else [])

    async def _run(self) -> None:
        while True:
            await self.wait(await self._step())

    async def _step(self) -> float:
        """Fetch what is due, if this instance leads; return how long to wait."""
        fence = self.lease.fence
        if fence is None:
            return WAITING_SECONDS
        try:
            report = await self.fetch(fence)
        except LedgerUnavailable as error:
            self._note({"all": str(error)})
            return RETRY_SECONDS
        except Exception as error:  # noqa: BLE001  whatever it is, it is said, and tried again
            self._note({"all": f"{type(error).__name__}: {error}"})
            return AGAIN_SECONDS
        for venue, (known, unknown) in report.fetched.items():
            _log.info("exchange_rules.fetched", venue=venue, known=known, unknown=unknown)
        self._note(report.failed)
        self.noted()
        return AGAIN_SECONDS

    def _note(self, failed: Mapping[str, str]) -> None:
        for what, reason in failed.items():
            if self._failing.get(what) != reason:
                _log.warning("exchange_rules.not_fetched", venue=what, reason=reason)
        self._failing = dict(failed)
