"""Migrations, run by a program or written as a script that a database administrator reviews."""

from __future__ import annotations

import io
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path
from ssl import SSLContext
from threading import Thread
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.event import listens_for
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from portfolio.adapters.database.connection.errors import Unfit, error_code, is_locked, said_of
from portfolio.adapters.database.connection.mysql import ALL_ROWS
from portfolio.adapters.database.connection.url import parse_url, service_url
from portfolio.adapters.database.schema.revision import SCHEMA_REVISION, number_of
from portfolio.adapters.database.schema.server_check import SETTINGS_SQL, TABLES_SQL, refuse_server, refuse_tables
from portfolio.application.errors import LedgerRefused, LedgerUnavailable, NotFound, SchemaUnknown
from portfolio.settings import SettingsError

VERSION_TABLE = "portfolio_schema_version"
PATIENCE_SECONDS = 10
LOOK_SECONDS = 1.0
# A table is copied with the days that engines wrote into it, those of no calendar too; MySQL's default refuses these.
_SQL_MODE = "STRICT_TRANS_TABLES,ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION"
WRITE_AHEAD_PAUSE_SECONDS = 0.02
# The driver's words for a server that is away, has gone, or does not answer.
_SILENT = frozenset({2003, 2006, 2013})
# A Galera node refuses GET_LOCK.
_NOT_IN_A_CLUSTER = 1235
_DRIVERS = {"mysql": "mysql+pymysql", "mariadb": "mysql+pymysql", "sqlite": "sqlite"}


def migrations_folder() -> Path:
    """Return where the migrations are: in an installed package, else at the root of the repository."""
    package = Path(__file__).parents[3]
    packaged = package / "_migrations"
    return packaged if packaged.is_dir() else package.parents[1] / "migrations"


def migrate(  # shape: where the database is, and how it is migrated
    url: str,
    prices_schema: str | None,
    *,
    target: str = "head",
    tls: SSLContext | None = None,
    patience_seconds: int = PATIENCE_SECONDS,
) -> str:
    """Bring the database at ``url`` to the revision ``target``, up or down, and return the revision reached.

    ``target`` is a revision, ``head``, ``base``, or steps as in ``+1`` and ``-1``. ``patience_seconds`` is how long a
    lock of others is waited for, and how long the server may be silent.
    Run again after it was interrupted, it finishes. The user in ``url`` needs rights that the service's does not.

    Raises:
        SchemaUnknown: the database is at a revision that this version does not know.
        NotFound: there is no such target.
        LedgerRefused: what the server is breaks a promise; what was finished before stays.
        LedgerUnavailable: the database is away, silent or locked, or refuses; what was finished before stays.
        SettingsError: something in the URL cannot be used; nothing was touched.
    """
    service_url(url)
    if not target:
        raise NotFound("schema revision", "''")
    engine = migration_engine(url, tls=tls, patience_seconds=patience_seconds)
    config = _config(prices_schema)

    def run() -> str:
        with engine.connect() as connection:
            _take_turn(connection, patience_seconds)
            found = _revision(connection)
            if found not in _known_revisions(config):
                raise SchemaUnknown(found, SCHEMA_REVISION)
            _refuse_unfit(connection, prices_schema)
            config.attributes["connection"] = connection
            number = number_of(target)
            down = target == "base" or target[0] == "-" or (number.isdigit() and number < number_of(found or ""))
            (command.downgrade if down else command.upgrade)(config, target)
            _refuse_unfit(connection, prices_schema)
            return _revision(connection) or "base"

    try:
        if engine.dialect.name == "sqlite":
            return run()
        return _while_it_answers(url, tls, patience_seconds, run)
    except CommandError as error:
        raise NotFound("schema revision", target) from error
    except Unfit as error:
        raise LedgerRefused(str(error)) from error
    except (SQLAlchemyError, OSError) as error:
        why = "another session keeps a lock, see SHOW PROCESSLIST: " if is_locked(error) else ""
        said = said_of(error) if isinstance(error, DBAPIError) else error
        raise LedgerUnavailable(f"the migration failed: {why}{said}") from error
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
        known = {*_known_revisions(config), "base", "head"}
        unknown = [name for name in (start, end) if name not in known] or [f"{start}:{end}"]
        raise NotFound("schema revision", unknown[0]) from error
    return script.getvalue()


def session_sql(seconds: int = PATIENCE_SECONDS) -> tuple[str, str]:
    """Return what sets up the session of a migration, by the command or the script, whatever the server's defaults are.

    MariaDB alone reads what is in ``/*M! */``, MySQL alone what is in ``/*!80400 */``.
    """
    settings = f"""SET SESSION lock_wait_timeout = {seconds}, innodb_lock_wait_timeout = {seconds},
    sql_mode = '{_SQL_MODE}',
    time_zone = '+00:00', default_storage_engine = InnoDB, completion_type = 'NO_CHAIN', unique_checks = 1,
    sql_select_limit = {ALL_ROWS}, sql_big_selects = 1,
    character_set_client = 'utf8mb4', character_set_connection = 'utf8mb4', character_set_results = 'utf8mb4'
    /*!80400 , max_execution_time = 0 */
    /*M! , max_statement_time = 0, sql_if_exists = 0, alter_algorithm = 'DEFAULT' */"""
    return "SET SESSION TRANSACTION READ WRITE", settings


def migration_engine(
    url: str,
    *,
    tls: SSLContext | None = None,
    patience_seconds: int = PATIENCE_SECONDS,
    **options: Any,
) -> Engine:
    """Return an engine that runs migrations: with a plain driver, and on SQLite all in one transaction.

    ``options`` are the driver's.
    """
    parsed = parse_url(url)
    driver = _DRIVERS.get(parsed.get_backend_name())
    if driver is None:
        raise SettingsError(f"PORTFOLIO_DATABASE_URL: {parsed.drivername} is neither MySQL, MariaDB nor SQLite")
    if tls is not None:
        options["ssl"] = tls
    if driver == "sqlite":
        # It hands locks out by chance: of several migrations at once, one may be passed over again and again.
        options["timeout"] = 3 * patience_seconds
    engine = create_engine(
        parsed.set(drivername=driver), poolclass=NullPool, hide_parameters=True, connect_args=options
    )
    if engine.dialect.name == "sqlite":
        _begin_immediately(engine)
    else:
        _set_up_sessions(engine, patience_seconds)
    return engine


def _while_it_answers(url: str, tls: SSLContext | None, patience_seconds: int, run: Callable[[], str]) -> str:
    """Return what ``run`` returns, or give it up once the server has been silent for so long.

    Nobody can tell a frozen server from one that is at work on a large table by the connection that waits for it: so
    another one asks.
    """
    timeouts = ("connect_timeout", "read_timeout", "write_timeout")
    beside = migration_engine(url, tls=tls, **dict.fromkeys(timeouts, patience_seconds))
    done: Future[str] = Future()

    def work() -> None:
        try:
            done.set_result(run())
        except BaseException as error:  # noqa: BLE001  it is raised by who waits
            done.set_exception(error)

    Thread(target=work, name="migration", daemon=True).start()
    while not wait([done], timeout=LOOK_SECONDS).done:
        try:
            with beside.connect() as connection:
                connection.exec_driver_sql("SELECT 1")
        except OperationalError as error:
            if error_code(error) in _SILENT:
                raise
    return done.result()


def _take_turn(connection: Connection, patience_seconds: int) -> None:
    """Wait until no other migration of this database is at work; the turn ends with the connection.

    On SQLite all are one transaction. A Galera cluster has no such lock: there only one may be run at a time.

    Raises:
        LedgerUnavailable: another is still at work.
    """
    if connection.dialect.name == "sqlite":
        return
    try:
        name = f"{VERSION_TABLE}.{connection.engine.url.database}"[-64:]
        got = connection.exec_driver_sql("SELECT GET_LOCK(%s, %s)", (name, patience_seconds)).scalar()
    except SQLAlchemyError as error:
        if error_code(error) != _NOT_IN_A_CLUSTER:
            raise
    else:
        if not got:
            raise LedgerUnavailable("another migration of this database is at work; run it again when that has ended")
    connection.rollback()


def _revision(connection: Connection) -> str | None:
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    revision = context.get_current_revision()
    connection.rollback()
    return revision


def _refuse_unfit(connection: Connection, prices_schema: str | None) -> None:
    """Refuse a server on which the tables, those that are there or those just made, keep no promise."""
    if connection.dialect.name == "sqlite":
        return
    refuse_server({row[0]: row[1] for row in connection.exec_driver_sql(SETTINGS_SQL)})
    refuse_tables([tuple(row) for row in connection.exec_driver_sql(TABLES_SQL, (prices_schema,))])
    connection.rollback()


def _known_revisions(config: Config) -> set[str | None]:
    return {None} | {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}


def _begin_immediately(engine: Engine) -> None:
    @listens_for(engine, "connect")
    def leave_transactions_to_us(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        _write_ahead(connection)

    @listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Have the embedded database keep its log ahead; SQLite itself does not wait for others who are about to do so."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                raise
        else:
            return
        time.sleep(WRITE_AHEAD_PAUSE_SECONDS)


def _set_up_sessions(engine: Engine, seconds: int) -> None:
    @listens_for(engine, "connect", insert=True)  # ahead of SQLAlchemy's own questions
    def set_up(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            for statement in session_sql(seconds):
                cursor.execute(statement)


def _config(prices_schema: str | None) -> Config:
    config = Config()
    folder = str(migrations_folder()).replace("%", "%%")
    config.set_main_option("script_location", folder)
    config.set_main_option("prepend_sys_path", folder)  # the migrations share the steps that stand beside them
    config.set_main_option("path_separator", "os")
    config.attributes["prices_schema"] = prices_schema
    return config
