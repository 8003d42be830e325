"""Look-ups in the books in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from portfolio.application.errors import KeyReused
from portfolio.application.ledger.audit import entry_digest
from portfolio.application.ledger.cash_records import CashEntry, LoggedEntry, RecordedCashEntry, RefusedCashEntry
from portfolio.application.ledger.happenings.activity import EntryFilter, EntryKind, ListedEntry
from portfolio.application.ledger.happenings.records import RecordedEvent
from portfolio.application.ledger.records import (
    BookedTrade,
    BookingKey,
    Page,
    RecordedOutcome,
    Refusal,
    TradeEntry,
    TradeFilter,
)
from portfolio.domain.categories import A_QUARTER, PositionLimit
from portfolio.domain.symbol import Symbol
from tests.support.fakes.fake_books import unit_changes
from tests.support.fakes.fake_ledger import FakeLedger


class FakeLookups:
    """The port ``Lookups`` on the same books."""

    def __init__(self, ledger: FakeLedger) -> None:
        self._ledger = ledger

    async def trades(self, portfolio_id: int, wanted: TradeFilter) -> Page[BookedTrade]:
        self._ledger.answer(portfolio_id)
        found = [
            booked
            for trade_id, entry in self._ledger.books.trades.items()
            if entry is not None and _is_wanted(trade_id, entry, wanted)
            if (booked := self._ledger.books.booked(trade_id)) is not None
        ]
        found.sort(key=lambda booked: -booked.id)
        more = len(found) > wanted.limit
        return Page(found[: wanted.limit], found[wanted.limit - 1].id if more else None)

    async def cash_transactions(self, portfolio_id: int, *, before: int | None, limit: int) -> Page[RecordedCashEntry]:
        self._ledger.answer(portfolio_id)
        kept = sorted(self._ledger.books.transactions.items(), key=lambda kept: -kept[0])
        found = [RecordedCashEntry(id=i, entry=entry) for i, entry in kept if before is None or i < before]
        return Page(found[:limit], found[limit - 1].id if len(found) > limit else None)

    async def events(
        self, portfolio_id: int, *, before: int | None, limit: int, event_id: int | None = None
    ) -> Page[RecordedEvent]:
        self._ledger.answer(portfolio_id)
        wanted = [
            i for i in self._ledger.books.transactions if event_id in {None, i} and (before is None or i < before)
        ]
        found = [event for i in sorted(wanted, reverse=True) if (event := self._ledger.books.event(i)) is not None]
        return Page(found[:limit], found[limit - 1].id if len(found) > limit else None)

    async def splits_and_exchanges(self, portfolio_id: int, *, after: int) -> Sequence[CashEntry]:
        self._ledger.answer(portfolio_id)
        return [one.entry for one in unit_changes(self._ledger.books, after)]

    async def event_under(self, portfolio_id: int, owner: str, key: str) -> RecordedEvent | RefusedCashEntry | None:
        self._ledger.answer(portfolio_id)
        books = self._ledger.books
        for number, entry in books.transactions.items():
            if (entry.owner, entry.client_transaction_id) == (owner, key):
                event = books.event(number)
                if event is None:
                    raise KeyReused(key)
                return event
        kept = books.cash_refusals.values()
        return next((one for one in kept if (one.owner, one.client_transaction_id) == (owner, key)), None)

    async def activity(self, portfolio_id: int, wanted: EntryFilter) -> Page[ListedEntry]:
        self._ledger.answer(portfolio_id)
        books = self._ledger.books
        events = [event for i in books.transactions if (event := books.event(i)) is not None]
        taking = {event.reverses: event.entry.revision for event in events}
        found = [
            ListedEntry(revision=booked.entry.revision, recorded=booked)
            for trade_id in books.trades
            if (booked := books.booked(trade_id)) is not None and booked.entry is not None
            if _fits(booked.entry.trade.side, [booked.entry.trade.symbol], booked.entry.trade.executed_at, wanted)
        ]
        found += [
            ListedEntry(
                revision=entry.revision, recorded=RecordedCashEntry(id=i, entry=entry), taken_out_by=taking.get(i)
            )
            for i, entry in books.transactions.items()
            if _fits(
                entry.transaction.kind,
                [one.symbol for one in entry.positions],
                entry.transaction.effective_at,
                wanted,
            )
        ]
        found = [
            one
            for one in sorted(found, key=lambda one: -one.revision)
            if (wanted.before is None or one.revision < wanted.before) and wanted.revision in {None, one.revision}
        ]
        return Page(found[: wanted.limit], found[wanted.limit - 1].revision if len(found) > wanted.limit else None)

    async def log(self, portfolio_id: int, *, after: int, until: int) -> Sequence[LoggedEntry]:
        self._ledger.answer(portfolio_id)
        books, found = self._ledger.books, []
        for trade_id, entry in books.trades.items():
            if entry is not None and after < entry.revision <= until:
                digest = entry_digest("trade", trade_id, entry.fingerprint, entry.booked_at, None)
                found.append(LoggedEntry(revision=entry.revision, digest=digest, entry=books.booked(trade_id)))
        for number, moved in books.transactions.items():
            if after < moved.revision <= until:
                at = moved.transaction.at
                digest = entry_digest(moved.transaction.kind, number, moved.fingerprint, at, None)
                recorded = RecordedCashEntry(id=number, entry=moved)
                found.append(LoggedEntry(revision=moved.revision, digest=digest, entry=recorded))
        return sorted(found, key=lambda one: one.revision)

    async def outcome(
        self, portfolio_id: int, key: BookingKey, limit: PositionLimit = A_QUARTER
    ) -> RecordedOutcome | None:
        self._ledger.answer(portfolio_id)
        return self._ledger.books.outcome(key)

    async def refusals(self, portfolio_id: int, *, before: int | None, limit: int) -> Page[RecordedOutcome]:
        self._ledger.answer(portfolio_id)
        refused = [(i, o) for i, o in self._ledger.books.outcomes.items() if isinstance(o.result, Refusal)]
        refused = sorted((pair for pair in refused if before is None or pair[0] < before), reverse=True, key=_first)
        more = len(refused) > limit
        return Page([outcome for _, outcome in refused[:limit]], refused[limit - 1][0] if more else None)

    async def cash_refusals(self, portfolio_id: int, *, before: int | None, limit: int) -> Page[RefusedCashEntry]:
        self._ledger.answer(portfolio_id)
        kept = self._ledger.books.unbooked_refusals.items()
        found = sorted((pair for pair in kept if before is None or pair[0] < before), reverse=True, key=lambda p: p[0])
        return Page([refused for _, refused in found[:limit]], found[limit - 1][0] if len(found) > limit else None)


def _is_wanted(trade_id: int, entry: TradeEntry, wanted: TradeFilter) -> bool:
    trade = entry.trade
    return (
        (wanted.id is None or trade_id == wanted.id)
        and (wanted.owner is None or entry.request.owner == wanted.owner)
        and (wanted.client_trade_id is None or entry.request.client_trade_id == wanted.client_trade_id)
        and (wanted.symbol is None or trade.symbol == wanted.symbol)
        and (wanted.side is None or trade.side is wanted.side)
        and (wanted.engine is None or entry.request.engine == wanted.engine)
        and (wanted.signal_prefix is None or (entry.request.signal_id or "").startswith(wanted.signal_prefix))
        and (wanted.since is None or trade.executed_at >= wanted.since)
        and (wanted.until is None or trade.executed_at < wanted.until)
        and (wanted.before is None or trade_id < wanted.before)
    )


def _fits(kind: EntryKind, symbols: Sequence[Symbol], effective_at: datetime, wanted: EntryFilter) -> bool:
    return (
        wanted.kind in {None, kind}
        and (wanted.symbol is None or wanted.symbol in symbols)
        and (wanted.since is None or effective_at >= wanted.since)
        and (wanted.until is None or effective_at < wanted.until)
    )


def _first(pair: tuple[int, RecordedOutcome]) -> int:
    return pair[0]
