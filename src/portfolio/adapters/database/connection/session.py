"""One transaction on a connection: every statement under a deadline, and no connection left in an unknown state."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from sqlalchemy import CursorResult, Executable, Row, Select
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from portfolio.adapters.database.connection.errors import (
    CommitUnknown,
    Conflict,
    ConnectionLost,
    NoAnswer,
    error_code,
    is_conflict,
    marks_disconnect,
    says_closed,
)
from portfolio.adapters.database.connection.sqlite_file import FILE, DatabaseFile, FileReplaced
from portfolio.adapters.database.connection.statements import Result, Statement, execute_on_mysql, execute_on_sqlite
from portfolio.adapters.database.connection.timeouts import Timeouts

BORN = "portfolio_born"
"""Under which a connection of the pool keeps when it was made."""
ROWS_AT_ONCE = 500
SQLITE_CACHE_SIZE = -2_000  # SQLite's own default, in kibibytes


class Session:  # shape: one transaction's life on one connection, whose steps share its clock
    """One transaction's connection. A statement that fails or runs late leaves no connection in an unknown state.

    ``was_given_up`` says that the connection went silent or was lost, ``has_committed`` that nothing is open on it any
    more. On SQLite one transaction writes at a time.
    """

    def __init__(
        self,
        connection: AsyncConnection,
        limits: Timeouts,
        *,
        opening: Sequence[Statement] = (),
        give_up_at: float | None = None,
    ) -> None:
        """Wrap a connection; ``opening`` begins the transaction, ahead of the first statement.

        A unit, which may write, has to have done with its statements at ``give_up_at``.
        """
        assert connection.sync_connection is not None
        self.connection = connection
        self.dialect: Dialect = connection.dialect
        self.is_sqlite = self.dialect.name == "sqlite"
        self._sync = connection.sync_connection
        self._pooled = self._sync.connection
        self._driver: Any = self._pooled.driver_connection
        self._file: DatabaseFile | None = self._pooled.info.get(FILE)
        self.limits = limits
        self._waiting = list(opening)
        self._give_up_at = give_up_at
        self.was_given_up = False
        self.has_committed = False
        self.is_dropped = False

    @property
    def born(self) -> float:
        """Return when its connection was made."""
        born: float = self._pooled.info[BORN]
        return born

    def later(self, *statements: Statement) -> None:
        """Have these sent ahead of the next statement, in the same message, or at the end."""
        self._waiting += statements

    async def execute(self, *statements: Statement) -> list[Result]:
        """Return the results of statements, in order: in one round trip on MySQL, under one deadline.

        Raises:
            Conflict: another program changed what this transaction has read and now changes.
            FileReplaced: SQLite's file is not the one that was opened.
        """
        self._check_file()
        async with self._within(self._statement_seconds()):
            return await self._send(statements)

    async def run(
        self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        """Return the result of a statement, complete."""
        self._check_file()
        async with self._within(self._statement_seconds()):
            await self._send(())
            return await self.connection.execute(statement, parameters)

    async def read_through(self, statement: Select[Any], take: Callable[[Sequence[Row[Any]]], None]) -> None:
        """Have ``take`` called with all rows of a statement, some at once: the event loop is held for no more of them.

        The database finds and sorts them once. Each of our waits for it has the deadline of a statement.
        """
        self._check_file()
        async with self._within(self._statement_seconds()):
            await self._send(())
            found = await self.connection.stream(statement, execution_options={"yield_per": ROWS_AT_ONCE})
        while True:
            async with self._within(self._statement_seconds()):
                await asyncio.sleep(0)  # MySQL's driver does not wait for what has come already: thousands of rows
                rows = await found.fetchmany(ROWS_AT_ONCE)
            if not rows:
                return
            try:
                take(rows)
            except BaseException:
                self.drop()  # the rest of the answer is under way
                raise

    async def commit(self) -> None:
        """Commit.

        Raises:
            CommitUnknown: the commit may have been applied, or not.
            FileReplaced: SQLite's file is not the one that was opened; nothing was applied.
        """
        self._check_file()
        try:
            async with self._within(self.limits.commit_seconds):
                await self._driver.commit()
        except ConnectionLost as error:
            raise CommitUnknown(f"the commit's answer never came: {error}") from error
        except DBAPIError as error:
            # A server that answers with a conflict, or SQLite with whatever, has not committed.
            if is_conflict(error) or (self.is_sqlite and not error.connection_invalidated):
                raise
            raise CommitUnknown(f"the commit's answer never came: {error.orig}") from error
        try:
            self._check_file()
        except FileReplaced as error:
            raise CommitUnknown(str(error)) from error
        self.has_committed = True

    async def rollback(self) -> None:
        """Roll back, unless the connection is lost; one on which that fails is dropped, which rolls back too."""
        try:
            async with self._within(self.limits.close_seconds):
                if self._pooled.is_valid and not self.is_dropped:
                    await self._driver.rollback()
        except (ConnectionLost, DBAPIError):
            self.drop()

    def drop(self) -> None:
        """Have the connection closed: at once and without a farewell, which a lost one could not take.

        SQLite's may be at work in its thread: it is closed after that, when it is given back.
        """
        self.is_dropped = True
        if not self.is_sqlite:
            self._sync.invalidate()

    @asynccontextmanager
    async def on_trial(self, lock_seconds: float, usual_seconds: float) -> AsyncIterator[None]:
        """Have SQLite wait so long for its write lock, and write to its files what is not committed yet.

        Other databases do the second by themselves, and are asked not to wait at all.
        """
        if not self.is_sqlite:
            yield
            return
        await self._pragmas(lock_seconds, cache_size=1)
        try:
            yield
        finally:
            with suppress(Exception):
                await self._pragmas(usual_seconds, cache_size=SQLITE_CACHE_SIZE)

    async def _pragmas(self, lock_seconds: float, *, cache_size: int) -> None:
        for pragma in (f"busy_timeout = {int(lock_seconds * 1000)}", f"cache_size = {cache_size}"):
            async with self._driver.execute(f"PRAGMA {pragma}"):
                pass

    def _check_file(self) -> None:
        if self._file is not None:
            self._file.check()

    def _note(self, error: Exception) -> None:
        if self._file is not None:
            self._file.met(error_code(error))

    async def _send(self, statements: Sequence[Statement]) -> list[Result]:
        waiting, self._waiting = self._waiting, []
        message = [*waiting, *statements]
        execute = execute_on_sqlite if self.is_sqlite else execute_on_mysql
        results = await execute(self._driver, message) if message else []
        for sent, result in zip(message, results, strict=True):
            if sent.check is not None:
                sent.check(result)
        return results[len(waiting) :]

    def _statement_seconds(self) -> float:
        if self._give_up_at is None:
            return self.limits.read_seconds
        return min(self.limits.statement_seconds, max(0.0, self._give_up_at - time.monotonic()))

    @asynccontextmanager
    async def _within(self, seconds: float) -> AsyncIterator[None]:
        """Do what is asked of the driver within a deadline.

        Its errors leave as SQLAlchemy's do. Whatever is no refusal by the server drops the connection: the rest of an
        answer may be under way on it.
        """
        driver_error: Any = self.dialect.loaded_dbapi.Error
        try:
            async with asyncio.timeout(seconds):
                yield
        except Conflict:
            raise
        except DBAPIError as error:
            self._note(error)
            self.was_given_up |= error.connection_invalidated
            raise
        except driver_error as error:
            self._note(error)
            lost = self.dialect.is_disconnect(error, self._pooled, None) or marks_disconnect(error)
            if lost:
                self._give_up()
            raise DBAPIError.instance(
                None, None, error, driver_error, hide_parameters=True, connection_invalidated=lost, dialect=self.dialect
            ) from error
        except TimeoutError as error:
            self._give_up()
            raise NoAnswer(seconds) from error
        except (OSError, EOFError, RuntimeError) as error:
            self.drop()
            if isinstance(error, RuntimeError) and not says_closed(error):
                raise
            self.was_given_up = True
            raise ConnectionLost(str(error) or type(error).__name__) from error
        except BaseException:
            self.drop()
            raise

    def _give_up(self) -> None:
        self.was_given_up = True
        self.drop()
