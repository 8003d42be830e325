"""The database turns read-only, is frozen, killed and restarted, or its rows are locked by others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pymysql
import pytest
from sqlalchemy import make_url

from portfolio.adapters.database.connection.connections import Connections
from portfolio.adapters.database.connection.engine import create_engine
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.connection.statements import Statement
from portfolio.adapters.database.connection.timeouts import Timeouts
from tests.support.database.database_server import DatabaseServer
from tests.support.database.migrated import bring_up_to_date
from tests.support.database.old_database import execute
from tests.support.services.proxied_service import (
    BUY,
    SETTINGS,
    Answer,
    ProxiedService,
    answers,
    ask,
    book,
    proxied_service,
    until,
)
from tests.support.services.service import ServiceProcess

CLIENTS = 8


@pytest.fixture(scope="module")
def server(fragile_mariadb: DatabaseServer) -> DatabaseServer:
    return fragile_mariadb


@pytest.fixture(scope="module")
def running(server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxiedService]:
    with proxied_service(server, tmp_path_factory.mktemp("outage")) as running:
        process = running.service.process.pid
        yield running
        assert running.service.process.pid == process, "it was restarted"
        asyncio.run(running.verify())
        assert "Traceback" not in running.service.output()


async def test_after_a_failover_to_read_only_it_is_not_ready_and_recovers_without_a_restart(
    server: DatabaseServer, running: ProxiedService
) -> None:
    async with running.service.client() as client:
        await running.ready()
        assert (await book(client)).status == 200
        trades, accepted = running.trades, running.proxy.accepted
        server.execute("SET GLOBAL read_only = ON")
        try:
            assert (await book(client, "read-only")).is_unavailable("ledger-unavailable")
            # The connection that said so is not used again: another may lead to a server that takes writes.
            assert running.proxy.accepted > accepted
            await until(lambda: answers(running.service.url, "/health/ready", 503), "it still says that it is ready")
            health = await ask(client, "GET", "/health")
            assert (health.status, health.body["status"]) == (200, "degraded")
            assert (await ask(client, "GET", "/portfolio")).status == 200
        finally:
            server.execute("SET GLOBAL read_only = OFF")
        await running.ready()
        assert running.trades == trades
        assert (await book(client, "read-only")).body["replayed"] is False


async def test_connections_that_the_server_ends_while_nobody_uses_them_are_no_error(
    server: DatabaseServer, tmp_path: Path
) -> None:
    if not server.is_mariadb():
        pytest.skip("on MySQL the service sets this limit itself")
    place = server.create_database_pair("idle")
    sessions = f"SELECT id FROM information_schema.processlist WHERE user = '{make_url(place.url).username}'"

    async def until_they_end() -> None:
        """Wait for those that are there: the service looks at its database meanwhile, through new ones."""
        there = "".join(f", {number}" for (number,) in await asyncio.to_thread(server.execute, sessions))

        async def are_gone() -> bool:
            return not await _finds(server, f"{sessions} AND id IN (0{there})")

        await until(are_gone, "the server keeps its idle sessions")

    server.execute("SET GLOBAL wait_timeout = 1")
    try:
        with ServiceProcess(place, tmp_path, settings=SETTINGS) as service:
            async with service.client() as client:
                for number in range(3):
                    assert (await book(client, f"idle-{number}")).status == 200
                    await until_they_end()
            log = await asyncio.to_thread(service.log)
    finally:
        server.execute("SET GLOBAL wait_timeout = DEFAULT")
        server.drop("idle")
    assert [line for line in log.splitlines() if '"level":"error"' in line] == []


@pytest.mark.parametrize("code", [1290, 1792, 1836, 1047, 1053, 1927])
async def test_a_connection_that_says_it_is_read_only_or_at_its_end_is_thrown_away(
    running: ProxiedService, code: int
) -> None:
    async with running.service.client() as client:
        await running.ready()
        trades, accepted = running.trades, running.proxy.accepted
        running.proxy.refuse(b"INSERT INTO mock_trades", code)
        answer = await book(client, f"code-{code}")
        assert (answer.status, answer.body["replayed"]) == (200, False), answer.body
        assert running.proxy.accepted > accepted
        assert running.trades == trades + 1


async def test_with_a_frozen_database_answers_come_in_time_and_it_recovers(
    server: DatabaseServer, running: ProxiedService
) -> None:
    async with running.service.client() as client:
        await running.ready()
        assert (await book(client)).status == 200
        assert (await ask(client, "GET", "/portfolio")).status == 200
        trades = running.trades
        server.pause()
        try:
            health, whole, booked, checked = await asyncio.gather(
                ask(client, "GET", "/health"),
                ask(client, "GET", "/portfolio"),
                book(client, "frozen"),
                ask(client, "POST", "/pretrade/check", BUY),
            )
        finally:
            server.resume()
        assert (health.status, health.body["status"]) == (200, "degraded")
        assert (whole.status, whole.body["portfolio"]["stale"], whole.is_in_time()) == (200, True, True)
        assert booked.is_unavailable("ledger-unavailable", "overloaded")
        assert checked.is_unavailable("ledger-unavailable")
        await running.ready()
        assert running.trades == trades
        assert (await book(client, "frozen")).body["replayed"] is False


@pytest.mark.parametrize("how", ["killed", "stopped"])
async def test_a_database_restarted_under_load_loses_no_acknowledged_trade(
    server: DatabaseServer, running: ProxiedService, how: str
) -> None:
    async with running.service.client() as client:
        await running.ready()
        trades = running.trades
        acknowledged: dict[str, int] = {}
        may_end = asyncio.Event()
        clients = [asyncio.create_task(_engine(client, f"{how}-{n}", acknowledged, may_end)) for n in range(CLIENTS)]
        for _ in range(2):
            before = len(acknowledged)
            await until(lambda before=before: _more(acknowledged, before + 3 * CLIENTS), "nothing is booked")  # type: ignore[misc]  # a lambda's default has no type
            await asyncio.to_thread(server.kill if how == "killed" else server.stop)
            await asyncio.to_thread(server.start)
        after = len(acknowledged)
        await until(lambda: _more(acknowledged, after + CLIENTS), "nothing is booked after the restart")
        may_end.set()
        await asyncio.gather(*clients)
        # Every one is answered in the end, as what was told first, and there are no others.
        for key, trade_id in acknowledged.items():
            again = await book(client, key)
            assert (again.body["replayed"], again.body["trade_id"]) == (True, trade_id)
        assert running.trades == trades + len(acknowledged)


async def _engine(client: httpx.AsyncClient, name: str, acknowledged: dict[str, int], may_end: asyncio.Event) -> None:
    """Book one trade after the other; each again by its key until there is a definite answer."""
    number = 0
    while not may_end.is_set():
        key = f"{name}-{number}"
        number += 1
        while (answer := await book(client, key)).status != 200:
            assert answer.is_unavailable("ledger-unavailable", "outcome-unknown", "overloaded")
            await asyncio.sleep(0.05)
        acknowledged[key] = answer.body["trade_id"]


async def _more(acknowledged: dict[str, int], than: int) -> bool:
    return len(acknowledged) > than


async def test_a_snapshot_conflict_runs_the_whole_unit_again_from_its_first_read(server: DatabaseServer) -> None:
    """1020: MariaDB alone has it, for units that lock what has changed since their snapshot; this one is made to."""
    [[version]] = server.execute("SELECT VERSION()")
    is_mariadb = "mariadb" in str(version).lower()
    place = server.create_database_pair("snapshot")
    bring_up_to_date(place)
    execute(place, "INSERT INTO portfolio_leases (name, holder, token, expires_at) VALUES ('x', 'a', 1, '2026-01-01')")
    engine = create_engine(place.url, hosts=(), pool_size=1, limits=Timeouts())
    connections = Connections(engine, Timeouts())
    read: list[int] = []

    async def work(session: Session) -> None:
        snapshot = ["SET SESSION innodb_snapshot_isolation = ON"] if is_mariadb else []
        begin = ("ROLLBACK", *snapshot, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", "BEGIN")
        *_, before = await session.execute(*map(Statement, (*begin, "SELECT token FROM portfolio_leases")))
        read.append(before.rows[0][0])
        if len(read) < 3:
            await asyncio.to_thread(execute, place, "UPDATE portfolio_leases SET token = token + 1")
        await session.execute(
            Statement("SELECT token FROM portfolio_leases FOR UPDATE"),
            Statement("UPDATE portfolio_leases SET token = 100"),
        )

    try:
        await connections.write(work)
    finally:
        await connections.close()
        server.drop("snapshot")
    assert read == ([1, 2, 3] if is_mariadb else [1])


async def test_a_row_that_another_keeps_locked_means_503_and_nothing_applied(running: ProxiedService) -> None:
    async with running.service.client() as client:
        await running.ready()
        trades, cash = running.trades, running.cash
        async with _locked(running):
            assert (await book(client, "locked")).is_unavailable("ledger-unavailable")
        assert (running.trades, running.cash) == (trades, cash)
        assert (await book(client, "locked")).body["replayed"] is False


async def test_a_row_that_another_gives_back_in_time_is_waited_for(running: ProxiedService) -> None:
    async with running.service.client() as client:
        await running.ready()
        async with _locked(running):
            booking = asyncio.create_task(book(client))
            await until(lambda: _waits_for_the_lock(running), "the booking does not wait")
        answer: Answer = await booking
        assert (answer.status, answer.is_in_time()) == (200, True)


async def test_behind_an_alteration_that_waits_no_session_of_the_service_waits_on_after_it_was_given_up(
    server: DatabaseServer, running: ProxiedService
) -> None:
    """MySQL does not see that a client has gone while its session waits for a table; its own limit is a year."""
    url = make_url(running.place.url)
    sessions = "SELECT id FROM information_schema.processlist WHERE state LIKE 'Waiting for table%' AND "
    altering, ours = f"{sessions}info LIKE 'ALTER TABLE%'", f"{sessions}user = '{url.username}'"
    async with running.service.client() as client:
        await running.ready()
        trades = running.trades
        with server.connect(database=url.database) as reader, ThreadPoolExecutor(1) as beside:
            reader.begin()
            reader.cursor().execute("SELECT id FROM mock_trades")
            alteration = beside.submit(server.execute, f"ALTER TABLE `{url.database}`.mock_trades FORCE")
            try:
                await until(lambda: _finds(server, altering), "the alteration does not wait")
                assert (await book(client, "altered")).is_unavailable("ledger-unavailable", "overloaded")
                left = ", ".join(str(number) for (number,) in server.execute(ours)) or "0"

                async def are_gone() -> bool:
                    return not await _finds(server, f"{ours} AND id IN ({left})")

                await until(are_gone, "sessions that were given up go on waiting for the table")
            finally:
                reader.rollback()
            alteration.result()
        await running.ready()
        assert running.trades == trades
        assert (await book(client, "altered")).body["replayed"] is False


async def _finds(server: DatabaseServer, question: str) -> bool:
    return bool(await asyncio.to_thread(server.execute, question))


@asynccontextmanager
async def _locked(running: ProxiedService) -> AsyncIterator[None]:
    """Another program holds the portfolio's row lock."""
    url = make_url(running.place.migration_url)
    theirs = pymysql.connect(
        host=url.host, port=url.port or 3306, user=url.username, password=url.password or "", database=url.database
    )
    try:
        theirs.begin()
        theirs.cursor().execute("SELECT id FROM mock_portfolio FOR UPDATE")
        yield
    finally:
        theirs.close()


async def _waits_for_the_lock(running: ProxiedService) -> bool:
    async with running.service.client() as client:
        return "\nportfolio_bookings_waiting 1.0\n" in (await client.get("/metrics")).text
