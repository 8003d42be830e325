"""Short questions that tell how a database is doing."""

from __future__ import annotations

from sqlalchemy import ColumnElement, func, literal_column, select

from portfolio.adapters.database.connection.connections import Connections
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.ledger.mapping_records import REFUSED
from portfolio.adapters.database.ledger.portfolio_row import PortfolioRow
from portfolio.adapters.database.schema.tables import SCHEMA_REVISION, booking_outcomes, runs_on, schema_revision
from portfolio.application.errors import LedgerUnavailable, SchemaUnknown

LOCK_SECONDS = 0.5
OWN_LOCK_SECONDS = 2.0


class DatabaseProbe:
    """The port ``Probe`` on a database."""

    def __init__(self, connections: Connections, row: PortfolioRow) -> None:
        self._connections = connections
        self._row = row

    async def ping(self) -> str:
        """Return the schema revision that the database is at; nothing is written to one that does not fit.

        Raises:
            SchemaUnknown: it has none, or one that this version does not run on.
            LedgerUnavailable: it is away, or takes no writes.
        """
        try:
            found = await self._connections.read(_ping)
        except SchemaUnknown as error:
            self._connections.schema = error.found
            raise
        self._connections.schema = found
        return found

    async def count_refusals(self, portfolio_id: int) -> int:
        """Return how many refused bookings are kept; an override takes the place of the refusal it books."""
        count = select(func.count()).select_from(booking_outcomes).where(booking_outcomes.c.status == REFUSED)
        self._row.id_for(portfolio_id)
        [row] = await self._connections.rows(count)
        return int(row[0])

    async def try_write(self, portfolio_id: int) -> None:
        """Make sure that a booking could be committed now, by taking the row's lock and giving it back.

        Where a booking of this process has the lock, or had it a moment ago, that is the proof.

        Raises:
            LedgerUnavailable: it could not.
        """
        self._row.id_for(portfolio_id)
        if self._row.had_lock_within(OWN_LOCK_SECONDS):
            return
        await self._connections.try_write(
            lambda session: self._row.try_lock(session, portfolio_id, LOCK_SECONDS), lock_wait_seconds=LOCK_SECONDS
        )


async def _ping(session: Session) -> str:
    revision = schema_revision.c.version_num
    if session.is_sqlite:
        found = (await session.run(select(revision))).first()
    else:
        read_only: ColumnElement[bool] = literal_column("@@global.read_only")
        found = (await session.run(select(revision, read_only.label("read_only")))).first()
        if found is not None and found.read_only:
            raise LedgerUnavailable("the database is read-only")
    schema = None if found is None else str(found.version_num)
    if schema is None or not runs_on(schema):
        raise SchemaUnknown(schema, SCHEMA_REVISION)
    return schema
