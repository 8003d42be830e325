"""Splits that are booked late, of what was held at their moment; and what is booked late itself, of before a split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

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


async def as_of_its_moment(
    unit: LedgerUnit, books: Portfolio, wish: BookEvent, now: datetime, planned: Sequence[RecordedEvent] = ()
) -> tuple[Happening, str | None]:
    """Return what happened, and what is to be said of it: of a late split by how much it changes what is held by now.

    A split without a time of its own is of all that is held when it is booked. ``planned`` are events that are only
    looked at, and in no table.

    Raises:
        InvalidAmount: it cannot be booked after what is booked for later.
    """
    what = wish.what
    if what.symbol is None:
        return what, None
    if what.kind is not CashTransactionKind.SPLIT or what.ratio is None:
        return what, await _before_a_split(unit, wish, now)
    position = books.position(what.symbol)
    if not position.quantity:
        return what, None
    if what.added is not None:  # it is booked again: the file says by how much
        grows = (what.ratio > 1) is (position.quantity.value > 0)
        return replace(what, added=abs(what.added) if grows else -abs(what.added)), None
    if wish.stated_at is None:
        return what, None
    later = [
        *await unit.moved_after(what.symbol, wish.stated_at),
        *(move for event in planned for move in _moves(event, what.symbol, wish.stated_at)),
    ]
    if not later:
        return what, None
    delta = split_delta(position, what.ratio, later)
    names = named(later)
    said = f"{names} took effect later, and is taken to be of the new units: the split is of what was held before"
    return replace(what, added=delta), said if names else None


def _moves(event: RecordedEvent, symbol: Symbol, at: datetime) -> list[LaterMove]:
    if event.terms.effective_at <= at:
        return []
    is_split = event.entry.transaction.kind is CashTransactionKind.SPLIT
    return [
        LaterMove(name=_PLANNED, quantity=leg.quantity_delta, is_split=is_split)
        for leg in event.legs
        if leg.symbol == symbol
    ]


async def _before_a_split(unit: LedgerUnit, wish: BookEvent, now: datetime) -> str | None:
    """Return what is said of an event that is booked late, and before a split; those that come at once are not asked
    about.
    """
    at, symbols = wish.stated_at, {wish.what.symbol, wish.what.to_symbol}
    if at is None or at > now - _AT_ONCE:
        return None
    later = [one for one in await unit.splits_after(at) if one.symbol in symbols]
    return _not_split("effective_at", later[-1]) if later else None


async def with_remarks(unit: LedgerUnit, commands: Sequence[BookTrade], now: datetime) -> Sequence[BookTrade]:
    """Return bookings with a remark on those that were executed before a split which is booked already.

    Those that come at once are not asked about.
    """
    late = [one.execution.executed_at for one in commands if one.stated_at is not None]
    if not late or min(late) > now - _AT_ONCE:
        return commands
    splits = await unit.splits_after(min(late))
    return [_remarked(command, splits) for command in commands] if splits else commands


def _remarked(command: BookTrade, splits: Sequence[BookedSplit]) -> BookTrade:
    execution = command.execution
    later = [one for one in splits if one.symbol == execution.symbol and one.at > execution.executed_at]
    if not later:
        return command
    said = _not_split("executed_at", later[-1])
    notes = " ".join(filter(None, [command.notes if command.noted is None else command.noted, f"[{said}]"]))
    remarks = "; ".join(filter(None, [command.remarks_changed, said]))
    return replace(command, noted=notes, remarks_changed=remarks)


def _not_split(field: str, split: BookedSplit) -> str:
    return (
        f"{field}: lies before the split of {split.symbol.code} that is booked already, event {split.event_id}, and is"
        " not split: reverse that event, and book it again with its effective_at"
    )
