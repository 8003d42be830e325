"""Which assets became others and which were split, by the ledger: closes are joined across it for statistics."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Protocol

from portfolio.analytics.closes import Join, NotJoined
from portfolio.application.announcer import Announcement
from portfolio.application.ledger.announcements import CashMoved, TradeBooked
from portfolio.application.ledger.cash_records import CashEntry
from portfolio.domain.days import DAY, day_of
from portfolio.domain.ledger.cash_transaction import SPLITS_AND_EXCHANGES, CashTransactionKind
from portfolio.domain.ledger.happening import RENAME

SAME_RATIO: Final = Decimal("0.01")
"""Two exchanges of one asset for the other whose ratios differ by more, as a part, are of no fixed ratio."""

_MOST_ANNOUNCED: Final = 1_000


class UnitChanges(Protocol):
    """What the ledger has of splits and exchanges."""

    async def splits_and_exchanges(self, portfolio_id: int, *, after: int) -> Sequence[CashEntry]:
        """Return the splits and exchanges, and what takes such out, after a ledger revision, as they were booked."""


@dataclass(frozen=True, slots=True)
class Joins:
    """Splits and renames in the order in which they happened; ``version`` is another one whenever they changed.

    ``moments`` are when on its day each happened, by what was split or renamed; of two of one day the first.
    """

    version: int = 0
    found: tuple[Join, ...] = ()
    moments: Mapping[tuple[str, date], datetime] = field(default_factory=dict, compare=False)

    def of(self, symbols: Iterable[str]) -> Joins:
        """Return those that closes of these assets hang on, also through others."""
        wanted, found = set(symbols), list[Join]()
        for join in reversed(self.found):
            if join.symbol in wanted:
                found.append(join)
                if join.reason is None:
                    wanted.add(join.from_symbol)
        return Joins(self.version, tuple(reversed(found)))

    def became(self, symbols: Iterable[str]) -> set[str]:
        """Return what these assets became, one after the other."""
        found = set(symbols)
        for join in self.found:
            if join.from_symbol in found and join.reason is None:
                found.add(join.symbol)
        return found.difference(symbols)

    def day_of_units(self, symbol: str, moment: datetime) -> date:
        """Return at the end of which day the units of an asset were those of a moment: on the day itself, or on the one
        before where it was split or renamed later that day.
        """
        day = day_of(moment)
        changes = self.moments.get((symbol, day))
        return day if changes is None or changes <= moment else day - DAY


def joins_of(entries: Iterable[CashEntry]) -> tuple[Join, ...]:
    """Return the splits and renames that entries say, in the order in which they happened.

    What was taken out is none. An exchange is a rename unless its label says that it is something else: its assets
    are one by nature, and closes tell whether they were traded as such. One that was booked in parts, or by several
    engines, is one, at the time of its first part; where the ratios of such differ, that is the reason why closes are
    not joined across it. A split is of all that is held, so the same on the same day is one that was booked twice.
    """
    made = dict[Hashable, Join]()
    for _, join in _dated(entries):
        pair = (join.from_symbol, join.symbol)
        key = pair if join.symbol != join.from_symbol else (*pair, join.on, join.ratio)
        first = made.setdefault(key, join)
        if abs(first.ratio - join.ratio) > first.ratio * SAME_RATIO:
            made[key] = replace(first, reason=NotJoined.RATIOS_DIFFER)
    return tuple(made.values())


def moments_of(entries: Iterable[CashEntry]) -> Mapping[tuple[str, date], datetime]:
    """Return when on its day each split and rename happened, as ``Joins`` has them."""
    moments = dict[tuple[str, date], datetime]()
    for at, join in _dated(entries):
        moments.setdefault((join.from_symbol, join.on), at)
    return moments


def _dated(entries: Iterable[CashEntry]) -> Iterator[tuple[datetime, Join]]:
    """Yield what each entry says that was not taken out, with its time, in the order of that."""
    entries = list(entries)
    taken_out = {terms.reverses_revision for one in entries if (terms := one.transaction.event) is not None}
    for entry in sorted(entries, key=lambda one: (one.transaction.effective_at, one.revision)):
        join = None if entry.revision in taken_out else _join(entry)
        if join is not None:
            yield entry.transaction.effective_at, join


def _join(entry: CashEntry) -> Join | None:
    terms, legs = entry.transaction.event, entry.positions
    if terms is None or terms.reverses_revision is not None or terms.label not in {None, RENAME}:
        return None
    # What others wrote into the rows may lack a leg, or have no ratio.
    wanted = 1 if entry.transaction.kind is CashTransactionKind.SPLIT else 2
    if len(legs) != wanted or terms.ratio is None or terms.ratio <= 0:
        return None
    day = day_of(terms.effective_at)
    return Join(legs[-1].symbol.code, legs[0].symbol.code, terms.ratio, day)


class ReadJoins:
    """Keeps the splits and renames of the ledger.

    What this process books is announced, so that a booking costs no question to the database. Of what others book
    the entries of these two kinds alone are asked for.
    """

    def __init__(self, ledger: UnitChanges, portfolio_id: int) -> None:
        self._ledger = ledger
        self._portfolio_id = portfolio_id
        self._turn = asyncio.Lock()
        self._announced: dict[int, CashEntry | None] = {}
        self._revision = 0
        self._entries: list[CashEntry] = []
        self.newest = Joins()

    def take_notice(self, event: Announcement) -> None:
        """Note an entry that this process committed."""
        if isinstance(event, TradeBooked | CashMoved) and len(self._announced) < _MOST_ANNOUNCED:
            entry = event.entry
            is_change = isinstance(entry, CashEntry) and entry.transaction.kind in SPLITS_AND_EXCHANGES
            self._announced[entry.revision] = entry if is_change and isinstance(entry, CashEntry) else None

    async def __call__(self, revision: int) -> Joins:
        """Return the splits and renames as of a ledger revision."""
        if revision == self._revision:
            return self.newest
        async with self._turn:
            if revision < self._revision:  # the ledger was put back, or an older state is asked for
                self._revision, self._entries = 0, []
            found = list[CashEntry]()
            at = self._revision
            while at < revision and at + 1 in self._announced:
                at += 1
                entry = self._announced[at]
                found += [] if entry is None else [entry]
            if at < revision:
                after = await self._ledger.splits_and_exchanges(self._portfolio_id, after=at)
                found += [entry for entry in after if entry.revision <= revision]
            self._take(found, revision)
            return self.newest

    def _take(self, found: Sequence[CashEntry], revision: int) -> None:
        has_begun, self._revision = self._revision > 0, revision
        self._announced = {at: entry for at, entry in self._announced.items() if at > revision}
        self._entries += found
        if found or not has_begun:
            joins, moments, last = joins_of(self._entries), moments_of(self._entries), self.newest
            self.newest = Joins(last.version + (joins != last.found), joins, moments)
