"""Keeps the restated days up to date: after a late entry or close, days are made anew."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Final, TypeAlias

import msgspec

from portfolio.application.history.effective import EffectiveDays, folded
from portfolio.application.history.restated import RestatedDay, restate
from portfolio.application.history.restated_positions import positions_on
from portfolio.application.in_thread import in_fold_thread, in_thread
from portfolio.application.ledger.lots.journal import Entries, Journal, KnownAt, kept
from portfolio.application.performance.final_days import MOST_DAYS_CARRIED
from portfolio.application.performance.records import DayPositions
from portfolio.application.prices.ports import PriceStore
from portfolio.application.uncancelled import Uncancelled
from portfolio.domain.days import DAY
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.symbol import Symbol

AT_ONCE: Final = 250
"""So many new entries are taken in at once, without a thread."""

_CARRIED = timedelta(days=MOST_DAYS_CARRIED)


class Restated(msgspec.Struct, frozen=True, kw_only=True):
    """The days until yesterday, and what they are made of. ``is_complete`` is that of the entries.

    The entries may be newer than the portfolio that was asked with.
    """

    days: Sequence[RestatedDay]
    entries: EffectiveDays
    is_complete: bool


class _StoredCloses(msgspec.Struct):
    """The closes of assets from ``since`` until ``until``, as of a price revision."""

    since: date = date.max
    until: date = date.min
    price_revision: int = -1
    by_symbol: dict[Symbol, dict[date, Decimal]] = msgspec.field(default_factory=dict)


_Key: TypeAlias = tuple[int, int, date]


def _key(portfolio: Portfolio, today: date) -> _Key:
    return portfolio.revision, portfolio.price_revision, today


def _before(days: Sequence[RestatedDay], end: date) -> Sequence[RestatedDay]:
    """Return the days before one; each day follows the one before."""
    if not days or days[-1].day < end:
        return days
    return days[: max((end - days[0].day).days, 0)]


class RestateDays:
    """Restates the days when somebody asks, and keeps what was made.

    A late entry changes the days from its own day on, a close that is written later all of them. What is kept is made
    anew where the entries are not those of before. Long books take longer than a request may: what was begun goes on
    without it, and the next one has it.
    """

    def __init__(self, journal: Journal, prices: PriceStore) -> None:
        self._journal = journal
        self._prices = prices
        self._uncancelled = Uncancelled()
        self._lock = asyncio.Lock()
        self._closes = _StoredCloses()
        self._begin()

    def _begin(self) -> None:
        self._seen = kept(())
        self._effective = EffectiveDays()
        self._days: Sequence[RestatedDay] = ()
        self._last: Restated | None = None
        self._last_key: _Key | None = None

    @property
    def has_begun(self) -> bool:
        """Return whether days were made: from then on only what is new is added to them."""
        return self._last is not None

    async def stop(self) -> None:
        """End what nobody waits for any more."""
        await self._uncancelled.stop()

    async def prepare(self, portfolio: Portfolio, today: date) -> None:
        """Make the days until yesterday, before somebody asks, however long it takes to read the entries."""
        await self._journal.read(portfolio, waits=True)
        await self(portfolio, today)

    async def __call__(self, portfolio: Portfolio, today: date, known_at: KnownAt | None = None) -> Restated:
        """Return the days until the end of the day before ``today``, as far as was known."""
        if known_at is not None:
            return await self._uncancelled(self._known(portfolio, today, known_at))
        if self._last is not None and self._last_key == _key(portfolio, today):
            return self._last
        return await self._uncancelled(self._newest(portfolio, today))

    async def positions(
        self, portfolio: Portfolio, days: Collection[date], known_at: KnownAt | None = None
    ) -> dict[date, DayPositions]:
        """Return the positions at the end of days that are over, as far as was known."""
        found = await self(portfolio, max(days) + DAY, known_at)
        return await self._uncancelled(self._positions(found.entries, days))

    async def _newest(self, portfolio: Portfolio, today: date) -> Restated:
        async with self._lock:
            entries = await self._journal.read(portfolio)
            await self._take_in(entries)
            await self._restate(portfolio, today)
            days = _before(self._days, today)
            found = Restated(days=days, entries=self._effective, is_complete=entries.is_complete)
            if entries.is_complete and self._effective.revision <= portfolio.revision:
                self._last, self._last_key = found, _key(portfolio, today)
            return found

    async def _positions(self, entries: EffectiveDays, days: Collection[date]) -> dict[date, DayPositions]:
        async with self._lock:  # nothing is added to them meanwhile
            return await in_fold_thread(partial(positions_on, entries, self._closes.by_symbol, days))

    async def _known(self, portfolio: Portfolio, today: date, known_at: KnownAt) -> Restated:
        async with self._lock:
            entries = await self._journal.read(portfolio)
            known = await in_fold_thread(entries.known, known_at)
            make = partial(known.derived.once, EffectiveDays, partial(folded, known.moved))
            effective = await in_fold_thread(make)
            await self._read_closes(effective, portfolio.price_revision, today - DAY)
            days = await in_fold_thread(partial(restate, effective, self._closes.by_symbol, today - DAY))
            return Restated(days=days, entries=effective, is_complete=known.is_complete)

    async def _take_in(self, entries: Entries) -> None:
        """Take in the new entries, and keep no day that they change: whatever fails after that, it is made anew."""
        if entries.moved and self._seen.begins_with(
            entries.moved
        ):  # of a portfolio of before: what is new since is known already
            return
        is_same = entries.moved.begins_with(self._seen)
        new = entries.moved[len(self._seen) :] if is_same else entries.moved
        if not is_same or len(new) > AT_ONCE:
            self._begin()
            self._effective, self._seen = await in_fold_thread(folded, entries.moved), entries.moved
            return
        for entry in new:
            self._days = _before(self._days, self._effective.add(entry))
        self._seen = entries.moved

    async def _restate(self, portfolio: Portfolio, today: date) -> None:
        until = today - DAY
        await self._read_closes(self._effective, portfolio.price_revision, until)
        kept = self._days
        if kept and kept[-1].day >= until:
            return
        make = partial(restate, self._effective, self._closes.by_symbol, until, kept)
        self._days = await (in_thread if kept else in_fold_thread)(make)

    # --- closes -----------------------------------------------------------------------------------------------------

    async def _read_closes(self, entries: EffectiveDays, price_revision: int, until: date) -> None:
        """Read the closes that are lacking; where others than before were written, no day is kept.

        Those of before stay until the others are read: who asks meanwhile for positions is not to lack them.
        """
        first, stored = entries.opened, self._closes
        if first is None:
            return
        since = first - _CARRIED
        if since < stored.since:
            self._closes = stored = _StoredCloses(since=since, until=until, price_revision=price_revision)
            self._days = ()
        if price_revision != stored.price_revision:
            written = await self._prices.changed_closes(after=stored.price_revision)
            for symbol in stored.by_symbol.keys() & set(written):
                stored.by_symbol[symbol] = await self._of(symbol, stored.since, stored.until)
                self._days = ()
            stored.price_revision = price_revision
        if until > stored.until:
            for symbol, known in stored.by_symbol.items():
                known.update(await self._of(symbol, stored.until + DAY, until))
            stored.until = until
        for symbol in sorted(entries.symbols - stored.by_symbol.keys()):
            stored.by_symbol[symbol] = await self._of(symbol, stored.since, stored.until)

    async def _of(self, symbol: Symbol, since: date, until: date) -> dict[date, Decimal]:
        closes = await self._prices.closes([symbol], since=since, until=until)
        return {close.day: close.price.value for close in closes}
