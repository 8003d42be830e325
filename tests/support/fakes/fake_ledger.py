"""The books in memory: the same promises as the database's, kept with a lock and a copy."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from portfolio.adapters.database.ledger.mapping import trade_to_row
from portfolio.adapters.database.ledger.mapping_records import (
    adjustments_to_rows,
    cash_entry_to_row,
    outcome_to_row,
)
from portfolio.adapters.database.schema.tables import booking_outcomes, cash_transactions, mock_trades
from portfolio.application.errors import BooksContradicted, LeaseLost, LedgerUnavailable, PortfolioMissing
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
    StatedBooks,
    content,
    more_content,
)
from portfolio.application.ledger.cash_records import CashEntry, Entry, LoggedEntry, RecordedCashEntry, RefusedCashEntry
from portfolio.application.ledger.happenings.imported import BOOKED, REVERSED, ImportedRow, KeptImport
from portfolio.application.ledger.happenings.records import RecordedEvent
from portfolio.application.ledger.lots.movement import Movement
from portfolio.application.ledger.ports import LedgerUnit
from portfolio.application.ledger.records import (
    BookedTrade,
    BookingKey,
    Page,
    RecordedOutcome,
    Refusal,
    Revisions,
    TradeEntry,
)
from portfolio.application.performance.daily_positions import positions_of
from portfolio.application.performance.day_results import daily_value
from portfolio.application.performance.records import DailyValue, DayPositions, FilledDay
from portfolio.application.prices.records import Close, Fence, PriceUpdate
from portfolio.application.rebalancing.records import LIVE, Advice, Signal, SignalFilter
from portfolio.domain.ledger.cash_transaction import EVENT_KINDS, CashTransactionKind
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.sums import moved_without_entry
from portfolio.domain.mark import TRADE_SOURCE, Mark
from portfolio.domain.symbol import Symbol

T = TypeVar("T")
SCHEMA = "fake"


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
            None if found is None else _kept_row(found),
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


def _kept_row(outcome: RecordedOutcome) -> KeptRow:
    row = outcome_to_row(outcome)
    return KeptRow(booking_outcomes.name, outcome.id or 0, row["digest"], content(OUTCOME, row))


class FakeSignalBook:
    """The port ``SignalBook`` on a copy of the books."""

    def __init__(self, books: Books) -> None:
        self._books = books

    async def live(self) -> Sequence[Signal]:
        return [signal for _, signal in sorted(self._books.signals.items()) if signal.status in LIVE]

    async def named(self, ids: Collection[str]) -> Mapping[str, Signal]:
        return {signal.id: signal for signal in self._books.signals.values() if signal.id in ids}

    async def add(self, signals: Sequence[Signal]) -> None:
        for signal in signals:
            assert signal.id not in await self.named([signal.id])
            number = _add(self._books.signals, signal)
            self._books.signals[number] = replace(signal, number=number)

    async def change(self, signals: Sequence[Signal]) -> None:
        for signal in signals:
            kept = (await self.named([signal.id]))[signal.id]
            assert kept.number is not None
            self._books.signals[kept.number] = replace(signal, number=kept.number)


class FakeSignals:
    """The port ``Signals`` on the same books."""

    def __init__(self, ledger: FakeLedger) -> None:
        self._ledger = ledger

    def within(self, unit: LedgerUnit) -> FakeSignalBook:
        assert isinstance(unit, FakeUnit)
        return FakeSignalBook(unit.books)

    async def reasons(self, portfolio_id: int, signal_ids: Collection[str]) -> Mapping[str, str]:
        self._ledger.answer(portfolio_id)
        return {s.id: s.reason.value for s in self._ledger.books.signals.values() if s.id in signal_ids}

    async def page(self, portfolio_id: int, wanted: SignalFilter) -> Page[Signal]:
        self._ledger.answer(portfolio_id)
        found = [
            signal
            for number, signal in sorted(self._ledger.books.signals.items(), reverse=True)
            if wanted.before is None or number < wanted.before
            if wanted.status is None or signal.status_at(wanted.now) is wanted.status
        ]
        more = len(found) > wanted.limit
        return Page(found[: wanted.limit], found[wanted.limit - 1].number if more else None)

    async def advices(self, portfolio_id: int, *, since: datetime) -> Sequence[Advice]:
        self._ledger.answer(portfolio_id)
        made = [one for _, one in sorted(self._ledger.books.signals.items()) if one.created_at >= since]
        goes_on = {(one.superseded_by, one.symbol, one.reason) for one in made}
        found = [
            Advice(
                **{one.name: getattr(signal, one.name) for one in fields(Advice) if one.name != "begins"},
                begins=(signal.id, signal.symbol, signal.reason) not in goes_on,
            )
            for signal in made
        ]
        return [one for one in found if one.begins or one.executed_trade_id is not None]


def known_rows(books: Books, account: str) -> list[ImportedRow]:
    """What came from files of an account, by imports that stand."""
    stands = {i for i, of in books.of_imports.items() if books.imports[of].state != REVERSED}
    return [row for i, row in books.import_rows.items() if row.account == account and i in stands]


class FakeImportBook:
    """The port ``ImportBook`` on a copy of the books."""

    def __init__(self, books: Books) -> None:
        self._books = books

    async def named(self, import_id: int) -> KeptImport | None:
        return self._books.imports.get(import_id)

    async def logged(self, first: int, last: int) -> Sequence[LoggedEntry]:
        booked = [one for i in self._books.trades if (one := self._books.booked(i)) is not None]
        found: list[BookedTrade | RecordedCashEntry] = [one for one in booked if one.entry is not None]
        found += [RecordedCashEntry(id=i, entry=one) for i, one in self._books.transactions.items()]
        logged = [LoggedEntry(revision=one.entry.revision, digest="", entry=one) for one in found if one.entry]
        return sorted((one for one in logged if first <= one.revision <= last), key=lambda one: one.revision)

    async def taken_out(self, first: int, last: int) -> Mapping[int, int]:
        terms = [(one.revision, one.transaction.event) for one in self._books.transactions.values()]
        found = {of.reverses_revision: by for by, of in terms if of is not None and of.reverses_revision is not None}
        return {of: by for of, by in found.items() if first <= of <= last}

    async def first_booked(self, import_id: int) -> int | None:
        of_it = [
            self._books.import_rows[i].ledger_revision for i, of in self._books.of_imports.items() if of == import_id
        ]
        return min((one for one in of_it if one is not None), default=None)

    async def take_back(self, kept: KeptImport) -> None:
        assert kept.id is not None
        self._books.imports[kept.id] = kept
        for i, of in self._books.of_imports.items():
            if of == kept.id:
                self._books.import_rows[i] = replace(self._books.import_rows[i], external_id=None)

    async def is_booked(self, preview_id: str) -> bool | None:
        found = self._books.previews.get(preview_id)
        return None if found is None else found.state == BOOKED

    async def book_preview(self, preview_id: str, import_id: int | None, answer: bytes, until: datetime) -> None:
        kept = self._books.previews[preview_id]
        self._books.previews[preview_id] = replace(kept, state=BOOKED, import_id=import_id, expires_at=until)
        del self._books.given[preview_id]
        self._books.answers[preview_id] = answer


class FakeUnit:
    """The port ``LedgerUnit`` on a copy of the books."""

    def __init__(
        self,
        books: Books,
        portfolio: Portfolio,
        hold_to: Callable[[Portfolio], object] = id,
        *,
        is_repeated: bool = False,
    ) -> None:
        self.books = books
        self._hold_to = hold_to
        self._portfolio = portfolio
        self._is_repeated = is_repeated

    @property
    def is_repeated(self) -> bool:
        return self._is_repeated

    @property
    def portfolio(self) -> Portfolio:
        return self._portfolio

    async def outcomes(self, keys: Collection[BookingKey]) -> Mapping[BookingKey, RecordedOutcome]:
        names = {key.client_trade_id for key in keys}
        found = [(outcome.request.key, outcome) for _, outcome in sorted(self.books.outcomes.items())]
        return {key: outcome for key, outcome in found if key is not None and key.client_trade_id in names}

    async def keeps(self, refusal: RecordedOutcome) -> bool:
        return any(replace(outcome, id=None) == refusal for outcome in self.books.outcomes.values())

    async def latest_twins(self, fingerprints: Collection[str], since: datetime) -> Mapping[str, int]:
        found: dict[str, int] = {}
        for trade_id, entry in sorted(self.books.trades.items()):
            if (
                entry
                and entry.fingerprint is not None
                and entry.fingerprint in fingerprints
                and entry.booked_at >= since
            ):
                found[entry.fingerprint] = trade_id
        return found

    async def trade(self, trade_id: int) -> BookedTrade | None:
        return self.books.booked(trade_id)

    async def trade_at(self, revision: int) -> BookedTrade | None:
        found = [i for i, e in self.books.trades.items() if e is not None and e.revision == revision]
        return self.books.booked(found[0]) if found else None

    async def entries(self, *, after: int, limit: int) -> Sequence[Entry]:
        return self.books.entries(after)[:limit]

    async def entry_lines(self, *, after: int, limit: int) -> Sequence[EntryLine]:
        return self.books.lines(after, limit)

    def hold_to(self, entered: Portfolio) -> None:
        self._hold_to(entered)

    @property
    def is_sealed(self) -> bool:
        return self.books.is_sealed

    def follow(self, head: str) -> None:
        """Take notice that there is a head; the books in memory have no digests."""
        self.books.is_sealed = True

    async def booked_under(self, keys: Collection[BookingKey]) -> Mapping[BookingKey, BookedTrade]:
        found = {e.request.key: self.books.booked(i) for i, e in self.books.trades.items() if e is not None}
        return {key: trade for key, trade in found.items() if key in keys and key and trade}

    async def transaction(self, owner: str, client_transaction_id: str) -> RecordedCashEntry | RefusedCashEntry | None:
        for cash_transaction_id, entry in self.books.transactions.items():
            if (entry.owner, entry.client_transaction_id) == (owner, client_transaction_id):
                return RecordedCashEntry(id=cash_transaction_id, entry=entry)
        for refused in self.books.cash_refusals.values():
            if (refused.owner, refused.client_transaction_id) == (owner, client_transaction_id):
                return refused
        return None

    async def add_trades(self, trades: Sequence[TradeEntry]) -> Sequence[int]:
        ids = []
        for trade in trades:
            known = [entry for entry in self.books.trades.values() if entry is not None]
            _refuse_twice(trade.request.key, [e.request.key for e in known])
            _refuse_twice(trade.revision, [e.revision for e in known])
            _refuse_twice(trade.trade.reverses, [e.trade.reverses for e in known])
            ids.append(_add(self.books.trades, trade))
        return ids

    async def add_outcomes(self, outcomes: Sequence[RecordedOutcome]) -> None:
        for outcome in outcomes:
            if outcome.id is not None:
                self.books.outcomes[outcome.id] = outcome
                continue
            _refuse_twice(outcome.request.key, [o.request.key for o in self.books.outcomes.values()])
            new_id = _add(self.books.outcomes, outcome)
            self.books.outcomes[new_id] = replace(outcome, id=new_id)

    async def event(self, event_id: int) -> RecordedEvent | None:
        return self.books.event(event_id)

    async def add_cash_entry(self, transaction: CashEntry) -> int:
        if transaction.client_transaction_id is not None:
            known = [(e.owner, e.client_transaction_id) for e in self.books.transactions.values()]
            _refuse_twice((transaction.owner, transaction.client_transaction_id), known)
        return _add(self.books.transactions, transaction)

    async def add_cash_refusal(self, refused: RefusedCashEntry) -> None:
        known = [(r.owner, r.client_transaction_id) for r in self.books.cash_refusals.values()]
        _refuse_twice((refused.owner, refused.client_transaction_id), known)
        _add(self.books.cash_refusals, refused)

    async def imported_rows(self, account: str) -> Sequence[ImportedRow]:
        return known_rows(self.books, account)

    @property
    def imports(self) -> FakeImportBook:
        return FakeImportBook(self.books)

    async def add_import(self, kept: KeptImport, rows: Sequence[ImportedRow]) -> int:
        import_id = _add(self.books.imports, kept)
        self.books.imports[import_id] = replace(kept, id=import_id)
        for row in rows:
            _refuse_twice(_named(row), [_named(one) for one in self.books.import_rows.values()])
            new_id = _add(self.books.import_rows, row)
            self.books.import_rows[new_id] = replace(row, id=new_id)
            self.books.of_imports[new_id] = import_id
        return import_id

    async def name_imported_rows(self, names: Mapping[int, str]) -> None:
        for row_id, name in names.items():
            self.books.import_rows[row_id] = replace(self.books.import_rows[row_id], external_id=name)

    async def save(self, portfolio: Portfolio) -> None:
        self.books.portfolio, self.books.adopted = portfolio, True


class Duplicate(LedgerUnavailable):
    """A key that is there already: the work is run again."""


class FakeLedger:
    """The port ``Ledger`` in memory. ``fail_next`` is raised by the next transaction, in place of its commit or,
    with ``fail_after_commit``, after it.
    """

    def __init__(self, books: Books | None = None) -> None:
        self.books = books or Books()
        self.fail_next: Exception | None = None
        self.fail_after_commit = False
        self.away = False
        self._held_to: Portfolio | None = None
        self._lock = asyncio.Lock()

    async def transact(
        self,
        portfolio_id: int,
        work: Callable[[FakeUnit], Awaitable[T]],
        *,
        keys: Collection[BookingKey] = (),
        symbols: Collection[Symbol] | None = None,
    ) -> T:
        async with self._lock:
            portfolio = self._believed(portfolio_id)
            copy = self.books.copy()
            try:
                result = await work(FakeUnit(copy, portfolio, self._hold_to))
            except Duplicate:
                copy = self.books.copy()
                result = await work(FakeUnit(copy, portfolio, self._hold_to, is_repeated=True))
            failure, self.fail_next = self.fail_next, None
            if failure is None or self.fail_after_commit:
                self.books = copy
            if failure is not None:
                raise failure
            return result

    async def create(self, portfolio_id: int) -> None:
        self.answer()
        if self.books.portfolio is None:
            self.books.portfolio = Portfolio(id=portfolio_id)

    async def is_adopted(self, portfolio_id: int) -> bool | None:
        self.answer()
        if self.books.portfolio is None and self.books.entries(0):
            raise BooksContradicted("the portfolio's row is gone")
        return None if self.books.portfolio is None else self.books.adopted

    async def revisions(self, portfolio_id: int) -> Revisions:
        portfolio = self._get(portfolio_id)
        return Revisions(ledger=portfolio.revision, prices=portfolio.price_revision)

    async def version(self, portfolio_id: int) -> str:
        return str(self._get(portfolio_id))

    async def load(self, portfolio_id: int) -> Portfolio:
        return self._believed(portfolio_id)

    def _believed(self, portfolio_id: int) -> Portfolio:
        found, held_to = self._get(portfolio_id), self._held_to
        if held_to is not None and held_to.revision == found.revision:
            moved = moved_without_entry(held_to, found, held_to.positions)
            if moved:
                raise BooksContradicted("; ".join(moved), is_lossy=True)
        return found

    def _hold_to(self, entered: Portfolio) -> None:
        self._held_to = entered

    async def newest(self, portfolio_id: int) -> Portfolio:
        return await self.load(portfolio_id)

    async def entries(self, portfolio_id: int, *, after: int, limit: int) -> Sequence[Entry]:
        self._get(portfolio_id)
        return self.books.entries(after)[:limit]

    async def movements(self, portfolio_id: int, *, after: int, limit: int) -> Sequence[Movement | CashEntry]:
        found = await self.entries(portfolio_id, after=after, limit=limit)
        ids = {entry.revision: trade_id for trade_id, entry in self.books.trades.items() if entry is not None}
        return [Movement.of(ids[e.revision], e) if isinstance(e, TradeEntry) else e for e in found]

    async def stated(self, portfolio_id: int) -> StatedBooks:
        portfolio = await self.load(portfolio_id)
        return StatedBooks(
            portfolio=portfolio,
            head=None,
            asset_costs={symbol: position.asset_cost.value for symbol, position in portfolio.positions.items()},
        )

    async def entry_lines(self, *, after: int, limit: int) -> Sequence[EntryLine]:
        return self.books.lines(after, limit)

    async def refused_rows(self, *, of_cash: bool, after: int, limit: int) -> Sequence[KeptRow]:
        if of_cash:
            return []
        refused = [o for o in self.books.outcomes.values() if isinstance(o.result, Refusal) and (o.id or 0) > after]
        return [_kept_row(outcome) for outcome in refused[:limit]]

    async def owners_of(
        self, portfolio_id: int, keys: Collection[str], *, of_cash: bool = False
    ) -> Mapping[str, Sequence[str]]:
        self.answer(portfolio_id)
        books, found = self.books, dict[str, list[str]]()
        of_trades = ((o.request.owner, o.request.client_trade_id) for o in books.outcomes.values())
        of_entries = ((one.owner, one.client_transaction_id) for one in books.transactions.values())
        refused = ((one.owner, one.client_transaction_id) for one in books.cash_refusals.values())
        named = (*of_entries, *refused) if of_cash else of_trades
        for owner, key in sorted({(owner, key) for owner, key in named if key in keys and key is not None}):
            found.setdefault(key, []).append(owner)
        return found

    async def schema(self) -> str:
        """The revision of the schema, for the probe."""
        self.answer()
        return SCHEMA

    async def take_lock(self, portfolio_id: int) -> None:
        """Take the row's lock and give it back, for the probe."""
        self.answer(portfolio_id)

    def answer(self, portfolio_id: int = 1) -> None:
        """Answer, as a database does for the one portfolio that it holds."""
        if self.away:
            raise LedgerUnavailable("the database is away")
        if portfolio_id not in {1, self.books.portfolio.id if self.books.portfolio else 1}:
            raise PortfolioMissing(portfolio_id)

    def _get(self, portfolio_id: int) -> Portfolio:
        self.answer()
        if self.books.portfolio is None or portfolio_id not in {1, self.books.portfolio.id}:
            raise PortfolioMissing(portfolio_id)
        return self.books.portfolio


class FakePriceStore:
    """The port ``PriceStore`` on the same books."""

    def __init__(self, ledger: FakeLedger, leases: FakeLeases) -> None:
        self._ledger = ledger
        self._leases = leases

    async def record(self, portfolio_id: int, update: PriceUpdate, fence: Fence | None) -> int:
        books, portfolio = self._ledger.books, await self._ledger.load(portfolio_id)
        if fence is not None:
            self._leases.check(fence)
        marks = update.marks_for(portfolio)
        marked = portfolio.marked(marks)
        books.portfolio = replace(marked, price_revision=portfolio.price_revision + 1)
        observed = {symbol: mark for symbol, mark in marks.items() if not mark.is_execution}
        books.ticks.update({(symbol, mark.at): mark for symbol, mark in observed.items()})
        day = update.at.astimezone(UTC).date()
        late = {symbol for symbol, mark in observed.items() if mark.at.astimezone(UTC).date() < day}
        books.closes_changed.update(dict.fromkeys(late, portfolio.price_revision + 1))
        if not any(later > day for later in books.days):
            books.days[day] = daily_value(marked, day)
            books.day_positions[day] = positions_of(marked)
        return books.portfolio.price_revision

    async def executed(self, portfolio_id: int, since: Mapping[Symbol, datetime]) -> Mapping[Symbol, Mark]:
        trades = [(i, entry.trade) for i, entry in self._ledger.books.trades.items() if entry is not None]
        reversed_ones = {trade.reverses for _, trade in trades}
        counted = [(trade.executed_at, i, trade) for i, trade in trades if trade.reverses is None]
        return {
            trade.symbol: Mark(trade.price, TRADE_SOURCE, at)
            for at, i, trade in sorted(counted, key=lambda one: one[:2])
            if i not in reversed_ones and trade.symbol in since and at >= since[trade.symbol]
        }

    async def add_closes(self, closes: Sequence[Close]) -> int:
        new = {(close.symbol, close.day): close for close in closes}
        books = self._ledger.books
        books.closes.update(new)
        revision = books.portfolio.price_revision + 1 if books.portfolio is not None else 1
        books.closes_changed.update({symbol: revision for symbol, _ in new})
        if books.portfolio is not None and new:
            books.portfolio = replace(books.portfolio, price_revision=revision)
        return len(new)

    async def closes(self, symbols: Collection[Symbol], *, since: date, until: date) -> Sequence[Close]:
        books = self._ledger.books
        found, asked = {**self._last_ticks(), **books.closes}, frozenset(symbols)
        return [found[key] for key in sorted(key for key in found if since <= key[1] <= until and key[0] in asked)]

    async def changed_closes(self, *, after: int) -> Collection[Symbol]:
        return {symbol for symbol, revision in self._ledger.books.closes_changed.items() if revision > after}

    async def thin_ticks(self, older_than: datetime) -> int:
        books = self._ledger.books
        day = min((key[1].date() for key in books.ticks), default=date.max)
        if day >= older_than.astimezone(UTC).date():
            return 0
        old = [key for key in books.ticks if key[1].date() == day]
        for key, close in self._last_ticks().items():
            if key[1] == day:
                books.closes.setdefault(key, close)
        for tick in old:
            del books.ticks[tick]
        return len(old)

    def _last_ticks(self) -> dict[tuple[Symbol, date], Close]:
        ticks = sorted(self._ledger.books.ticks.items(), key=lambda item: item[0][1])
        return {
            (symbol, at.date()): Close(symbol=symbol, day=at.date(), price=mark.price, source=mark.source)
            for (symbol, at), mark in ticks
            if at.hour == 23
        }


class FakeDays:
    """The port ``Days`` on the same books."""

    def __init__(self, ledger: FakeLedger) -> None:
        self._ledger = ledger

    async def values(self, portfolio_id: int, *, since: date, today: date) -> Sequence[DailyValue]:
        self._ledger.answer()
        return [value for day, value in sorted(self._ledger.books.days.items()) if since <= day <= today]

    async def positions(self, portfolio_id: int, days: Collection[date]) -> Mapping[date, DayPositions]:
        self._ledger.answer()
        return {day: held for day, held in self._ledger.books.day_positions.items() if day in days}

    async def write(self, portfolio_id: int, days: Sequence[FilledDay]) -> None:
        books, portfolio = self._ledger.books, await self._ledger.load(portfolio_id)
        for day in days:
            books.days[day.value.day] = day.value
            if day.positions is not None:
                books.day_positions[day.value.day] = day.positions
        books.portfolio = replace(portfolio, price_revision=portfolio.price_revision + 1)


class FakeLeases:
    """The port ``Leases`` by a clock of its own, which the test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.held: dict[str, tuple[str, int]] = {}
        self._expires: dict[str, datetime] = {}

    async def acquire(self, name: str, holder: str, seconds: float) -> Fence | None:
        held_by, token = self.held.get(name, ("", 0))
        if held_by not in {"", holder}:
            left = self._expires[name] - self.now
            if timedelta() <= left <= 4 * timedelta(seconds=seconds):
                return None
        token += held_by != holder
        self.held[name], self._expires[name] = (holder, token), self.now + timedelta(seconds=seconds)
        return Fence(name=name, holder=holder, token=token)

    async def release(self, name: str, holder: str) -> None:
        if self.held.get(name, ("", 0))[0] == holder:
            self._expires[name] = self.now - timedelta(seconds=1)

    def check(self, fence: Fence) -> None:
        if self.held.get(fence.name) != (fence.holder, fence.token):
            raise LeaseLost(f"another instance holds the lease {fence.name!r} now")
        if self._expires[fence.name] < self.now:
            raise LeaseLost(f"the lease {fence.name!r} has run out")


def _refuse_twice(key: object, known: Sequence[object]) -> None:
    if key is not None and key in known:
        raise Duplicate(f"the database is too contended: {key} is there already")


def _named(row: ImportedRow) -> tuple[str, str, str] | None:
    return None if row.external_id is None else (row.account, row.family, row.external_id)


def _add(table: dict[int, T], row: T) -> int:
    new_id = max(table, default=0) + 1
    table[new_id] = row
    return new_id
