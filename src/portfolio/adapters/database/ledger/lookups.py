"""Look-ups of what was booked and refused, in a database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Column, ColumnElement, Select, func, select

from portfolio.adapters.database.connection.connections import Connections
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.ledger.entries import TRADES, read_cash_rows, read_log, select_trades
from portfolio.adapters.database.ledger.event_reads import (
    read_activity,
    read_events,
    read_needed_event,
    select_events,
    select_unit_changes,
)
from portfolio.adapters.database.ledger.mapping_records import REFUSED
from portfolio.adapters.database.ledger.portfolio_row import PortfolioRow
from portfolio.adapters.database.ledger.unit_of_work import read_rows
from portfolio.adapters.database.ledger.unit_reads import OUTCOMES, REFUSED_CASH, select_unbooked
from portfolio.adapters.database.schema.tables import booking_outcomes, cash_refusals, cash_transactions, mock_trades
from portfolio.adapters.database.schema.unreadable import Rows
from portfolio.application.errors import KeyReused
from portfolio.application.ledger.booking_batch import outcome_again
from portfolio.application.ledger.cash_records import CashEntry, LoggedEntry, RecordedCashEntry, RefusedCashEntry
from portfolio.application.ledger.happenings.activity import EntryFilter, ListedEntry
from portfolio.application.ledger.happenings.records import RecordedEvent
from portfolio.application.ledger.records import BookedTrade, BookingKey, Page, RecordedOutcome, TradeFilter
from portfolio.domain.categories import A_QUARTER, PositionLimit

T = TypeVar("T")


class DatabaseLookups:
    """The port ``Lookups`` on a database."""

    def __init__(self, connections: Connections, row: PortfolioRow) -> None:
        self._connections = connections
        self._row = row

    async def trades(self, portfolio_id: int, wanted: TradeFilter) -> Page[BookedTrade]:
        return await self._page(TRADES, portfolio_id, _select_wanted(wanted), wanted.limit)

    async def cash_transactions(self, portfolio_id: int, *, before: int | None, limit: int) -> Page[RecordedCashEntry]:
        self._row.id_for(portfolio_id)
        chosen = newest_page(select(cash_transactions), cash_transactions.c.id, before, limit)
        return await self._read_page(chosen, limit, read_cash_rows)

    async def events(
        self, portfolio_id: int, *, before: int | None, limit: int, event_id: int | None = None
    ) -> Page[RecordedEvent]:
        self._row.id_for(portfolio_id)
        chosen = newest_page(select_events(event_id), cash_transactions.c.id, before, limit)
        return await self._read_page(chosen, limit, read_events, snapshot=True)

    async def splits_and_exchanges(self, portfolio_id: int, *, after: int) -> Sequence[CashEntry]:
        self._row.id_for(portfolio_id)
        chosen = select_unit_changes(after)

        async def read(session: Session) -> Sequence[CashEntry]:
            rows = (await session.run(chosen)).all()
            return [one.entry for one in await read_cash_rows(session, rows, self._row.unreadable)]

        return await self._connections.read(read, snapshot=True)

    async def event_under(self, portfolio_id: int, owner: str, key: str) -> RecordedEvent | RefusedCashEntry | None:
        self._row.id_for(portfolio_id)
        booked, refused, other = (
            wanted.where(table.c.owner == owner, table.c.client_transaction_id == key)
            for wanted, table in (
                (select_events(), cash_transactions),
                (select(cash_refusals), cash_refusals),
                (select(cash_transactions.c.id), cash_transactions),
            )
        )

        async def read(session: Session) -> RecordedEvent | RefusedCashEntry | None:
            rows = (await session.run(booked)).all()
            if rows:
                return await read_needed_event(session, rows[0], self._row.unreadable)
            row = (await session.run(refused)).first()
            if row is None and (await session.run(other)).first() is not None:
                raise KeyReused(key)
            return None if row is None else self._row.unreadable.needed(REFUSED_CASH, row)

        return await self._connections.read(read, snapshot=True)

    async def activity(self, portfolio_id: int, wanted: EntryFilter) -> Page[ListedEntry]:
        self._row.id_for(portfolio_id)
        return await self._connections.read(
            partial(read_activity, wanted=wanted, unreadable=self._row.unreadable), snapshot=True
        )

    async def log(self, portfolio_id: int, *, after: int, until: int) -> Sequence[LoggedEntry]:
        self._row.id_for(portfolio_id)
        return await self._connections.read(
            partial(read_log, after=after, until=until, unreadable=self._row.unreadable), snapshot=True
        )

    async def outcome(
        self, portfolio_id: int, key: BookingKey, limit: PositionLimit = A_QUARTER
    ) -> RecordedOutcome | None:
        c = booking_outcomes.c
        wanted = select(booking_outcomes).where(c.owner == key.owner, c.client_trade_id == key.client_trade_id)
        rows = await self._rows(portfolio_id, wanted)
        if rows:
            return self._row.unreadable.needed(OUTCOMES, rows[0])
        return await self._lost_outcome(portfolio_id, key, limit)

    async def _lost_outcome(self, portfolio_id: int, key: BookingKey, limit: PositionLimit) -> RecordedOutcome | None:
        """Return the outcome of a trade whose own is gone, as the next copy of the booking will make it anew."""
        c = mock_trades.c
        booked = select_trades().where(c.booked_by == key.owner, c.client_trade_id == key.client_trade_id)

        async def read(session: Session) -> RecordedOutcome | None:
            row = (await session.run(booked)).first()
            if row is None:
                return None
            portfolio = (await read_rows(session, portfolio_id, self._row, None)).read.portfolio
            return outcome_again(self._row.unreadable.needed(TRADES, row), portfolio, limit)

        return await self._connections.read(read, snapshot=True)

    async def refusals(self, portfolio_id: int, *, before: int | None, limit: int) -> Page[RecordedOutcome]:
        c = booking_outcomes.c
        chosen = newest_page(select(booking_outcomes).where(c.status == REFUSED), c.id, before, limit)
        return await self._page(OUTCOMES, portfolio_id, chosen, limit)

    async def cash_refusals(self, portfolio_id: int, *, before: int | None, limit: int) -> Page[RefusedCashEntry]:
        chosen = newest_page(select_unbooked(cash_refusals), cash_refusals.c.id, before, limit)
        return await self._page(REFUSED_CASH, portfolio_id, chosen, limit)

    async def holds_trades(self) -> bool:
        """Return whether the trades table has any row, whoever wrote it."""
        return bool(await self._connections.rows(select(mock_trades.c.id).limit(1)))

    async def _page(self, kind: Rows[T], portfolio_id: int, statement: Select[Any], limit: int) -> Page[T]:
        rows = page_of(await self._rows(portfolio_id, statement), limit)
        return Page(self._row.unreadable.readable(kind, rows.items), rows.next_before)

    async def _read_page(
        self, chosen: Select[Any], limit: int, read: Callable[..., Awaitable[Sequence[T]]], *, snapshot: bool = False
    ) -> Page[T]:
        async def look(session: Session) -> Page[T]:
            rows = page_of((await session.run(chosen)).all(), limit)
            return Page(await read(session, rows.items, self._row.unreadable), rows.next_before)

        return await self._connections.read(look, snapshot=snapshot)

    async def _rows(self, portfolio_id: int, statement: Select[Any]) -> Sequence[Any]:
        self._row.id_for(portfolio_id)
        return await self._connections.rows(statement)


def _select_wanted(wanted: TradeFilter) -> Select[Any]:
    c, key = mock_trades.c, wanted.client_trade_id
    equal = {
        c.id: wanted.id,
        c.symbol: wanted.symbol and wanted.symbol.code,
        c.side: wanted.side and wanted.side.value,
        c.engine: wanted.engine,
        c.booked_by: wanted.owner,
        c.client_trade_id: key,
    }
    conditions: list[ColumnElement[bool]] = [c.booked_by.is_not(None)]
    conditions += [column == value for column, value in equal.items() if value is not None]
    if key is not None and wanted.owner is None:
        # The index of the trades begins with the owner, that of the outcomes with the key.
        o = booking_outcomes.c
        conditions.append(c.booked_by.in_(select(o.owner).where(o.client_trade_id == key)))
    if wanted.signal_prefix is not None:  # LIKE takes small and capital letters for the same on SQLite
        conditions.append(func.substr(c.signal_id, 1, len(wanted.signal_prefix)) == wanted.signal_prefix)
    if wanted.since is not None:
        conditions.append(c.execution_time >= wanted.since)
    if wanted.until is not None:
        conditions.append(c.execution_time < wanted.until)
    return newest_page(select_trades().where(*conditions), c.id, wanted.before, wanted.limit)


def newest_page(rows: Select[Any], key: Column[int], before: int | None, limit: int) -> Select[Any]:
    """Return the statement for the newest rows by their id, those ``before`` one, and one more than ``limit``."""
    page = rows.order_by(key.desc()).limit(limit + 1)
    return page if before is None else page.where(key < before)


def page_of(rows: Sequence[Any], limit: int) -> Page[Any]:
    """Return the first ``limit`` rows, and the id to go on before if there is one more."""
    return Page(rows[:limit], rows[limit - 1].id if len(rows) > limit else None)
