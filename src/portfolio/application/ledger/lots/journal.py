"""The ledger's entries, kept in memory from the first request that needs all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar

from portfolio.application.announcer import Announcement
from portfolio.application.derived import Derived
from portfolio.application.in_thread import in_fold_thread, later_in_fold_thread
from portfolio.application.ledger.announcements import CashMoved, TradeBooked
from portfolio.application.ledger.cash_records import CashEntry
from portfolio.application.ledger.lots.movement import Movement
from portfolio.application.ledger.lots.progress import Progress
from portfolio.application.ledger.ports import Ledger
from portfolio.application.shared_computations import SharedComputations
from portfolio.application.uncancelled import Uncancelled
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.sums import LedgerSums, moved_without_entry
from portfolio.domain.packed import Packed, Packing

# So many at once: whoever waits for the event loop meanwhile waits for no more than these.
PAGE_SIZE: Final = 250

KEPT_SECONDS: Final = 60.0
MOST_MISSING: Final = 10
"""So many entries that were missing are looked for again at each reading."""
MOST_FOLDS: Final = 2
"""So many folds go on without anybody, and for so long each is kept for the next one who asks: it may be large."""

T = TypeVar("T")

KnownAt: TypeAlias = datetime | int
"""As far as was known: at a moment, itself included, or at a ledger revision."""


Moved: TypeAlias = Packed[Movement | CashEntry]
"""Entries in the order they were booked."""

MOVEMENTS: Final = Packing(Movement)


def was_known(at: KnownAt, revision: int, moment: datetime) -> bool:
    """Return whether what was said at a moment, at a ledger revision, was known then."""
    return revision <= at if isinstance(at, int) else moment <= at


async def is_one_there(ledger: Ledger, portfolio_id: int, revisions: Iterable[int]) -> bool:
    """Return whether the entry of one of these ledger revisions is there."""
    for revision in revisions:
        found = await ledger.movements(portfolio_id, after=revision - 1, limit=1)
        if found and found[0].revision == revision:
            return True
    return False


def kept(entries: Iterable[Movement | CashEntry]) -> Moved:
    """Return entries as they are kept: trades, of which there are many, as plain tuples."""
    return Packed(MOVEMENTS, entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """The entries up to a ledger revision, in the order they were booked; what is made of them hangs on ``derived``,
    and on ``sums`` what takes as long to make and hardly any memory.

    ``is_complete`` says that they add up to the books: none is gone, and all could be read.
    """

    revision: int
    moved: Moved
    is_complete: bool
    derived: Derived = field(default_factory=lambda: Derived(most=4), repr=False, compare=False)
    sums: Derived = field(default_factory=Derived, repr=False, compare=False)

    def known(self, at: KnownAt | None) -> Entries:
        """Return the entries that were known then, all without a time: up to the last one that was booked by it.

        Instances whose clocks differ book a revision before the one that seems older: the order of revisions counts.
        """
        if at is None or not self.moved:
            return self
        count = len(self.moved)
        while count and not was_known(at, (last := self.moved[count - 1]).revision, last.booked_at):
            count -= 1
        if count == len(self.moved):
            return self
        return self.derived.once(("known", count), lambda: self._first(count))

    def _first(self, count: int) -> Entries:
        moved = self.moved[:count]
        revision = moved[-1].revision if moved else 0
        return Entries(revision=revision, moved=moved, is_complete=self.is_complete)


class Announced:
    """The entries that this process committed, some at most: whoever follows the ledger need not ask for these.

    Asking for its entry was half the cost of a read after a booking.
    """

    def __init__(self) -> None:
        self._entries: dict[int, Movement | CashEntry] = {}

    def take_notice(self, event: Announcement) -> None:
        """Keep an entry that was committed."""
        if isinstance(event, TradeBooked | CashMoved) and len(self._entries) < PAGE_SIZE:
            entry = Movement.of(event.trade_id, event.entry) if isinstance(event, TradeBooked) else event.entry
            self._entries[entry.revision] = entry

    async def next(self, ledger: Ledger, portfolio_id: int, after: int) -> Sequence[Movement | CashEntry]:
        """Return the next entries, in order: the one that was announced, else a page of the database's."""
        announced = self._entries.get(after + 1)
        if announced is not None:
            return [announced]
        return await ledger.movements(portfolio_id, after=after, limit=PAGE_SIZE)

    def forget(self, until: int) -> None:
        """Forget the entries up to a ledger revision."""
        self._entries = {at: entry for at, entry in self._entries.items() if at > until}


class Journal:
    """Reads the entries when somebody first asks for them, and from then on those that are new.

    Half a kilobyte of memory an entry: a service that nobody asks for lots keeps none. Long books take longer than a
    request may: the reading goes on without it, and what was read stays where it breaks off. Entries that do not add up
    to the books are read once more, since the ledger may have been put back to an earlier state; if some are missing,
    not before one of these is there. What this process has committed itself is announced, and not asked for. What is
    made of them may take longer than a request too.

    Who does not have to wait waits for as long as ``patience_seconds``: for as long as it takes where there are none.
    """

    def __init__(self, ledger: Ledger, *, patience_seconds: float | None = None) -> None:
        self.patience_seconds = patience_seconds
        self._ledger = ledger
        self._lock = asyncio.Lock()
        self._uncancelled = Uncancelled()
        self._progress = Progress()
        self._last: Entries | None = None
        self._begin()

    def take_notice(self, event: Announcement) -> None:
        """Keep an entry that this process committed, once entries were read."""
        if self._last is not None:
            self._announced.take_notice(event)

    def offer(self, after: int, entries: Sequence[Movement | CashEntry]) -> None:
        """Keep the entries after a revision, which another has read: taken where they are the next ones."""
        if after == self._revision and not self._lock.locked():
            self._take(entries)

    def _begin(self) -> None:
        self._announced = Announced()
        self._folds = SharedComputations[Any](kept_seconds=KEPT_SECONDS, most=MOST_FOLDS)
        self._revision = 0
        self._missing: list[int] = []
        self._moved = kept(())
        self._sums = LedgerSums()

    async def stop(self) -> None:
        """End what nobody waits for any more."""
        await self._uncancelled.stop()
        await self._folds.stop()

    async def read(self, portfolio: Portfolio, *, waits: bool = False) -> Entries:
        """Return the entries of a portfolio as it is; ``waits`` for them however long that takes.

        Raises:
            EntriesUnread: that takes longer than one waits; the reading goes on.
        """
        if self._last is not None and self._last.revision == portfolio.revision:
            return self._last
        patience = None if waits else self.patience_seconds
        if patience is not None and self._lock.locked():
            unread = self._progress.unread(self._revision, portfolio.revision)
            if unread.retry_after_seconds > patience:
                raise unread
        try:
            async with asyncio.timeout(patience):
                await self._lock.acquire()  # who gives up here leaves nothing behind; the reading lets it go
                self._progress.begin(self._revision)
                return await self._uncancelled(self._read(portfolio))
        except TimeoutError as error:
            raise self._progress.unread(self._revision, portfolio.revision) from error

    async def fold(self, entries: Entries, known_at: KnownAt | None, what: Hashable, make: Callable[[], T]) -> T:
        """Return what is made of entries in their thread. It goes on without the request, and the next one has it.

        It is told from others by ``what`` it is, and by the entries as far as they were known at a ledger revision.
        """
        revision = min(known_at, entries.revision) if isinstance(known_at, int) else entries.revision
        key = revision, entries.is_complete, known_at, what
        made: T = await self._folds(key, partial(in_fold_thread, make))
        return made

    async def _read(self, portfolio: Portfolio) -> Entries:
        try:
            last = self._last
            if last is not None and last.revision == portfolio.revision:
                return last
            if self._revision > portfolio.revision and last is not None and await self._is_older(last, portfolio):
                return self._first(portfolio.revision, last)
            was_complete = last is None or last.is_complete
            if self._revision > portfolio.revision or not (was_complete or await self._lacks_the_same(portfolio)):
                self._begin()
            has_begun = self._revision > 0
            await self._read_until(portfolio)
            if has_begun and was_complete and not self._add_up_to(portfolio):
                self._begin()
                await self._read_until(portfolio)
            is_complete = self._add_up_to(portfolio)
            self._last = Entries(revision=portfolio.revision, moved=self._moved[:], is_complete=is_complete)
            if last is not None:
                later_in_fold_thread(last.derived.forget_all)
            return self._last
        finally:
            self._lock.release()

    async def _lacks_the_same(self, portfolio: Portfolio) -> bool:
        """Return whether entries were missing and still are, and the ledger was not put back since."""
        is_same = bool(self._missing) and await self._has_the_newest(portfolio)
        return is_same and not await is_one_there(self._ledger, portfolio.id, self._missing)

    async def _is_older(self, last: Entries, portfolio: Portfolio) -> bool:
        """Return whether the portfolio is of before the newest reading, and the ledger was not put back since."""
        return last.is_complete and portfolio.revision > 0 and await self._has_the_newest(portfolio)

    async def _has_the_newest(self, portfolio: Portfolio) -> bool:
        newest = self._moved[-1]
        return [*await self._ledger.movements(portfolio.id, after=newest.revision - 1, limit=1)] == [newest]

    def _first(self, revision: int, last: Entries) -> Entries:
        if revision <= last.revision:
            return last.known(revision)
        every = Entries(revision=self._revision, moved=self._moved[:], is_complete=True)
        return every.known(revision)

    async def _read_until(self, portfolio: Portfolio) -> None:
        self._progress.begin(self._revision)
        while self._revision < portfolio.revision:
            found = await self._announced.next(self._ledger, portfolio.id, self._revision)
            wanted = [entry for entry in found if entry.revision <= portfolio.revision]
            if not wanted:
                return
            self._take(wanted)
        self._announced.forget(self._revision)

    def _take(self, entries: Sequence[Movement | CashEntry]) -> None:
        for entry in entries:
            self._sum(entry)
            self._missing += range(self._revision + 1, entry.revision)[: MOST_MISSING - len(self._missing)]
            self._revision = entry.revision
        self._moved += entries

    def _sum(self, entry: Movement | CashEntry) -> None:
        if isinstance(entry, Movement):
            self._sums.move(entry)
        else:
            self._sums.transact(entry.transaction, entry.positions)

    def _add_up_to(self, portfolio: Portfolio) -> bool:
        entered = self._sums.stated(portfolio)
        return not moved_without_entry(entered, portfolio, entered.positions)
