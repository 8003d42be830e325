"""A node killed, frozen, or left alone: the service moves on, and nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pymysql
import pytest

from tests.faults.galera.galera_service import book, eventually, is_ready, report, service_on, try_to_book
from tests.faults.galera.galera_writers import Writers, booking, expect_exact_books, expect_same_books, expect_verified
from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.galera_cluster import GaleraCluster

pytestmark = pytest.mark.galera

NOT_PREPARED = 1047


async def test_nothing_acknowledged_is_lost_when_the_node_written_to_is_killed(
    cluster: GaleraCluster, place: DatabaseUnderTest, tmp_path: Path
) -> None:
    with service_on(cluster, place, tmp_path) as service:
        writers = Writers([service.url], "killed")
        async with writers.booking(without_key=4):
            await writers.more(300)
            await asyncio.to_thread(cluster.nodes[0].kill)
            started = time.monotonic()
            await writers.more(1)
            gap = time.monotonic() - started
            await writers.more(300)
            survivors = cluster.nodes[1:]
            await asyncio.to_thread(cluster.nodes[0].start)
            await writers.more(100)
        expect_exact_books(writers, place, survivors)
        expect_verified(cluster, service, place, survivors)
        # The killed node is back: it has taken what it missed.
        await asyncio.to_thread(cluster.wait_for, 3)
        expect_exact_books(writers, place, cluster.nodes)
        expect_verified(cluster, service, place, cluster.nodes[:1])
    expect_same_books(place, cluster.nodes)
    report("node killed", writers, next_acknowledged_after_seconds=f"{gap:.1f}")


async def test_one_node_after_the_other_is_killed_and_comes_back_under_load(
    cluster: GaleraCluster, place: DatabaseUnderTest, tmp_path: Path
) -> None:
    with service_on(cluster, place, tmp_path) as service:
        writers = Writers([service.url], "rolling")
        async with writers.booking(without_key=4):
            for node in (*cluster.nodes, *cluster.nodes):
                await writers.more(50)
                await asyncio.to_thread(node.kill)
                await writers.more(50)
                await asyncio.to_thread(node.start)
                await asyncio.to_thread(cluster.wait_for, 3)
        expect_exact_books(writers, place, cluster.nodes)
        expect_verified(cluster, service, place, cluster.nodes)
    expect_same_books(place, cluster.nodes)
    report("six kills in turn", writers)


async def test_bookings_go_on_while_the_node_written_to_gives_all_its_state_to_another(
    cluster: GaleraCluster, place: DatabaseUnderTest, tmp_path: Path
) -> None:
    donor, _, joiner = cluster.nodes
    with service_on(cluster, place, tmp_path) as service:
        writers = Writers([service.url], "transfer")
        async with writers.booking(without_key=4):
            await writers.more(100)
            joiner.kill()
            joiner.forget()
            joiner.begin(f"--wsrep-sst-donor={donor.name}")
            await asyncio.to_thread(cluster.wait_for, 3)
            await writers.more(100)
        expect_exact_books(writers, place, cluster.nodes)
        expect_verified(cluster, service, place, cluster.nodes)
    expect_same_books(place, cluster.nodes)
    report("state transfer", writers)


async def test_a_frozen_node_is_left_and_a_commit_in_doubt_is_never_booked_twice(
    cluster: GaleraCluster, place: DatabaseUnderTest, tmp_path: Path
) -> None:
    frozen, *others = cluster.nodes
    with service_on(cluster, place, tmp_path, PORTFOLIO_REQUEST_DEADLINE_SECONDS="4") as service:
        writers = Writers([service.url], "frozen")
        async with writers.booking(without_key=4):
            await writers.more(200)
            frozen.pause()
            started = time.monotonic()
            await writers.more(33)  # more than one from each client: what was under way has ended, too
            gap = time.monotonic() - started
            await asyncio.to_thread(cluster.wait_for, 2, others)
            await writers.more(200)
            frozen.resume()  # ... and what it had not finished may be sent only now
            await asyncio.to_thread(cluster.wait_for, 3)
            await writers.more(100)
        expect_exact_books(writers, place, cluster.nodes)
        expect_verified(cluster, service, place, cluster.nodes)
    expect_same_books(place, cluster.nodes)
    report("node frozen", writers, going_on_after_seconds=f"{gap:.1f}")


async def test_a_node_that_is_cut_off_from_the_others_is_left_though_it_answers(
    cluster: GaleraCluster, place: DatabaseUnderTest, tmp_path: Path
) -> None:
    alone, *others = cluster.nodes
    with service_on(cluster, place, tmp_path, PORTFOLIO_REQUEST_DEADLINE_SECONDS="4") as service:
        writers = Writers([service.url], "alone")
        async with writers.booking(without_key=4):
            await writers.more(200)
            alone.isolate()
            started = time.monotonic()
            await asyncio.to_thread(cluster.wait_for, 2, others)
            await writers.more(100)
            gap = time.monotonic() - started
            assert alone.status("wsrep_ready") == "OFF"
            alone.rejoin()
            await asyncio.to_thread(cluster.wait_for, 3)
            await writers.more(100)
        expect_exact_books(writers, place, cluster.nodes)
        expect_verified(cluster, service, place, cluster.nodes)
    expect_same_books(place, cluster.nodes)
    report("node cut off", writers, hundred_more_after_seconds=f"{gap:.1f}")


async def test_commits_that_the_group_never_confirmed_end_definite(
    cluster: GaleraCluster, place: DatabaseUnderTest, tmp_path: Path
) -> None:
    first, *others = cluster.nodes
    with service_on(cluster, place, tmp_path, PORTFOLIO_REQUEST_DEADLINE_SECONDS="4") as service:
        writers = Writers([service.url], "doubt")
        async with writers.booking(without_key=4):
            await writers.more(200)
            # What is being committed waits for a group that does not answer: nobody knows what will become of it.
            for node in others:
                node.pause()
            await eventually(lambda: any(words.startswith("503") for words in writers.answers))
            first.kill()
            for node in others:
                node.resume()
            first.begin()  # by now each may have lost sight of the others: only all together are a majority again
            await asyncio.to_thread(cluster.wait_for, 3)
            await writers.more(100)
        expect_exact_books(writers, place, cluster.nodes)
        expect_verified(cluster, service, place, cluster.nodes)
    expect_same_books(place, cluster.nodes)
    report("commits in doubt", writers)


async def test_without_a_majority_reads_are_stale_bookings_wait_and_all_recovers_by_itself(
    cluster: GaleraCluster, place: DatabaseUnderTest, tmp_path: Path
) -> None:
    alone, *majority = cluster.nodes
    with service_on(cluster, place, tmp_path, PORTFOLIO_REQUEST_DEADLINE_SECONDS="4") as service:
        writers = Writers([service.url], "alone")
        writers.acknowledged["before"] = book(service, booking("before"))["trade_id"]
        revision = service.get("/portfolio")["portfolio"]["revision"]
        process = service.process.pid
        for node in majority:
            node.kill()
        await eventually(lambda: alone.status("wsrep_ready") == "OFF")
        with pytest.raises(pymysql.err.OperationalError) as refused:
            alone.execute("SELECT COUNT(*) FROM mysql.global_priv")
        assert refused.value.args[0] == NOT_PREPARED

        answer = await asyncio.to_thread(try_to_book, service, booking("during"))
        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True), answer.text
        portfolio = service.get("/portfolio")["portfolio"]
        assert (portfolio["stale"], portfolio["revision"]) == (True, revision)
        assert not is_ready(service)
        assert service.get("/health")["status"] == "degraded"

        for node in majority:
            node.begin()
        await asyncio.to_thread(cluster.wait_for, 3)
        recovered = await eventually(lambda: is_ready(service))
        writers.acknowledged["during"] = book(service, booking("during"))["trade_id"]
        assert service.get("/portfolio")["portfolio"]["stale"] is False
        assert service.process.pid == process
        assert service.process.poll() is None
        expect_exact_books(writers, place, cluster.nodes)
        expect_verified(cluster, service, place, cluster.nodes)
    expect_same_books(place, cluster.nodes)
    report("majority lost", writers, ready_again_after_seconds=f"{recovered:.1f}")
