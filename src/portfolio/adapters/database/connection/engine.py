"""SQLAlchemy's engines, set up for MySQL, MariaDB and SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from ssl import SSLContext
from typing import Any

from pymysql.constants import SERVER_STATUS
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.event import listens_for
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolResetState

from portfolio.adapters.database.connection.errors import marks_disconnect
from portfolio.adapters.database.connection.mysql import MySqlConnector
from portfolio.adapters.database.connection.sqlite import connect_to_sqlite
from portfolio.adapters.database.connection.sqlite_file import FILE, DatabaseFile
from portfolio.adapters.database.connection.timeouts import Timeouts
from portfolio.adapters.database.connection.url import SQLITE, service_url
from portfolio.adapters.database.schema.types import NO_TEXT


def create_engine(  # shape: where the database is, and how it is used
    url: str,
    *,
    hosts: Sequence[str],
    pool_size: int,
    limits: Timeouts,
    tls: SSLContext | None = None,
    file: DatabaseFile | None = None,
) -> AsyncEngine:
    """Return an engine for MySQL, MariaDB or SQLite that has not connected yet.

    Engines on one SQLite database share its ``file``.
    """
    parsed = service_url(url, hosts)
    if parsed.drivername == SQLITE:
        engine = _sqlite_engine(parsed, pool_size, limits, file or DatabaseFile(str(parsed.database)))
    else:
        engine = _mysql_engine(parsed, hosts, pool_size, limits, tls)
    listens_for(engine.sync_engine, "handle_error")(_mark_disconnects)
    return engine


def _mysql_engine(
    url: URL, hosts: Sequence[str], pool_size: int, limits: Timeouts, tls: SSLContext | None
) -> AsyncEngine:
    connector = MySqlConnector(hosts, limits, tls)
    engine = create_async_engine(
        url.update_query_dict({"charset": "utf8mb4"}),
        connect_args={"async_creator_fn": connector},
        pool_size=pool_size,
        max_overflow=0,
        hide_parameters=True,  # somebody's trades are none of the log's business
        pool_timeout=limits.pool_seconds,
        pool_recycle=limits.recycle_seconds,
        pool_reset_on_return=None,
    )
    listens_for(engine.sync_engine, "reset")(_roll_back_what_is_open)
    return engine


def _sqlite_engine(url: URL, pool_size: int, limits: Timeouts, file: DatabaseFile) -> AsyncEngine:
    engine = create_async_engine(
        url,
        connect_args={"async_creator_fn": connect_to_sqlite},
        pool_size=pool_size,
        max_overflow=0,
        hide_parameters=True,
        pool_timeout=limits.pool_seconds,
    )

    @listens_for(engine.sync_engine, "do_connect")
    def look(*_arguments: object) -> None:
        file.check()  # before SQLite makes a new file

    @listens_for(engine.sync_engine, "close")
    @listens_for(engine.sync_engine, "close_detached")
    def note(connection: Any, _record: object = None) -> None:
        file.closed(connection.driver_connection)

    @listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself: sessions do
        connection.driver_connection.text_factory = partial(str, encoding="utf-8", errors=NO_TEXT)
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout = {int(limits.lock_wait_seconds * 1000)}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.execute("SELECT COUNT(*) FROM sqlite_master")
        cursor.close()
        record.info[FILE] = file
        file.opened(connection.driver_connection)

    return engine


def _roll_back_what_is_open(connection: Any, record: ConnectionPoolEntry, state: PoolResetState) -> None:
    """Save the round trip where the server has said that no transaction is open: it says so with every answer."""
    driver: Any = record.driver_connection
    if state.asyncio_safe and driver is not None and driver.server_status & SERVER_STATUS.SERVER_STATUS_IN_TRANS:
        connection.rollback()


def _mark_disconnects(context: ExceptionContext) -> None:
    if marks_disconnect(context.original_exception):
        context.is_disconnect = True
