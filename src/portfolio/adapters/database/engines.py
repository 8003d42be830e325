"""SQLAlchemy's engines, set up for MySQL, MariaDB and SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.engine import URL, Connection, ExceptionContext
from sqlalchemy.event import listens_for
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from portfolio.adapters.database.engine import WRITES
from portfolio.adapters.database.errors import marks_disconnect
from portfolio.adapters.database.limits import Limits
from portfolio.adapters.database.mysql import MySqlConnector
from portfolio.adapters.database.tables import PRICES
from portfolio.adapters.database.url import parse_url


def create_engine(
    url: str, *, prices_schema: str | None, hosts: Sequence[str], pool_size: int, limits: Limits
) -> AsyncEngine:
    """Return an engine for MySQL, MariaDB or SQLite that has not connected yet.

    Raises:
        SettingsError: the URL cannot be read.
        ValueError: the URL names another kind of database.
    """
    parsed = parse_url(url)
    if parsed.drivername == "sqlite+aiosqlite":
        engine = _sqlite_engine(parsed, pool_size, limits)
    elif parsed.drivername == "mysql+aiomysql":
        engine = _mysql_engine(parsed, hosts, pool_size, limits)
    else:
        raise ValueError(f"{parsed.drivername} is neither mysql+aiomysql nor sqlite+aiosqlite")
    listens_for(engine.sync_engine, "handle_error")(_mark_disconnects)
    schema = prices_schema if parsed.get_backend_name() == "mysql" else None
    return engine.execution_options(schema_translate_map={PRICES: schema})


def _mysql_engine(url: URL, hosts: Sequence[str], pool_size: int, limits: Limits) -> AsyncEngine:
    connector = MySqlConnector(hosts, limits)
    return create_async_engine(
        url.update_query_dict({"charset": "utf8mb4"}),
        connect_args={"async_creator_fn": connector},
        pool_size=pool_size,
        max_overflow=0,
        hide_parameters=True,  # somebody's trades are none of the log's business
        pool_timeout=limits.pool_seconds,
        pool_recycle=limits.recycle_seconds,
    )


def _sqlite_engine(url: URL, pool_size: int, limits: Limits) -> AsyncEngine:
    engine = create_async_engine(
        url, pool_size=pool_size, max_overflow=0, hide_parameters=True, pool_timeout=limits.pool_seconds
    )

    @listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself: `begin` does
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout = {int(limits.lock_wait_seconds * 1000)}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        # A deferred transaction that reads and then writes fails at once when somebody wrote in between.
        writes = connection.get_execution_options().get(WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _mark_disconnects(context: ExceptionContext) -> None:
    if marks_disconnect(context.original_exception):
        context.is_disconnect = True
