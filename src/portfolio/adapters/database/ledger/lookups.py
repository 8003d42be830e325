"""Look-ups of what was booked and refused, in a database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, select

from portfolio.adapters.database.connection.connections import Connections
from portfolio.adapters.database.ledger.entries import read_cash_entries, select_trades
from portfolio.adapters.database.ledger.mapping import trade_from_row
from portfolio.adapters.database.ledger.mapping_records import REFUSED, outcome_from_row
from portfolio.adapters.database.ledger.portfolio_row import PortfolioRow
from portfolio.adapters.database.schema.tables import booking_outcomes, mock_trades
from portfolio.application.ledger.cash_records import RecordedCashEntry
from portfolio.application.ledger.records import BookedTrade, BookingKey, Page, RecordedOutcome, TradeFilter

T = TypeVar("T")


class DatabaseLookups:
    """The port ``Lookups`` on a database."""

    def __init__(self, connections: Connections, row: PortfolioRow) -> None:
        self._connections = connections
        self._row = row

    async def trades(self, portfolio_id: int, wanted: TradeFilter) -> Page[BookedTrade]:
        """Return the trades booked here, newest first; executed at ``since`` or later, and before ``until``."""
        rows = await self._rows(portfolio_id, _select_wanted(wanted))
        return page_of([trade_from_row(row) for row in rows], wanted.limit, attrgetter("id"))

    async def cash_transactions(self, portfolio_id: int, *, before: int | None, limit: int) -> Page[RecordedCashEntry]:
        """Return the entries that are no trade, newest first."""
        self._row.id_for(portfolio_id)
        found = await self._connections.read(lambda session: read_cash_entries(session, before, limit + 1))
        return page_of(found, limit, attrgetter("id"))

    async def outcome(self, portfolio_id: int, key: BookingKey) -> RecordedOutcome | None:
        """Return what became of the booking with this key; None where nothing did."""
        c = booking_outcomes.c
        wanted = select(booking_outcomes).where(c.owner == key.owner, c.client_trade_id == key.client_trade_id)
        rows = await self._rows(portfolio_id, wanted)
        return outcome_from_row(rows[0]) if rows else None

    async def refusals(self, portfolio_id: int, *, before: int | None, limit: int) -> Page[RecordedOutcome]:
        """Return refused bookings, newest first."""
        c = booking_outcomes.c
        refused = select(booking_outcomes).where(c.status == REFUSED).order_by(c.id.desc()).limit(limit + 1)
        rows = await self._rows(portfolio_id, refused if before is None else refused.where(c.id < before))
        return page_of([outcome_from_row(row) for row in rows], limit, attrgetter("id"))

    async def holds_trades(self) -> bool:
        """Return whether the trades table has any row, whoever wrote it."""
        return bool(await self._connections.rows(select(mock_trades.c.id).limit(1)))

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
    if wanted.since is not None:
        conditions.append(c.execution_time >= wanted.since)
    if wanted.until is not None:
        conditions.append(c.execution_time < wanted.until)
    if wanted.before is not None:
        conditions.append(c.id < wanted.before)
    return select_trades().where(*conditions).order_by(c.id.desc()).limit(wanted.limit + 1)


def page_of(items: Sequence[T], limit: int, number: Callable[[T], int | None]) -> Page[T]:
    """Return the first ``limit`` items, and the number to go on before if there is one more."""
    return Page(items[:limit], number(items[limit - 1]) if len(items) > limit else None)
