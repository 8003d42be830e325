"""`portfolio migrate` killed midway, again and again: one more run finishes, and nothing starts on half of it."""

from __future__ import annotations

import secrets
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import make_url

from portfolio.adapters.database.schema.migration import VERSION_TABLE, migrations_folder
from portfolio.adapters.database.schema.revision import RUNS_ON, SCHEMA_REVISION, number_of
from tests.faults.feeds.priced_service import until
from tests.integration.database.test_migrations import schema_of, up
from tests.support.database.database_server import DatabaseServer
from tests.support.database.databases import DatabaseUnderTest, sqlite_database_in
from tests.support.database.old_database import execute, make_old
from tests.support.services.service import PORTFOLIO, ServiceProcess
from tests.support.services.tcp_proxy import TcpProxy, Trap

# What is under way when the process is killed: before it is done, after it, or between a change and its stamp.
MOMENTS = (
    (b"ALTER TABLE mock_holdings", Trap.LOSE_ANSWER_SILENT),
    (b"UPDATE portfolio_schema_version", Trap.LOSE_REQUEST_SILENT),
    (b"CREATE TABLE IF NOT EXISTS booking_outcomes", Trap.LOSE_ANSWER_SILENT),
    (b"COMMIT", Trap.LOSE_ANSWER_SILENT),
)
PATIENCE_SECONDS = 60.0
LATER = "9998"


@pytest.fixture
def unharmed(mariadb: DatabaseServer) -> Iterator[DatabaseUnderTest]:
    """A database of the same age, for a migration that nobody disturbs."""
    name = f"u_{secrets.token_hex(4)}"
    try:
        yield mariadb.create_database_pair(name)
    finally:
        mariadb.drop(name)


def test_a_migration_of_a_server_that_is_killed_midway_finishes_when_run_again(
    mariadb: DatabaseServer, mysql_database: DatabaseUnderTest, unharmed: DatabaseUnderTest, tmp_path: Path
) -> None:
    for place in (mysql_database, unharmed):
        make_old(place)
    with TcpProxy(mariadb.host, mariadb.port) as proxy:
        url = make_url(mysql_database.migration_url).set(host="127.0.0.1", port=proxy.port)
        behind = replace(mysql_database, url=url.render_as_string(hide_password=False))
        for number, (pattern, trap) in enumerate(MOMENTS, 1):
            proxy.arm(pattern, trap)
            _kill_when(behind, tmp_path, lambda number=number: len(proxy.sprung) == number)  # type: ignore[misc]  # a lambda's default has no type
            proxy.heal()
            [[revision]] = execute(mysql_database, "SELECT MAX(version_num) FROM portfolio_schema_version")
            assert revision is None or str(revision) < SCHEMA_REVISION
            assert len(execute(mysql_database, "SELECT * FROM mock_trades")) == len(
                execute(unharmed, "SELECT * FROM mock_trades")
            )
    up(unharmed)
    refused = ServiceProcess(mysql_database, tmp_path).command("serve")
    assert refused.returncode != 0
    assert "run `portfolio migrate`" in refused.stderr
    assert SCHEMA_REVISION in refused.stderr
    _finish(mysql_database, unharmed, tmp_path)


def test_a_migration_of_the_embedded_database_that_is_killed_midway_finishes_when_run_again(tmp_path: Path) -> None:
    places = []
    for name in ("killed", "unharmed"):
        (tmp_path / name).mkdir()
        places.append(sqlite_database_in(tmp_path / name))
        make_old(places[-1])
    killed, unharmed = places
    for reached in ("0003", "0006"):
        _kill_when(killed, tmp_path, lambda reached=reached: _revision(killed) >= reached)  # type: ignore[misc]  # a lambda's default has no type
    up(unharmed)
    _finish(killed, unharmed, tmp_path)
    execute(killed, "UPDATE portfolio_schema_version SET version_num = '9999'")
    later = ServiceProcess(killed, tmp_path).command("serve")
    assert later.returncode != 0
    assert "9999" in later.stderr
    assert "matching version" in later.stderr


def test_of_migrations_at_once_each_ends_with_the_schema_and_the_books_are_opened_once(
    database: DatabaseUnderTest, tmp_path: Path
) -> None:
    environment = {**ServiceProcess(database, tmp_path).environment, "PORTFOLIO_DATABASE_URL": database.migration_url}
    at_once = [
        subprocess.Popen(
            [PORTFOLIO, "migrate"],
            env=environment,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(4)
    ]
    said = [process.communicate(timeout=120)[0] for process in at_once]
    assert [process.returncode for process in at_once] == [0] * 4, said
    assert [text.count(f"schema revision {SCHEMA_REVISION}\n") for text in said] == [1] * 4
    assert sorted(text.splitlines()[-1] for text in said) == ["books: open"] * 3 + ["books: opened"]
    assert execute(database, "SELECT version_num FROM portfolio_schema_version") == [(SCHEMA_REVISION,)]


def test_a_migration_that_another_holds_up_says_so(mysql_database: DatabaseUnderTest, tmp_path: Path) -> None:
    service = ServiceProcess(mysql_database, tmp_path)
    url = make_url(mysql_database.migration_url)
    engine = mysql_database.engine()
    with engine.connect() as other:
        other.exec_driver_sql("SELECT GET_LOCK(%s, 0)", (f"{VERSION_TABLE}.{url.database}",))
        refused = service.command("migrate", PORTFOLIO_DATABASE_URL=mysql_database.migration_url)
    engine.dispose()
    assert refused.returncode == 3
    assert refused.stderr.endswith("another migration of this database is at work; run it again when that has ended\n")
    service.migrate_by_command()


class OnTheOldest(ServiceProcess):
    """A service on the oldest revision that its release runs on."""

    def migrate(self) -> None:
        up(self._database, min(RUNS_ON))


def test_after_a_migration_under_a_running_instance_health_readiness_and_bookings_agree(
    database: DatabaseUnderTest, tmp_path: Path
) -> None:
    with OnTheOldest(database, tmp_path) as service, httpx.Client(base_url=service.url, timeout=30) as client:
        assert (_book(client), _ready(client)) == (200, 200)
        assert service.get("/health")["database"]["schema_revision"] == min(RUNS_ON)
        up(database)
        assert (_book(client), _ready(client)) == (200, 200)

        for unfit in (f"{LATER}_fits_{LATER}", LATER):
            _at_revision(database, unfit)
            until(lambda: _book(client) == 503, what="bookings are refused though nobody asked for its health")
            assert _ready(client) == 503
            health = client.get("/health")
            assert (health.status_code, health.json()["database"]["status"]) == (503, "schema_unknown")
            refused = client.post("/cash/transactions", json={"kind": "deposit", "amount": 5})
            assert (refused.status_code, refused.json()["type"]) == (503, "/problems/schema-unknown")
        assert service.log().count("books.not_opened") == 1

        _at_revision(database, SCHEMA_REVISION)
        until(lambda: _book(client) == 200, what="it books again")
        assert _ready(client) == 200
        assert service.get("/health")["status"] == "healthy"


def test_after_a_migration_that_only_adds_an_older_instance_goes_on_booking(
    database: DatabaseUnderTest, tmp_path: Path
) -> None:
    own = number_of(SCHEMA_REVISION)
    with ServiceProcess(database, tmp_path) as service, httpx.Client(base_url=service.url, timeout=30) as client:
        assert _book(client) == 200
        _migrate_to_a_later_release(database, tmp_path / "later", f"{LATER}_fits_{own}")
        health = client.get("/health")  # it has seen the new revision by then
        assert health.json()["database"]["schema_revision"] == f"{LATER}_fits_{own}"
        assert (health.status_code, health.json()["status"]) == (200, "healthy")
        assert (_book(client), _ready(client)) == (200, 200)
        assert client.get("/trades").json()["trades"][0]["side"] == "BUY"
        assert service.stop() == 0
        # Its commands know the database too, and leave the schema to the release that knows it.
        assert service.command("verify").returncode == 0
        migrated = service.command("migrate", PORTFOLIO_DATABASE_URL=database.migration_url)
        assert (migrated.returncode, "matching version" in migrated.stderr) == (3, True)
        nowhere = "http://127.0.0.1:1"
        service.environment |= {f"PORTFOLIO_{name}_URL": nowhere for name in ("COINBASE", "BINANCE", "CANDLES")}
        service.environment["PORTFOLIO_PRICE_FEED"] = "exchanges"  # made-up prices are not for a ledger with trades
        service.start()
        assert _book(client) == 200
    [[added]] = execute(database, "SELECT COUNT(*) FROM mock_trades WHERE of_a_later_release IS NULL")
    assert added == 3


MIGRATION = '''
"""A column and a table that the releases before know nothing of."""

from alembic import op

revision, down_revision, branch_labels, depends_on = "{revision}", "{before}", None, None


def upgrade() -> None:
    op.execute("ALTER TABLE mock_trades ADD COLUMN of_a_later_release VARCHAR(20) NULL")
    op.execute("CREATE TABLE portfolio_of_a_later_release (id INTEGER PRIMARY KEY)")
'''


def _migrate_to_a_later_release(place: DatabaseUnderTest, folder: Path, revision: str) -> None:
    """Bring the database to a revision that a later release would add to those of today."""
    shutil.copytree(migrations_folder(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    text = MIGRATION.format(revision=revision, before=SCHEMA_REVISION)
    (folder / "versions" / f"{revision}.py").write_text(text.lstrip())
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("prepend_sys_path", str(folder))
    config.set_main_option("path_separator", "os")
    engine = place.engine()
    with engine.connect() as connection:
        config.attributes |= {"connection": connection, "prices_schema": place.prices_schema}
        command.upgrade(config, "head")
    engine.dispose()


def _at_revision(place: DatabaseUnderTest, revision: str) -> None:
    execute(place, f"UPDATE portfolio_schema_version SET version_num = '{revision}'")


def _book(client: httpx.Client) -> int:
    body = {"symbol": "BTC", "side": "BUY", "quantity": 1, "price": 10, "net_amount": 10}
    return client.post("/holdings/update", json=body).status_code


def _ready(client: httpx.Client) -> int:
    return client.get("/health/ready").status_code


def _kill_when(place: DatabaseUnderTest, folder: Path, moment: Callable[[], bool]) -> None:
    """Run `portfolio migrate`, and end it at that moment as a power cut would."""
    environment = ServiceProcess(place, folder).environment
    process = subprocess.Popen(
        [PORTFOLIO, "migrate"], env=environment, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not moment():
        assert process.poll() is None, f"it ended with {process.returncode}"
        assert time.monotonic() < give_up_at, "the moment does not come"
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)


def _revision(place: DatabaseUnderTest) -> str:
    """Return the revision that an embedded database is at; nothing before the first, and while nobody can tell."""
    with sqlite3.connect(make_url(place.url).database or "", timeout=0) as connection:
        try:
            row = connection.execute("SELECT version_num FROM portfolio_schema_version").fetchone()
        except sqlite3.OperationalError:
            return ""
    return str(row[0]) if row else ""


def _finish(place: DatabaseUnderTest, unharmed: DatabaseUnderTest, folder: Path) -> None:
    """See that one more run finishes, and leaves what a run that nobody disturbed does."""
    service = ServiceProcess(place, folder)
    service.migrate_by_command()
    assert schema_of(place) == schema_of(unharmed)
    assert service.command("verify").returncode == 0
