"""The books in a database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, func, insert, literal_column, select

from portfolio.adapters.database.connection.connections import Connections
from portfolio.adapters.database.connection.revision_lookup import RevisionLookup
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.ledger.entries import read_cash_entries, read_entries, select_trades
from portfolio.adapters.database.ledger.holdings_version import holdings_version
from portfolio.adapters.database.ledger.mapping import trade_from_row
from portfolio.adapters.database.ledger.mapping_records import (
    REFUSED,
    outcome_from_row,
)
from portfolio.adapters.database.ledger.portfolio_row import THE_PORTFOLIO, PortfolioRow, find_row, try_lock
from portfolio.adapters.database.ledger.unit_of_work import ALL_HOLDINGS, DatabaseLedgerUnit, open_unit, some_holdings
from portfolio.adapters.database.schema.tables import (
    SCHEMA_REVISION,
    booking_outcomes,
    mock_portfolio,
    mock_trades,
    schema_revision,
)
from portfolio.application.errors import LedgerUnavailable, PortfolioMissing, SchemaUnknown
from portfolio.application.ledger.records import (
    BookedTrade,
    BookingKey,
    Entry,
    Page,
    RecordedCashEntry,
    RecordedOutcome,
    Revisions,
    TradeFilter,
)
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.symbol import Symbol

T = TypeVar("T")

LOCK_SECONDS = 0.5
OWN_LOCK_SECONDS = 2.0


class DatabaseLedger:
    """The port ``Ledger`` on a database."""

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
        """Run ``work`` in one transaction under the portfolio's row lock, commit once, and return its result.

        The outcomes of ``keys`` are looked up along with the lock. Of the positions, those in ``symbols`` are read
        under it, all of them where it is None; the others are as they were last read.

        Raises:
            PortfolioMissing: there is no such portfolio yet.
            LedgerUnavailable: nothing was applied.
            OutcomeUnknown: the answer to the commit never came.
        """
        units: list[DatabaseLedgerUnit] = []

        async def in_unit(session: Session) -> T:
            unit = await open_unit(session, portfolio_id, self._row, keys, symbols)
            units.append(unit)
            self._row.seen(unit.row)
            self._row.had_lock()
            result = await work(unit)
            await unit.write()
            return result

        result = await self._connections.write(in_unit)
        self._row.had_lock()
        unit = units[-1]
        if unit.saved is not None:
            self._row.known.wrote(unit.changed, before=unit.portfolio.revision, after=unit.saved.revision)
        return result

    async def create(self, portfolio_id: int) -> None:
        """Create an empty portfolio row where there is none at all; harmless when two do it at once."""

        async def insert_first(session: Session) -> None:
            if await find_row(session, None) is not None:
                return
            # Of two who come at once the second meets the first one's key, and finds the row when it runs again.
            empty = dict.fromkeys(("total_value", "cash_balance", "invested_amount", "total_pnl"), 0)
            await session.run(insert(mock_portfolio).values(id=portfolio_id, **empty))

        await self._connections.write(insert_first)

    async def is_adopted(self, portfolio_id: int) -> bool | None:
        """Return whether the books were opened on the row; None where there is no row at all."""
        row = await self._connections.read(lambda session: self._find(session, portfolio_id))
        if row is None and self._row.id_for(portfolio_id) is not None:
            self._row.forget()
            row = await self._connections.read(lambda session: self._find(session, portfolio_id))
        return None if row is None else row.ledger_cash is not None

    async def revisions(self, portfolio_id: int) -> Revisions:
        """Return the revisions as committed now, by one indexed lookup.

        Raises:
            PortfolioMissing: there is no such portfolio yet.
        """
        row_id = self._row.id_for(portfolio_id)
        found = None if row_id is None else await self._lookup.revisions(row_id)
        if found is not None:
            return found
        row = await self._connections.read(lambda session: self._get(session, portfolio_id))
        return Revisions(ledger=row.revision, prices=row.price_revision)

    async def version(self, portfolio_id: int) -> str:
        """Return a word that is another one once anything that ``load`` reads is, whoever wrote it.

        Raises:
            PortfolioMissing: there is no such portfolio yet.
        """

        async def look(session: Session) -> str:
            row = await self._get(session, portfolio_id)
            return f"{tuple(row)!r} {await holdings_version(session)}"

        return await self._connections.read(look)

    async def load(self, portfolio_id: int) -> Portfolio:
        """Return the portfolio in one consistent read, without a lock.

        Raises:
            PortfolioMissing: there is no such portfolio yet.
        """

        async def load(session: Session) -> Portfolio:
            row = await self._get(session, portfolio_id)
            [holdings] = await session.execute(ALL_HOLDINGS.on(session.dialect))
            return self._row.known.whole(row, holdings).portfolio

        return await self._connections.read(load, snapshot=True)

    async def newest(self, portfolio_id: int) -> Portfolio:
        """Return the portfolio with every entry and price that is committed.

        What other programs wrote into the shared rows may be missing: ``load`` sees that too.

        Raises:
            PortfolioMissing: there is no such portfolio yet.
        """

        async def read(session: Session) -> Portfolio:
            row = await self._get(session, portfolio_id)
            wanted = self._row.known.wanted(())
            if wanted is not None:
                [holdings] = await session.execute(some_holdings(session.dialect, wanted))
                found = self._row.known.updated(row, holdings, wanted)
                if found is not None:
                    return found.portfolio
            [holdings] = await session.execute(ALL_HOLDINGS.on(session.dialect))
            return self._row.known.whole(row, holdings).portfolio

        return await self._connections.read(read, snapshot=True)

    async def trades(self, wanted: TradeFilter) -> Page[BookedTrade]:
        """Return the trades booked here, newest first; executed at ``since`` or later, and before ``until``."""
        rows = await self._rows(_select_wanted(wanted))
        return _page([trade_from_row(row) for row in rows], wanted.limit)

    async def cash_transactions(self, *, before: int | None, limit: int) -> Page[RecordedCashEntry]:
        """Return the entries that are no trade, newest first."""
        found = await self._connections.read(lambda session: read_cash_entries(session, before, limit + 1))
        return _page(found, limit)

    async def outcome(self, key: BookingKey) -> RecordedOutcome | None:
        """Return what became of the booking with this key; None where nothing did."""
        c = booking_outcomes.c
        rows = await self._rows(
            select(booking_outcomes).where(c.owner == key.owner, c.client_trade_id == key.client_trade_id)
        )
        return outcome_from_row(rows[0]) if rows else None

    async def owners_of(self, client_trade_ids: Collection[str]) -> Mapping[str, Sequence[str]]:
        """Return by key who has a booking under it, in order; absent where nobody has."""
        c = booking_outcomes.c
        rows = await self._rows(select(c.client_trade_id, c.owner).where(c.client_trade_id.in_(client_trade_ids)))
        found: dict[str, list[str]] = {}
        for row in sorted(rows, key=lambda row: str(row.owner)):
            found.setdefault(row.client_trade_id, []).append(row.owner)
        return found

    async def refusals(self, *, before: int | None, limit: int) -> Page[RecordedOutcome]:
        """Return refused bookings, newest first."""
        c = booking_outcomes.c
        refused = select(booking_outcomes).where(c.status == REFUSED).order_by(c.id.desc()).limit(limit + 1)
        rows = await self._rows(refused if before is None else refused.where(c.id < before))
        return _page([outcome_from_row(row) for row in rows], limit)

    async def count_refusals(self) -> int:
        """Return how many refused bookings are kept; an override takes the place of the refusal it books."""
        count = select(func.count()).select_from(booking_outcomes).where(booking_outcomes.c.status == REFUSED)
        [row] = await self._rows(count)
        return int(row[0])

    async def entries(self, portfolio_id: int, *, after: int, limit: int) -> Sequence[Entry]:
        """Return the ledger's entries in the order they were booked, those after ledger revision ``after``.

        Raises:
            PortfolioMissing: there is no such portfolio yet.
        """

        async def read(session: Session) -> Sequence[Entry]:
            await self._get(session, portfolio_id)
            return await read_entries(session, after, limit)

        return await self._connections.read(read, snapshot=True)

    async def ping(self) -> str:
        """Return the schema revision that the database is at.

        Raises:
            SchemaUnknown: it has none.
            LedgerUnavailable: it is away, or takes no writes.
        """
        return await self._connections.read(_ping)

    async def try_write(self) -> None:
        """Make sure that a booking could be committed now, by taking the row's lock and giving it back.

        Where a booking of this process has the lock, or had it a moment ago, that is the proof.

        Raises:
            LedgerUnavailable: it could not.
        """
        if self._row.had_lock_within(OWN_LOCK_SECONDS):
            return
        row_id = self._row.id_for(THE_PORTFOLIO)
        await self._connections.try_write(
            lambda session: try_lock(session, row_id, LOCK_SECONDS), lock_wait_seconds=LOCK_SECONDS
        )

    async def holds_trades(self) -> bool:
        """Return whether the trades table has any row, whoever wrote it."""
        return bool(await self._rows(select(mock_trades.c.id).limit(1)))

    async def _rows(self, statement: Select[Any]) -> Sequence[Any]:
        async def run(session: Session) -> Sequence[Any]:
            return (await session.run(statement)).all()

        return await self._connections.read(run)

    async def _find(self, session: Session, portfolio_id: int) -> Any | None:
        row = await find_row(session, self._row.id_for(portfolio_id))
        if row is not None:
            self._row.seen(row)
        return row

    async def _get(self, session: Session, portfolio_id: int) -> Any:
        row = await self._find(session, portfolio_id)
        if row is None:
            raise PortfolioMissing(portfolio_id)
        return row


def _select_wanted(wanted: TradeFilter) -> Select[Any]:
    c = mock_trades.c
    conditions: list[ColumnElement[bool]] = [c.booked_by.is_not(None)]
    if wanted.symbol is not None:
        conditions.append(c.symbol == wanted.symbol.code)
    if wanted.side is not None:
        conditions.append(c.side == wanted.side.value)
    if wanted.engine is not None:
        conditions.append(c.engine == wanted.engine)
    if wanted.since is not None:
        conditions.append(c.execution_time >= wanted.since)
    if wanted.until is not None:
        conditions.append(c.execution_time < wanted.until)
    if wanted.before is not None:
        conditions.append(c.id < wanted.before)
    return select_trades().where(*conditions).order_by(c.id.desc()).limit(wanted.limit + 1)


async def _ping(session: Session) -> str:
    revision = schema_revision.c.version_num
    if session.is_sqlite:
        found = (await session.run(select(revision))).first()
    else:
        read_only: ColumnElement[bool] = literal_column("@@global.read_only")
        found = (await session.run(select(revision, read_only.label("read_only")))).first()
        if found is not None and found.read_only:
            raise LedgerUnavailable("the database is read-only")
    if found is None:
        raise SchemaUnknown(None, SCHEMA_REVISION)
    return str(found.version_num)


def _page(items: Sequence[Any], limit: int) -> Page[Any]:
    """Return the first ``limit`` items, and where to go on if there is one more."""
    more = len(items) > limit
    return Page(items[:limit], items[limit - 1].id if more else None)
