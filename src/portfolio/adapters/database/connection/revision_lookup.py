"""What is looked up before every read: one statement and round trip, in no transaction, on a connection kept for it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, bindparam, literal_column, select
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError

from portfolio.adapters.database.connection.connections import Connections
from portfolio.adapters.database.connection.errors import ConnectionLost, NoAnswer, is_lost, translated
from portfolio.adapters.database.connection.mysql import IS_READ_ONLY
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.connection.statements import Prepared, Row, Statement
from portfolio.adapters.database.connection.timeouts import Timeouts
from portfolio.adapters.database.schema.tables import mock_portfolio
from portfolio.application.ledger.records import Revisions


class Question:
    """A statement that is looked up; its rows say beside what it asks for whether the server ``is_read_only``."""

    def __init__(self, chosen: Select[Any], on_sqlite: Select[Any] | None = None) -> None:
        """Take what is chosen, on SQLite perhaps in other words."""
        on_sqlite = chosen if on_sqlite is None else on_sqlite
        self._on_mysql = Prepared(chosen.add_columns(literal_column(IS_READ_ONLY).label("is_read_only")))
        self._on_sqlite = Prepared(on_sqlite.add_columns(literal_column("0").label("is_read_only")))

    def on(self, dialect: Dialect, parameters: dict[str, Any]) -> Statement:
        """Return the statement with these parameters."""
        return (self._on_sqlite if dialect.name == "sqlite" else self._on_mysql).on(dialect, **parameters)


_REVISIONS = Question(
    select(mock_portfolio.c.revision, mock_portfolio.c.price_revision).where(mock_portfolio.c.id == bindparam("id"))
)


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
        """Return the revisions as committed now; None where the ordinary way has to find out."""
        for row in await self.rows(_REVISIONS, id=row_id):
            return Revisions(ledger=row.revision, prices=row.price_revision)
        return None

    async def rows(self, question: Question, **parameters: Any) -> Sequence[Row]:
        """Return the rows of one statement as committed now; none where the ordinary way has to find out."""
        if self._is_busy:
            return ()
        self._is_busy = True
        try:
            with translated():
                return await self._look_up(question, parameters)
        except BaseException:
            self._drop()
            raise
        finally:
            self._is_busy = False

    async def close(self) -> None:
        """Close the connection."""
        self._drop()
        await self._connections.close()

    async def _look_up(self, question: Question, parameters: dict[str, Any]) -> Sequence[Row]:
        if time.monotonic() >= self._keep_until:
            self._drop()
        was_kept = self._session is not None
        session = self._session = self._session or await self._connect()
        try:
            [found] = await session.execute(question.on(session.dialect, parameters))
        except (DBAPIError, ConnectionLost) as error:
            if isinstance(error, NoAnswer) or not is_lost(error):
                raise
            self._drop()
            return await self._look_up(question, parameters) if was_kept else ()
        if found.rows and found.rows[0].is_read_only:  # as after a failover: others may be ahead of this server
            self._drop()
            if was_kept:
                return await self._look_up(question, parameters)
        return found.rows

    async def _connect(self) -> Session:
        connection = await self._connections.connect()
        self._keep_until = time.monotonic() + self._limits.recycle_seconds
        return Session(connection, self._limits)

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.drop()
            self._connections.give_back(session)
