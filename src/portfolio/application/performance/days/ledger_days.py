"""The entries of the ledger by the day they are of, read once and brought up to date."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Final, TypeAlias

from portfolio.application.announcer import Announcement
from portfolio.application.ledger.cash_records import CashEntry
from portfolio.application.ledger.lots.journal import MOST_MISSING, Announced, is_one_there
from portfolio.application.ledger.lots.movement import Movement
from portfolio.application.ledger.lots.progress import Progress
from portfolio.application.ledger.ports import Ledger, Lookups
from portfolio.application.ledger.records import TradeFilter
from portfolio.application.performance.days.entries import DayEntries, LedgerDay
from portfolio.application.performance.days.holding import HoldingTimes
from portfolio.application.performance.days.splits import Splits
from portfolio.domain.days import day_of
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.sums import LedgerSums

Offer: TypeAlias = Callable[[int, Sequence[Movement | CashEntry]], None]
"""Takes the entries after a ledger revision."""

_IN_TIME: Final = timedelta(days=1)


class LedgerDays(DayEntries):
    """Reads the entries once, and from then on those that are new.

    An entry is of the day of its own time: a trade of the day on which it was executed, so that one that is booked just
    after midnight counts before it. So is an event, but one with which units changed is of the day of its booking, as a
    deposit is. A reversal is of the day of the trade that it takes out. A baseline states everything that there is:
    nothing from before it counts, and what is said to be executed before it is of its day.

    An entry that cannot be read, or is gone, is missing: ``whole_since`` is the first day whose end all that are read
    add up to.
    """

    def __init__(
        self, ledger: Ledger, lookups: Lookups, offer: Offer | None = None, *, patience_seconds: float = math.inf
    ) -> None:
        """Take the ports; late entries, and all after them, are offered to whoever restates days of them.

        Who does not want to wait waits for as long as ``patience_seconds`` for what another reads.
        """
        self._patience_seconds = patience_seconds
        self._ledger = ledger
        self._offer = offer
        self._lookups = lookups
        self._lock = asyncio.Lock()
        self._progress = Progress()
        self._announced = Announced()
        super().__init__()

    def _begin(self) -> None:
        super()._begin()
        self._missing: set[int] = set()
        self._alone: list[Movement] = []
        self.sums = LedgerSums()
        self.is_read = False
        """Whether all entries of a time were read, and none forgotten since."""

    async def forget(self) -> None:
        """Know no entry any more: the ledger may have been put back to an earlier state meanwhile."""
        async with self._lock:
            self._announced = Announced()
            self._begin()

    def missing(self, until: int) -> Sequence[int]:
        """Return ledger revisions up to one whose entries are not added up, in order; not all where there are many."""
        unread = range(self.revision + 1, until + 1)[:MOST_MISSING]
        return sorted({*self._missing, *(trade.revision for trade in self._alone), *unread})

    @property
    def opened(self) -> date | None:
        """Return the day of the newest baseline; None where nothing was read yet."""
        return day_of(self.transactions[0].transaction.at) if self.transactions else None

    def take_notice(self, event: Announcement) -> None:
        """Keep an entry that this process committed."""
        self._announced.take_notice(event)

    async def read(self, portfolio_id: int, until: int, *, waits: bool = True) -> None:
        """Read the entries up to a ledger revision. What was read stays when the reading is interrupted.

        Once an entry that was missing is there, all of them are read anew: they count in their order.

        Raises:
            EntriesUnread: another reads them, which takes too long for one who does not want to wait.
        """
        if not waits and self._lock.locked():
            unread = self._progress.unread(self.revision, until)
            if unread.retry_after_seconds > self._patience_seconds:
                raise unread
        async with self._lock:
            self._progress.begin(self.revision)
            if (self._missing or self._alone) and await self._is_mended(portfolio_id):
                self._begin()
            while self.revision < until:
                after = self.revision
                entries = await self._announced.next(self._ledger, portfolio_id, after)
                wanted = [entry for entry in entries if entry.revision <= until]
                for entry in wanted:
                    await self._add(portfolio_id, entry)
                    self.revision = entry.revision
                if self.is_late and wanted and self._offer is not None:
                    self._offer(after, wanted)
                if not entries or entries[-1].revision > until:
                    break
            self._announced.forget(self.revision)
            self.is_read = True

    async def _is_mended(self, portfolio_id: int) -> bool:
        """Return whether one of the entries that were missing is there by now."""
        if await is_one_there(self._ledger, portfolio_id, sorted(self._missing)[:MOST_MISSING]):
            return True
        return any([await self._taken_back(portfolio_id, trade) for trade in self._alone[:MOST_MISSING]])

    async def _add(self, portfolio_id: int, entry: Movement | CashEntry) -> None:
        missing = range(self.revision + 1, entry.revision)[:MOST_MISSING]
        if not isinstance(entry, Movement):
            self.sums.transact(entry.transaction, entry.positions)
            self._add_transaction(entry)
        else:
            taken_back = await self._taken_back(portfolio_id, entry)
            self.sums.move(entry)
            if entry.reverses is None or taken_back is not None:
                self._add_trade(entry, taken_back)
            else:
                self._alone.append(entry)  # missing with the trade that it takes out
        self._missing.update(missing)
        if missing or self._alone:
            self.whole_since = max(self.whole_since, day_of(entry.booked_at))

    def _add_trade(self, trade: Movement, taken_back: Movement | None) -> None:
        own = taken_back or trade
        self._note_late(own.executed_at, own.booked_at)
        self._day(min(own.executed_at, own.booked_at)).add_trade(trade, taken_back, self._holding)

    def _add_transaction(self, entry: CashEntry) -> None:
        transaction = entry.transaction
        if transaction.kind is CashTransactionKind.BASELINE:
            self.days.clear()
            self.transactions.clear()
            self.is_late = False
            self._holding = HoldingTimes()
            self.splits = Splits()
        self.transactions.append(entry)
        self._note_late(transaction.effective_at, transaction.at)
        self.splits.add(entry, day_of(transaction.day_at))
        self._holding.change(entry)
        day = self._day(transaction.day_at)
        day.add_cash(transaction)
        for adjustment in entry.positions:
            day.changes[adjustment.symbol].adjust(adjustment, is_known=entry.tells_all)

    def _note_late(self, effective_at: datetime, booked_at: datetime) -> None:
        effective = day_of(effective_at)
        self.is_late |= effective < max(self.opened or effective, day_of(booked_at) - _IN_TIME)

    def _day(self, at: datetime) -> LedgerDay:
        day = day_of(at)
        return self.days[max(day, self.opened or day)]

    async def _taken_back(self, portfolio_id: int, trade: Movement) -> Movement | None:
        """Return the trade that a reversal takes out; None for any other trade, and where that entry is missing."""
        if trade.reverses is None:
            return None
        page = await self._lookups.trades(portfolio_id, TradeFilter(before=trade.reverses + 1, limit=1))
        found = page.items[0] if page.items else None
        return Movement.of(found.id, found.entry) if found and found.id == trade.reverses and found.entry else None
