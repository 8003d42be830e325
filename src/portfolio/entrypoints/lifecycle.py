"""Starts and stops the service: opens the books, keeps them open, and stops without losing a booking."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import structlog

from portfolio.application.errors import BooksContradicted, LedgerUnavailable
from portfolio.application.ledger.opening import Opening
from portfolio.application.operations.health import Health
from portfolio.entrypoints.backtest_loop import BacktestLoop
from portfolio.entrypoints.comparison_loop import ComparisonLoop
from portfolio.entrypoints.price_loop import PriceLoop
from portfolio.entrypoints.rules_loop import RulesLoop

_log = structlog.get_logger(__name__)

RETRY_SECONDS = 2.0
WATCH_SECONDS = 5.0
GRACE_SECONDS = 5.0

Step = Callable[[], Awaitable[object]]


@dataclass(slots=True, kw_only=True, eq=False)
class Lifecycle:
    """Starts and stops the parts, in order.

    The service starts with the database away, too: it then answers that it is not ready, and opens the books as soon
    as the database is there. It goes on looking: books whose row another program has removed are never opened anew.

    At the stop the steps of ``finish`` complete what has begun, those of ``close`` then free resources. Each step has
    ``grace_seconds``: a database that never answers must not keep the process from ending.
    """

    check: Step
    open_books: Callable[[], Awaitable[Opening]]
    health: Callable[[], Awaitable[Health]]
    price_loop: PriceLoop
    comparing: ComparisonLoop
    fetching_rules: RulesLoop
    backtests: BacktestLoop
    finish: Sequence[Step]
    close: Sequence[Step]
    retry_seconds: float = RETRY_SECONDS
    watch_seconds: float = WATCH_SECONDS
    grace_seconds: float = GRACE_SECONDS
    _could_book: bool = field(default=True, init=False)
    _opening: asyncio.Task[None] | None = field(default=None, init=False)
    _trouble: type[Exception] | None = field(default=None, init=False)

    async def start(self) -> None:
        """Start the task that opens the books."""
        self._opening = asyncio.create_task(self._keep_open(), name="open books")

    async def stop(self) -> None:
        """Take no more bookings, finish those taken, give up the price lease and close every connection."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait([self._opening])
        loops = self.comparing.stop, self.fetching_rules.stop, self.backtests.stop
        for step in (*loops, *self.finish, self.price_loop.stop, *self.close):
            try:
                async with asyncio.timeout(self.grace_seconds):
                    await step()
            except TimeoutError:
                _log.warning("service.stop_cut_short", step=step.__qualname__, grace_seconds=self.grace_seconds)
            except Exception as error:  # noqa: BLE001  whatever it is, the steps after it are to be taken
                _log.error("service.stop_failed", step=step.__qualname__, exc_info=error)

    async def _keep_open(self) -> None:
        await self._open()
        self.comparing.start()
        self.backtests.start()
        self.price_loop.start()
        self.fetching_rules.start()
        while True:
            await asyncio.sleep(self.watch_seconds)
            await self._open(again=True)
            await self._look()

    async def _look(self) -> None:
        """Log that no booking could be committed any more, or that one could again, whether anybody asks or not."""
        health = await self.health()
        if health.can_book is self._could_book:
            return
        self._could_book = health.can_book
        if health.can_book:
            _log.info("service.ready")
        else:
            _log.warning("service.not_ready", database=health.database.condition, reason=health.database.detail)

    async def _open(self, *, again: bool = False) -> None:
        """Return once the books are open; what is as it was the last time is not logged ``again``."""
        while True:
            try:
                await self.check()
                opening = await self.open_books()
            except Exception as error:  # noqa: BLE001  whatever it is, an operator may mend it while the service waits
                self._note(error)
            else:
                if not again or self._trouble or opening is not Opening.NOTHING:
                    _log.info("books.open", opening=opening.value)
                self._trouble = None
                return
            await asyncio.sleep(self.retry_seconds)

    def _note(self, error: Exception) -> None:
        """Log what stands in the way, once while it lasts."""
        if type(error) is self._trouble:
            return
        self._trouble = type(error)
        if isinstance(error, BooksContradicted):
            _log.error("books.contradicted", reason=str(error), retry_seconds=self.retry_seconds)
        elif isinstance(error, LedgerUnavailable):
            _log.warning("books.database_away", reason=str(error), retry_seconds=self.retry_seconds)
        else:
            reason = f"{type(error).__name__}: {error}"
            _log.error("books.not_opened", reason=reason, retry_seconds=self.retry_seconds)
