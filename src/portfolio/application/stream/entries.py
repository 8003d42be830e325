"""Reads entries page by page, for who asks now and then."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from portfolio.application.errors import LedgerUnavailable, PositionUnknown
from portfolio.application.ledger.cash_records import LoggedEntry
from portfolio.application.ledger.snapshots import Snapshots
from portfolio.application.stream.blocks import Blocks, OtherHistory
from portfolio.application.stream.records import Place, ResetReason


class EntryPage(msgspec.Struct, frozen=True, kw_only=True):
    """Entries that follow one another: ``first`` and ``last`` are their ledger revisions, None where there are none."""

    entries: Sequence[LoggedEntry]
    first: int | None
    last: int | None
    end: Place
    goes_on: bool


class ReadEntries(msgspec.Struct, frozen=True):
    """Reads the entries after a place."""

    snapshots: Snapshots
    blocks: Blocks

    async def __call__(self, after: Place | None, limit: int) -> EntryPage:
        """Return the entries after a place, at most ``limit``; None is the newest entry.

        Raises:
            PositionUnknown: the place is none of these books.
        """
        snapshot = await self.snapshots.newest()
        if snapshot.database_away:
            raise LedgerUnavailable("the database does not answer")
        newest = snapshot.revisions
        try:
            place = after or await self.blocks.place_of(newest.ledger, newest.prices)
            if place.ledger > newest.ledger or place.prices > newest.prices:
                raise PositionUnknown(str(place), ResetReason.AHEAD)
            logged = await self.blocks.page(place, newest.ledger, limit)
        except OtherHistory as error:
            raise PositionUnknown(str(after), ResetReason.OTHER_HISTORY) from error
        if not logged:
            end = Place(place.ledger, newest.prices, place.digest)
            return EntryPage(entries=(), first=None, last=None, end=end, goes_on=False)
        last = logged[-1]
        return EntryPage(
            entries=logged,
            first=place.ledger + 1,
            last=last.revision,
            end=Place(last.revision, newest.prices, last.digest),
            goes_on=last.revision < newest.ledger,
        )
