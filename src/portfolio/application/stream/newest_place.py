"""The place in the books up to which streams are told."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from portfolio.application.ledger.records import Revisions
from portfolio.application.stream.blocks import Blocks, OtherHistory
from portfolio.application.stream.records import BEFORE_ALL, Block, Place, ResetReason


class NewestPlace:
    """The newest known place in the books; it moves with their revisions.

    While no revision moves, the entry there is looked at again every ``check_seconds``: it may have become another one.
    """

    def __init__(self, blocks: Blocks, check_seconds: float) -> None:
        self.place = BEFORE_ALL
        self._blocks = blocks
        self._check_seconds = check_seconds
        self._checked_at = 0.0

    async def judge(self, place: Place) -> ResetReason | None:
        """Return why a place is none of these books; None where it is one."""
        if place.ledger > self.place.ledger:
            return ResetReason.AHEAD
        try:
            found = await self._blocks.place_of(place.ledger, self.place.prices)
        except OtherHistory:
            return ResetReason.OTHER_HISTORY
        if found.digest != place.digest:
            return ResetReason.OTHER_HISTORY
        return ResetReason.AHEAD if place.prices > self.place.prices else None

    async def jump(self, revisions: Revisions) -> None:
        """Move to the newest entry, whatever was known before; raises OtherHistory where there is no such entry."""
        self._blocks.forget()
        self.place = await self._blocks.place_of(revisions.ledger, revisions.prices)

    async def advance(self, revisions: Revisions, *, reads: bool) -> Block | None:
        """Move on to the newest entry, and return the first of the entries on the way; None where there are none.

        Unless it ``reads`` them, those on the way are left out, and only the last one known is looked at again.

        Raises:
            OtherHistory: the last entry known is another one now.
        """
        known, now = self.place, asyncio.get_running_loop().time()
        if revisions.ledger > known.ledger and not reads:
            await self._check(known)
            await self.jump(revisions)
            return None
        if revisions.ledger > known.ledger:
            block = await self._blocks.after(known, Place(revisions.ledger, revisions.prices, ""))
            if block.end.ledger == revisions.ledger:
                self.place = block.end
            else:
                # More than one message takes: each subscriber reads on at its own pace.
                self.place = await self._blocks.place_of(revisions.ledger, revisions.prices)
            return block
        if revisions.ledger < known.ledger or revisions.prices < known.prices:
            raise OtherHistory(known.ledger)
        if revisions.prices > known.prices or now >= self._checked_at + self._check_seconds:
            self._checked_at = now
            await self._check(known)
            self.place = replace(known, prices=revisions.prices)
        return None

    async def _check(self, known: Place) -> None:
        found = await self._blocks.place_of(known.ledger, known.prices)
        if found != known:
            raise OtherHistory(known.ledger)
