"""The migrations: one schema at the end of every way to it, and no way that loses a row."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest
from alembic import command
from alembic.config import Config
from alembic.config import main as alembic
from sqlalchemy.exc import DBAPIError

from portfolio.adapters.database.schema.migration import migrate, migration_sql
from portfolio.adapters.database.schema.revision import SCHEMA_REVISION
from portfolio.adapters.database.schema.tables import metadata, prices_metadata, schema_revision
from portfolio.application.errors import NotFound, SchemaUnknown
from portfolio.application.ledger.verification import VerifyBooks
from tests.support.database.database_server import DatabaseServer
from tests.support.database.databases import DatabaseUnderTest, sqlite_database_in
from tests.support.database.migrated import bring_up_to_date
from tests.support.database.old_database import execute, make_old, run_script, statements_of
from tests.support.ledger_examples import book_one, open_books

pytestmark = pytest.mark.unmeasured

ALEMBIC_INI = Path(__file__).parents[3] / "alembic.ini"
DIALECTS = ("mysql", "mariadb")
TABLES = [t for t in (*metadata.tables.values(), *prices_metadata.tables.values()) if t is not schema_revision]
OLD = ("mock_holdings", "mock_trades", "mock_portfolio", "mock_performance_history")


def schema_of(database: DatabaseUnderTest) -> dict[str, object]:
    """Columns and indexes of both databases as the server describes them."""
    if database.kind == "sqlite":
        tables = [row[0] for row in execute(database, "SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            str(table): sorted(map(str, execute(database, f"SELECT name, type FROM pragma_table_info('{table}')")))
            for table in tables
            if not str(table).startswith("sqlite_")
        }
    where = f"IN (DATABASE(), '{database.prices_schema}')"
    columns = execute(
        database,
        "SELECT table_name, column_name, column_type, is_nullable, column_default, extra, collation_name"
        f" FROM information_schema.columns WHERE table_schema {where} ORDER BY 1, ordinal_position",
    )
    keys = execute(
        database,
        "SELECT table_name, index_name, seq_in_index, column_name, non_unique FROM information_schema.statistics"
        f" WHERE table_schema {where} ORDER BY 1, 2, 3",
    )
    return {"columns": columns, "keys": keys}


def up(database: DatabaseUnderTest, target: str = "head") -> str:
    return migrate(database.migration_url, database.prices_schema, target=target)


def test_the_copies_that_other_tests_begin_with_are_what_the_migrations_make(
    mysql_database: DatabaseUnderTest, mariadb: DatabaseServer, tmp_path: Path
) -> None:
    bring_up_to_date(mysql_database)  # the first in this process may be no copy
    name = f"t_copy_{secrets.token_hex(4)}"
    places = mariadb.create_database_pair(name), sqlite_database_in(tmp_path)
    try:
        for place in places:
            bring_up_to_date(place)
            copied = _plainly(place)
            up(place, "base")
            up(place)
            assert _plainly(place) == copied
    finally:
        mariadb.drop(name)


def _plainly(database: DatabaseUnderTest) -> dict[str, object]:
    """The schema, and the revision that stands in it."""
    return {**schema_of(database), "at": execute(database, "SELECT * FROM portfolio_schema_version")}


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest, mariadb: DatabaseServer) -> str:
    """Of which server a script is that this one can run: MariaDB runs both."""
    if request.param == "mariadb" and not mariadb.is_mariadb():
        pytest.skip("the script for MariaDB has statements that MySQL does not know")
    return str(request.param)


@pytest.fixture
def other_mysql_database(mariadb: DatabaseServer) -> Iterator[DatabaseUnderTest]:
    name = f"t_other_{secrets.token_hex(4)}"
    try:
        yield mariadb.create_database_pair(name)
    finally:
        mariadb.drop(name)


def test_a_fresh_database_and_an_adopted_one_have_the_same_schema(
    mysql_database: DatabaseUnderTest, other_mysql_database: DatabaseUnderTest
) -> None:
    make_old(other_mysql_database)
    assert up(mysql_database) == up(other_mysql_database) == SCHEMA_REVISION
    fresh, adopted = schema_of(mysql_database), schema_of(other_mysql_database)
    assert adopted == fresh
    assert len(fresh["columns"]) > 100  # type: ignore[arg-type]  # a list, of what is an object


def test_money_and_percentages_are_wide_and_every_table_has_a_primary_key(mysql_database: DatabaseUnderTest) -> None:
    up(mysql_database)
    narrow = execute(
        mysql_database,
        "SELECT table_name, column_name, column_type FROM information_schema.columns WHERE data_type = 'decimal'"
        " AND table_schema = DATABASE() AND column_type NOT IN ('decimal(38,18)', 'decimal(20,8)')",
    )
    assert narrow == [("mock_portfolio", "win_rate", "decimal(5,2)")]
    keyless = execute(
        mysql_database,
        "SELECT table_name FROM information_schema.tables t WHERE table_schema IN (DATABASE(), "
        f"'{mysql_database.prices_schema}') AND NOT EXISTS (SELECT 1 FROM information_schema.statistics s WHERE"
        " s.table_schema = t.table_schema AND s.table_name = t.table_name AND s.index_name = 'PRIMARY')",
    )
    assert keyless == []


def test_an_update_by_others_still_moves_updated_at(mysql_database: DatabaseUnderTest) -> None:
    make_old(mysql_database)
    up(mysql_database)
    execute(mysql_database, "UPDATE mock_holdings SET quantity = 9 WHERE symbol = 'BTC'")
    [[moved]] = execute(mysql_database, "SELECT updated_at > '2026-01-03' FROM mock_holdings WHERE symbol = 'BTC'")
    assert moved


def test_a_downgrade_keeps_every_row_and_the_wide_types_and_can_be_undone(database: DatabaseUnderTest) -> None:
    make_old(database)
    up(database)
    full = schema_of(database)
    execute(database, "UPDATE mock_holdings SET quantity = 0.000000000000000001 WHERE symbol = 'ETH'")
    counts = [execute(database, f"SELECT COUNT(*) FROM {table}") for table in OLD]
    assert up(database, "base") == "base"
    assert [execute(database, f"SELECT COUNT(*) FROM {table}") for table in OLD] == counts
    [[tiny]] = execute(database, "SELECT quantity FROM mock_holdings WHERE symbol = 'ETH'")
    assert float(str(tiny)) == 1e-18
    columns = "SELECT * FROM mock_trades WHERE symbol = 'BTC'"
    assert len(execute(database, columns)[0]) == 16
    assert up(database) == SCHEMA_REVISION
    assert schema_of(database) == full


def test_by_hand_on_sqlite_a_downgrade_leaves_nothing_but_what_others_use(sqlite_database: DatabaseUnderTest) -> None:
    url = sqlite_database.url.replace("+aiosqlite", "")
    for way in (["upgrade", "head"], ["downgrade", "base"]):
        alembic(argv=["-c", str(ALEMBIC_INI), "-x", f"url={url}", *way])
    names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
    assert {name for (name,) in execute(sqlite_database, names)} == {*OLD, "portfolio_schema_version"}


@pytest.mark.parametrize("target", ["0011", "0010", "0006", "base"])
async def test_a_downgrade_loses_no_entry(database: DatabaseUnderTest, target: str) -> None:
    up(database)
    opened = database.opened()
    try:
        await open_books(opened.ledger)
        await book_one(opened.ledger, client_trade_id="k")
        entries = await opened.ledger.entries(1, after=0, limit=10)
        assert up(database, target) == target
        assert up(database) == SCHEMA_REVISION
        assert await opened.ledger.entries(1, after=0, limit=10) == entries
        verdict = await VerifyBooks(opened.ledger)(1)
        assert (verdict.differences, verdict.unreconciled, verdict.revision) == ([], [], 3)
    finally:
        await opened.close()


def test_the_script_of_a_downgrade_says_what_it_keeps(capsys: pytest.CaptureFixture[str]) -> None:
    config = Config(ALEMBIC_INI)
    config.attributes["dialect"] = "mysql"
    command.downgrade(config, "0014:0005", sql=True)
    script = capsys.readouterr().out
    for kept in ("booking_outcomes", "cash_movements", "position_adjustments", "mock_trades"):
        assert any(line.startswith("-- ") and f" {kept} " in f"{line} " for line in script.splitlines()), kept
    assert "DROP COLUMN" not in script
    assert "DROP TABLE IF EXISTS leases" in script


def test_a_migration_killed_between_its_change_and_its_stamp_finishes_when_run_again(
    mysql_database: DatabaseUnderTest, other_mysql_database: DatabaseUnderTest
) -> None:
    make_old(mysql_database)
    for number in range(1, int(SCHEMA_REVISION) + 1):
        assert up(mysql_database, f"{number:04d}") == f"{number:04d}"
        stamp = f"UPDATE portfolio_schema_version SET version_num = '{number - 1:04d}'"
        execute(mysql_database, stamp if number > 1 else "DELETE FROM portfolio_schema_version")
    assert up(mysql_database) == SCHEMA_REVISION
    up(other_mysql_database)
    assert schema_of(mysql_database) == schema_of(other_mysql_database)


def test_half_an_alteration_is_completed(sqlite_database: DatabaseUnderTest) -> None:
    up(sqlite_database, "0006")
    execute(sqlite_database, "ALTER TABLE mock_trades ADD COLUMN booked_by TEXT NULL")
    assert up(sqlite_database) == SCHEMA_REVISION


@pytest.mark.parametrize("old", [False, True], ids=["empty", "old"])
def test_the_script_makes_what_the_program_makes(
    mariadb: DatabaseServer,
    mysql_database: DatabaseUnderTest,
    other_mysql_database: DatabaseUnderTest,
    old: bool,
    dialect: str,
) -> None:
    if old:
        make_old(mysql_database)
        make_old(other_mysql_database)
    up(other_mysql_database)
    run_script(mariadb, mysql_database, migration_sql(mysql_database.prices_schema, dialect=dialect))
    assert schema_of(mysql_database) == schema_of(other_mysql_database)
    assert execute(mysql_database, "SELECT version_num FROM portfolio_schema_version") == [(SCHEMA_REVISION,)]
    assert up(mysql_database) == SCHEMA_REVISION


def test_a_script_may_start_at_any_revision(
    mariadb: DatabaseServer, mysql_database: DatabaseUnderTest, dialect: str
) -> None:
    up(mysql_database, "0007")
    run_script(mariadb, mysql_database, migration_sql(mysql_database.prices_schema, start="0007", dialect=dialect))
    assert execute(mysql_database, "SELECT version_num FROM portfolio_schema_version") == [(SCHEMA_REVISION,)]


def test_a_script_refuses_a_database_that_is_not_where_it_starts(
    mariadb: DatabaseServer, mysql_database: DatabaseUnderTest
) -> None:
    up(mysql_database, "0007")
    with pytest.raises(pymysql.err.ProgrammingError, match="not at revision 0010"):
        run_script(mariadb, mysql_database, migration_sql(mysql_database.prices_schema, start="0010"))
    assert execute(mysql_database, "SELECT version_num FROM portfolio_schema_version") == [("0007",)]


def test_a_script_that_was_interrupted_after_any_statement_finishes_when_it_is_run_again(
    mariadb: DatabaseServer, mysql_database: DatabaseUnderTest, other_mysql_database: DatabaseUnderTest, dialect: str
) -> None:
    make_old(mysql_database)
    up(other_mysql_database)
    script = migration_sql(mysql_database.prices_schema, dialect=dialect)
    # Each time a little further than the time before, so that every statement was the last of a run.
    for until in range(1, len(statements_of(script)) + 1):
        run_script(mariadb, mysql_database, script, until=until)
    assert execute(mysql_database, "SELECT version_num FROM portfolio_schema_version") == [(SCHEMA_REVISION,)]
    assert schema_of(mysql_database) == schema_of(other_mysql_database)


def test_a_script_completes_half_an_alteration(
    mariadb: DatabaseServer, mysql_database: DatabaseUnderTest, other_mysql_database: DatabaseUnderTest, dialect: str
) -> None:
    up(mysql_database, "0006")
    execute(
        mysql_database,
        "ALTER TABLE mock_trades ADD COLUMN booked_by VARBINARY(400) NULL, ADD COLUMN fingerprint CHAR(64)"
        " CHARACTER SET ascii COLLATE ascii_bin NULL, ADD KEY idx_mock_trades_fingerprint (fingerprint)",
    )
    run_script(mariadb, mysql_database, migration_sql(mysql_database.prices_schema, start="0006", dialect=dialect))
    up(other_mysql_database)
    found, whole = schema_of(mysql_database), schema_of(other_mysql_database)
    assert sorted(found["columns"], key=str) == sorted(whole["columns"], key=str)  # type: ignore[call-overload]  # rows
    assert found["keys"] == whole["keys"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_script_says_what_it_is_for_and_what_each_step_does(dialect: str) -> None:
    script = migration_sql("crypto_prices", dialect=dialect)
    assert script.startswith("-- The tables of the portfolio service")
    for number in range(1, int(SCHEMA_REVISION) + 1):
        assert re.search(rf"^-- Revision {number:04d}\n-- \w.+", script, re.MULTILINE), number
    created = re.findall(r"CREATE TABLE .+?\n\) ?([^;]*)", script, re.DOTALL)
    assert len(created) == 1 + len(TABLES)
    assert all(options.startswith("ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4") for options in created)


def test_every_column_of_the_services_own_has_a_comment(mysql_database: DatabaseUnderTest) -> None:
    make_old(mysql_database)
    names = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema"
    where = f"IN (DATABASE(), '{mysql_database.prices_schema}')"
    of_others = set(execute(mysql_database, f"{names} {where}"))
    up(mysql_database)
    bare = set(execute(mysql_database, f"{names} {where} AND column_comment = ''"))
    assert bare <= of_others
    # The one column of theirs whose name means another thing in the API.
    assert of_others - bare == {("mock_trades", "net_amount")}


def test_every_table_of_the_services_own_has_its_prefix(database: DatabaseUnderTest) -> None:
    up(database)
    names = (
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        if database.kind == "sqlite"
        else "SELECT table_name FROM information_schema.tables WHERE table_schema IN"
        f" (DATABASE(), '{database.prices_schema}')"
    )
    own = {str(name) for (name,) in execute(database, names)} - set(OLD)
    assert own == {table.name for table in TABLES} - set(OLD) | {"portfolio_schema_version"}
    assert all(name.startswith("portfolio_") for name in own)


def test_the_script_for_sqlite_says_what_the_program_does(sqlite_database: DatabaseUnderTest) -> None:
    script = migration_sql(None, dialect="sqlite")
    assert "TEXT NOT NULL DEFAULT 0" in script
    assert "DECIMAL" not in script


def test_no_statement_combines_instant_with_a_lock_or_needs_get_lock() -> None:
    script = migration_sql("crypto_prices").upper()
    assert "LOCK=" not in script
    assert "GET_LOCK" not in script
    assert "RETURNING" not in script
    assert "LOCK_WAIT_TIMEOUT" in script


async def test_an_unmigrated_database_is_refused_with_what_to_run(database: DatabaseUnderTest) -> None:
    opened = database.opened()
    try:
        with pytest.raises(SchemaUnknown, match="portfolio migrate"):
            await opened.probe.ping()
        up(database, "0012")
        with pytest.raises(SchemaUnknown, match="0012"):
            await opened.probe.ping()
        up(database)
        await opened.probe.ping()
    finally:
        await opened.close()


def test_a_database_of_a_later_version_is_left_alone(database: DatabaseUnderTest) -> None:
    up(database)
    execute(database, "UPDATE portfolio_schema_version SET version_num = '9999'")
    with pytest.raises(SchemaUnknown, match="9999"):
        up(database)


def test_a_target_that_does_not_exist_is_refused(database: DatabaseUnderTest) -> None:
    with pytest.raises(NotFound):
        up(database, "nonsense")
    with pytest.raises(NotFound, match=r"no schema revision nonsense$"):
        migration_sql(None, start="nonsense")
    with pytest.raises(NotFound, match=r"no schema revision 9999$"):
        migration_sql(None, start="0003", end="9999")


def test_the_services_user_could_not_have_migrated(mysql_database: DatabaseUnderTest) -> None:
    up(mysql_database)
    service = DatabaseUnderTest(
        kind="mysql", url="", migration_url=mysql_database.url, prices_schema=mysql_database.prices_schema
    )
    with pytest.raises(DBAPIError, match="denied"):
        execute(service, "ALTER TABLE mock_trades ADD COLUMN x INT")
