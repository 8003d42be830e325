"""Fetches the closes of an asset of which none are kept, while somebody waits for them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from portfolio.analytics.conventions import DAYS_PER_YEAR
from portfolio.application.clock import Clock
from portfolio.application.errors import FeedFailed, LedgerUnavailable
from portfolio.application.prices.ports import CloseFeed, PriceStore
from portfolio.domain.symbol import Symbol

# So long nobody asks again for what was not to be had: whoever checks a trade may check it every second.
AGAIN_SECONDS: Final = 60.0
MOST_REMEMBERED: Final = 1_000


@dataclass(slots=True)
class FetchCloses:
    """Fetches the closes of a year and keeps them, for all who ask at once in one call, within ``seconds``."""

    prices: PriceStore
    closes: CloseFeed
    clock: Clock
    seconds: float
    _running: dict[Symbol, asyncio.Task[bool]] = field(default_factory=dict, init=False)
    _again_at: dict[Symbol, float] = field(default_factory=dict, init=False)

    async def __call__(self, symbol: Symbol) -> bool:
        """Return whether there are closes of the asset now that were not there before; never raises."""
        if self.clock.monotonic() < self._again_at.get(symbol, 0.0):
            return False
        task = self._running.get(symbol)
        if task is None:
            task = self._running[symbol] = asyncio.create_task(self._fetch(symbol), name=f"closes of {symbol}")
            task.add_done_callback(lambda _: self._running.pop(symbol))
        return await asyncio.shield(task)

    async def _fetch(self, symbol: Symbol) -> bool:
        until = self.clock.now().date() - timedelta(days=1)
        try:
            async with asyncio.timeout(self.seconds):
                found = await self.closes.daily_closes(symbol, until - timedelta(days=DAYS_PER_YEAR), until)
                if await self.prices.add_closes(found):
                    return True
        except (FeedFailed, LedgerUnavailable, TimeoutError):
            pass
        if len(self._again_at) >= MOST_REMEMBERED:
            self._again_at.clear()
        self._again_at[symbol] = self.clock.monotonic() + AGAIN_SECONDS
        return False
