"""Databases at the newest schema: each empty one is a copy of the first one that the migrations made in this process.

To migrate takes half a second and more; a copy takes a fifth of that. That both are the same has a test.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from sqlalchemy import Connection

from portfolio.adapters.database.schema.migration import VERSION_TABLE, migrate
from portfolio.adapters.database.schema.revision import SCHEMA_REVISION
from tests.support.database.databases import DatabaseUnderTest, sqlite_database_in

_statements: dict[bool, tuple[str, ...]] = {}
"""What creates the tables on a server: those of the ledger, and with True those of the prices."""


def bring_up_to_date(database: DatabaseUnderTest) -> None:
    """Bring a database to the newest schema; one that is not empty by the migrations themselves."""
    if database.kind == "sqlite":
        path = Path(database.url.partition(":///")[2])
        if path.exists():
            migrate(database.migration_url, None)
        else:
            path.write_bytes(newest_file())
    elif not _statements:
        migrate(database.migration_url, database.prices_schema)
        _statements.update(_created_in(database))
    elif not _create_in(database):
        migrate(database.migration_url, database.prices_schema)


@cache
def newest_file() -> bytes:
    """Return an embedded database that only the migrations have written."""
    with tempfile.TemporaryDirectory() as folder:
        made = sqlite_database_in(Path(folder))
        migrate(made.migration_url, None)
        [file] = Path(folder).iterdir()  # something is not written into it yet where there are more
        return file.read_bytes()


def _created_in(database: DatabaseUnderTest) -> dict[bool, tuple[str, ...]]:
    engine = database.engine()
    try:
        with engine.connect() as connection:
            ledger = _tables_of(connection)
            connection.exec_driver_sql(f"USE `{database.prices_schema}`")
            return {False: ledger, True: _tables_of(connection)}
    finally:
        engine.dispose()


def _tables_of(connection: Connection) -> tuple[str, ...]:
    names = connection.exec_driver_sql("SHOW TABLES").scalars().all()
    return tuple(connection.exec_driver_sql(f"SHOW CREATE TABLE `{name}`").one()[1] for name in names)


def _create_in(database: DatabaseUnderTest) -> bool:
    """Create the tables, and return whether there were none before."""
    engine = database.engine()
    try:
        with engine.connect() as connection:
            if connection.exec_driver_sql("SHOW TABLES").first() is not None:
                return False
            connection.exec_driver_sql("SET FOREIGN_KEY_CHECKS = 0")  # each table in the order of its name
            for statement in _statements[False]:
                connection.exec_driver_sql(statement)
            connection.exec_driver_sql(f"INSERT INTO {VERSION_TABLE} VALUES ('{SCHEMA_REVISION}')")
            connection.exec_driver_sql(f"USE `{database.prices_schema}`")
            for statement in _statements[True]:
                connection.exec_driver_sql(statement)
            connection.commit()
            return True
    finally:
        engine.dispose()
