"""Entries in blocks: each is read and encoded once, for all subscribers that are at the same place."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypeAlias

from portfolio.application.ledger.cash_records import LoggedEntry, RecordedCashEntry
from portfolio.application.ledger.ports import Lookups
from portfolio.application.ledger.records import BookedTrade
from portfolio.application.stream.ports import Writer
from portfolio.application.stream.records import BEFORE_ALL, Block, Place
from portfolio.application.uncancelled import fetch_error

MOST_ENTRIES: Final = 500
MOST_BYTES: Final = 256 * 1024
MOST_BLOCKS: Final = 32


_Key: TypeAlias = tuple[int, str, int]


class OtherHistory(Exception):
    """The entry at a place is another one, or is gone."""


class Blocks:
    """Blocks of the ledger, from any place on; the last ones are kept."""

    def __init__(self, lookups: Lookups, writer: Writer, portfolio_id: int) -> None:
        self._lookups = lookups
        self._writer = writer
        self._portfolio_id = portfolio_id
        self._kept: OrderedDict[_Key, asyncio.Task[Block]] = OrderedDict()
        # One at a time: a hundred that come back at once must not take the database from the bookings.
        self._turn = asyncio.Lock()

    async def after(self, place: Place, until: Place) -> Block:
        """Return the entries after a place and up to another, or the first of them where they are many.

        Raises:
            OtherHistory: the entry at the place is another one.
        """
        key = (place.ledger, place.digest, until.ledger)
        task = self._kept.get(key)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._kept[key] = asyncio.create_task(self._read(place, until), name="stream block")
            task.add_done_callback(fetch_error)
            while len(self._kept) > MOST_BLOCKS:
                self._kept.popitem(last=False)
        return task.result() if task.done() else await asyncio.shield(task)

    async def close(self) -> None:
        """Return when all that is being read was read."""
        reading = [task for task in self._kept.values() if not task.done()]
        if reading:
            await asyncio.wait(reading)

    def forget(self) -> None:
        """Forget what was read: the books are others."""
        self._kept.clear()

    async def place_of(self, ledger: int, prices: int) -> Place:
        """Return the place after an entry; raises OtherHistory where there is no such entry."""
        if ledger == 0:
            return Place(0, prices, BEFORE_ALL.digest)
        for logged in await self._lookups.log(self._portfolio_id, after=ledger - 1, until=ledger):
            return Place(ledger, prices, logged.digest)
        raise OtherHistory(ledger)

    async def page(self, place: Place, until: int, limit: int) -> Sequence[LoggedEntry]:
        """Return the entries after a place and up to a ledger revision, at most so many.

        Raises:
            OtherHistory: the entry at the place is another one.
        """
        # The entry at the place is read too: it has to be the one that is known.
        after, last = max(place.ledger - 1, 0), min(until, place.ledger + limit)
        logged = await self._lookups.log(self._portfolio_id, after=after, until=last)
        there = (logged[0].revision, logged[0].digest) if logged and place.ledger else (0, BEFORE_ALL.digest)
        if there != (place.ledger, place.digest):
            raise OtherHistory(place.ledger)
        return logged[1:] if place.ledger else logged

    async def _read(self, place: Place, until: Place) -> Block:
        async with self._turn:
            logged = await self.page(place, until.ledger, MOST_ENTRIES)
        if not logged:
            raise OtherHistory(place.ledger)
        if any(map(_is_reversal, logged)):
            # What was read before says of the trade taken back that it stands.
            for key in [key for key in self._kept if key[0] != place.ledger]:
                del self._kept[key]
        entries: list[bytes] = []
        last, size = logged[0], 0
        for each in logged:
            encoded = self._writer.entry(each)
            size += len(encoded)
            if entries and size > MOST_BYTES:
                break
            entries.append(encoded)
            last = each
        end = Place(last.revision, until.prices, last.digest)
        frame = self._writer.entries(place.ledger + 1, end, [entry for entry in entries if entry])
        return Block(end, frame, _booked_at(logged[0]))


def _is_reversal(logged: LoggedEntry) -> bool:
    booked = logged.entry
    return isinstance(booked, BookedTrade) and booked.entry is not None and booked.entry.trade.reverses is not None


def _booked_at(logged: LoggedEntry) -> datetime | None:
    """Return when an entry was booked; None where nothing can be made of its row."""
    entry = logged.entry
    if isinstance(entry, RecordedCashEntry):
        return entry.entry.transaction.at
    return entry.entry.booked_at if entry is not None and entry.entry is not None else None
