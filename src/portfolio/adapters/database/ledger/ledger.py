"""The books in a database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import insert, select, union

from portfolio.adapters.database.connection.connections import Connections
from portfolio.adapters.database.connection.revision_lookup import RevisionLookup
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.connection.statements import Statement
from portfolio.adapters.database.ledger.audit import read_lines, read_refusals, read_strays
from portfolio.adapters.database.ledger.entries import read_entries, read_movements
from portfolio.adapters.database.ledger.lost_positions import OTHER_PORTFOLIOS
from portfolio.adapters.database.ledger.mapping import foreign_portfolios
from portfolio.adapters.database.ledger.portfolio_row import PortfolioRow
from portfolio.adapters.database.ledger.unit_of_work import DatabaseLedgerUnit, open_unit, read_rows
from portfolio.adapters.database.schema.tables import (
    booking_outcomes,
    cash_refusals,
    cash_transactions,
    mock_holdings,
    mock_portfolio,
)
from portfolio.application.errors import PortfolioMissing
from portfolio.application.ledger.audit import EntryLine, KeptRow, StatedBooks
from portfolio.application.ledger.cash_records import CashEntry, Entry
from portfolio.application.ledger.lots.movement import Movement
from portfolio.application.ledger.records import BookingKey, Revisions
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.symbol import Symbol

T = TypeVar("T")

# QUOTE tells a missing value from an empty one, and where one column ends and the next begins.
_CELLS = [f"QUOTE({column.name})" for column in mock_holdings.columns]
_VERSION_SQLITE = Statement(f"SELECT group_concat({' || '.join(_CELLS)}) FROM mock_holdings")  # noqa: S608  our own columns
_ROW = f"CRC32(CONCAT({', '.join(_CELLS)}))"
# The sum and the parity of 32-bit checksums: a change that leaves both alone is one in billions.
_VERSION_MYSQL = Statement(f"SELECT COUNT(*), SUM({_ROW}), BIT_XOR({_ROW}) FROM mock_holdings")  # noqa: S608  as above


class DatabaseLedger:
    """The port ``Ledger`` on a database.

    It raises PortfolioMissing where there is no such portfolio yet, and BooksContradicted where there are entries, and
    the portfolio's row is not the one that they made.
    """

    def __init__(self, connections: Connections, row: PortfolioRow, lookup: RevisionLookup) -> None:
        self._connections = connections
        self._row = row
        self._lookup = lookup

    async def transact(
        self,
        portfolio_id: int,
        work: Callable[[DatabaseLedgerUnit], Awaitable[T]],
        *,
        keys: Collection[BookingKey] = (),
        symbols: Collection[Symbol] | None = None,
    ) -> T:
        """Run ``work`` as the port says.

        The outcomes of ``keys`` are looked up along with the lock. Of the positions, those in ``symbols`` are read
        under it, all of them where it is None; the others are as they were last read.
        """
        attempts = 0

        async def in_unit(session: Session) -> tuple[DatabaseLedgerUnit, T]:
            nonlocal attempts
            attempts += 1
            unit = await open_unit(session, portfolio_id, self._row, keys, symbols)
            unit.is_repeated = attempts > 1
            result = await work(unit)
            unit.finish()
            return unit, result

        unit, result = await self._connections.write(in_unit)
        self._row.had_lock()
        if unit.saved is not None:
            self._row.known.wrote(unit.changed, before=unit.portfolio.revision, after=unit.saved)
        return result

    async def create(self, portfolio_id: int) -> None:
        async def insert_first(session: Session) -> None:
            if (await session.run(select(mock_portfolio.c.id).limit(1))).first() is not None:
                return
            # Of two who come at once the second meets the first one's key, and finds the row when it runs again.
            empty = dict.fromkeys(("total_value", "cash_balance", "invested_amount", "total_pnl"), 0)
            await session.run(insert(mock_portfolio).values(id=portfolio_id, **empty))

        await self._connections.write(insert_first)

    async def is_adopted(self, portfolio_id: int) -> bool | None:
        self._row.id_for(portfolio_id)
        try:
            row = await self._current_row(portfolio_id)
        except PortfolioMissing:
            return None
        return row.ledger_cash is not None

    async def revisions(self, portfolio_id: int) -> Revisions:
        row_id = self._row.id_for(portfolio_id)
        found = None if row_id is None else await self._lookup.revisions(row_id)
        if found is not None:
            return found
        row = await self._current_row(portfolio_id)
        return Revisions(ledger=row.revision, prices=row.price_revision)

    async def version(self, portfolio_id: int) -> str:
        async def look(session: Session) -> str:
            row = await self._row.get(session, portfolio_id)
            # Made by the server: a thousandth of what it costs to read the holdings here.
            [holdings] = await session.execute(_VERSION_SQLITE if session.is_sqlite else _VERSION_MYSQL)
            digest = hash(holdings.rows[0][0]) if session.is_sqlite else tuple(holdings.rows[0])
            [portfolios] = await session.execute(OTHER_PORTFOLIOS.on(session.dialect))
            return f"{tuple(row)!r} {digest!r} {foreign_portfolios(row, portfolios)!r}"

        return await self._connections.read(look, snapshot=True)

    async def load(self, portfolio_id: int) -> Portfolio:
        async def read(session: Session) -> Portfolio:
            return (await read_rows(session, portfolio_id, self._row, None)).read.portfolio

        return await self._connections.read(read, snapshot=True)

    async def newest(self, portfolio_id: int) -> Portfolio:
        return await self._row.read_written(self._lookup, portfolio_id) or await self.load(portfolio_id)

    async def entries(self, portfolio_id: int, *, after: int, limit: int) -> Sequence[Entry]:
        return await self._page(portfolio_id, partial(read_entries, after=after, limit=limit))

    async def movements(self, portfolio_id: int, *, after: int, limit: int) -> Sequence[Movement | CashEntry]:
        return await self._page(portfolio_id, partial(read_movements, after=after, limit=limit))

    async def _page(self, portfolio_id: int, page: Callable[..., Awaitable[Sequence[T]]]) -> Sequence[T]:
        async def read(session: Session) -> Sequence[T]:
            await self._row.get(session, portfolio_id)
            return await page(session, unreadable=self._row.unreadable)

        return await self._connections.read(read, snapshot=True)

    async def stated(self, portfolio_id: int) -> StatedBooks:
        async def read(session: Session) -> StatedBooks:
            found = await read_rows(session, portfolio_id, self._row, None)
            return StatedBooks(
                portfolio=found.read.portfolio,
                head=found.row.ledger_head,
                asset_costs={symbol: row.asset_cost for symbol, row in found.read.rows.items()},
                stray=await read_strays(session, found.row.revision),
            )

        return await self._connections.read(read, snapshot=True)

    async def entry_lines(self, *, after: int, limit: int) -> Sequence[EntryLine]:
        return await self._connections.read(partial(read_lines, after=after, limit=limit), snapshot=True)

    async def refused_rows(self, *, of_cash: bool, after: int, limit: int) -> Sequence[KeptRow]:
        return await self._connections.read(partial(read_refusals, of_cash=of_cash, after=after, limit=limit))

    async def owners_of(
        self, portfolio_id: int, keys: Collection[str], *, of_cash: bool = False
    ) -> Mapping[str, Sequence[str]]:
        self._row.id_for(portfolio_id)
        names = [table.c.client_transaction_id for table in (cash_transactions, cash_refusals)]
        named = names if of_cash else [booking_outcomes.c.client_trade_id]
        found_rows = union(*(select(key.label("name"), key.table.c.owner).where(key.in_(keys)) for key in named))
        rows = await self._connections.rows(select(found_rows.subquery()))
        found: dict[str, list[str]] = {}
        for row in sorted(rows, key=lambda row: str(row.owner)):
            found.setdefault(row.name, []).append(row.owner)
        return found

    async def _current_row(self, portfolio_id: int) -> Any:
        return await self._connections.read(partial(self._row.get, portfolio_id=portfolio_id), snapshot=True)
