"""The revisions, looked up before every read: one round trip, in no transaction, on a connection kept for it."""

from __future__ import annotations

import asyncio
import math
import sqlite3
import time
from contextlib import suppress
from typing import Any

from pymysql.err import Error as MySqlError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from portfolio.adapters.database.connection.errors import NoAnswer, says_closed, translated
from portfolio.adapters.database.connection.session import CLOSE_SECONDS
from portfolio.adapters.database.connection.timeouts import Timeouts
from portfolio.adapters.database.connection.wire import exchange
from portfolio.adapters.database.schema.tables import SCHEMA_REVISION
from portfolio.application.ledger.records import Revisions

_LOOK = "SELECT revision, price_revision, {is_read_only} FROM mock_portfolio WHERE id = {row_id:d}"
# What drivers and transports raise when a look comes to nothing.
_FAILURES = (MySqlError, sqlite3.Error, OSError, EOFError)


class Glance:
    """Asks the driver itself: a pool's checkout, a transaction around one SELECT and the layers above the driver take
    nine tenths of the time. Whatever is out of the ordinary is left to the ordinary way of reading.
    """

    def __init__(self, engine: AsyncEngine, limits: Timeouts) -> None:
        """Look through ``engine``, which is this object's alone."""
        self._engine = engine
        self._limits = limits
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._connection: AsyncConnection | None = None
        self._driver: Any = None
        self._keep_until = -math.inf
        self._is_busy = False

    async def revisions(self, row_id: int) -> Revisions | None:
        """Return the revisions as committed now; None where the ordinary way has to find out.

        A server that has become read-only, as after a failover, is left: others may be ahead of it.

        Raises:
            LedgerUnavailable: the database is away or silent.
        """
        if self._is_busy:
            return None
        self._is_busy = True
        try:
            with translated(expected_schema=SCHEMA_REVISION):
                return await self._ask(row_id)
        except BaseException:
            # An answer may be under way on this connection that nobody waits for any more.
            await asyncio.shield(asyncio.create_task(self._drop()))
            raise
        finally:
            self._is_busy = False

    async def close(self) -> None:
        """Close the connection."""
        await self._drop()
        await self._engine.dispose()

    async def _ask(self, row_id: int) -> Revisions | None:
        if self._driver is not None and time.monotonic() < self._keep_until:
            row = await self._look(row_id)
            if row is not None and not row[2]:
                return Revisions(ledger=row[0], prices=row[1])
        await self._drop()
        await self._connect()
        row = await self._look(row_id)
        if row is None or row[2]:
            await self._drop()
        return None if row is None else Revisions(ledger=row[0], prices=row[1])

    async def _look(self, row_id: int) -> Any:
        """Return the row; None where there is none, and where the connection is lost or refuses."""
        sql = _LOOK.format(row_id=row_id, is_read_only="0" if self._is_sqlite else "@@global.read_only")
        try:
            async with asyncio.timeout(self._limits.read_seconds):
                if self._is_sqlite:
                    rows = await self._driver.execute_fetchall(sql)
                    return next(iter(rows), None)
                [found] = await exchange(self._driver, sql)
                return next(iter(found.rows or ()), None)
        except TimeoutError as error:
            raise NoAnswer(self._limits.read_seconds) from error
        except _FAILURES:
            return None
        except RuntimeError as error:
            if not says_closed(error):
                raise
            return None

    async def _connect(self) -> None:
        patience = self._limits.pool_seconds + self._limits.connect_seconds
        self._connection = self._engine.connect()
        try:
            async with asyncio.timeout(patience):
                await self._connection.start()
                self._driver = (await self._connection.get_raw_connection()).driver_connection
                if not self._is_sqlite:
                    await self._driver.autocommit(True)
        except TimeoutError as error:
            raise NoAnswer(patience) from error
        self._keep_until = math.inf if self._is_sqlite else time.monotonic() + self._limits.recycle_seconds

    async def _drop(self) -> None:
        connection, driver, self._connection, self._driver = self._connection, self._driver, None, None
        if connection is None:
            return
        if driver is not None and not self._is_sqlite:
            driver.close()  # at once and without a farewell, which a lost connection could not take
        with suppress(Exception):  # it is of no use any more, whatever it says to that
            async with asyncio.timeout(CLOSE_SECONDS):
                await connection.invalidate()
        with suppress(Exception):
            async with asyncio.timeout(CLOSE_SECONDS):
                await connection.close()
