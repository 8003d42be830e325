"""Connections, and where transactions run: writers take turns, a conflict is tried again, and there is one commit."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from sqlalchemy import Select
from sqlalchemy.event import listens_for
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from portfolio.adapters.database.connection.errors import (
    ConnectionLost,
    NoAnswer,
    UnitLate,
    is_conflict,
    is_lost,
    rows_read,
    translated,
)
from portfolio.adapters.database.connection.session import BORN, Session
from portfolio.adapters.database.connection.statements import opening
from portfolio.adapters.database.connection.timeouts import Timeouts
from portfolio.adapters.database.schema.revision import SCHEMA_REVISION, runs_on
from portfolio.application.errors import LedgerRefused, SchemaUnknown

T = TypeVar("T")

ATTEMPTS = 5
JITTER_SECONDS = 0.02


class Connections:  # shape: the ways to a session, which share pool and patience
    """Where transactions run. Writers of this process take turns: those who wait here hold no connection."""

    def __init__(self, engine: AsyncEngine, limits: Timeouts) -> None:
        """Take an engine, which is this object's alone."""
        self._engine = engine
        self._limits = limits
        self.schema: str | None = SCHEMA_REVISION  # as it was last seen
        self.unfit = ""  # why nothing may be written to this database, as it was last seen
        self._turn = asyncio.Lock()
        self._given_up_at = -math.inf
        self._at_work = 0
        self._nobody_at_work = asyncio.Event()
        self._nobody_at_work.set()
        self._returning: set[asyncio.Task[None]] = set()
        self._kept: Session | None = None
        listens_for(engine.sync_engine, "connect")(_remember_birth)
        listens_for(engine.sync_engine, "checkout")(self._replace_what_was_there_before)

    async def write(self, work: Callable[[Session], Awaitable[T]]) -> T:
        """Run ``work`` in one transaction and commit once; on a conflict all of it again, at most five times.

        Raises:
            SchemaUnknown: the database is at a revision that this version does not run on.
            LedgerRefused: the database is unfit.
        """
        if not runs_on(self.schema):
            raise SchemaUnknown(self.schema, SCHEMA_REVISION)
        if self.unfit:
            raise LedgerRefused(self.unfit)
        give_up_at = time.monotonic() + self._limits.unit_seconds
        with translated():
            async with self._my_turn(self._limits.statement_seconds):
                return await self._persist(work, give_up_at)

    async def read(self, work: Callable[[Session], Awaitable[T]], *, snapshot: bool = False) -> T:
        """Run ``work``, which only reads; with ``snapshot`` all its statements see one state."""
        with translated(), rows_read():
            try:
                return await self._look(work, snapshot)
            except (DBAPIError, ConnectionLost) as error:
                # The pool cannot know that the server has closed a connection meanwhile. What was silent stays so.
                if isinstance(error, NoAnswer) or not is_lost(error):
                    raise
            return await self._look(work, snapshot)

    async def rows(self, statement: Select[Any]) -> Sequence[Any]:
        """Return the rows of one statement."""

        async def run(session: Session) -> Sequence[Any]:
            return (await session.run(statement)).all()

        return await self.read(run)

    async def try_write(self, work: Callable[[Session], Awaitable[object]], *, lock_wait_seconds: float) -> None:
        """Run ``work`` in a transaction that is begun as a booking's is, and roll it back: nothing is written.

        It takes its turn among the writers. The waits for that, and on SQLite for the one write lock, end after
        ``lock_wait_seconds``.
        """
        usual, give_up_at = self._limits.lock_wait_seconds, time.monotonic() + self._limits.unit_seconds
        with translated():
            async with (
                self._my_turn(lock_wait_seconds),
                self._session(give_up_at) as session,
                session.on_trial(lock_wait_seconds, usual),
            ):
                try:
                    await work(session)
                finally:
                    await session.rollback()

    async def close(self) -> None:
        """Close all connections once nobody is at work on one; those that do not close in time end with the process."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.close_seconds):
                await self._nobody_at_work.wait()
        if self._kept is not None:
            self.give_back(self._kept)
        if self._returning:
            await asyncio.wait(self._returning, timeout=self._limits.close_seconds)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.close_seconds):
                await self._engine.dispose()

    @asynccontextmanager
    async def _my_turn(self, seconds: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(seconds):
                await self._turn.acquire()
        except TimeoutError as error:
            raise NoAnswer(seconds) from error
        try:
            yield
        finally:
            self._turn.release()

    async def _persist(self, work: Callable[[Session], Awaitable[T]], give_up_at: float) -> T:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._attempt(work, give_up_at)
            except NoAnswer as error:
                if time.monotonic() < give_up_at:
                    raise
                raise UnitLate(self._limits.unit_seconds) from error
            except Exception as error:
                again = is_conflict(error) or is_lost(error)
                if not again or attempt == ATTEMPTS or time.monotonic() >= give_up_at:
                    raise
            await asyncio.sleep(random.uniform(0, JITTER_SECONDS * 2**attempt))  # noqa: S311  jitter is no secret
        raise AssertionError("unreachable")

    async def _attempt(self, work: Callable[[Session], Awaitable[T]], give_up_at: float) -> T:
        async with self._session(give_up_at) as session:
            try:
                result = await work(session)
                await session.execute()
                await session.commit()
            except BaseException:
                await session.rollback()
                raise
            return result

    async def _look(self, work: Callable[[Session], Awaitable[T]], snapshot: bool) -> T:
        async with self._session(snapshot=snapshot) as session:
            return await work(session)

    async def connect(self, patience: float = math.inf) -> AsyncConnection:
        """Return a connection from the pool within ``patience`` seconds, or as long as one may take if that is less.

        Raises:
            NoAnswer: it took longer.
        """
        patience = min(patience, self._limits.pool_seconds + self._limits.connect_seconds)
        connection = self._engine.connect()
        try:
            async with asyncio.timeout(patience):
                await connection.start()
        except TimeoutError as error:
            raise NoAnswer(patience) from error
        return connection

    def give_back(self, session: Session) -> asyncio.Task[None]:
        """Give a session's connection back to the pool; nobody has to wait for that."""
        returning = asyncio.create_task(_close(session), name="return connection")
        self._returning.add(returning)
        returning.add_done_callback(self._returning.discard)
        return returning

    @asynccontextmanager
    async def _session(self, give_up_at: float | None = None, *, snapshot: bool = False) -> AsyncIterator[Session]:
        """Yield a session, for writing where there is a moment at which the unit gives up."""
        self._at_work += 1
        self._nobody_at_work.clear()
        try:
            async with self._open_session(give_up_at, snapshot) as session:
                yield session
        finally:
            self._at_work -= 1
            if not self._at_work:
                self._nobody_at_work.set()

    @asynccontextmanager
    async def _open_session(self, give_up_at: float | None, snapshot: bool) -> AsyncIterator[Session]:
        writes = give_up_at is not None
        connection = self._kept_one() or await self.connect(
            max(0.0, give_up_at - time.monotonic()) if give_up_at is not None else math.inf
        )
        begin = opening(connection.dialect, writes=writes, snapshot=snapshot)
        session = Session(connection, self._limits, opening=begin, give_up_at=give_up_at)
        try:
            yield session
        except BaseException:
            # Who failed, or was told to stop, is not made to wait for a connection that may have gone silent.
            self.give_back(session)
            raise
        finally:
            if session.was_given_up:
                self._given_up_at = time.monotonic()
        if session.has_committed and self._at_work == 1:
            self._kept = session
        else:
            await asyncio.shield(self.give_back(session))

    def _kept_one(self) -> AsyncConnection | None:
        """Return the connection of the last commit, for whoever asks first; None where there is none, or it is old.

        The way to the pool and back takes a twentieth of a booking or more. It is kept only while nobody else is at
        work, so nobody waits for the pool meanwhile.
        """
        kept, self._kept = self._kept, None
        if kept is None:
            return None
        if self._given_up_at < kept.born and time.monotonic() < kept.born + self._limits.recycle_seconds:
            return kept.connection
        self.give_back(kept)
        return None

    def _replace_what_was_there_before(self, _driver: object, record: Any, _proxy: object) -> None:
        """Have the pool replace a connection older than the last that was given up: one by one each fails a request."""
        if record.info[BORN] <= self._given_up_at:
            raise DisconnectionError("another connection to the same server was given up since")


def _remember_birth(_driver: object, record: Any) -> None:
    record.info[BORN] = time.monotonic()


async def _close(session: Session) -> None:
    """Give a connection back to the pool, which rolls back what is open; drop it if that takes long."""
    connection, seconds = session.connection, session.limits.close_seconds
    try:
        async with asyncio.timeout(seconds):
            if session.is_dropped:
                await connection.invalidate()
            await connection.close()
    except Exception:  # noqa: BLE001  what was asked for is done, and the pool has dropped the connection
        with suppress(Exception):
            async with asyncio.timeout(seconds):
                await connection.invalidate()
                await connection.close()
