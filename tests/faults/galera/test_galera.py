"""The books on a Galera cluster of three nodes: all replicated, and a loss is found. `make faults-galera`."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from sqlalchemy import make_url

from tests.faults.galera.galera_service import book, service_on
from tests.faults.galera.galera_writers import (
    Writers,
    booking,
    expect_exact_books,
    expect_same_books,
    expect_verified,
    verify_on,
)
from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.galera_cluster import GaleraCluster
from tests.support.database.watchdog import process_of

pytestmark = pytest.mark.galera

ROOT = Path(__file__).parents[3]


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
    expect_same_books(place, cluster.nodes)


def test_verify_finds_an_entry_that_one_node_has_lost(
    cluster: GaleraCluster, place: DatabaseUnderTest, tmp_path: Path
) -> None:
    healthy, harmed, _ = cluster.nodes
    ledger = make_url(place.url).database
    with service_on(cluster, place, tmp_path) as service:
        writers = Writers([service.url], "lost")
        for number in range(5):
            writers.acknowledged[f"lost-{number}"] = book(service, booking(f"lost-{number}"))["trade_id"]
        expect_exact_books(writers, place, cluster.nodes)
        # Not replicated: as if this node alone had never applied the third booking.
        harmed.execute(
            "SET SESSION wsrep_on = OFF", f"DELETE FROM `{ledger}`.mock_trades WHERE client_trade_id = 'lost-2'"
        )
        # Opening made the revisions 1 and 2: the third booking was revision 5.
        status, words = verify_on(cluster, service, place, harmed)
        assert (status, "ledger revision 6 follows 4" in words) == (2, True), words
        with pytest.raises(AssertionError, match=f"{harmed.name}: acknowledged and booked differ"):
            expect_exact_books(writers, place, cluster.nodes)
        with pytest.raises(AssertionError, match="mock_trades differs on node2"):
            expect_same_books(place, cluster.nodes)
        expect_verified(cluster, service, place, [healthy])

        # The remedy: the node starts with nothing, and takes the state from the others.
        harmed.kill()
        harmed.forget()
        harmed.start()
        cluster.wait_for(3)
        expect_exact_books(writers, place, cluster.nodes)
        expect_verified(cluster, service, place, [harmed])
    expect_same_books(place, cluster.nodes)


LAUNCH_AND_DIE = """
import os, signal
from tests.support.database.galera_cluster import GaleraCluster
from tests.support.database.watchdog import process_of
with GaleraCluster() as cluster:
    print(*(f"{node.pid} {node.directory}" for node in cluster.nodes), sep="\\n", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_cluster_ends_with_tests_that_were_killed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LAUNCH_AND_DIE], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    nodes = [line.split() for line in done.stdout.splitlines()]
    assert len(nodes) == 3, done.stderr
    deadline = time.monotonic() + 60
    while any(process_of(int(pid)) or Path(directory).exists() for pid, directory in nodes):
        assert time.monotonic() < deadline, "a node has outlived the tests"
        time.sleep(0.1)
