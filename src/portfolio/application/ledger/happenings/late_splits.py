"""Splits that are booked late, of what was held at their moment; and what is booked late itself, of before a split or
a rename.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final

import msgspec

from portfolio.application.ledger.happenings.records import BookEvent, RecordedEvent
from portfolio.application.ledger.ports import LedgerUnit
from portfolio.application.ledger.records import BookTrade
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.event_moves import named, split_delta
from portfolio.domain.ledger.happening import BookedChange, Happening, LaterMove, changed_by
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.symbol import Symbol

_PLANNED: Final = "what stands before it"
_AT_ONCE: Final = timedelta(minutes=1)
"""Clocks differ by so much, and so long may a booking take."""
_REMARK: Final = re.compile(
    r" ?\[((?:executed_at|reversal): lies before [^\[\]]*, and is not (?:split|renamed|changed by them): [^\[\]]*)\]$"
)
_INSTANT: Final = timedelta(microseconds=1)


class LateEvents(msgspec.Struct):
    """Holds the events of one request beside what took effect after them, and was booked before them.

    ``since`` is the earliest moment that one of them states. Splits and renames after it are read once, however many
    events ask.
    Events that are only looked at are in no table: they are kept here.
    """

    unit: LedgerUnit
    since: datetime
    now: datetime
    _planned: list[RecordedEvent] = msgspec.field(default_factory=list)
    _changes: list[BookedChange] | None = None

    async def in_time(self, books: Portfolio, wish: BookEvent) -> tuple[Happening, str | None]:
        """Return what happened, and the note on it: of a late split by how much it changes what is held by now.

        A split without a time of its own is of all that is held when it is booked.

        Raises:
            InvalidAmount: a split cannot be booked after what is booked for later.
            InsufficientQuantity: nothing was held then, and nothing is by now.
        """
        what = wish.what
        if what.symbol is None:
            return what, None
        if what.kind is not CashTransactionKind.SPLIT or what.ratio is None:
            return what, await self._remark(wish)
        position = books.position(what.symbol)
        if what.added is not None:  # it is booked again: the file says by how much
            grows = (what.ratio > 1) is (position.quantity.value > 0)
            return replace(what, added=abs(what.added) if grows else -abs(what.added)), None
        if wish.stated_at is None:
            return what, None
        later = await self._moved_after(what.symbol, wish.stated_at)
        if not later:
            return what, None
        delta, names = split_delta(position, what.ratio, later), named(later)
        note = f"{names} took effect later, and is taken to be of the new units: the split is of what was held before"
        return replace(what, added=delta), note if names else None

    def take_in(self, event: RecordedEvent) -> None:
        """Take in an event of the request, which those after it are booked on top of."""
        if event.id is None:
            self._planned.append(event)
        if self._changes is not None:
            self._changes += _changes_of(event)

    async def _moved_after(self, symbol: Symbol, at: datetime) -> Sequence[LaterMove]:
        planned = (
            LaterMove(
                name=_PLANNED,
                quantity=leg.quantity_delta,
                is_split=event.entry.transaction.kind is CashTransactionKind.SPLIT,
            )
            for event in self._planned
            for leg in event.legs
            if leg.symbol == symbol and event.terms.effective_at > at
        )
        return [*await self.unit.moved_after(symbol, at), *planned]

    async def _remark(self, wish: BookEvent) -> str | None:
        """Return the remark on an event that lies before a split or a rename; nobody looks at those of now."""
        at, symbol, to = wish.stated_at, wish.what.symbol, wish.what.to_symbol
        if at is None or at > self.now - _AT_ONCE:
            return None
        if self._changes is None:
            planned = (change for event in self._planned for change in _changes_of(event))
            self._changes = [*await self.unit.changes_after(self.since), *planned]
        later = [one for one in self._changes if one.symbol in {symbol, to} and one.at > at]
        if to is not None:  # another part of it may have been renamed to the same later on
            later = [one for one in later if (one.symbol, one.became) != (symbol, to)]
        return not_changed("effective_at", later)


def _changes_of(event: RecordedEvent) -> Iterable[BookedChange]:
    """Return the split or the rename that an event is; nothing of other kinds."""
    terms, moved = event.terms, [(leg.symbol, leg.quantity_delta) for leg in event.legs]
    at, revision = terms.effective_at, event.entry.revision
    for symbol, became in changed_by(event.entry.transaction.kind, terms.label, moved):
        yield BookedChange(event_id=event.id, symbol=symbol, at=at, revision=revision, became=became)


async def with_remarks(unit: LedgerUnit, commands: Sequence[BookTrade], now: datetime) -> Sequence[BookTrade]:
    """Return bookings with a remark on those that were executed before a split or a rename that is booked already.

    Nobody looks at those that come at once.
    """
    late = [one.execution.executed_at for one in commands if one.stated_at is not None]
    if not late or min(late) > now - _AT_ONCE:
        return commands
    changes = await unit.changes_after(min(late))
    return [_remarked(command, changes) for command in commands] if changes else commands


async def remark_on_reversal(unit: LedgerUnit, symbols: Collection[Symbol], at: datetime, revision: int) -> str | None:
    """Return the remark on what takes out an entry of a moment and revision, split or renamed since it was booked."""
    return await remark_on_reversals(unit, [(symbol, at, revision) for symbol in symbols])


async def remark_on_reversals(unit: LedgerUnit, taken: Collection[tuple[Symbol, datetime, int]]) -> str | None:
    """Return the remark on what takes out entries, each of an asset, a moment and a revision, which were split or
    renamed since. It takes out what was booked, and leaves what became of it.
    """
    if not taken:
        return None
    of_symbol = defaultdict[Symbol, list[tuple[datetime, int]]](list)
    for symbol, at, revision in taken:
        of_symbol[symbol].append((at, revision))

    def has_changed(change: BookedChange) -> bool:  # what is of the same moment as a split is from before it
        return any(change.at >= at and change.revision > revision for at, revision in of_symbol[change.symbol])

    changes = await unit.changes_after(min(at for _, at, _ in taken) - _INSTANT)
    return not_changed("reversal", [change for change in changes if has_changed(change)])


def with_remark(notes: str | None, remark: str | None) -> str | None:
    """Return notes with a remark at their end; None where there are neither."""
    return " ".join(filter(None, [notes, None if remark is None else f"[{remark}]"])) or None


def remark_of(notes: str | None) -> str | None:
    """Return the remark at the end of the notes of a trade; None where there is none."""
    found = _REMARK.search(notes or "")
    return None if found is None else found[1]


def without_remark(notes: str | None) -> str | None:
    """Return the notes of a trade without the remark at their end: who books it once more makes it anew."""
    return _REMARK.sub("", notes or "") or None


def _remarked(command: BookTrade, changes: Sequence[BookedChange]) -> BookTrade:
    executed_at, symbols = command.execution.executed_at, {command.execution.symbol}
    if command.fee is not None:
        symbols.add(command.fee.symbol)
    remark = not_changed("executed_at", [one for one in changes if one.symbol in symbols and one.at > executed_at])
    if remark is None:
        return command
    notes = with_remark(command.notes if command.noted is None else command.noted, remark)
    remarks = "; ".join(filter(None, [command.remarks_changed, remark]))
    return replace(command, noted=notes, remarks_changed=remarks)


def not_changed(name: str, changes: Sequence[BookedChange]) -> str | None:
    """Return what is wrong with what lies before these splits and renames, and the way out; None of none."""
    if not changes:
        return None
    renames = [one for one in changes if one.became is not None]
    quantity = " and, of a rename, the quantity of then" if renames else ""
    if len(changes) == 1:
        [change] = changes
        what = (
            f"the rename of {change.symbol.code} to {change.became}"
            if renames
            else f"the split of {change.symbol.code}"
        )
        which, done = f"{what} that is booked already, {_event(change)}", "renamed" if renames else "split"
        remedy = f"reverse that event, and book it again with its effective_at{quantity}"
    else:
        in_order = sorted(changes, key=attrgetter("at"))
        events = " and ".join(f"{_event(change)} of {change.symbol.code}" for change in in_order)
        kinds = "renames" if len(renames) == len(changes) else "splits and renames" if renames else "splits"
        which, done = f"{kinds} that are booked already, {events}", "changed by them" if renames else "split"
        remedy = f"reverse all of them, and then book them again in this order, each with its effective_at{quantity}"
    return f"{name}: lies before {which}, and is not {done}: {remedy}"


def _event(change: BookedChange) -> str:
    return "the one above" if change.event_id is None else f"event {change.event_id}"
