"""Short questions that tell how a database is doing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, func, literal_column, or_, select

from portfolio.adapters.database.connection.connections import Connections
from portfolio.adapters.database.connection.mysql import IS_READ_ONLY
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.ledger.mapping_records import REFUSED
from portfolio.adapters.database.ledger.portfolio_row import PortfolioRow
from portfolio.adapters.database.ledger.unit_reads import select_unbooked
from portfolio.adapters.database.operations.trial import book_on_trial
from portfolio.adapters.database.prices.prices import DatabasePriceStore
from portfolio.adapters.database.schema.revision import SCHEMA_REVISION, runs_on
from portfolio.adapters.database.schema.server_check import check_settings, check_tables
from portfolio.adapters.database.schema.tables import booking_outcomes, cash_refusals, schema_revision
from portfolio.application.errors import LedgerRefused, LedgerUnavailable, SchemaUnknown
from portfolio.application.ledger.records import MOST_COUNTED, NEVER_BOOKABLE
from portfolio.application.prices.records import Close

LOCK_SECONDS = 0.5
OWN_LOCK_SECONDS = 2.0

_NEWEST_BOOKINGS = select(booking_outcomes.c.id).where(booking_outcomes.c.status == REFUSED)
_BOOKABLE = _NEWEST_BOOKINGS.where(
    ~or_(*(booking_outcomes.c.outcome.startswith(f'{{"error":"{error}"') for error in NEVER_BOOKABLE))
)


class DatabaseProbe:
    """The port ``Probe`` on a database."""

    def __init__(
        self, connections: Connections, row: PortfolioRow, prices: DatabasePriceStore, prices_schema: str | None
    ) -> None:
        self._prices = prices
        self._connections = connections
        self._row = row
        self._prices_schema = prices_schema

    async def ping(self) -> str:
        try:
            found = await self._connections.read(_ping)
        except SchemaUnknown as error:
            self._connections.schema = error.found
            raise
        self._connections.schema = found
        return found

    async def check_server(self) -> Sequence[str]:
        async def look(session: Session) -> Sequence[str]:
            notes = await check_settings(session)
            await check_tables(session, self._prices_schema)
            return notes

        try:
            notes = await self._connections.read(look)
        except LedgerRefused as error:
            self._connections.unfit = str(error)
            raise
        self._connections.unfit = ""
        return notes

    async def count_refusals(self, portfolio_id: int) -> int:
        async def count(session: Session) -> int:
            # Two statements, as MariaDB reads no range of an index from an id that it has to look up first.
            oldest_ids = select(_oldest_of(_NEWEST_BOOKINGS), _oldest_of(select(cash_refusals.c.id)))
            booking_id, other_id = tuple((await session.run(oldest_ids)).one())
            bookings = _BOOKABLE.where(booking_outcomes.c.id >= (booking_id or 0))
            others = select_unbooked(cash_refusals.c.id).where(
                cash_refusals.c.id >= (other_id or 0), cash_refusals.c.error.not_in(NEVER_BOOKABLE)
            )
            return int((await session.run(select(_number_of(bookings) + _number_of(others)))).scalar_one())

        self._row.id_for(portfolio_id)
        return await self._connections.read(count)

    async def unreadable_rows(self, portfolio_id: int) -> Sequence[str]:
        """Return a line for each row that was met and left out because it cannot be read; each is read again for it.

        A close that was mended counts as written now: whoever keeps the closes without it has to read them anew.
        """
        self._row.id_for(portfolio_id)
        unreadable = self._row.unreadable
        if unreadable.lines:
            mended = await self._connections.read(unreadable.look_again)
            await self._prices.changed({close.symbol for close in mended if isinstance(close, Close)})
        return unreadable.lines

    async def try_write(self, portfolio_id: int) -> None:
        """Make sure that a booking could be committed now, by all that one does but its commit.

        Where only the lock cannot be had, and a booking of this process has it, or had it a moment ago, that is enough.

        Raises:
            LedgerRefused: the database answers, and refuses a part of it.
        """
        row_id = self._row.id_for(portfolio_id)

        async def book(session: Session) -> None:
            await self._row.try_lock(session, portfolio_id, LOCK_SECONDS)
            await book_on_trial(session, row_id, self._prices_schema)

        try:
            await self._connections.try_write(book, lock_wait_seconds=LOCK_SECONDS)
        except LedgerRefused:
            raise
        except LedgerUnavailable:
            if not self._row.had_lock_within(OWN_LOCK_SECONDS):
                raise


def _oldest_of(ids: Select[Any]) -> ScalarSelect[int]:
    """Return the id of the oldest of the newest that are counted; NULL where there are fewer."""
    [column] = ids.selected_columns
    return ids.order_by(column.desc()).limit(1).offset(MOST_COUNTED - 1).scalar_subquery()


def _number_of(rows: Select[Any]) -> ScalarSelect[int]:
    return select(func.count()).select_from(rows.subquery()).scalar_subquery()


async def _ping(session: Session) -> str:
    revision = schema_revision.c.version_num
    if session.is_sqlite:
        found = (await session.run(select(revision))).first()
    else:
        read_only: ColumnElement[bool] = literal_column(IS_READ_ONLY)
        found = (await session.run(select(revision, read_only.label("read_only")))).first()
        if found is not None and found.read_only:
            raise LedgerUnavailable("the database is read-only")
    schema = None if found is None else str(found.version_num)
    if schema is None or not runs_on(schema):
        raise SchemaUnknown(schema, SCHEMA_REVISION)
    return schema
