"""Readiness tries what a booking needs: what any part of it meets is told before an engine meets it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from sqlalchemy import make_url

from tests.support.database.database_server import DatabaseServer
from tests.support.database.databases import DatabaseUnderTest, sqlite_database_in
from tests.support.database.old_database import execute
from tests.support.services.proxied_service import BUY, SETTINGS, answers, ask, book, until
from tests.support.services.service import ServiceProcess


@dataclass(frozen=True, slots=True)
class Running:
    """A running service, its database, and how statements are carried out there by one who may do anything."""

    service: ServiceProcess
    place: DatabaseUnderTest
    do: Callable[..., object]

    async def agrees_that_nothing_can_be_booked(self, client: httpx.AsyncClient, cause: str) -> None:
        """See that readiness, health and metrics say so, and why."""
        await until(lambda: answers(self.service.url, "/health/ready", 503), "it says that it is ready")
        health = await ask(client, "GET", "/health")
        assert health.body["status"] in {"degraded", "unhealthy"}
        assert health.body["database"]["status"] in {"refusing", "schema_unknown"}
        assert cause in health.body["database"]["detail"]
        assert "\nportfolio_ready 0.0\n" in (await client.get("/metrics")).text

    async def agrees_that_all_is_well(self, client: httpx.AsyncClient) -> None:
        """See that it is ready, and takes a booking."""
        await until(lambda: answers(self.service.url, "/health/ready", 200), "it is not ready again")
        assert (await ask(client, "GET", "/health")).body["status"] == "healthy"
        assert (await book(client)).status == 200


@pytest.fixture(scope="module")
def server(fragile_mariadb: DatabaseServer) -> DatabaseServer:
    return fragile_mariadb


@pytest.fixture(scope="module")
def mysql(server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    place = server.create_database_pair("probe")
    # With rights on tables, which are asked at each statement; those on a database only when a connection begins.
    user, ledger = make_url(place.url).username, make_url(place.url).database
    with ServiceProcess(place, tmp_path_factory.mktemp("probe"), settings=SETTINGS) as service:
        yield Running(service, place, lambda *statements: server.execute(f"USE {ledger}", *statements))
        assert "Traceback" not in service.output(), service.output().partition("Traceback")[2][:6000]
        assert service.command("verify").returncode == 0, user


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Running]:
    place = sqlite_database_in(tmp_path)
    with ServiceProcess(place, tmp_path, settings=SETTINGS) as service:
        yield Running(service, place, lambda *statements: [execute(place, statement) for statement in statements])
        assert "Traceback" not in service.output(), service.output().partition("Traceback")[2][:6000]
        assert service.command("verify").returncode == 0


def _refusing(table: str, event: str) -> tuple[str, str]:
    body = "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not today'"
    return f"CREATE TRIGGER t_refuse BEFORE {event} ON {table} FOR EACH ROW {body}", "DROP TRIGGER t_refuse"


OUTCOMES = "portfolio_booking_outcomes"
ON_A_SERVER: Sequence[tuple[str, str, str]] = [
    ("RENAME TABLE mock_trades TO gone", "RENAME TABLE gone TO mock_trades", "mock_trades"),
    (f"RENAME TABLE {OUTCOMES} TO gone", f"RENAME TABLE gone TO {OUTCOMES}", OUTCOMES),
    (
        "ALTER TABLE mock_holdings RENAME COLUMN asset_cost TO gone",
        "ALTER TABLE mock_holdings RENAME COLUMN gone TO asset_cost",
        "asset_cost",
    ),
    (
        "ALTER TABLE mock_trades AUTO_INCREMENT = 2147483647",
        "ALTER TABLE mock_trades AUTO_INCREMENT = 10000",
        "AUTO_INCREMENT",
    ),
    (*_refusing("mock_trades", "INSERT"), "not today"),
    (*_refusing(OUTCOMES, "INSERT"), "not today"),
    (*_refusing("mock_portfolio", "UPDATE"), "not today"),
    (*_refusing("mock_holdings", "UPDATE"), "not today"),
    (*_refusing("portfolio_cash_transactions", "INSERT"), "not today"),
    (
        "CREATE TRIGGER t_change BEFORE INSERT ON mock_trades FOR EACH ROW SET NEW.fee = 2",
        "DROP TRIGGER t_change",
        "mock_trades.fee does not keep",
    ),
    (
        "ALTER TABLE mock_trades MODIFY quantity DECIMAL(20,8) NOT NULL",
        "ALTER TABLE mock_trades MODIFY quantity DECIMAL(38,18) NOT NULL",
        "mock_trades.quantity does not keep",
    ),
    (
        "ALTER TABLE mock_trades MODIFY notes MEDIUMTEXT CHARACTER SET latin1",
        "ALTER TABLE mock_trades MODIFY notes MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
        "notes",
    ),
    (
        f"ALTER TABLE {OUTCOMES} MODIFY client_trade_id VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
        f"ALTER TABLE {OUTCOMES} MODIFY client_trade_id VARBINARY(128)",
        "VARBINARY",
    ),
    (
        "ALTER TABLE mock_trades MODIFY client_trade_id VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
        "ALTER TABLE mock_trades MODIFY client_trade_id VARBINARY(128)",
        "mock_trades.client_trade_id takes different keys for one",
    ),
    (
        "ALTER TABLE portfolio_cash_refusals MODIFY owner VARCHAR(99) COLLATE utf8mb4_bin NOT NULL",
        "ALTER TABLE portfolio_cash_refusals MODIFY owner VARBINARY(128) NOT NULL",
        "portfolio_cash_refusals.owner takes different keys for one",
    ),
    (
        "ALTER TABLE mock_portfolio ENGINE=MyISAM",
        "ALTER TABLE mock_portfolio ENGINE=InnoDB",
        "mock_portfolio is MyISAM",
    ),
    (f"ALTER TABLE {OUTCOMES} ENGINE=Aria", f"ALTER TABLE {OUTCOMES} ENGINE=InnoDB", "Aria"),
]


@pytest.mark.parametrize(("deed", "undo", "cause"), ON_A_SERVER)
async def test_what_would_refuse_a_booking_or_lose_it_is_told_before_one_comes(
    mariadb: DatabaseServer, mysql: Running, deed: str, undo: str, cause: str
) -> None:
    if cause == "Aria" and not mariadb.is_mariadb():
        pytest.skip("MySQL has no Aria")
    async with mysql.service.client() as client:
        await mysql.agrees_that_all_is_well(client)
        mysql.do(deed)
        try:
            await mysql.agrees_that_nothing_can_be_booked(client, cause)
        finally:
            mysql.do(undo)
        await mysql.agrees_that_all_is_well(client)


@pytest.mark.parametrize("right", ["INSERT", "UPDATE", "SELECT"])
async def test_a_right_that_is_taken_away_is_told(mysql: Running, right: str) -> None:
    user, ledger = make_url(mysql.place.url).username, str(make_url(mysql.place.url).database)
    pattern = ledger.replace("_", r"\_")
    async with mysql.service.client() as client:
        await mysql.agrees_that_all_is_well(client)
        mysql.do(f"REVOKE {right} ON `{pattern}`.* FROM '{user}'@'%'")
        try:
            await mysql.agrees_that_nothing_can_be_booked(client, "denied")
            assert (await book(client, f"without-{right}")).is_unavailable("ledger-unavailable")
        finally:
            mysql.do(f"GRANT {right} ON `{pattern}`.* TO '{user}'@'%'")
        await mysql.agrees_that_all_is_well(client)
        assert (await book(client, f"without-{right}")).body["replayed"] is False


@pytest.mark.parametrize(
    ("deed", "undo", "cause"),
    [
        ("ALTER TABLE mock_trades RENAME TO gone", "ALTER TABLE gone RENAME TO mock_trades", "mock_trades"),
        (
            f"CREATE TRIGGER t_refuse BEFORE INSERT ON {OUTCOMES} BEGIN SELECT RAISE(ABORT, 'not today'); END",
            "DROP TRIGGER t_refuse",
            "not today",
        ),
        (
            "UPDATE sqlite_sequence SET seq = 9223372036854775807 WHERE name = 'mock_trades'",
            "UPDATE sqlite_sequence SET seq = 10000 WHERE name = 'mock_trades'",
            "AUTO_INCREMENT",
        ),
    ],
)
async def test_on_sqlite_too_what_would_refuse_a_booking_is_told(
    sqlite: Running, deed: str, undo: str, cause: str
) -> None:
    async with sqlite.service.client() as client:
        await sqlite.agrees_that_all_is_well(client)
        sqlite.do(deed)
        await sqlite.agrees_that_nothing_can_be_booked(client, cause)
        assert (await book(client, "refused")).status == 503
        sqlite.do(undo)
        await sqlite.agrees_that_all_is_well(client)


async def test_after_three_bookings_that_failed_for_what_no_trial_meets_it_is_not_ready_until_one_succeeds(
    mysql: Running,
) -> None:
    user, ledger = make_url(mysql.place.url).username, str(make_url(mysql.place.url).database)
    tables = ledger.replace("_", r"\_")
    async with mysql.service.client() as client:
        await mysql.agrees_that_all_is_well(client)
        # A refusal of before, that is over, takes nothing of what fails from now on.
        mysql.do(f"REVOKE SELECT ON `{tables}`.* FROM '{user}'@'%'")
        await mysql.agrees_that_nothing_can_be_booked(client, "denied")
        mysql.do(f"GRANT SELECT ON `{tables}`.* TO '{user}'@'%'")
        await mysql.agrees_that_all_is_well(client)
        mysql.do(
            "CREATE TRIGGER t_refuse BEFORE INSERT ON mock_trades FOR EACH ROW"
            " IF NEW.symbol = 'BTC' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no BTC'; END IF"
        )
        refused = 0
        while refused < 3:  # what a busy machine does to a booking is not counted
            assert (await ask(client, "GET", "/health/ready")).status == 200
            answer = await book(client, "btc")
            assert answer.is_unavailable("ledger-unavailable")
            refused += "no BTC" in answer.body["detail"]
        await mysql.agrees_that_nothing_can_be_booked(client, "bookings fail: the database refused: (1644, 'no BTC')")
        mysql.do("DROP TRIGGER t_refuse")
        assert (await ask(client, "GET", "/health/ready")).status == 503, "nothing has shown yet that one succeeds"
        assert (await book(client, "btc")).body["replayed"] is False
        await mysql.agrees_that_all_is_well(client)


async def test_a_batch_too_large_for_the_server_is_refused_by_its_size_and_says_nothing_of_other_bookings(
    server: DatabaseServer, tmp_path: Path
) -> None:
    place = server.create_database_pair("packet")
    batch = {"bookings": [{**BUY, "client_trade_id": f"b-{number}", "notes": "x" * 500} for number in range(200)]}
    [[usual]] = server.execute("SELECT @@GLOBAL.max_allowed_packet")
    server.execute("SET GLOBAL max_allowed_packet = 65536")
    try:
        with ServiceProcess(place, tmp_path, settings=SETTINGS) as service:
            async with service.client() as client:
                refused = await ask(client, "POST", "/holdings/update/batch", batch)
                assert (refused.status, refused.slug) == (413, "body-too-large"), refused.body
                assert "max_allowed_packet" in refused.body["detail"]
                await until(lambda: answers(service.url, "/health/ready", 200), "one batch has made it not ready")
                few = await ask(client, "POST", "/holdings/update/batch", {"bookings": batch["bookings"][:20]})
                assert (few.status, few.body["booked"]) == (200, 20)
        assert service.command("verify").returncode == 0
    finally:
        server.execute(f"SET GLOBAL max_allowed_packet = {usual}")


async def test_what_is_tried_leaves_nothing_behind_and_costs_no_number(mysql: Running) -> None:
    async with mysql.service.client() as client:
        first = (await book(client)).body["trade_id"]
        before = mysql.do("SELECT * FROM mock_portfolio")
        for _ in range(20):
            assert (await ask(client, "GET", "/health/ready")).status == 200
        assert mysql.do("SELECT * FROM mock_portfolio") == before
        for table in (
            "mock_trades",
            "mock_holdings",
            OUTCOMES,
            "portfolio_cash_transactions",
            "portfolio_cash_refusals",
        ):
            assert mysql.do(f"SELECT * FROM {table} WHERE id <= 0") == []
        assert (await book(client)).body["trade_id"] == first + 1
