"""The revisions, looked up before every read: one round trip, in no transaction, on a connection kept for it."""

from __future__ import annotations

import time

from sqlalchemy import bindparam, literal_column, select
from sqlalchemy.exc import DBAPIError

from portfolio.adapters.database.connection.connections import Connections
from portfolio.adapters.database.connection.errors import ConnectionLost, NoAnswer, is_lost, translated
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.connection.statements import Prepared
from portfolio.adapters.database.connection.timeouts import Timeouts
from portfolio.adapters.database.schema.tables import mock_portfolio
from portfolio.application.ledger.records import Revisions

_ROW = select(mock_portfolio.c.revision, mock_portfolio.c.price_revision).where(mock_portfolio.c.id == bindparam("id"))
_ON_SQLITE = Prepared(_ROW.add_columns(literal_column("0").label("is_read_only")))
_ON_MYSQL = Prepared(_ROW.add_columns(literal_column("@@global.read_only").label("is_read_only")))


class RevisionLookup:
    """Asks on a kept connection: a checkout from the pool costs more than the answer.

    Where there is no row, or nobody answers on a connection that was lost, reading in the ordinary way finds out.
    """

    def __init__(self, connections: Connections, limits: Timeouts) -> None:
        """Ask on one of ``connections``, which are this object's alone."""
        self._connections = connections
        self._limits = limits
        self._session: Session | None = None
        self._keep_until = 0.0
        self._is_busy = False

    async def revisions(self, row_id: int) -> Revisions | None:
        """Return the revisions as committed now; None where the ordinary way has to find out.

        Raises:
            LedgerUnavailable: the database is away or silent.
        """
        if self._is_busy:
            return None
        self._is_busy = True
        try:
            with translated():
                return await self._look_up(row_id)
        except BaseException:
            self._drop()
            raise
        finally:
            self._is_busy = False

    async def close(self) -> None:
        """Close the connection."""
        self._drop()
        await self._connections.close()

    async def _look_up(self, row_id: int) -> Revisions | None:
        if time.monotonic() >= self._keep_until:
            self._drop()
        was_kept = self._session is not None
        session = self._session = self._session or await self._connect()
        statement = (_ON_SQLITE if session.is_sqlite else _ON_MYSQL).on(session.dialect, id=row_id)
        try:
            [found] = await session.execute(statement)
        except (DBAPIError, ConnectionLost) as error:
            if isinstance(error, NoAnswer) or not is_lost(error):
                raise
            self._drop()
            return await self._look_up(row_id) if was_kept else None
        row = found.first()
        if row is None:
            return None
        if row.is_read_only:  # as after a failover: others may be ahead of this server
            self._drop()
            if was_kept:
                return await self._look_up(row_id)
        return Revisions(ledger=row.revision, prices=row.price_revision)

    async def _connect(self) -> Session:
        connection = await self._connections.connect()
        self._keep_until = time.monotonic() + self._limits.recycle_seconds
        return Session(connection, self._limits)

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.drop()
            self._connections.give_back(session)
