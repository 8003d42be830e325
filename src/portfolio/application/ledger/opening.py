"""Opens the books: with the initial cash on a fresh database, with a baseline of the rows on an old one.

Books are opened once: where the ledger has an entry they are never opened again, whatever became of the rows.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from portfolio.application.announcer import NO_LISTENERS, Announcer
from portfolio.application.clock import Clock
from portfolio.application.ledger.announcements import CashMoved
from portfolio.application.ledger.cash_records import INITIAL_CASH, CashEntry, PositionAdjustment
from portfolio.application.ledger.fold import Fold, add_entries
from portfolio.application.ledger.lost_commit import Made, commit_once, has_entry
from portfolio.application.ledger.ports import Ledger, LedgerUnit
from portfolio.domain.money import Money


class Opening(StrEnum):
    """What opening the books did."""

    CREATED = "created"
    ADOPTED = "adopted"
    NOTHING = "nothing"


class OpenBooks(msgspec.Struct):
    """Opens the books where they are not open yet. Several instances may run it at once.

    Entries of open books from before there were digests are taken into the chain.
    """

    ledger: Ledger
    clock: Clock
    initial_cash: Money
    announce: Announcer = NO_LISTENERS
    _is_sealed: bool = False

    async def __call__(self, portfolio_id: int) -> Opening:
        """Return what was done.

        Raises:
            BooksContradicted: there are entries, and the portfolio's row is not the one that they made.
        """
        adopted = await self.ledger.is_adopted(portfolio_id)
        if adopted:
            if not self._is_sealed:
                await SealBooks(self.ledger)(portfolio_id)
                self._is_sealed = True
            return Opening.NOTHING
        if adopted is None:
            await self.ledger.create(portfolio_id)
        return await commit_once(self.ledger, portfolio_id, self._open, announce=self.announce)

    async def _open(self, unit: LedgerUnit) -> Made[Opening]:
        if unit.portfolio.revision > 0:
            return Made(Opening.NOTHING)
        now = self.clock.now()
        # Told from what is there under the lock, not from who made the row: another instance may have made it, or this
        # one in a run that was killed before it came here.
        before = unit.portfolio
        fresh = not before.cash and not before.positions
        after, transaction = before.adopt(now)
        adjustments = [PositionAdjustment.of(p) for p in before.positions.values() if p.is_open or p.realized_pnl]
        entry = CashEntry.of(transaction, after, positions=adjustments)
        entries = [entry]
        if fresh and self.initial_cash.value > 0:
            after, transaction = after.deposit(self.initial_cash, now)
            entry = CashEntry.of(transaction, after, note=INITIAL_CASH)
            entries.append(entry)
        for each in entries:
            await unit.add_cash_entry(each)
        await unit.save(after)
        return Made(Opening.CREATED if fresh else Opening.ADOPTED, has_entry(entry), [*map(CashMoved, entries)])


class SealBooks(msgspec.Struct):
    """Makes the digest of all entries where they have none yet: from then on each new entry carries one."""

    ledger: Ledger

    async def __call__(self, portfolio_id: int) -> bool:
        """Return whether that was to be done. Bookings go on meanwhile."""

        async def look(unit: LedgerUnit) -> bool:
            return unit.is_sealed

        if await self.ledger.transact(portfolio_id, look):
            return False
        # Long books are read before the lock is taken; what is booked meanwhile is read under it.
        fold, revision = Fold(), (await self.ledger.load(portfolio_id)).revision
        await add_entries(fold, revision, self.ledger.entry_lines)

        async def seal(unit: LedgerUnit) -> None:
            await add_entries(fold, unit.portfolio.revision, unit.entry_lines)
            if not unit.is_sealed:
                unit.follow(fold.chain.heads[0])
                await unit.save(unit.portfolio)

        await self.ledger.transact(portfolio_id, seal)
        return True
