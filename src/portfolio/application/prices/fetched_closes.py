"""Fetches the closes of an asset of which none are kept: while somebody waits for them, or after its first booking."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from portfolio.analytics.conventions import DAYS_PER_YEAR
from portfolio.application.announcer import Announcement
from portfolio.application.clock import Clock
from portfolio.application.errors import ApplicationError
from portfolio.application.ledger.announcements import TradeBooked
from portfolio.application.prices.ports import CloseFeed, PriceStore
from portfolio.application.uncancelled import end_tasks
from portfolio.domain.days import DAY, day_of
from portfolio.domain.symbol import Symbol

# So long nobody asks again for what was not to be had: whoever checks a trade may check it every second.
AGAIN_SECONDS: Final = 60.0
MOST_REMEMBERED: Final = 1_000
# Nobody waits for those of an asset that was booked: so many are fetched at once, and so many may wait.
AT_ONCE: Final = 4
MOST_WAITING: Final = 1_000
RECENT: Final = timedelta(days=7)


@dataclass(slots=True)
class FetchCloses:
    """Fetches the closes of a year and keeps them, for all who ask at once in one call, within ``seconds``."""

    prices: PriceStore
    closes: CloseFeed
    clock: Clock
    seconds: float
    _running: dict[Symbol, asyncio.Task[bool]] = field(default_factory=dict, init=False)
    _again_at: dict[Symbol, float] = field(default_factory=dict, init=False)
    _new_until: dict[Symbol, float] = field(default_factory=dict, init=False)
    _known: set[Symbol] = field(default_factory=set, init=False)
    _after_booking: dict[Symbol, asyncio.Task[None]] = field(default_factory=dict, init=False)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE), init=False)

    async def __call__(self, symbol: Symbol) -> bool:
        """Return whether there are closes of the asset now that were not there before; never raises.

        Who looked before they were there, and asks once they are, is told so: nobody fetches them again.
        """
        if self.clock.monotonic() < self._new_until.get(symbol, 0.0):
            return True
        if self._rests(symbol):
            return False
        task = self._running.get(symbol)
        if task is None:
            task = self._running[symbol] = asyncio.create_task(self._fetch(symbol), name=f"closes of {symbol}")
            task.add_done_callback(lambda _: self._running.pop(symbol))
        return await asyncio.shield(task)

    async def several(self, symbols: Sequence[Symbol], seconds: float) -> None:
        """Fetch the closes of these assets, some at once, within ``seconds``; what is not there by then is not."""
        slots = asyncio.Semaphore(AT_ONCE)

        async def fetch(symbol: Symbol) -> None:
            async with slots:
                await self(symbol)

        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                for symbol in symbols:
                    group.create_task(fetch(symbol))

    def may_come(self, symbol: Symbol) -> bool:
        """Return whether who asks again may get closes that are not there yet: no exchange has just refused them."""
        return not self._rests(symbol)

    def take_notice(self, event: Announcement) -> None:
        """Fetch the closes of an asset that was booked, in the background, where there are none of the last days."""
        if not isinstance(event, TradeBooked):
            return
        symbol = event.entry.trade.symbol
        is_there = symbol in self._known or symbol in self._after_booking or self._rests(symbol)
        if not is_there and len(self._after_booking) < MOST_WAITING:
            task = asyncio.create_task(self._fetch_missing(symbol), name=f"closes after a booking of {symbol}")
            self._after_booking[symbol] = task
            task.add_done_callback(lambda _: self._after_booking.pop(symbol))

    async def close(self) -> None:
        """Stop what is at work, and wait until it has ended."""
        await end_tasks([*self._after_booking.values(), *self._running.values()])

    def _rests(self, symbol: Symbol) -> bool:
        return self.clock.monotonic() < self._again_at.get(symbol, 0.0)

    async def _fetch_missing(self, symbol: Symbol) -> None:
        until = day_of(self.clock.now()) - DAY
        async with self._slots:
            try:
                async with asyncio.timeout(self.seconds):
                    kept = await self.prices.closes([symbol], since=until - RECENT, until=until)
            except (ApplicationError, TimeoutError):
                return
            if kept or await self(symbol):
                self._known.add(symbol)

    async def _fetch(self, symbol: Symbol) -> bool:
        until = day_of(self.clock.now()) - DAY
        try:
            async with asyncio.timeout(self.seconds):
                found = await self.closes.daily_closes(symbol, until - timedelta(days=DAYS_PER_YEAR), until)
                are_new = bool(await self.prices.add_closes(found))
        except (ApplicationError, TimeoutError):
            are_new = False
        remembered = self._new_until if are_new else self._again_at
        if len(remembered) >= MOST_REMEMBERED:
            remembered.clear()
        remembered[symbol] = self.clock.monotonic() + AGAIN_SECONDS
        return are_new
