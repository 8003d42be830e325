"""Fetch the daily history of what is held or ever was, and of the benchmark."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Final

import msgspec

from portfolio.application.clock import Clock
from portfolio.application.errors import FeedFailed
from portfolio.application.ledger.ports import Ledger
from portfolio.application.prices.ports import CloseFeed, PriceStore
from portfolio.domain.days import DAY, day_of
from portfolio.domain.symbol import Symbol

AT_ONCE: Final = 8

Progress = Callable[[int, int], None]


class BackfillReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a backfill brought: closes by symbol, and why there are none for the others."""

    since: date
    until: date
    stored: Mapping[Symbol, int]
    failed: Mapping[Symbol, str]

    @property
    def closes(self) -> int:
        """Return how many closes were stored."""
        return sum(self.stored.values())

    @property
    def symbols(self) -> list[Symbol]:
        """Return the symbols that there are closes of."""
        return sorted(self.stored)


class Backfill(msgspec.Struct, frozen=True, eq=False):
    """Fetches the closes of the last completed days for everything ever held, and the benchmark, and keeps them.

    What is held comes first: past days are restated by the closes of the rest.
    """

    ledger: Ledger
    prices: PriceStore
    closes: CloseFeed
    clock: Clock
    benchmark: Symbol | None = None

    async def __call__(self, portfolio_id: int, days: int, progress: Progress | None = None) -> BackfillReport:
        """Return what was stored for the last ``days`` completed days; today is never among them.

        ``days`` returns need one close more, so the day before them is fetched too. Each symbol is stored as
        soon as it is there: what was interrupted is not lost. ``progress(done, total)`` is called after each.

        Raises:
            LedgerUnavailable: the database is away; symbols already done are stored.
        """
        until = day_of(self.clock.now()) - DAY
        since = until - timedelta(days=days)
        portfolio = await self.ledger.load(portfolio_id)
        symbols = [position.symbol for position in portfolio.open_positions]
        symbols += sorted(portfolio.positions.keys() - set(symbols))
        if self.benchmark is not None and self.benchmark not in symbols:
            symbols.append(self.benchmark)
        stored: dict[Symbol, int] = {}
        failed: dict[Symbol, str] = {}
        slots = asyncio.Semaphore(AT_ONCE)

        async def fetch(symbol: Symbol) -> None:
            async with slots:
                try:
                    closes = await self.closes.daily_closes(symbol, since, until)
                except FeedFailed as error:
                    failed[symbol] = str(error)
                else:
                    stored[symbol] = await self.prices.add_closes(closes)
            if progress is not None:
                progress(len(stored) + len(failed), len(symbols))

        await all_or_first_error([asyncio.create_task(fetch(symbol)) for symbol in symbols])
        return BackfillReport(since=since, until=until, stored=stored, failed=failed)


async def all_or_first_error(tasks: list[asyncio.Task[None]]) -> None:
    """Wait for all; at the first error, or when cancelled, end the others and raise it alone (no group)."""
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
