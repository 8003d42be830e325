"""Commits a unit of work exactly once, also when the answer to its commit is lost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from portfolio.application.announcer import NO_LISTENERS, Announcement, Announcer
from portfolio.application.errors import LedgerUnavailable, OutcomeUnknown
from portfolio.application.ledger.cash_records import CashEntry, Entry
from portfolio.application.ledger.ports import Ledger, LedgerUnit
from portfolio.application.ledger.records import BookingKey, TradeEntry
from portfolio.domain.symbol import Symbol

T = TypeVar("T")

IsKept = Callable[[LedgerUnit], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Made(Generic[T]):
    """The result of a unit of work, and how to find out under the row lock whether it is in the books.

    Without ``is_kept`` nobody can tell, and making it again has to do no harm. ``events`` are told after the commit.
    """

    result: T
    is_kept: IsKept | None = None
    events: Sequence[Announcement] = ()


async def commit_once(  # shape: as the port's, with whom to tell
    ledger: Ledger,
    portfolio_id: int,
    work: Callable[[LedgerUnit], Awaitable[Made[T]]],
    *,
    announce: Announcer = NO_LISTENERS,
    keys: Collection[BookingKey] = (),
    symbols: Collection[Symbol] | None = None,
    lost: list[Made[T]] | None = None,
) -> T:
    """Return the result of ``work``, committed exactly once, and its events announced once.

    Where the answer to the commit is lost, the row lock is taken again: having it proves that the lost transaction has
    ended one way or the other. What it made is looked for, and made anew where it is not in the books.

    Who may have to ask again for the same passes one list of what was ``lost``: it is added to, and all of it is looked
    for each time.

    Raises:
        OutcomeUnknown: the commit was lost, and what became of it could not be looked up.
    """
    lost = [] if lost is None else lost
    last: Made[T] | None = None
    is_gone = False

    async def run(unit: LedgerUnit) -> Made[T]:
        nonlocal last, is_gone
        is_gone = False
        # At every attempt: locks are a cluster node's own, and the lost commit may come in when this one fails.
        for each in lost:
            if each.is_kept is not None and await each.is_kept(unit):
                return each
        is_gone = bool(lost) and lost[-1].is_kept is not None
        last = await work(unit)
        return last

    try:
        made = await ledger.transact(portfolio_id, run, keys=keys, symbols=symbols)
    except OutcomeUnknown as unknown:
        is_gone = False
        if last is not None:
            lost.append(last)
        with announce.in_doubt() as place:
            try:
                made = await ledger.transact(portfolio_id, run, keys=keys, symbols=symbols)
            except LedgerUnavailable as unavailable:
                if is_gone:
                    raise
                raise unknown from unavailable
            if any(made is each for each in lost):
                place.events = made.events
                return made.result
    announce(made.events)
    return made.result


def has_entry(entry: Entry) -> IsKept:
    """Return a function that tells whether exactly this entry is in the books."""

    async def is_kept(unit: LedgerUnit) -> bool:
        found = await unit.entries(after=entry.revision - 1, limit=1)
        return [identity(each) for each in found] == [identity(entry)]

    return is_kept


def identity(entry: Entry) -> tuple[object, ...]:
    """Return what tells an entry from any other, also from one of the same revision made in another attempt."""
    if isinstance(entry, TradeEntry):
        return TradeEntry, entry.revision, entry.request.owner, entry.fingerprint, entry.booked_at
    return CashEntry, entry.revision, entry.owner, entry.fingerprint, entry.transaction.at
