"""Books events: each with a key exactly once, all of a request in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from portfolio.application.announcer import NO_LISTENERS, Announcer, Event
from portfolio.application.clock import Clock
from portfolio.application.errors import KeyReused
from portfolio.application.ledger.cash import UNITS_BEGIN_ANEW
from portfolio.application.ledger.cash_records import CashEntry, RecordedCashEntry, RefusedCashEntry
from portfolio.application.ledger.events import CashMoved, TradeBooked
from portfolio.application.ledger.happenings.records import (
    BookEvent,
    EventReply,
    EventResult,
    RecordedEvent,
    entries_of,
)
from portfolio.application.ledger.lost_commit import IsKept, Made, commit_once, has_entry
from portfolio.application.ledger.ports import Ledger, LedgerUnit
from portfolio.application.ledger.records import BookedTrade, Refusal, TradeEntry
from portfolio.domain.errors import DomainError
from portfolio.domain.ledger.event_rules import happen
from portfolio.domain.ledger.happening import Happened, Happening
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio


@dataclass(slots=True)
class BookEvents:
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
        belongs to another request, or a refusal without a key.

        Raises:
            LedgerUnavailable: nothing was applied.
            OutcomeUnknown: the commit was lost and could not be looked up; the same keys again tell.
        """

        async def book(unit: LedgerUnit) -> Made[list[EventResult]]:
            run = _Run(unit, self.clock, self.rules, dry_run, unit.portfolio)
            results = [await run.decide(wish) for wish in wishes]
            if run.portfolio is not unit.portfolio and not dry_run:
                await unit.save(run.portfolio)
            return Made(results, run.is_kept, run.events)

        return await commit_once(self.ledger, portfolio_id, book, announce=self.announce)


@dataclass(slots=True)
class _Run:
    """One run of the transaction."""

    unit: LedgerUnit
    clock: Clock
    rules: BookingRules
    dry_run: bool
    portfolio: Portfolio
    is_kept: IsKept | None = None
    events: list[Event] = field(default_factory=list)
    _decided: dict[tuple[str, str], tuple[BookEvent, EventReply]] = field(default_factory=dict)

    async def decide(self, wish: BookEvent) -> EventResult:
        """Book an event, refuse it, or find what was decided on it before."""
        key = wish.client_event_id
        if key is None:
            return await self._book(wish)
        known = await self._known(wish, key)
        if known is not None:
            return known
        reply = await self._book(wish)
        if isinstance(reply, EventReply):
            self._decided[wish.owner, key] = wish, reply
        return reply

    async def _known(self, wish: BookEvent, key: str) -> EventReply | KeyReused | None:
        if (wish.owner, key) in self._decided:
            first, reply = self._decided[wish.owner, key]
            return EventReply(reply.event, replayed=True) if first.digest() == wish.digest() else KeyReused(key)
        known = await self.unit.transaction(wish.owner, key)
        if known is None and wish.adopts_open:
            known = await self.unit.transaction("", key)
        if known is None:
            return None
        if isinstance(known, RefusedCashEntry):
            return EventReply(known, replayed=True) if wish.is_same(known.fingerprint) else KeyReused(key)
        return await self._again(wish, key, known)

    async def _again(self, wish: BookEvent, key: str, known: RecordedCashEntry) -> EventReply | KeyReused:
        event = await self.unit.event(known.id) if wish.is_same(known.entry.fingerprint or "") else None
        return KeyReused(key) if event is None else EventReply(event, replayed=True)

    async def _book(self, wish: BookEvent) -> EventReply | DomainError:
        try:
            happened = happen(self.portfolio, wish.what, self.rules, self.clock.now())
        except DomainError as error:
            return await self._refuse(wish, error)
        entry, trades = self._entries(wish, happened)
        self.portfolio = happened.after
        if self.dry_run:
            planned = tuple(BookedTrade(id=0, entry=trade) for trade in trades)
            return EventReply(RecordedEvent(id=None, entry=entry, trades=planned), replayed=False)
        return EventReply(await self._keep(entry, trades), replayed=False)

    def _entries(self, wish: BookEvent, happened: Happened) -> tuple[CashEntry, list[TradeEntry]]:
        begins = happened.after.units.begin_anew(self.portfolio.units, happened.transaction.value_before)
        notes = [_all_of_it(wish.what, happened), UNITS_BEGIN_ANEW if begins else None]
        return entries_of(
            happened,
            owner=wish.owner,
            key=wish.client_event_id,
            fingerprint=wish.digest(),
            note="; ".join(filter(None, notes)) or None,
        )

    async def _keep(self, entry: CashEntry, trades: list[TradeEntry]) -> RecordedEvent:
        event, told = await write_event(self.unit, entry, trades)
        self.events += told
        if len(self.events) == len(told):  # the first that was booked: it is there, or none of them is
            self.is_kept = has_entry(entry)
        return event

    async def _refuse(self, wish: BookEvent, error: DomainError) -> EventReply | DomainError:
        key = wish.client_event_id
        if key is None or self.dry_run:
            return error
        refused = RefusedCashEntry(
            portfolio_id=self.unit.portfolio.id,
            owner=wish.owner,
            client_transaction_id=key,
            fingerprint=wish.digest(),
            refusal=Refusal.of(error),
            decided_at=self.clock.now(),
        )
        await self.unit.add_cash_refusal(refused)
        if self.is_kept is None:
            self.is_kept = _has_refusal(refused)
        return EventReply(refused, replayed=False)


def _all_of_it(what: Happening, happened: Happened) -> str | None:
    """Return what was said of a quantity in whose place all that was held was taken; None where what was said was."""
    left = [-leg.quantity_delta for leg in happened.own_legs if leg.symbol == what.symbol]
    if what.quantity is None or not left or left[0].value <= 0 or left[0] == what.quantity:
        return None
    return f"quantity: {what.quantity} was reported, and all of {left[0]} taken"


def _has_refusal(refused: RefusedCashEntry) -> IsKept:
    async def is_kept(unit: LedgerUnit) -> bool:
        return await unit.transaction(refused.owner, refused.client_transaction_id) == refused

    return is_kept


async def write_event(
    unit: LedgerUnit, entry: CashEntry, trades: Sequence[TradeEntry]
) -> tuple[RecordedEvent, list[Event]]:
    """Add the entries of an event to the ledger; return it as kept, and what to tell about it."""
    event_id = await unit.add_cash_entry(entry)
    ids = await unit.add_trades(trades) if trades else ()
    numbered = list(zip(ids, trades, strict=True))
    told: list[Event] = [CashMoved(event_id, entry), *(TradeBooked(i, trade) for i, trade in numbered)]
    booked = tuple(BookedTrade(id=i, entry=trade) for i, trade in numbered)
    return RecordedEvent(id=event_id, entry=entry, trades=booked), told
