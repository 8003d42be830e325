"""The server is asked what it is: what can be set is set for each session, what breaks a promise is refused by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import make_url

from portfolio.adapters.database.connection.connections import Connections
from portfolio.adapters.database.connection.engine import create_engine
from portfolio.adapters.database.connection.errors import Unfit
from portfolio.adapters.database.connection.mysql import IS_READ_ONLY
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.connection.statements import Statement
from portfolio.adapters.database.connection.timeouts import Timeouts
from portfolio.adapters.database.schema.migration import VERSION_TABLE, migrate, migration_sql
from portfolio.adapters.database.schema.revision import SCHEMA_REVISION
from portfolio.adapters.database.schema.server_check import check_settings, refuse_server
from portfolio.application.errors import LedgerRefused, LedgerUnavailable
from portfolio.application.prices.records import Close
from portfolio.domain.money import Price
from tests.integration.database.test_migrations import schema_of, up
from tests.support.database.database_run import own_server
from tests.support.database.database_server import DatabaseServer
from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.migrated import bring_up_to_date
from tests.support.database.old_database import OLD_TABLES, execute, make_old, run_script
from tests.support.ledger_examples import BTC
from tests.support.services.proxied_service import SETTINGS, ask, book
from tests.support.services.service import ServiceProcess

NOTE = "naïve ✓ 😀"
AT_ITS_START = (
    "--default-storage-engine=MyISAM",
    "--character-set-server=latin1",
    "--collation-server=latin1_swedish_ci",
    "--lower-case-table-names=1",
    "--innodb-rollback-on-timeout=1",
)
AS_IT_RUNS = (
    "SET GLOBAL completion_type = 'RELEASE'",
    "SET GLOBAL TRANSACTION ISOLATION LEVEL READ UNCOMMITTED, READ ONLY",
    "SET GLOBAL sql_mode = ''",
    "SET GLOBAL autocommit = 0",
    "SET GLOBAL time_zone = '+05:30'",
    "SET GLOBAL init_connect = 'SET NAMES latin1, unique_checks = 0, sql_select_limit = 1'",
    "SET GLOBAL innodb_flush_log_at_trx_commit = 2",
    "SET GLOBAL max_join_size = 1",
    "SET GLOBAL sql_auto_is_null = 1",
    "SET GLOBAL group_concat_max_len = 256",
    "SET GLOBAL explicit_defaults_for_timestamp = 0",
)
OF_MARIADB = ("SET GLOBAL sql_if_exists = 1", "SET GLOBAL alter_algorithm = 'INSTANT'")
# Last, as it ends whatever the administrator asks, too: of MariaDB every statement, of MySQL what reads.
SHORT = {True: "SET GLOBAL max_statement_time = 0.0001", False: "SET GLOBAL max_execution_time = 1"}


@pytest.fixture(scope="module")
def odd_server() -> Iterator[tuple[DatabaseServer, Mapping[str, DatabaseUnderTest]]]:
    """A server that has every default as the service does not want it, with empty databases by their names."""
    with own_server(AT_ITS_START) as server:
        places = {name: server.create_database_pair(name) for name in ("served", "script", "old", "old_script")}
        server.execute(*AS_IT_RUNS, *(OF_MARIADB if server.is_mariadb() else ()), SHORT[server.is_mariadb()])
        yield server, places


@pytest.fixture
def odd_place(odd_server: tuple[DatabaseServer, Mapping[str, DatabaseUnderTest]]) -> DatabaseUnderTest:
    """An empty database on that server."""
    return odd_server[1]["served"]


async def test_on_a_server_of_odd_defaults_every_session_is_as_it_has_to_be(
    odd_place: DatabaseUnderTest, tmp_path: Path
) -> None:
    place = odd_place
    service = ServiceProcess(place, tmp_path, settings=SETTINGS)
    done = service.command("migrate", PORTFOLIO_DATABASE_URL=place.migration_url)
    assert done.returncode == 0, done.stderr
    assert "innodb_flush_log_at_trx_commit = 2: a crash of the machine may lose acknowledged bookings" in done.stderr
    engines = execute(
        place,
        "SELECT DISTINCT engine FROM information_schema.tables"
        f" WHERE table_schema IN ('{make_url(place.url).database}', '{place.prices_schema}')",
    )
    assert engines == [("InnoDB",)]
    with service:
        async with service.client() as client:
            first = await book(client, "one", notes=NOTE)
            assert (first.status, (await book(client, "one", notes=NOTE)).body["replayed"]) == (200, True)
            assert (await book(client, "ONE")).body["replayed"] is False
            [_, trade] = (await ask(client, "GET", "/trades")).body["trades"]
            assert trade["notes"] == NOTE
            assert (await ask(client, "GET", "/health")).body["status"] == "healthy"
        assert '"event":"database.less_safe"' in service.log().replace(": ", ":")
    assert service.command("verify").returncode == 0


async def test_on_a_server_of_odd_defaults_no_close_is_cut(odd_place: DatabaseUnderTest) -> None:
    bring_up_to_date(odd_place)
    days = [date(2026, 3, 10) + timedelta(days=number) for number in range(10)]
    closes = [Close(symbol=BTC, day=day, price=Price(Decimal("12345.678901234567890123")), source="x") for day in days]
    opened = odd_place.opened()
    try:
        await opened.prices.add_closes(closes)
        assert list(await opened.prices.closes([BTC], since=days[0], until=days[-1])) == closes
    finally:
        await opened.close()


def test_on_a_server_of_odd_defaults_the_command_and_the_script_make_the_usual_schema(
    odd_server: tuple[DatabaseServer, Mapping[str, DatabaseUnderTest]], mysql_database: DatabaseUnderTest
) -> None:
    server, places = odd_server
    up(mysql_database)
    for name in ("old", "old_script"):
        make_old(places[name])
    up(places["old"])
    for name in ("script", "old_script"):
        run_script(server, places[name], migration_sql(places[name].prices_schema))
    assert schema_of(places["script"]) == schema_of(mysql_database)
    # Alembic makes its own table with the collation of the database.
    by_script, by_command = (
        {what: [row for row in rows if row[0] != VERSION_TABLE] for what, rows in schema_of(places[name]).items()}  # type: ignore[attr-defined]  # rows
        for name in ("old_script", "old")
    )
    assert by_script == by_command


def test_days_of_no_calendar_stay_where_a_server_would_not_take_them_any_more() -> None:
    """An old table has them; MySQL's own default refuses to copy it, and MariaDB's where it is set so."""
    with own_server(("--sql-mode=TRADITIONAL",)) as server:
        for name in ("command", "script"):
            place = server.create_database_pair(name)
            ledger = make_url(place.url).database
            make_old(place)
            server.execute(
                "SET SESSION sql_mode = 'ALLOW_INVALID_DATES'",
                f"UPDATE {ledger}.mock_trades SET execution_time = 0, created_at = 0 WHERE symbol = 'BTC'",
                f"UPDATE {ledger}.mock_trades SET execution_time = '2025-11-31' WHERE symbol = 'SOL'",
                f"UPDATE {ledger}.mock_holdings SET updated_at = 0 WHERE symbol = 'SOL'",
                f"UPDATE {ledger}.mock_performance_history SET date = '2025-11-00'",
            )
            if name == "command":
                migrate(place.migration_url, place.prices_schema)
            else:
                run_script(server, place, migration_sql(place.prices_schema))
            days = f"SELECT CAST(execution_time AS CHAR) FROM {ledger}.mock_trades ORDER BY id"
            assert server.execute(days) == [("0000-00-00 00:00:00.000000",), ("2025-11-31 00:00:00.000000",)]
            assert server.execute(f"SELECT * FROM {ledger}.portfolio_schema_version") == [(SCHEMA_REVISION,)]


def test_a_binary_log_that_takes_no_bookings_is_refused_by_name(tmp_path: Path) -> None:
    with own_server(("--log-bin=binlog", "--binlog-format=STATEMENT", "--server-id=1")) as server:
        place = server.create_database_pair("binlog")
        service = ServiceProcess(place, tmp_path)
        server.execute("SET GLOBAL binlog_format = 'ROW'")
        service.migrate_by_command()
        server.execute("SET GLOBAL binlog_format = 'STATEMENT'")
        for command, url in (("migrate", place.migration_url), ("serve", place.url)):
            done = service.command(command, PORTFOLIO_DATABASE_URL=url)
            assert (done.returncode, "binlog_format is STATEMENT" in done.stderr) == (3, True), done.stderr
        server.execute("SET GLOBAL binlog_format = 'MIXED'")
        with service:
            assert service.get("/health/ready")


@pytest.mark.parametrize("said", ["0", "1", "'OFF'", "'ON'", "'NO_LOCK'", "'NO_LOCK_NO_ADMIN'"])
def test_whether_a_server_is_read_only_is_understood_in_numbers_and_in_the_words_of_later_versions(
    mariadb: DatabaseServer, said: str
) -> None:
    [(is_read_only,)] = mariadb.execute(f"SELECT {IS_READ_ONLY.replace('@@global.read_only', said)}")
    assert bool(is_read_only) == (said not in {"0", "'OFF'"})


@pytest.mark.parametrize("engine", ["MyISAM", "Aria", "MEMORY"])
def test_tables_without_transactions_are_refused_by_name_and_not_touched(
    mariadb: DatabaseServer, mysql_database: DatabaseUnderTest, tmp_path: Path, engine: str
) -> None:
    if engine == "Aria" and not mariadb.is_mariadb():
        pytest.skip("MySQL has no Aria")
    ledger = make_url(mysql_database.url).database
    tables = [table.replace("notes TEXT", "notes VARCHAR(99)") + f" ENGINE={engine}" for table in OLD_TABLES[:2]]
    mariadb.execute(f"USE {ledger}", *tables)
    service = ServiceProcess(mysql_database, tmp_path)
    done = service.command("migrate", PORTFOLIO_DATABASE_URL=mysql_database.migration_url)
    assert (done.returncode, "Traceback" in done.stderr) == (3, False), done.stderr
    assert f"is {engine}, which keeps no transactions: ALTER TABLE mock_" in done.stderr
    assert len(mariadb.execute(f"SHOW TABLES FROM {ledger}")) == len(tables)


@pytest.mark.parametrize("table", ["mock_trades", "portfolio_leases", "portfolio_schema_version"])
def test_a_service_does_not_start_on_a_table_without_transactions_and_verify_still_reads_it(
    mariadb: DatabaseServer, mysql_database: DatabaseUnderTest, tmp_path: Path, table: str
) -> None:
    service = ServiceProcess(mysql_database, tmp_path)
    service.migrate_by_command()
    mariadb.execute(f"USE {make_url(mysql_database.url).database}", f"ALTER TABLE {table} ENGINE=MyISAM")
    done = service.command("serve")
    assert (done.returncode, "Traceback" in done.stderr) == (3, False), done.stderr
    assert f"the table {table} is MyISAM" in done.stderr
    done = service.command("verify")
    assert (done.returncode, f"the table {table} is MyISAM" in done.stderr) == (0, True), done.stderr
    assert service.command("reconcile", "--accept").returncode in {0, 3}


def test_a_server_that_puts_tables_elsewhere_than_it_is_told_is_refused() -> None:
    """MariaDB alone can be told to; any other server has no such option, and makes the tables."""
    with own_server(("--loose-enforce-storage-engine=Aria",)) as server:
        place = server.create_database_pair("enforced")
        if server.execute("SHOW VARIABLES LIKE 'enforce_storage_engine'"):
            with pytest.raises(LedgerUnavailable, match=r"Aria|[Ss]torage engine|NO_ENGINE_SUBSTITUTION"):
                migrate(place.migration_url, place.prices_schema)
        else:
            assert migrate(place.migration_url, place.prices_schema)


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("SET SESSION completion_type = 'CHAIN'", "completion_type is CHAIN, not NO_CHAIN"),
        ("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", "isolation is REPEATABLE-READ"),
        ("SET SESSION autocommit = 0", "autocommit is OFF"),
        ("SET SESSION sql_mode = ''", "sql_mode is not strict"),
        ("SET SESSION time_zone = '+02:00'", "time_zone is"),
        ("SET NAMES latin1", "character_set_client is latin1"),
    ],
)
async def test_a_session_that_is_not_as_it_was_asked_for_is_refused_by_name(
    mysql_database: DatabaseUnderTest, statement: str, named: str
) -> None:
    """As behind a proxy that passes such settings over."""
    engine = create_engine(mysql_database.url, hosts=(), pool_size=1, limits=Timeouts())
    connections = Connections(engine, Timeouts())

    async def look(session: Session) -> None:
        await session.execute(Statement(statement))
        await check_settings(session)

    try:
        with pytest.raises(LedgerRefused, match=named):
            await connections.read(look)
    finally:
        await connections.close()


@pytest.mark.parametrize(
    ("version", "is_taken"),
    [
        ("5.7.44-log", False),
        ("8.0.36", False),
        ("8.0.11-TiDB-v7.5.0", False),
        ("8.4.0", True),
        ("9.1.0", True),
        ("10.3.39-MariaDB-log", False),
        ("10.6.18-MariaDB", False),
        ("10.11.6-MariaDB-0+deb12u1", True),
        ("11.4.2-MariaDB", True),
    ],
)
def test_a_server_older_than_those_it_was_tested_on_is_refused(version: str, is_taken: bool) -> None:
    if is_taken:
        refuse_server({"version": version})
        return
    with pytest.raises(Unfit, match="or later"):
        refuse_server({"version": version})
