"""Connections and transactions: every statement under a deadline, every conflict tried again, one commit."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from sqlalchemy import CursorResult, Executable
from sqlalchemy.engine import Dialect
from sqlalchemy.event import listens_for
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from portfolio.adapters.database.driver import Driver, opening
from portfolio.adapters.database.errors import (
    CommitUnknown,
    ConnectionLost,
    NoAnswer,
    is_conflict,
    is_lost,
    rows_read,
    translated,
)
from portfolio.adapters.database.limits import Limits
from portfolio.adapters.database.statements import Answer, Question
from portfolio.adapters.database.tables import SCHEMA_REVISION

T = TypeVar("T")

ATTEMPTS = 5
JITTER_SECONDS = 0.02
CLOSE_SECONDS = 1.0
_BORN = "portfolio_born"


class Session:
    """One transaction's connection. A statement that fails or runs late leaves no connection in an unknown state."""

    def __init__(
        self, connection: AsyncConnection, limits: Limits, *, give_up_at: float | None = None, snapshot: bool = False
    ) -> None:
        """Wrap a connection; a unit, which may write, has to have done with its statements at ``give_up_at``."""
        self._connection = connection
        writes = give_up_at is not None
        self._driver = Driver(connection, opening(connection.dialect, writes=writes, snapshot=snapshot))
        self._limits = limits
        self._give_up_at = give_up_at
        self._was_given_up = False

    @property
    def dialect(self) -> Dialect:
        """Return what the connection speaks."""
        return self._connection.dialect

    @property
    def was_given_up(self) -> bool:
        """Return whether the connection went silent or was lost."""
        return self._was_given_up

    @property
    def is_sqlite(self) -> bool:
        """Return whether this is the embedded database, where one transaction writes at a time."""
        return self.dialect.name == "sqlite"

    async def ask(self, *questions: Question) -> list[Answer]:
        """Return the answers to questions, in order: in one round trip on MySQL, under one deadline."""
        async with self._within(self._statement_seconds()):
            return await self._driver.ask(questions)

    async def run(
        self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        """Return the result of a statement, complete."""
        async with self._within(self._statement_seconds()):
            await self._driver.open()
            return await self._connection.execute(statement, parameters)

    async def commit(self) -> None:
        """Commit.

        Raises:
            CommitUnknown: the commit may have been applied, or not.
        """
        try:
            async with self._within(self._limits.commit_seconds):
                await self._driver.commit()
        except ConnectionLost as error:
            raise CommitUnknown(f"the commit's answer never came: {error}") from error
        except DBAPIError as error:
            # A server that answers with a conflict, or SQLite with whatever, has not committed.
            if is_conflict(error) or (self.is_sqlite and not error.connection_invalidated):
                raise
            raise CommitUnknown(f"the commit's answer never came: {error.orig}") from error

    async def rollback(self) -> None:
        """Roll back; a connection on which that fails is given up, which rolls back too."""
        try:
            async with self._within(CLOSE_SECONDS):
                await self._driver.rollback()
        except (ConnectionLost, DBAPIError):
            with suppress(Exception):
                await self._connection.invalidate()

    @asynccontextmanager
    async def lock_wait(self, seconds: float, usual_seconds: float) -> AsyncIterator[None]:
        """Have SQLite wait so long for its write lock; other databases are asked not to wait at all."""
        if not self.is_sqlite:
            yield
            return
        driver: Any = (await self._connection.get_raw_connection()).driver_connection
        await driver.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
        try:
            yield
        finally:
            with suppress(Exception):
                await driver.execute(f"PRAGMA busy_timeout = {int(usual_seconds * 1000)}")

    def _statement_seconds(self) -> float:
        if self._give_up_at is None:
            return self._limits.read_seconds
        return min(self._limits.statement_seconds, max(0.0, self._give_up_at - time.monotonic()))

    @asynccontextmanager
    async def _within(self, seconds: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError as error:
            await self._give_up()
            raise NoAnswer(seconds) from error
        except DBAPIError as error:
            self._was_given_up |= error.connection_invalidated
            raise
        except (OSError, EOFError) as error:
            await self._give_up()
            raise ConnectionLost(str(error) or type(error).__name__) from error
        except RuntimeError as error:
            # What event loops say to a write on a transport that the other side has closed.
            if "closed" not in str(error):
                raise
            await self._give_up()
            raise ConnectionLost(str(error)) from error

    async def _give_up(self) -> None:
        self._was_given_up = True
        with suppress(Exception):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._connection.invalidate()


class Connections:
    """Where transactions run. Writers of this process take turns: those who wait here hold no connection."""

    def __init__(self, engine: AsyncEngine, limits: Limits) -> None:
        self._engine = engine
        self._limits = limits
        self._turn = asyncio.Lock()
        self._given_up_at = -math.inf
        self._returning: set[asyncio.Task[None]] = set()
        listens_for(engine.sync_engine, "connect")(_remember_birth)
        listens_for(engine.sync_engine, "checkout")(self._replace_what_was_there_before)

    async def write(self, work: Callable[[Session], Awaitable[T]]) -> T:
        """Run ``work`` in one transaction and commit once; on a conflict all of it again, at most five times.

        Raises:
            LedgerUnavailable: nothing was applied.
            OutcomeUnknown: the answer to the commit never came.
        """
        give_up_at = time.monotonic() + self._limits.unit_seconds
        with translated(expected_schema=SCHEMA_REVISION):
            async with self._my_turn():
                return await self._persist(work, give_up_at)

    async def read(self, work: Callable[[Session], Awaitable[T]], *, snapshot: bool = False) -> T:
        """Run ``work``, which only reads; with ``snapshot`` all its statements see one state.

        Raises:
            LedgerUnavailable: the database is away, or holds what cannot be read.
        """
        with translated(expected_schema=SCHEMA_REVISION), rows_read():
            try:
                return await self._look(work, snapshot)
            except (DBAPIError, ConnectionLost) as error:
                # The pool cannot know that the server has closed a connection meanwhile. What was silent stays so.
                if isinstance(error, NoAnswer) or not is_lost(error):
                    raise
            return await self._look(work, snapshot)

    async def try_write(self, work: Callable[[Session], Awaitable[object]], *, lock_wait_seconds: float) -> None:
        """Run ``work`` in a transaction that is begun as a booking's is, and roll it back: nothing is written.

        On SQLite the wait for the one write lock ends after ``lock_wait_seconds``.

        Raises:
            LedgerUnavailable: a booking could not be written now.
        """
        usual, give_up_at = self._limits.lock_wait_seconds, time.monotonic() + self._limits.unit_seconds
        with translated(expected_schema=SCHEMA_REVISION):
            async with self._session(give_up_at) as session, session.lock_wait(lock_wait_seconds, usual):
                await work(session)
                await session.rollback()

    async def close(self) -> None:
        """Close all connections; those that do not close in time end with the process."""
        if self._returning:
            await asyncio.wait(self._returning, timeout=CLOSE_SECONDS)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._engine.dispose()

    @asynccontextmanager
    async def _my_turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._limits.statement_seconds):
                await self._turn.acquire()
        except TimeoutError as error:
            raise NoAnswer(self._limits.statement_seconds) from error
        try:
            yield
        finally:
            self._turn.release()

    async def _persist(self, work: Callable[[Session], Awaitable[T]], give_up_at: float) -> T:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._attempt(work, give_up_at)
            except Exception as error:
                again = is_conflict(error) or (is_lost(error) and not isinstance(error, NoAnswer))
                if not again or attempt == ATTEMPTS or time.monotonic() >= give_up_at:
                    raise
            await asyncio.sleep(random.uniform(0, JITTER_SECONDS * 2**attempt))  # noqa: S311  # jitter is no secret
        raise AssertionError("unreachable")

    async def _attempt(self, work: Callable[[Session], Awaitable[T]], give_up_at: float) -> T:
        async with self._session(give_up_at) as session:
            try:
                result = await work(session)
                await session.commit()
            except BaseException:
                await session.rollback()
                raise
            return result

    async def _look(self, work: Callable[[Session], Awaitable[T]], snapshot: bool) -> T:
        async with self._session(snapshot=snapshot) as session:
            return await work(session)

    @asynccontextmanager
    async def _session(self, give_up_at: float | None = None, *, snapshot: bool = False) -> AsyncIterator[Session]:
        """Yield a session, for writing where there is a moment at which the unit gives up."""
        connection = await self._connect(give_up_at)
        session = Session(connection, self._limits, give_up_at=give_up_at, snapshot=snapshot)
        try:
            yield session
        except BaseException:
            # Who failed, or was told to stop, is not made to wait for a connection that may have gone silent.
            self._return(connection)
            raise
        finally:
            if session.was_given_up:
                self._given_up_at = time.monotonic()
        await asyncio.shield(self._return(connection))

    async def _connect(self, give_up_at: float | None) -> AsyncConnection:
        connection = self._engine.connect()
        patience = self._limits.pool_seconds + self._limits.connect_seconds
        if give_up_at is not None:
            patience = min(patience, max(0.0, give_up_at - time.monotonic()))
        try:
            async with asyncio.timeout(patience):
                await connection.start()
        except TimeoutError as error:
            raise NoAnswer(patience) from error
        return connection

    def _return(self, connection: AsyncConnection) -> asyncio.Task[None]:
        returning = asyncio.create_task(_close(connection), name="return connection")
        self._returning.add(returning)
        returning.add_done_callback(self._returning.discard)
        return returning

    def _replace_what_was_there_before(self, _driver: object, record: Any, _proxy: object) -> None:
        """Have the pool replace a connection older than the last that was given up: one by one each fails a request."""
        if record.info[_BORN] <= self._given_up_at:
            raise DisconnectionError("another connection to the same server was given up since")


def _remember_birth(_driver: object, record: Any) -> None:
    record.info[_BORN] = time.monotonic()


async def _close(connection: AsyncConnection) -> None:
    """Give a connection back to the pool, which rolls back what is open; drop it if that takes long."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await connection.close()
    except Exception:  # noqa: BLE001  # what was asked for is done, and the pool has dropped the connection
        with suppress(Exception):
            async with asyncio.timeout(CLOSE_SECONDS):
                await connection.invalidate()
                await connection.close()
