"""Instances that write to different nodes at once: locks are each node's own, conflicts come at COMMIT."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import insert, make_url

from portfolio.adapters.database.connection.connections import Connections
from portfolio.adapters.database.connection.engine import create_engine
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.connection.timeouts import Timeouts
from portfolio.adapters.database.database import Database, open_database
from portfolio.adapters.database.prices.leases import DatabaseLeases, check_fence
from portfolio.adapters.database.schema.migration import migrate
from portfolio.adapters.database.schema.tables import leases
from portfolio.application.errors import LeaseLost
from portfolio.application.ledger.ports import LedgerUnit
from tests.faults.galera.galera_service import book, eventually, place_on, report, service_on, try_to_book
from tests.faults.galera.galera_writers import Writers, booking, expect_exact_books, expect_same_books, expect_verified
from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.galera_cluster import GaleraCluster, GaleraNode
from tests.support.ledger_examples import AT, open_books
from tests.support.services.service import ServiceProcess
from tests.support.signal_examples import signal

pytestmark = pytest.mark.galera


@contextmanager
def two_services(
    cluster: GaleraCluster, place: DatabaseUnderTest, folder: Path
) -> Iterator[tuple[ServiceProcess, ServiceProcess]]:
    """One instance on the first node, another on the second."""
    with service_on(cluster, place, folder / "one") as one, service_on(cluster, place, folder / "two", first=1) as two:
        yield one, two


@contextmanager
def lagging(node: GaleraNode) -> Iterator[None]:
    """The node takes in what the others commit, and applies none of it."""
    connection = node.connect()
    with connection.cursor() as cursor:
        cursor.execute("FLUSH TABLES WITH READ LOCK")
        try:
            yield
        finally:
            cursor.execute("UNLOCK TABLES")
            connection.close()


async def test_two_instances_on_two_nodes_lose_nothing_and_double_nothing(
    cluster: GaleraCluster, place: DatabaseUnderTest, tmp_path: Path
) -> None:
    before = [int(node.status("wsrep_local_cert_failures") or 0) for node in cluster.nodes]
    with two_services(cluster, place, tmp_path) as services:
        writers = Writers([service.url for service in services], "both")
        async with writers.booking(without_key=4):
            await writers.more(1500)
        expect_exact_books(writers, place, cluster.nodes)
        expect_verified(cluster, services[0], place, cluster.nodes)
        after = [int(node.status("wsrep_local_cert_failures")) for node in cluster.nodes]
        aborts = [node.status("wsrep_local_bf_aborts") for node in cluster.nodes]
    expect_same_books(place, cluster.nodes)
    ledger = make_url(place.url).database
    ids = cluster.nodes[2].execute(f"SELECT id FROM `{ledger}`.mock_trades ORDER BY ledger_revision")
    report(
        "two nodes written to",
        writers,
        conflicts_at_commit=[later - earlier for earlier, later in zip(before, after, strict=True)],
        local_aborts=aborts,
        ids_in_the_ledgers_order=ids == sorted(ids),
    )


async def test_one_key_sent_to_two_nodes_at_once_is_booked_once(
    cluster: GaleraCluster, place: DatabaseUnderTest, tmp_path: Path
) -> None:
    with two_services(cluster, place, tmp_path) as services:
        writers = Writers([], "same")
        for number in range(40):
            body = booking(f"same-{number}")
            answers = await asyncio.gather(*(asyncio.to_thread(try_to_book, service, body) for service in services * 2))
            assert [answer.status_code for answer in answers] == [200] * 4, [answer.text for answer in answers]
            assert sum(not answer.json()["replayed"] for answer in answers) == 1
            [writers.acknowledged[f"same-{number}"]] = {answer.json()["trade_id"] for answer in answers}
        expect_exact_books(writers, place, cluster.nodes)
        expect_verified(cluster, services[0], place, cluster.nodes)
    expect_same_books(place, cluster.nodes)


async def test_a_read_on_a_node_that_lags_waits_for_what_was_acknowledged_on_another(
    cluster: GaleraCluster, place: DatabaseUnderTest, tmp_path: Path
) -> None:
    with two_services(cluster, place, tmp_path) as (one, two):
        revision = two.get("/portfolio")["portfolio"]["revision"]
        with lagging(cluster.nodes[1]):
            book(one, booking("elsewhere"))
            reading = asyncio.create_task(asyncio.to_thread(two.get, "/portfolio"))
            finished, _ = await asyncio.wait([reading], timeout=0.5)
            assert not finished or reading.result()["portfolio"]["stale"] is True
        portfolio = (await reading)["portfolio"]
        assert portfolio["stale"] is True or portfolio["revision"] > revision
        assert two.get("/portfolio")["portfolio"]["revision"] > revision


async def test_a_sale_on_a_node_that_lags_is_not_refused_for_a_buy_it_has_not_applied(
    cluster: GaleraCluster, place: DatabaseUnderTest, tmp_path: Path
) -> None:
    with two_services(cluster, place, tmp_path) as (one, two):
        writers = Writers([], "sale")
        writers.acknowledged["warm"] = book(two, booking("warm", symbol="BTC"))["trade_id"]
        with lagging(cluster.nodes[1]):
            writers.acknowledged["buy"] = book(one, booking("buy"))["trade_id"]
            sale = asyncio.create_task(asyncio.to_thread(try_to_book, two, booking("sale", side="SELL")))
            await asyncio.wait([sale], timeout=1.0)
        answer = await sale
        assert answer.status_code == 200, answer.text
        writers.acknowledged["sale"] = answer.json()["trade_id"]
        expect_exact_books(writers, place, cluster.nodes)
        expect_verified(cluster, one, place, cluster.nodes)


async def test_one_instance_refreshes_and_another_node_takes_over(
    cluster: GaleraCluster, place: DatabaseUnderTest, tmp_path: Path
) -> None:
    with two_services(cluster, place, tmp_path) as (one, two):
        book(one, booking("held"))

        def leaders() -> list[bool]:
            return [service.get("/health")["refresher"]["leader"] for service in (one, two)]

        await eventually(lambda: sum(leaders()) == 1)
        leader, other = (one, two) if leaders()[0] else (two, one)
        leader.process.kill()
        leader.process.wait()
        took = await eventually(lambda: other.get("/health")["refresher"]["leader"])
        print(f"\nprice lease: taken over on another node after {took:.1f} s")


@asynccontextmanager
async def instance(cluster: GaleraCluster, place: DatabaseUnderTest, number: int) -> AsyncIterator[Connections]:
    """The connections of an instance on this node alone."""
    url = place_on(cluster, place, number).url
    engine = create_engine(url, hosts=(), pool_size=2, limits=Timeouts())
    connections = Connections(engine, Timeouts())
    try:
        yield connections
    finally:
        await connections.close()


async def test_a_fenced_write_does_not_slip_past_a_takeover_on_another_node(
    cluster: GaleraCluster, place: DatabaseUnderTest
) -> None:
    migrate(place.migration_url, place.prices_schema)
    async with instance(cluster, place, 1) as stale, instance(cluster, place, 0) as newest:
        fence = await DatabaseLeases(stale).acquire("refresh", "stale", 60.0)
        assert fence is not None
        runs = 0

        async def write(session: Session) -> None:
            nonlocal runs
            runs += 1
            await check_fence(session, fence)
            await session.run(insert(leases).values(name="written", holder="stale", token=1, expires_at=AT))
            if runs == 1:
                # Taken over on the other node; this node learns of it while the commit is already under way.
                held = contextlib.ExitStack()
                await asyncio.to_thread(held.enter_context, lagging(cluster.nodes[1]))
                await DatabaseLeases(newest).release("refresh", "stale")  # as if it had run out
                assert await DatabaseLeases(newest).acquire("refresh", "newest", 60.0) is not None
                asyncio.get_running_loop().call_later(0.5, held.close)

        with pytest.raises(LeaseLost):
            await stale.write(write)
    ledger = make_url(place.url).database
    assert cluster.nodes[0].execute(f"SELECT name, CAST(holder AS CHAR) FROM `{ledger}`.portfolio_leases") == [
        ("refresh", "newest")
    ]


async def test_signals_made_on_two_nodes_at_once_are_made_once(
    cluster: GaleraCluster, place: DatabaseUnderTest
) -> None:
    migrate(place.migration_url, place.prices_schema)
    urls = [place_on(cluster, place, number).url for number in (0, 1)]
    databases = [open_database(url, prices_schema=place.prices_schema) for url in urls]
    async with contextlib.AsyncExitStack() as closing:
        for database in databases:
            closing.push_async_callback(database.close)
        await open_books(databases[0].ledger)
        both = asyncio.Barrier(2)

        async def generate(database: Database, number: int) -> int:
            runs = 0

            async def make(unit: LedgerUnit) -> int:
                nonlocal runs
                runs += 1
                if await database.signals.within(unit).live():
                    return 0
                if runs == 1:
                    await both.wait()  # both have seen that there are none, and neither has committed
                await database.signals.within(unit).add([signal(number)])
                return 1

            return await database.ledger.transact(1, make)

        made = await asyncio.gather(*(generate(database, number) for number, database in enumerate(databases)))
        assert sorted(made) == [0, 1]
