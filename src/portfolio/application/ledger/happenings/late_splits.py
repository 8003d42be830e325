"""Splits that are booked late, of what was held at their moment; and what is booked late itself, of before a split."""

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
from portfolio.domain.ledger.happening import BookedSplit, Happening, LaterMove
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.symbol import Symbol

_PLANNED: Final = "what stands before it"
_AT_ONCE: Final = timedelta(minutes=1)
"""Clocks differ by so much, and so long may a booking take."""
_NOT_SPLIT: Final = "and is not split"
_REMARK: Final = re.compile(rf" ?\[((?:executed_at|reversal): lies before [^\[\]]*, {_NOT_SPLIT}: [^\[\]]*)\]$")
_INSTANT: Final = timedelta(microseconds=1)


class LateEvents(msgspec.Struct):
    """Holds the events of one request beside what took effect after them, and was booked before them.

    ``since`` is the earliest moment that one of them states. Splits after it are read once, however many events ask.
    Events that are only looked at are in no table: they are kept here.
    """

    unit: LedgerUnit
    since: datetime
    now: datetime
    _planned: list[RecordedEvent] = msgspec.field(default_factory=list)
    _splits: list[BookedSplit] | None = None

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
        if self._splits is not None:
            self._splits += _splits_of(event)

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
        """Return the remark on an event that lies before a split; nobody looks at those that come at once."""
        at, symbols = wish.stated_at, {wish.what.symbol, wish.what.to_symbol}
        if at is None or at > self.now - _AT_ONCE:
            return None
        if self._splits is None:
            planned = (split for event in self._planned for split in _splits_of(event))
            self._splits = [*await self.unit.splits_after(self.since), *planned]
        return not_split("effective_at", [one for one in self._splits if one.symbol in symbols and one.at > at])


def _splits_of(event: RecordedEvent) -> Iterable[BookedSplit]:
    """Return the split that an event is; nothing of other kinds."""
    if event.entry.transaction.kind is CashTransactionKind.SPLIT:
        for leg in event.legs:
            at, revision = event.terms.effective_at, event.entry.revision
            yield BookedSplit(event_id=event.id, symbol=leg.symbol, at=at, revision=revision)


async def with_remarks(unit: LedgerUnit, commands: Sequence[BookTrade], now: datetime) -> Sequence[BookTrade]:
    """Return bookings with a remark on those that were executed before a split which is booked already.

    Nobody looks at those that come at once.
    """
    late = [one.execution.executed_at for one in commands if one.stated_at is not None]
    if not late or min(late) > now - _AT_ONCE:
        return commands
    splits = await unit.splits_after(min(late))
    return [_remarked(command, splits) for command in commands] if splits else commands


async def remark_on_reversal(unit: LedgerUnit, symbols: Collection[Symbol], at: datetime, revision: int) -> str | None:
    """Return the remark on what takes out an entry of a moment and revision which was split since it was booked."""
    return await remark_on_reversals(unit, [(symbol, at, revision) for symbol in symbols])


async def remark_on_reversals(unit: LedgerUnit, taken: Collection[tuple[Symbol, datetime, int]]) -> str | None:
    """Return the remark on what takes out entries, each of an asset, a moment and a revision, that were split since.

    It takes out what was booked, and leaves what the split made of it.
    """
    if not taken:
        return None
    of_symbol = defaultdict[Symbol, list[tuple[datetime, int]]](list)
    for symbol, at, revision in taken:
        of_symbol[symbol].append((at, revision))

    def has_split(split: BookedSplit) -> bool:  # what is of the same moment as a split is from before it
        return any(split.at >= at and split.revision > revision for at, revision in of_symbol[split.symbol])

    splits = await unit.splits_after(min(at for _, at, _ in taken) - _INSTANT)
    return not_split("reversal", [split for split in splits if has_split(split)])


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


def _remarked(command: BookTrade, splits: Sequence[BookedSplit]) -> BookTrade:
    executed_at, symbols = command.execution.executed_at, {command.execution.symbol}
    if command.fee is not None:
        symbols.add(command.fee.symbol)
    remark = not_split("executed_at", [one for one in splits if one.symbol in symbols and one.at > executed_at])
    if remark is None:
        return command
    notes = with_remark(command.notes if command.noted is None else command.noted, remark)
    remarks = "; ".join(filter(None, [command.remarks_changed, remark]))
    return replace(command, noted=notes, remarks_changed=remarks)


def not_split(name: str, splits: Sequence[BookedSplit]) -> str | None:
    """Return what is wrong with what lies before these splits, and the way out; None where there are none."""
    if not splits:
        return None
    if len(splits) == 1:
        [split] = splits
        which = f"the split of {split.symbol.code} that is booked already, {_event(split)}"
        remedy = "reverse that event, and book it again with its effective_at"
    else:
        in_order = sorted(splits, key=attrgetter("at"))
        events = " and ".join(f"{_event(split)} of {split.symbol.code}" for split in in_order)
        which = f"splits that are booked already, {events}"
        remedy = "reverse all of them, and then book them again in this order, each with its effective_at"
    return f"{name}: lies before {which}, {_NOT_SPLIT}: {remedy}"


def _event(split: BookedSplit) -> str:
    return "the one above" if split.event_id is None else f"event {split.event_id}"
