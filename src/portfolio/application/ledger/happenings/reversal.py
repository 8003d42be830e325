"""Takes an event out by booking its opposite; nothing is ever deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import msgspec

from portfolio.application.announcer import NO_LISTENERS, Announcer
from portfolio.application.clock import Clock
from portfolio.application.errors import NotFound
from portfolio.application.ledger.happenings.booking import write_event
from portfolio.application.ledger.happenings.late_splits import remark_on_reversal
from portfolio.application.ledger.happenings.records import EventReply, RecordedEvent, entries_of
from portfolio.application.ledger.lost_commit import Made, commit_once, has_entry
from portfolio.application.ledger.ports import Ledger, LedgerUnit
from portfolio.application.ledger.records import BookedTrade
from portfolio.domain.errors import NotReversible
from portfolio.domain.ledger.event_moves import reverse_event
from portfolio.domain.ledger.happening import Happened
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio


class ReverseEvent(msgspec.Struct):
    """Books the opposite of an event, once; of a swap with the opposites of its trades."""

    ledger: Ledger
    clock: Clock
    rules: BookingRules
    announce: Announcer = NO_LISTENERS

    async def __call__(self, portfolio_id: int, event_id: int, *, owner: str, note: str | None = None) -> EventReply:
        """Return the reversal, once it is committed; the one there is where this owner reversed the event before.

        Its ``note`` is what is said of it where nothing is given.

        Raises:
            NotFound: no such event.
            NotReversible: reversed before by another owner, itself a reversal, or trades of it were reversed alone.
            InsufficientQuantity: what came is no longer held.
            InsufficientCash: the money that came is no longer there.
        """
        return await commit_once(
            self.ledger,
            portfolio_id,
            lambda unit: self._reverse(unit, event_id, owner, note),
            announce=self.announce,
        )

    async def _reverse(self, unit: LedgerUnit, event_id: int, owner: str, note: str | None) -> Made[EventReply]:
        found = await unit.event(event_id)
        if found is None:
            raise NotFound("event", str(event_id))
        if found.reversed_by is not None:
            earlier = await unit.event(found.reversed_by)
            if earlier is None or earlier.entry.owner != owner:
                raise _not_reversible(event_id, f"event {found.reversed_by} reversed it")
            return Made(EventReply(earlier, replayed=True))
        if found.terms.reverses_revision is not None:
            raise _not_reversible(event_id, "it is itself a reversal")
        if is_taken_apart(found):
            raise _not_reversible(event_id, f"it is reversed already: trades {_listed(found.trades)} of it were, alone")
        happened = taken_out(unit.portfolio, found, event_id, self.rules, self.clock.now())
        symbols = {leg.symbol for leg in found.legs}
        remark = await remark_on_reversal(unit, symbols, found.terms.effective_at, found.entry.revision)
        entry, trades = entries_of(happened, owner=owner, note=note or remark)
        event, told = await write_event(unit, entry, trades)
        event = replace(event, reverses=event_id)
        await unit.save(happened.after)
        return Made(EventReply(event, replayed=False), has_entry(entry), told)


def is_taken_apart(event: RecordedEvent) -> bool:
    """Return whether an event consists of trades that were all reversed one by one: nothing of it is left."""
    return bool(event.trades) and all(one.reversed_by is not None for one in event.trades)


def taken_out(books: Portfolio, event: RecordedEvent, event_id: int, rules: BookingRules, now: datetime) -> Happened:
    """Return what takes an event out of the books; the trades of a swap in the opposite order.

    Raises:
        NotReversible: one of its trades was reversed alone, or is gone.
        InsufficientQuantity: what came is no longer held.
        InsufficientCash: the money that came is no longer there.
    """
    gone = [one for one in event.trades if one.entry is None or one.reversed_by is not None]
    if gone:
        left = _listed([one for one in event.trades if one.reversed_by is None])
        raise _not_reversible(event_id, f"trade {gone[-1].id} of it was reversed alone: reverse trade {left} too")
    moved = event.entry.transaction
    own = (one.leg for one in event.entry.positions)
    allowed = rules.allow_negative_cash
    happened = reverse_event(books, moved, own, event.entry.revision, now, allow_negative_cash=allowed)
    after, trades = happened.after, []
    for booked in reversed(event.trades):
        assert booked.entry is not None
        after, trade = after.reverse(booked.entry.trade, booked.id, now, allow_negative_cash=True)
        trades.append(trade)
    return replace(happened, after=after, trades=tuple(trades))


def _listed(trades: Sequence[BookedTrade]) -> str:
    return " and ".join(str(one.id) for one in trades)


def _not_reversible(event_id: int, reason: str) -> NotReversible:
    return NotReversible(event_id, reason, what="event")
