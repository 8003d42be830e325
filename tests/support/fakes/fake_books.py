"""What the books in memory hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TypeVar

from portfolio.adapters.database.ledger.mapping import trade_to_row
from portfolio.adapters.database.ledger.mapping_records import (
    adjustments_to_rows,
    cash_entry_to_row,
    outcome_to_row,
)
from portfolio.adapters.database.schema.tables import booking_outcomes, cash_transactions, mock_trades
from portfolio.application.errors import LedgerUnavailable
from portfolio.application.imports.kept.records import GivenImport, KeptPreview
from portfolio.application.ledger.audit import (
    ADJUSTMENT,
    CASH_ENTRY,
    EVENT,
    OUTCOME,
    TRADE,
    TRADE_GROUP,
    EntryLine,
    KeptRow,
    Reversed,
    content,
    more_content,
)
from portfolio.application.ledger.cash_records import CashEntry, Entry, RecordedCashEntry, RefusedCashEntry
from portfolio.application.ledger.happenings.imported import IMPORT, REVERSED, BookedMove, ImportedRow, KeptImport
from portfolio.application.ledger.happenings.records import RecordedEvent
from portfolio.application.ledger.records import (
    BookedTrade,
    BookingKey,
    RecordedOutcome,
    TradeEntry,
)
from portfolio.application.performance.records import DailyValue, DayPositions
from portfolio.application.prices.records import Close
from portfolio.application.rebalancing.records import Signal
from portfolio.domain.ledger.cash_transaction import EVENT_KINDS, SPLITS_AND_EXCHANGES, CashTransactionKind
from portfolio.domain.ledger.happening import BookedChange, LaterMove, changed_by
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.mark import Mark
from portfolio.domain.symbol import Symbol

T = TypeVar("T")


@dataclass
class Books:
    """Everything that is kept. A transaction works on a copy, which takes the place of this one when it commits."""

    portfolio: Portfolio | None = None
    adopted: bool = False
    trades: dict[int, TradeEntry | None] = field(default_factory=dict)
    outcomes: dict[int, RecordedOutcome] = field(default_factory=dict)
    transactions: dict[int, CashEntry] = field(default_factory=dict)
    days: dict[date, DailyValue] = field(default_factory=dict)
    ticks: dict[tuple[Symbol, datetime], Mark] = field(default_factory=dict)
    closes: dict[tuple[Symbol, date], Close] = field(default_factory=dict)
    signals: dict[int, Signal] = field(default_factory=dict)
    day_positions: dict[date, DayPositions] = field(default_factory=dict)
    closes_changed: dict[Symbol, int] = field(default_factory=dict)
    cash_refusals: dict[int, RefusedCashEntry] = field(default_factory=dict)
    is_sealed: bool = True
    imports: dict[int, KeptImport] = field(default_factory=dict)
    import_rows: dict[int, ImportedRow] = field(default_factory=dict)
    of_imports: dict[int, int] = field(default_factory=dict)
    previews: dict[str, KeptPreview] = field(default_factory=dict)
    given: dict[str, GivenImport] = field(default_factory=dict)
    answers: dict[str, bytes] = field(default_factory=dict)

    def copy(self) -> Books:
        """Another one with the same content."""
        return Books(
            self.portfolio,
            self.adopted,
            dict(self.trades),
            dict(self.outcomes),
            dict(self.transactions),
            dict(self.days),
            dict(self.ticks),
            dict(self.closes),
            dict(self.signals),
            dict(self.day_positions),
            dict(self.closes_changed),
            dict(self.cash_refusals),
            self.is_sealed,
            dict(self.imports),
            dict(self.import_rows),
            dict(self.of_imports),
            dict(self.previews),
            dict(self.given),
            dict(self.answers),
        )

    def booked(self, trade_id: int) -> BookedTrade | None:
        """A trade, whoever wrote it."""
        if trade_id not in self.trades:
            return None
        reversals = [i for i, e in self.trades.items() if e is not None and e.trade.reverses == trade_id]
        return BookedTrade(id=trade_id, entry=self.trades[trade_id], reversed_by=reversals[0] if reversals else None)

    def entries(self, after: int) -> list[Entry]:
        """The ledger's entries after a revision, in order."""
        entries: list[Entry] = [e for e in self.trades.values() if e is not None]
        entries += self.transactions.values()
        return sorted((e for e in entries if e.revision > after), key=lambda entry: entry.revision)

    def lines(self, after: int, limit: int) -> list[EntryLine]:
        """The entries as rows would say them; without digests, as before there were any."""
        lines = [self._trade_line(i, e) for i, e in self.trades.items() if e is not None]
        for i, entry in self.transactions.items():
            kept = cash_entry_to_row(entry)
            row = KeptRow(cash_transactions.name, i, None, content(CASH_ENTRY, kept))
            moved = [content(ADJUSTMENT, each) for each in adjustments_to_rows(entry)]
            lines.append(EntryLine(row, moved, more=more_content(EVENT, kept)))
        return sorted((one for one in lines if one.revision > after), key=lambda one: one.revision)[:limit]

    def _trade_line(self, trade_id: int, entry: TradeEntry) -> EntryLine:
        kept = trade_to_row(entry)
        row = KeptRow(mock_trades.name, trade_id, None, content(TRADE, kept))
        found = None if entry.request.key is None else self.outcome(entry.request.key)
        taken = None if entry.trade.reverses is None else self.trades.get(entry.trade.reverses)
        return EntryLine(
            row,
            (),
            None if found is None else kept_row(found),
            None
            if taken is None
            else Reversed(
                taken.trade.symbol.code, taken.trade.side.value, taken.trade.closes, str(taken.trade.realized_pnl)
            ),
            more_content(TRADE_GROUP, kept),
        )

    def event(self, event_id: int) -> RecordedEvent | None:
        """An event with its trades."""
        entry = self.transactions.get(event_id)
        if entry is None or entry.transaction.event is None or entry.transaction.kind not in EVENT_KINDS:
            return None
        after = {one.revision: i for i, one in self.trades.items() if one is not None}
        is_swap = entry.transaction.kind is CashTransactionKind.SWAP
        places = [after[r] for r in (entry.revision + 1, entry.revision + 2) if r in after] if is_swap else []
        trades = tuple(booked for i in places if (booked := self.booked(i)) is not None)
        terms = {i: one.transaction.event for i, one in self.transactions.items() if one.transaction.event is not None}
        by = (i for i, of in terms.items() if of.reverses_revision == entry.revision)
        of = (i for i, one in self.transactions.items() if one.revision == terms[event_id].reverses_revision)
        return RecordedEvent(
            id=event_id, entry=entry, trades=trades, reverses=next(of, None), reversed_by=next(by, None)
        )

    @property
    def unbooked_refusals(self) -> dict[int, RefusedCashEntry]:
        """The refused cash transactions and events that no override has booked."""
        booked = {(one.owner, one.client_transaction_id) for one in self.transactions.values()}
        kept = self.cash_refusals.items()
        return {i: one for i, one in kept if (one.owner, one.client_transaction_id) not in booked}

    def outcome(self, key: BookingKey) -> RecordedOutcome | None:
        """What became of a booking."""
        return next((o for o in self.outcomes.values() if o.request.key == key), None)


class Duplicate(LedgerUnavailable):
    """A key that is there already: the work is run again."""


def kept_row(outcome: RecordedOutcome) -> KeptRow:
    row = outcome_to_row(outcome)
    return KeptRow(booking_outcomes.name, outcome.id or 0, row["digest"], content(OUTCOME, row))


def known_rows(books: Books, account: str) -> list[ImportedRow]:
    """What came from files of an account, by imports that stand."""
    stands = {i for i, of in books.of_imports.items() if books.imports[of].state != REVERSED}
    events = [entry.transaction.event for entry in books.transactions.values()]
    taken = {one.reverses_revision for one in events if one is not None} - {None}
    rows = [row for i, row in books.import_rows.items() if row.account == account and i in stands]
    return [replace(row, ledger_revision=None) if row.ledger_revision in taken else row for row in rows]


def refuse_twice(key: object, known: Sequence[object]) -> None:
    if key is not None and key in known:
        raise Duplicate(f"the database is too contended: {key} is there already")


def named_row(row: ImportedRow) -> tuple[str, str, str] | None:
    return None if row.external_id is None else (row.account, row.family, row.external_id)


def add_row(table: dict[int, T], row: T) -> int:
    new_id = max(table, default=0) + 1
    table[new_id] = row
    return new_id


def later_moves(books: Books, symbol: Symbol, at: datetime) -> list[LaterMove]:
    """Return what entries since the baseline moved of an asset that took effect after a moment."""
    others = books.transactions.items()
    opened = max((e.revision for _, e in others if e.transaction.kind is CashTransactionKind.BASELINE), default=0)
    taken = {e.trade.reverses for e in books.trades.values() if e is not None}
    found = []
    for number, entry in books.trades.items():
        if entry is None or entry.revision <= opened or entry.trade.symbol != symbol:
            continue
        own = entry if entry.trade.reverses is None else books.trades[entry.trade.reverses]
        if own is not None and own.trade.executed_at > at:
            stands = number not in taken and entry.trade.reverses is None
            found.append(LaterMove(name=f"trade {number}", quantity=entry.trade.quantity_delta, stands=stands))
    gone = {e.transaction.event.reverses_revision for _, e in others if e.transaction.event is not None}
    for number, cash in others:
        terms = cash.transaction.event
        stands = cash.revision not in gone and (terms is None or terms.reverses_revision is None)
        if cash.revision > opened and cash.transaction.effective_at > at:
            is_split = cash.transaction.kind is CashTransactionKind.SPLIT
            found += [
                LaterMove(name=f"event {number}", quantity=leg.quantity_delta, is_split=is_split, stands=stands)
                for leg in cash.positions
                if leg.symbol == symbol
            ]
    return found


_MONEY = {CashTransactionKind.DEPOSIT, CashTransactionKind.WITHDRAWAL}
_MONEY |= {CashTransactionKind.INTEREST, CashTransactionKind.CHARGE}
_UNTOLD = {CashTransactionKind.SPLIT, CashTransactionKind.BASELINE, CashTransactionKind.ADJUSTMENT}


def booked_moves(books: Books, first: datetime, last: datetime) -> list[BookedMove]:
    """Return what was booked but by imports, and stands, of what took effect between two moments."""
    taken = {e.trade.reverses for e in books.trades.values() if e is not None}
    trades, money, legs = list[BookedMove](), list[BookedMove](), list[BookedMove]()
    for number, entry in books.trades.items():
        if entry is None or number in taken or entry.trade.reverses is not None:
            continue
        trade, by = entry.trade, entry.request.engine or entry.request.owner
        if by == IMPORT and entry.request.engine is None:
            continue
        move = (trade.symbol.code, trade.quantity_delta.value, trade.price.value, trade.executed_at)
        trades += [BookedMove(f"trade {number}", by, True, *move)] if first <= trade.executed_at <= last else []
    gone = {e.transaction.event.reverses_revision for e in books.transactions.values() if e.transaction.event}
    for number, one in books.transactions.items():
        moved, terms, name = one.transaction, one.transaction.event, f"entry {number}"
        if one.owner == IMPORT or one.revision in gone or (terms and terms.reverses_revision is not None):
            continue
        if not first <= moved.effective_at <= last:
            continue
        if moved.kind in _MONEY:
            money.append(BookedMove(name, one.owner, False, "USD", moved.cash_delta.value, None, moved.effective_at))
        elif moved.kind not in _UNTOLD:
            legs += [
                BookedMove(name, one.owner, False, leg.symbol.code, leg.quantity_delta.value, None, moved.effective_at)
                for leg in one.positions
            ]
    return [*trades, *money, *legs]


def booked_changes(books: Books, at: datetime) -> list[BookedChange]:
    """Return the splits and renames that stand and took effect after a moment."""
    events = [terms for entry in books.transactions.values() if (terms := entry.transaction.event) is not None]
    gone = {terms.reverses_revision for terms in events}
    taking = {entry.revision for entry in books.transactions.values() if _takes_out(entry)}
    return [
        BookedChange(event_id=one.id, symbol=symbol, at=terms.effective_at, revision=one.entry.revision, became=became)
        for one in unit_changes(books, 0)
        if one.entry.revision not in gone | taking
        if (terms := one.entry.transaction.event) is not None and terms.effective_at > at
        for symbol, became in changed_by(
            one.entry.transaction.kind, terms.label, [(leg.symbol, leg.quantity_delta) for leg in one.entry.positions]
        )
    ]


def unit_changes(books: Books, after: int) -> list[RecordedCashEntry]:
    """Return the splits and exchanges after a revision, with what takes such out, as they were booked."""
    return [
        RecordedCashEntry(id=number, entry=entry)
        for number, entry in books.transactions.items()
        if entry.transaction.kind in SPLITS_AND_EXCHANGES and entry.revision > after
    ]


def _takes_out(entry: CashEntry) -> bool:
    terms = entry.transaction.event
    return terms is not None and terms.reverses_revision is not None
