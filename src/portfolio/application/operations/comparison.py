"""Whether the rows state what the entries add up to: what no single entry tells, and who has read all of them knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import msgspec

from portfolio.application.clock import Clock
from portfolio.application.errors import BooksContradicted
from portfolio.application.ledger.ports import Ledger, LedgerUnit
from portfolio.application.ledger.snapshots import Snapshots
from portfolio.application.performance.days.ledger_days import LedgerDays
from portfolio.domain.ledger.sums import moved_without_entry


class Agreement(StrEnum):
    """What a comparison of the rows with the entries found."""

    NOT_COMPARED = "not_compared"
    AGREE = "agree"
    DIFFER = "differ"
    NOT_COMPARABLE = "not_comparable"


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The newest comparison since the process started, and the ledger revision at which it was made."""

    status: Agreement = Agreement.NOT_COMPARED
    revision: int | None = None
    compared_at: datetime | None = None
    detail: str | None = None


@dataclass(slots=True)
class CompareBooks:
    """Holds the sums that the rows state against those of all entries; while they differ, the rows are not believed.

    The entries are those that ``entries`` reads anyway, once in the life of a process.
    """

    ledger: Ledger
    entries: LedgerDays
    snapshots: Snapshots
    clock: Clock
    last: Comparison = field(default_factory=Comparison, init=False)
    _is_first: bool = field(default=True, init=False)

    async def __call__(self) -> Comparison:
        """Return what was found, which is ``last`` from then on. Bookings go on meanwhile."""
        portfolio_id = self.snapshots.portfolio_id
        try:
            revision = (await self.ledger.revisions(portfolio_id)).ledger
            if self.last.status is Agreement.AGREE and revision == self.last.revision:
                return self.last
            # Long books are read before the lock is taken; what is booked meanwhile is read under it.
            await self.entries.read(portfolio_id, revision)
            found = await self.ledger.transact(portfolio_id, self._compare)
        except BooksContradicted as error:
            self.snapshots.doubt()
            found = self._found(Agreement.DIFFER, self.entries.revision, str(error))
        if found.status is Agreement.NOT_COMPARED:
            await self.entries.forget()
            self._is_first = True
            return await self()
        self.last, self._is_first = found, False
        return found

    async def _compare(self, unit: LedgerUnit) -> Comparison:
        """Return what is found under the lock; nothing where the entries have to be read again first."""
        portfolio, entries = unit.portfolio, self.entries
        await entries.read(self.snapshots.portfolio_id, portfolio.revision)
        if missing := entries.missing(portfolio.revision):
            revisions = ", ".join(map(str, missing))
            detail = f"the entries of these ledger revisions are missing or cannot be read: {revisions}"
            return self._found(Agreement.NOT_COMPARABLE, portfolio.revision, detail)
        entered = entries.sums.stated(portfolio)
        moved = moved_without_entry(entered, portfolio, entered.positions)
        if not moved:
            return self._found(Agreement.AGREE, portfolio.revision)
        if not self._is_first:
            return Comparison()  # of a ledger that was put back since, other entries were added up
        unit.hold_to(entered)
        raise BooksContradicted("; ".join(moved), is_lossy=True)

    def _found(self, status: Agreement, revision: int, detail: str | None = None) -> Comparison:
        return Comparison(status=status, revision=revision, compared_at=self.clock.now(), detail=detail)
