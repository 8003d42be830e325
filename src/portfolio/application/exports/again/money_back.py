"""Takes out money that came or went by an import: what taking the import back as a whole had done."""

from __future__ import annotations

import msgspec

from portfolio.application.clock import Clock
from portfolio.application.errors import BooksMoved, NotFound
from portfolio.application.ledger.cash_records import CashEntry
from portfolio.application.ledger.happenings.booking import write_event
from portfolio.application.ledger.happenings.records import RecordedEvent, entries_of
from portfolio.application.ledger.happenings.reversal import taken_out
from portfolio.application.ledger.lost_commit import Made, commit_once, has_entry
from portfolio.application.ledger.ports import Ledger, LedgerUnit
from portfolio.domain.ledger.portfolio import BookingRules


class TakeMoneyBack(msgspec.Struct):
    """Books the opposite of a deposit or a withdrawal of an import."""

    ledger: Ledger
    clock: Clock
    rules: BookingRules

    async def __call__(self, portfolio_id: int, reverses: int, *, owner: str, note: str | None, revision: int) -> None:
        """Take out the entry of the ledger revision ``reverses``, in books that stand at ``revision``.

        Raises:
            NotFound: that entry is none of an import's money.
            BooksMoved: the books stand at another revision.
        """

        async def book(unit: LedgerUnit) -> Made[None]:
            if unit.portfolio.revision != revision:
                raise BooksMoved
            found = await unit.entries(after=reverses - 1, limit=1)
            if not (isinstance(found[0], CashEntry) and found[0].transaction.event is not None):
                raise NotFound("deposit of an import at revision", str(reverses))
            event = RecordedEvent(id=None, entry=found[0])
            happened = taken_out(unit.portfolio, event, reverses, self.rules, self.clock.now())
            entry, trades = entries_of(happened, owner=owner, note=note)
            _, told = await write_event(unit, entry, trades)
            await unit.save(happened.after)
            return Made(None, has_entry(entry), told)

        await commit_once(self.ledger, portfolio_id, book)
