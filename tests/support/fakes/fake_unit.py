"""Units of work on the books in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from portfolio.application.ledger.audit import (
    EntryLine,
)
from portfolio.application.ledger.cash_records import CashEntry, Entry, LoggedEntry, RecordedCashEntry, RefusedCashEntry
from portfolio.application.ledger.happenings.imported import BOOKED, BookedMove, ImportedRow, KeptImport
from portfolio.application.ledger.happenings.records import RecordedEvent
from portfolio.application.ledger.records import (
    BookedTrade,
    BookingKey,
    RecordedOutcome,
    TradeEntry,
)
from portfolio.application.rebalancing.records import LIVE, Signal
from portfolio.domain.ledger.happening import BookedChange, LaterMove
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.symbol import Symbol
from tests.support.fakes.fake_books import (
    Books,
    add_row,
    booked_changes,
    booked_moves,
    known_rows,
    later_moves,
    named_row,
    refuse_twice,
    unit_changes,
)


class FakeSignalBook:
    """The port ``SignalBook`` on a copy of the books."""

    def __init__(self, books: Books) -> None:
        self._books = books

    async def live(self) -> Sequence[Signal]:
        return [signal for _, signal in sorted(self._books.signals.items()) if signal.status in LIVE]

    async def named(self, ids: Collection[str]) -> Mapping[str, Signal]:
        return {signal.id: signal for signal in self._books.signals.values() if signal.id in ids}

    async def taken_back(self, ids: Collection[str]) -> Collection[str]:
        executing = {name: one.executed_trade_id for name, one in (await self.named(ids)).items()}
        booked = {name: self._books.booked(trade) for name, trade in executing.items() if trade is not None}
        return {name for name, one in booked.items() if one is not None and one.reversed_by is not None}

    async def add(self, signals: Sequence[Signal]) -> None:
        for signal in signals:
            assert signal.id not in await self.named([signal.id])
            number = add_row(self._books.signals, signal)
            self._books.signals[number] = replace(signal, number=number)

    async def change(self, signals: Sequence[Signal]) -> None:
        for signal in signals:
            kept = (await self.named([signal.id]))[signal.id]
            assert kept.number is not None
            self._books.signals[kept.number] = replace(signal, number=kept.number)


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

    async def booked_between(self, first: datetime, last: datetime) -> Sequence[BookedMove]:
        return booked_moves(self._books, first, last)

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
            refuse_twice(trade.request.key, [e.request.key for e in known])
            refuse_twice(trade.revision, [e.revision for e in known])
            refuse_twice(trade.trade.reverses, [e.trade.reverses for e in known])
            ids.append(add_row(self.books.trades, trade))
        return ids

    async def add_outcomes(self, outcomes: Sequence[RecordedOutcome]) -> None:
        for outcome in outcomes:
            if outcome.id is not None:
                self.books.outcomes[outcome.id] = outcome
                continue
            refuse_twice(outcome.request.key, [o.request.key for o in self.books.outcomes.values()])
            new_id = add_row(self.books.outcomes, outcome)
            self.books.outcomes[new_id] = replace(outcome, id=new_id)

    async def event(self, event_id: int) -> RecordedEvent | None:
        return self.books.event(event_id)

    async def add_cash_entry(self, transaction: CashEntry) -> int:
        if transaction.client_transaction_id is not None:
            known = [(e.owner, e.client_transaction_id) for e in self.books.transactions.values()]
            refuse_twice((transaction.owner, transaction.client_transaction_id), known)
        return add_row(self.books.transactions, transaction)

    async def add_cash_refusal(self, refused: RefusedCashEntry) -> None:
        known = [(r.owner, r.client_transaction_id) for r in self.books.cash_refusals.values()]
        refuse_twice((refused.owner, refused.client_transaction_id), known)
        add_row(self.books.cash_refusals, refused)

    async def moved_after(self, symbol: Symbol, at: datetime) -> Sequence[LaterMove]:
        return later_moves(self.books, symbol, at)

    async def changes_after(self, at: datetime) -> Sequence[BookedChange]:
        return booked_changes(self.books, at)

    async def splits_and_exchanges(self, *, after: int, needs_all: bool) -> Sequence[RecordedCashEntry]:
        assert isinstance(needs_all, bool)
        return unit_changes(self.books, after)

    async def imported_rows(self, account: str) -> Sequence[ImportedRow]:
        return known_rows(self.books, account)

    @property
    def imports(self) -> FakeImportBook:
        return FakeImportBook(self.books)

    async def add_import(self, kept: KeptImport, rows: Sequence[ImportedRow]) -> int:
        import_id = add_row(self.books.imports, kept)
        self.books.imports[import_id] = replace(kept, id=import_id)
        for row in rows:
            refuse_twice(named_row(row), [named_row(one) for one in self.books.import_rows.values()])
            new_id = add_row(self.books.import_rows, row)
            self.books.import_rows[new_id] = replace(row, id=new_id)
            self.books.of_imports[new_id] = import_id
        return import_id

    async def name_imported_rows(self, names: Mapping[int, str]) -> None:
        for row_id, name in names.items():
            self.books.import_rows[row_id] = replace(self.books.import_rows[row_id], external_id=name)

    async def save(self, portfolio: Portfolio) -> None:
        self.books.portfolio, self.books.adopted = portfolio, True
