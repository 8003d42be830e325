"""Takes an import back as a whole: the opposite of each of its entries, the newest first, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NoReturn

import msgspec

from portfolio.application.announcer import NO_LISTENERS, Announcer
from portfolio.application.clock import Clock
from portfolio.application.errors import NotFound
from portfolio.application.imports.kept.writing import write_entries
from portfolio.application.in_thread import in_long_thread
from portfolio.application.ledger.cash_records import Entry, LoggedEntry, RecordedCashEntry
from portfolio.application.ledger.happenings.imported import REVERSED, KeptImport
from portfolio.application.ledger.happenings.late_splits import remark_of, remark_on_reversals, with_remark
from portfolio.application.ledger.happenings.records import RecordedEvent, entries_of
from portfolio.application.ledger.happenings.reversal import is_taken_apart, taken_out
from portfolio.application.ledger.lost_commit import Made, commit_once
from portfolio.application.ledger.ports import Ledger, LedgerUnit
from portfolio.application.ledger.records import BookedTrade, TradeEntry, TradeRequest
from portfolio.domain.errors import DomainError, NotReversible
from portfolio.domain.ledger.cash_transaction import TRADES_OF_A_SWAP, CashTransactionKind
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio
from portfolio.domain.symbol import Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReversal:
    """An import as it is after its reversal; ``entries`` of the ledger took it back, or would in a dry run.

    ``left`` are its entries that had been taken back one by one before. ``note`` says which of it were split since.
    """

    kept: KeptImport
    entries: int
    left: int = 0
    dry_run: bool = False
    replayed: bool = False
    note: str | None = None


class ReverseImport(msgspec.Struct):
    """Takes an import back, once, whole or not at all; its rows can be imported again afterwards."""

    ledger: Ledger
    clock: Clock
    rules: BookingRules
    announce: Announcer = NO_LISTENERS

    async def __call__(self, portfolio_id: int, import_id: int, *, owner: str, dry_run: bool = False) -> ImportReversal:
        """Return the reversal, once it is committed; the one there is where it was reversed before.

        Raises:
            NotFound: there is no such import.
            NotReversible: an entry of it cannot be taken back; the text says which one, and why.
        """

        async def reverse(unit: LedgerUnit) -> Made[ImportReversal]:
            kept = await unit.imports.named(import_id)
            if kept is None or kept.portfolio_id != portfolio_id:
                raise NotFound("import", str(import_id))
            if kept.state == REVERSED:
                return Made(await _as_before(unit, kept))
            return await self._reverse(unit, kept, import_id, owner, dry_run=dry_run)

        return await commit_once(self.ledger, portfolio_id, reverse, announce=self.announce)

    async def _reverse(
        self, unit: LedgerUnit, kept: KeptImport, import_id: int, owner: str, *, dry_run: bool
    ) -> Made[ImportReversal]:
        opposite = _Opposite(unit.portfolio, self.rules, self.clock.now(), owner, import_id)
        if kept.first_revision is not None and kept.last_revision is not None:
            first, last = kept.first_revision, kept.last_revision
            logged = await unit.imports.logged(first, last)
            if len(logged) != last - first + 1:
                raise NotReversible(import_id, "not all of its entries can be read", what="import")
            opposite.taken = dict(await unit.imports.taken_out(first, last))
            await in_long_thread(opposite.take_back, logged)
        elif await unit.imports.first_booked(import_id) is not None:
            why = "it was made before its entries were noted: they can be reversed one by one"
            raise NotReversible(import_id, why, what="import")
        entries = opposite.entries
        after = replace(
            kept,
            state=REVERSED,
            reversed_at=opposite.now,
            reversed_first=entries[0].revision if entries else None,
            reversed_last=entries[-1].revision if entries else None,
        )
        note = await remark_on_reversals(unit, opposite.moved)
        entries[:1] = [_remarked(entry, note) for entry in entries[:1]]
        result = ImportReversal(kept=after, entries=len(entries), left=opposite.left, dry_run=dry_run, note=note)
        if dry_run:
            return Made(replace(result, kept=kept))
        told = await write_entries(unit, entries)
        await unit.imports.take_back(after)
        if entries:
            await unit.save(opposite.books)

        async def is_kept(unit: LedgerUnit) -> bool:
            return await unit.imports.named(import_id) == after

        return Made(result, is_kept, told)


class _Opposite(msgspec.Struct):
    """Books from which the entries of an import are taken out, with the entries that do it."""

    books: Portfolio
    rules: BookingRules
    now: datetime
    owner: str
    import_id: int
    entries: list[Entry] = msgspec.field(default_factory=list)
    taken: dict[int, int] = msgspec.field(default_factory=dict)
    left: int = 0
    moved: set[tuple[Symbol, datetime, int]] = msgspec.field(default_factory=set)

    def take_back(self, logged: Sequence[LoggedEntry]) -> None:
        """Take entries back, the newest first; raises NotReversible, which names the one that cannot be."""
        for booked, trades in reversed(list(self._together(logged))):
            name = f"trade {booked.id}" if isinstance(booked, BookedTrade) else f"entry {booked.id}"
            try:
                if isinstance(booked, BookedTrade):
                    self._take_trade(booked)
                else:
                    self._take_entry(booked, trades)
            except NotReversible as error:
                self._refuse(f"{name} of it cannot: {error.reason}", error)
            except DomainError as error:
                self._refuse(f"{name} of it cannot: {error}", error)

    def _together(
        self, logged: Sequence[LoggedEntry]
    ) -> Iterator[tuple[BookedTrade | RecordedCashEntry, Sequence[BookedTrade]]]:
        """Yield entries in order, each with the trades that it consists of: those of a swap follow it."""
        following = iter(logged)
        for one in following:
            booked = self._readable(one)
            trades: list[BookedTrade] = []
            is_swap = (
                isinstance(booked, RecordedCashEntry) and booked.entry.transaction.kind is CashTransactionKind.SWAP
            )
            while is_swap and len(trades) < TRADES_OF_A_SWAP:
                trade = self._readable(next(following))
                assert isinstance(trade, BookedTrade)
                trades.append(trade)
            yield booked, trades

    def _readable(self, logged: LoggedEntry) -> BookedTrade | RecordedCashEntry:
        if logged.entry is None:
            self._refuse(f"the entry of revision {logged.revision} cannot be read", None)
        return logged.entry

    def _take_trade(self, booked: BookedTrade) -> None:
        if booked.reversed_by is not None:
            self.left += 1
            return
        assert booked.entry is not None
        allowed = self.rules.allow_negative_cash
        self.books, trade = self.books.reverse(booked.entry.trade, booked.id, self.now, allow_negative_cash=allowed)
        request = TradeRequest(owner=self.owner, notes=self._note)
        self.entries.append(TradeEntry.of(trade, self.books, request, self.now))
        self.moved.add((trade.symbol, booked.entry.trade.executed_at, booked.entry.revision))

    def _take_entry(self, booked: RecordedCashEntry, trades: Sequence[BookedTrade]) -> None:
        if booked.entry.revision in self.taken:
            self.left += 1 + len(trades)
            return
        event = RecordedEvent(id=booked.id, entry=booked.entry, trades=tuple(trades))
        if is_taken_apart(event):
            self.left += 1 + len(trades)
            return
        happened = taken_out(self.books, event, booked.id, self.rules, self.now)
        entry, opposites = entries_of(happened, owner=self.owner, note=self._note)
        self.books = happened.after
        self.entries += [entry, *opposites]
        self.moved |= {(leg.symbol, event.terms.effective_at, booked.entry.revision) for leg in event.legs}

    @property
    def _note(self) -> str:
        return f"import {self.import_id} is taken back"

    def _refuse(self, why: str, error: DomainError | None) -> NoReturn:
        raise NotReversible(self.import_id, why, what="import") from error


async def _as_before(unit: LedgerUnit, kept: KeptImport) -> ImportReversal:
    """Return what was answered when an import was taken back; its note stands in the first entry that did it."""
    entries, first = _count(kept.reversed_first, kept.reversed_last), kept.reversed_first
    logged = await unit.imports.logged(first, first) if first else ()
    note = next((_note_of(one.entry) for one in logged), None)
    left = _count(kept.first_revision, kept.last_revision) - entries
    return ImportReversal(kept=kept, entries=entries, left=left, replayed=True, note=remark_of(note))


def _note_of(booked: BookedTrade | RecordedCashEntry | None) -> str | None:
    entry = None if booked is None else booked.entry
    if isinstance(entry, TradeEntry):
        return entry.request.notes
    return None if entry is None else entry.note


def _remarked(entry: Entry, remark: str | None) -> Entry:
    if isinstance(entry, TradeEntry):
        return replace(entry, request=replace(entry.request, notes=with_remark(entry.request.notes, remark)))
    return replace(entry, note=with_remark(entry.note, remark))


def _count(first: int | None, last: int | None) -> int:
    return 0 if first is None or last is None else last - first + 1
