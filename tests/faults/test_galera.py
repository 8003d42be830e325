"""The service on a Galera cluster of three nodes, which are killed, frozen and left alone. `make faults-galera`."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.galera_writers import (
    Writers,
    booking,
    expect_exact_books,
    expect_same_books,
    expect_verified,
)
from tests.support.databases import DatabaseUnderTest
from tests.support.galera_cluster import GaleraCluster
from tests.support.service import ServiceProcess

pytestmark = pytest.mark.galera

SETTINGS = {"PORTFOLIO_INITIAL_CASH": "1000000000", "PORTFOLIO_REFRESH_SECONDS": "2"}
AWAIT_SECONDS = 90.0


@pytest.fixture(scope="module")
def whole_cluster() -> Iterator[GaleraCluster]:
    with GaleraCluster() as cluster:
        yield cluster


@pytest.fixture
def cluster(whole_cluster: GaleraCluster) -> Iterator[GaleraCluster]:
    whole_cluster.mend()
    yield whole_cluster
    whole_cluster.mend()


@pytest.fixture
def place(cluster: GaleraCluster) -> DatabaseUnderTest:
    return cluster.create_database_pair(f"g_{secrets.token_hex(4)}")


def service_on(
    cluster: GaleraCluster, place: DatabaseUnderTest, folder: Path, *, first: int = 0, **settings: str
) -> ServiceProcess:
    """The service with its URL on node ``first`` and the others as further hosts."""
    folder.mkdir(exist_ok=True)
    moved = DatabaseUnderTest(
        kind="mysql",
        url=cluster.url_on(cluster.nodes[first], place.url),
        migration_url=place.migration_url,
        prices_schema=place.prices_schema,
    )
    return ServiceProcess(moved, folder, settings={**SETTINGS, **cluster.settings(first), **settings})


def report(name: str, writers: Writers, **figures: object) -> None:
    """Print what a run came to."""
    words = ", ".join(f"{what} {figure}" for what, figure in figures.items())
    print(
        f"\n{name}: {len(writers.acknowledged)} acknowledged, answers {dict(writers.answers)}, "
        f"longest to a definite answer {writers.longest_seconds:.1f} s{', ' if words else ''}{words}"
    )


async def eventually(holds: Callable[[], bool]) -> float:
    """Return after how many seconds it held."""
    started = time.monotonic()
    while not await asyncio.to_thread(holds):
        assert time.monotonic() - started < AWAIT_SECONDS, "it does not come about"
        await asyncio.sleep(0.1)
    return time.monotonic() - started


def test_every_table_has_a_primary_key_and_is_replicated(
    cluster: GaleraCluster, place: DatabaseUnderTest, tmp_path: Path
) -> None:
    service_on(cluster, place, tmp_path).migrate()
    name = place.url.rpartition("/")[2].partition("_ledger")[0]
    for node in cluster.nodes:
        tables = node.execute(
            "SET SESSION wsrep_sync_wait = 15",
            "SELECT t.table_name, t.engine, SUM(c.constraint_type = 'PRIMARY KEY') FROM information_schema.tables t"
            " LEFT JOIN information_schema.table_constraints c USING (table_schema, table_name)"
            f" WHERE t.table_schema LIKE '{name}\\_%' GROUP BY t.table_schema, t.table_name, t.engine",
        )
        assert len(tables) > 10
        assert {(engine, int(str(keys))) for _, engine, keys in tables} == {("InnoDB", 1)}, tables


def test_bookings_work_though_ids_have_gaps(cluster: GaleraCluster, place: DatabaseUnderTest, tmp_path: Path) -> None:
    assert cluster.nodes[0].execute("SELECT @@auto_increment_increment") == [(3,)]
    with service_on(cluster, place, tmp_path) as service:
        single = [book(service, booking(f"one-{number}")) for number in range(5)]
        together = httpx.post(
            f"{service.url}/holdings/update/batch",
            json={"bookings": [booking(f"many-{number}") for number in range(20)]},
            timeout=30,
        )
        assert together.status_code == 200, together.text
        ids = [answer["trade_id"] for answer in single]
        ids += [result["booking"]["trade_id"] for result in together.json()["results"]]
        assert ids == sorted(set(ids))
        listed = service.get("/trades?limit=100")["trades"]
        assert [trade["id"] for trade in listed] == ids[::-1]
        again = book(service, booking("one-3"))
        assert again == {**single[3], "replayed": True, "timestamp": again["timestamp"]}
        expect_verified(cluster, service, place, cluster.nodes)
    expect_same_books(cluster, place, cluster.nodes)


def book(service: ServiceProcess, body: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a booking, which has to be taken."""
    answer = httpx.post(f"{service.url}/holdings/update", json=body, timeout=30)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


async def test_nothing_acknowledged_is_lost_when_the_node_written_to_is_killed(
    cluster: GaleraCluster, place: DatabaseUnderTest, tmp_path: Path
) -> None:
    with service_on(cluster, place, tmp_path) as service:
        writers = Writers([service.url], "killed")
        async with writers.booking():
            await writers.more(300)
            await asyncio.to_thread(cluster.nodes[0].kill)
            started = time.monotonic()
            await writers.more(1)
            gap = time.monotonic() - started
            await writers.more(300)
            await asyncio.to_thread(cluster.nodes[0].start)
            await writers.more(100)
        survivors = cluster.nodes[1:]
        expect_exact_books(writers, place, survivors)
        expect_verified(cluster, service, place, survivors)
        # The killed node is back: it has taken what it missed.
        cluster.wait_for(3)
        expect_exact_books(writers, place, cluster.nodes)
        expect_same_books(cluster, place, cluster.nodes)
        expect_verified(cluster, service, place, cluster.nodes[:1])
    report("node killed", writers, next_acknowledged_after_seconds=f"{gap:.1f}")
