"""Books events: each with a key exactly once, all of a request in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

import msgspec

from portfolio.application.announcer import NO_LISTENERS, Announcement, Announcer
from portfolio.application.clock import Clock
from portfolio.application.errors import KeyReused
from portfolio.application.ledger.announcements import CashMoved, TradeBooked
from portfolio.application.ledger.cash import known_under, noted, refusal_of, refuse
from portfolio.application.ledger.cash_records import CashEntry, RefusedCashEntry
from portfolio.application.ledger.happenings.late_splits import LateEvents
from portfolio.application.ledger.happenings.overrides import in_their_names
from portfolio.application.ledger.happenings.records import (
    BookEvent,
    EventReply,
    EventResult,
    RecordedEvent,
    entries_of,
)
from portfolio.application.ledger.lost_commit import IsKept, Made, commit_once, has_entry
from portfolio.application.ledger.ports import Ledger, LedgerUnit
from portfolio.application.ledger.records import BookedTrade, TradeEntry
from portfolio.domain.errors import DomainError
from portfolio.domain.ledger.event_rules import happen
from portfolio.domain.ledger.happening import Happened, Happening
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio


class BookEvents(msgspec.Struct):
    """Books events in order, each on top of those before it, booked or refused alone, in one transaction.

    A dry run books nothing, and keeps no refusal: it says what would be.
    """

    ledger: Ledger
    clock: Clock
    rules: BookingRules
    announce: Announcer = NO_LISTENERS

    async def __call__(
        self, portfolio_id: int, wishes: Sequence[BookEvent], *, dry_run: bool = False
    ) -> list[EventResult]:
        """Return one result a wish, in order, once they are committed.

        A result is a reply (booked, or refused and kept; now or before), or the error that kept nothing: a key that
        belongs to another request or to requests of several owners, or an override of a kept refusal that cannot be
        booked either. A dry run has the results that the request would have.
        """
        wanted = await in_their_names(self.ledger, portfolio_id, wishes, attrgetter("client_event_id"))

        async def book(unit: LedgerUnit) -> Made[list[EventResult]]:
            now = self.clock.now()
            stated = [one.stated_at for one in wanted if isinstance(one, BookEvent) and one.stated_at is not None]
            late = LateEvents(unit, min(stated, default=now), now)
            run = _Run(unit, self.clock, self.rules, dry_run, unit.portfolio, late)
            results = [await run.decide(wish) if isinstance(wish, BookEvent) else wish for wish in wanted]
            if run.portfolio is not unit.portfolio and not dry_run:
                await unit.save(run.portfolio)
            return Made(results, run.is_kept, run.events)

        return await commit_once(self.ledger, portfolio_id, book, announce=self.announce)


class _Run(msgspec.Struct):
    """One run of the transaction."""

    unit: LedgerUnit
    clock: Clock
    rules: BookingRules
    dry_run: bool
    portfolio: Portfolio
    late: LateEvents
    is_kept: IsKept | None = None
    events: list[Announcement] = msgspec.field(default_factory=list)
    _decided: dict[tuple[str, str], tuple[str, EventReply]] = msgspec.field(default_factory=dict)

    async def decide(self, wish: BookEvent) -> EventResult:
        """Book an event, refuse it, or find what was decided on it before; an override books what was refused."""
        key = wish.client_event_id
        if key is None:
            return await self._book(wish)
        known, first = await self._known(wish, key), None
        if isinstance(known, EventReply) and isinstance(known.event, RefusedCashEntry) and wish.override:
            first = known.event
        elif known is not None:
            return known
        reply = await self._book(wish, first)
        if isinstance(reply, EventReply):
            self._decided[wish.owner, key] = wish.digest() if first is None else first.fingerprint, reply
        return reply

    async def _known(self, wish: BookEvent, key: str) -> EventReply | KeyReused | None:
        if (wish.owner, key) in self._decided:
            fingerprint, reply = self._decided[wish.owner, key]
            return EventReply(reply.event, replayed=True) if wish.is_same(fingerprint) else KeyReused(key)
        known = await known_under(self.unit, wish, key)
        if known is None:
            return None
        if not wish.is_same(known.fingerprint or ""):
            return KeyReused(key)
        if isinstance(known, RefusedCashEntry):
            return EventReply(known, replayed=True)
        event = await self.unit.event(known.id)
        if event is None or wish.what.ratio not in {None, event.terms.ratio}:
            return KeyReused(key)
        return EventReply(event, replayed=True)

    async def _book(self, wish: BookEvent, first: RefusedCashEntry | None = None) -> EventReply | DomainError:
        """Book an event, or refuse it and keep that: it has happened all the same.

        ``first`` is the kept refusal that an override makes good; where that is refused too, it stays what is kept.
        """
        try:
            what, remark = await self.late.in_time(self.portfolio, wish)
            happened = happen(self.portfolio, what, self.rules, self.clock.now(), override=wish.override)
        except DomainError as error:
            return error if first is not None else await self._refuse(wish, error)
        entry, trades = self._entries(wish, happened, first, remark)
        self.portfolio = happened.after
        event = _planned(entry, trades) if self.dry_run else await self._keep(entry, trades)
        self.late.take_in(event)
        return EventReply(event, replayed=False)

    def _entries(
        self, wish: BookEvent, happened: Happened, first: RefusedCashEntry | None, remark: str | None
    ) -> tuple[CashEntry, list[TradeEntry]]:
        moved = happened.transaction
        note = wish.noted or "; ".join(filter(None, (_all_of_it(wish.what, happened), remark)))
        return entries_of(
            happened,
            owner=wish.owner if first is None else first.owner,
            key=wish.client_event_id,
            fingerprint=wish.digest() if first is None else first.fingerprint,
            note=noted(note, self.portfolio, happened.after, moved),
        )

    async def _keep(self, entry: CashEntry, trades: list[TradeEntry]) -> RecordedEvent:
        event, told = await write_event(self.unit, entry, trades)
        self.events += told
        if len(self.events) == len(told):  # the first that was booked: it is there, or none of them is
            self.is_kept = has_entry(entry)
        return event

    async def _refuse(self, wish: BookEvent, error: DomainError) -> EventReply:
        what = self.unit, wish, wish.client_event_id, error, self.clock.now()
        if self.dry_run:  # those after it in the request are as if it had been kept
            return EventReply(refusal_of(*what), replayed=False)
        refused, is_kept = await refuse(*what)
        self.is_kept = self.is_kept or is_kept
        return EventReply(refused, replayed=False)


def _planned(entry: CashEntry, trades: Sequence[TradeEntry]) -> RecordedEvent:
    """Return the event of a dry run: it has no id, and neither have its trades."""
    return RecordedEvent(id=None, entry=entry, trades=tuple(BookedTrade(id=0, entry=trade) for trade in trades))


def _all_of_it(what: Happening, happened: Happened) -> str | None:
    """Return what was said of a quantity in whose place all that was held was taken; None where what was said was."""
    left = [-leg.quantity_delta for leg in happened.own_legs if leg.symbol == what.symbol]
    if what.quantity is None or not left or left[0].value <= 0 or left[0] == what.quantity:
        return None
    return f"quantity: {what.quantity} was reported, and all of {left[0]} taken"


async def write_event(
    unit: LedgerUnit, entry: CashEntry, trades: Sequence[TradeEntry]
) -> tuple[RecordedEvent, list[Announcement]]:
    """Add the entries of an event to the ledger; return it as kept, and what to tell about it."""
    event_id = await unit.add_cash_entry(entry)
    ids = await unit.add_trades(trades) if trades else ()
    numbered = list(zip(ids, trades, strict=True))
    told: list[Announcement] = [CashMoved(entry), *(TradeBooked(i, trade) for i, trade in numbered)]
    booked = tuple(BookedTrade(id=i, entry=trade) for i, trade in numbered)
    return RecordedEvent(id=event_id, entry=entry, trades=booked), told
