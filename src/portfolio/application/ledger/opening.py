"""Opens the books: with the initial cash on a fresh database, with a baseline of the rows on an old one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from portfolio.application.announcer import NO_LISTENERS, Announcer
from portfolio.application.clock import Clock
from portfolio.application.ledger.cash_records import CashEntry, PositionAdjustment
from portfolio.application.ledger.events import CashMoved
from portfolio.application.ledger.lost_commit import Made, commit_once, has_entry
from portfolio.application.ledger.ports import Ledger, LedgerUnit
from portfolio.domain.money import Money

INITIAL_CASH = "initial cash"
"""The remark on the deposit that new books begin with."""


class Opening(StrEnum):
    """What opening the books did."""

    CREATED = "created"
    ADOPTED = "adopted"
    NOTHING = "nothing"


@dataclass(slots=True)
class OpenBooks:
    """Opens the books where they are not open yet. Several instances may run it at once."""

    ledger: Ledger
    clock: Clock
    initial_cash: Money
    announce: Announcer = NO_LISTENERS

    async def __call__(self, portfolio_id: int) -> Opening:
        """Return what was done.

        Raises:
            LedgerUnavailable: the database is away; nothing was done.
            OutcomeUnknown: the commit was lost and could not be looked up; asking again tells.
        """
        adopted = await self.ledger.is_adopted(portfolio_id)
        if adopted:
            return Opening.NOTHING
        if adopted is None:
            await self.ledger.create(portfolio_id)
        return await commit_once(self.ledger, portfolio_id, self._open, announce=self.announce)

    async def _open(self, unit: LedgerUnit) -> Made[Opening]:
        if unit.portfolio.revision > 0:
            return Made(Opening.NOTHING)
        now = self.clock.now()
        # Another program may have made the row anew: the entries of before stay, and the baseline begins after them.
        before = replace(unit.portfolio, revision=await unit.last_revision())
        # Told from what is there under the lock, not from who made the row: another instance may have made it, or this
        # one in a run that was killed before it came here.
        fresh = not before.cash and not before.positions
        after, transaction = before.adopt(now)
        adjustments = [PositionAdjustment(symbol=p.symbol, quantity_delta=p.quantity) for p in before.open_positions]
        entry = CashEntry.of(transaction, after, positions=adjustments)
        events = [CashMoved(await unit.add_cash_entry(entry), entry)]
        if fresh and self.initial_cash.value > 0:
            after, transaction = after.deposit(self.initial_cash, now)
            entry = CashEntry.of(transaction, after, note=INITIAL_CASH)
            events.append(CashMoved(await unit.add_cash_entry(entry), entry))
        await unit.save(after)
        return Made(Opening.CREATED if fresh else Opening.ADOPTED, has_entry(entry), events)
