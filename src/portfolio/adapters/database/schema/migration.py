"""Migrations, run by a program or written as a script that a database administrator reviews."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.event import listens_for
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from portfolio.adapters.database.connection.url import parse_url
from portfolio.adapters.database.schema.tables import SCHEMA_REVISION
from portfolio.application.errors import LedgerUnavailable, NotFound, SchemaUnknown
from portfolio.settings import SettingsError

VERSION_TABLE = "portfolio_schema_version"
LOCK_WAIT_SECONDS = 10
_DRIVERS = {"mysql": "mysql+pymysql", "mariadb": "mysql+pymysql", "sqlite": "sqlite"}


def migrations_folder() -> Path:
    """Return where the migrations are: in an installed package, else at the root of the repository."""
    package = Path(__file__).parents[3]
    packaged = package / "_migrations"
    return packaged if packaged.is_dir() else package.parents[1] / "migrations"


def migrate(url: str, prices_schema: str | None, *, target: str = "head") -> str:
    """Bring the database at ``url`` to the revision ``target``, up or down, and return the revision reached.

    ``target`` is a revision, ``head``, ``base``, or steps as in ``+1`` and ``-1``.
    Run again after it was interrupted, it finishes. The user in ``url`` needs rights that the service's does not.

    Raises:
        SchemaUnknown: the database is at a revision that this version does not know.
        NotFound: there is no such target.
        LedgerUnavailable: the database is away, or refuses; what was finished before stays.
        SettingsError: the URL cannot be read, or names another kind of database.
    """
    engine = migration_engine(url)
    config = _config(prices_schema)
    try:
        with engine.connect() as connection:
            found = _revision(connection)
            if found not in _known_revisions(config):
                raise SchemaUnknown(found, SCHEMA_REVISION)
            config.attributes["connection"] = connection
            down = target == "base" or target.startswith("-") or (target.isdigit() and target < (found or ""))
            (command.downgrade if down else command.upgrade)(config, target)
            return _revision(connection) or "base"
    except CommandError as error:
        raise NotFound("schema revision", target) from error
    except (SQLAlchemyError, OSError) as error:
        raise LedgerUnavailable(f"the migration failed: {getattr(error, 'orig', error)}") from error
    finally:
        engine.dispose()


def migration_sql(prices_schema: str | None, *, start: str = "base", end: str = "head", dialect: str = "mysql") -> str:
    """Return the script that takes a database from revision ``start`` to ``end``; it needs no database to write it."""
    script = io.StringIO()
    config = _config(prices_schema)
    config.output_buffer = script
    config.attributes["dialect"] = dialect
    try:
        command.upgrade(config, f"{start}:{end}", sql=True)
    except CommandError as error:
        raise NotFound("schema revision", f"{start}:{end}") from error
    return script.getvalue()


def migration_engine(url: str) -> Engine:
    """Return an engine that runs migrations: with a plain driver, and on SQLite with each migration a transaction."""
    parsed = parse_url(url)
    driver = _DRIVERS.get(parsed.get_backend_name())
    if driver is None:
        raise SettingsError(f"PORTFOLIO_DATABASE_URL: {parsed.drivername} is neither MySQL, MariaDB nor SQLite")
    engine = create_engine(parsed.set(drivername=driver), poolclass=NullPool, hide_parameters=True)
    if engine.dialect.name == "sqlite":
        _begin_immediately(engine)
    else:
        _limit_lock_waits(engine)
    return engine


def _revision(connection: Connection) -> str | None:
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    revision = context.get_current_revision()
    connection.rollback()
    return revision


def _known_revisions(config: Config) -> set[str | None]:
    return {None} | {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}


def _begin_immediately(engine: Engine) -> None:
    @listens_for(engine, "connect")
    def leave_transactions_to_us(connection: Any, _record: object) -> None:
        connection.isolation_level = None

    @listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _limit_lock_waits(engine: Engine) -> None:
    @listens_for(engine, "connect")
    def set_up(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET SESSION lock_wait_timeout = {LOCK_WAIT_SECONDS}, time_zone = '+00:00'")


def _config(prices_schema: str | None) -> Config:
    config = Config()
    folder = str(migrations_folder()).replace("%", "%%")
    config.set_main_option("script_location", folder)
    config.set_main_option("prepend_sys_path", folder)  # the migrations share the steps that stand beside them
    config.set_main_option("path_separator", "os")
    config.attributes["prices_schema"] = prices_schema
    return config
