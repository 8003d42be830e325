"""The books in memory: the same promises as the database's, kept with a lock and a copy."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TypeVar

from portfolio.application.errors import BooksContradicted, LedgerUnavailable, PortfolioMissing
from portfolio.application.ledger.audit import (
    EntryLine,
    KeptRow,
    StatedBooks,
)
from portfolio.application.ledger.cash_records import CashEntry, Entry
from portfolio.application.ledger.lots.movement import Movement
from portfolio.application.ledger.records import (
    BookingKey,
    Refusal,
    Revisions,
    TradeEntry,
)
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.sums import moved_without_entry
from portfolio.domain.symbol import Symbol
from tests.support.fakes.fake_books import (
    Books,
    Duplicate,
    kept_row,
)
from tests.support.fakes.fake_unit import FakeUnit

T = TypeVar("T")


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
        return [kept_row(outcome) for outcome in refused[:limit]]

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
        return "fake"

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
