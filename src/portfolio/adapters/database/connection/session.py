"""One transaction on a connection: every statement under a deadline, and no connection left in an unknown state."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from sqlalchemy import CursorResult, Executable
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from portfolio.adapters.database.connection.driver import Driver, opening
from portfolio.adapters.database.connection.errors import (
    CommitUnknown,
    ConnectionLost,
    NoAnswer,
    is_conflict,
    says_closed,
)
from portfolio.adapters.database.connection.statements import Answer, Question
from portfolio.adapters.database.connection.timeouts import Timeouts

CLOSE_SECONDS = 1.0


class Session:
    """One transaction's connection. A statement that fails or runs late leaves no connection in an unknown state."""

    def __init__(
        self, connection: AsyncConnection, limits: Timeouts, *, give_up_at: float | None = None, snapshot: bool = False
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
            if not says_closed(error):
                raise
            await self._give_up()
            raise ConnectionLost(str(error)) from error

    async def _give_up(self) -> None:
        self._was_given_up = True
        with suppress(Exception):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._connection.invalidate()
