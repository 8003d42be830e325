"""SIGKILLs of a real process, under load, at the commit, amid a batch (rows 1 to 3 of the matrix); and idle cuts."""

from __future__ import annotations

import asyncio

import pytest

from tests.faults.conftest import EnterWorld
from tests.faults.harness.books import Books
from tests.faults.harness.clients import Client, booking, send_and_vanish
from tests.faults.harness.kill_storm import Storm
from tests.faults.harness.world import POOL_SIZE, World, reached, until
from tests.support.services.tcp_proxy import BOOKED, COMMIT, Trap
from tests.unit.domain.ledger.ledger_model import ONE, Wish

BOOK = "/holdings/update"
WISH = Wish("ETH", True, ONE, 3_000 * ONE, 3_000 * ONE, 3 * ONE, False)
PATIENCE_SECONDS = 30.0


async def storm(world: World, seed: int, *, kills: int) -> None:
    one = Storm(world, seed, clients=32, kills=kills)
    print(f"\n{await one()}")
    one.compare(world.tables.read())
    assert (await world.verify()).startswith(f"{len(one.acknowledged)} trades")


def test_killed_under_load_what_was_acknowledged_is_booked_exactly(new_world: EnterWorld, seed: int) -> None:
    with new_world() as world:
        asyncio.run(storm(world, seed, kills=4))


@pytest.mark.faults_long
def test_killed_100_times_under_load_what_was_acknowledged_is_booked_exactly(new_world: EnterWorld, seed: int) -> None:
    with new_world() as world:
        asyncio.run(storm(world, seed, kills=100))


async def book_again(world: World, before: Books, key: str, *, replayed: bool) -> None:
    """Send the booking once more, as a client does that never got its answer, and look at the books after it."""
    client = Client(world.service.url)
    try:
        answer = await client.post(BOOK, booking(WISH, key))
        assert (answer.status, answer.body["replayed"]) == (200, replayed)
        books = world.tables.read()
        assert sorted(books.trades) == sorted([*before.trades, (answer.body["trade_id"], key)])
        assert books.cash == books.replayed.cash == before.cash - 3_003 * ONE
        again = await client.post(BOOK, booking(WISH, key))
        assert again.body["replayed"] is True
        assert again.told == answer.told
        assert world.tables.read() == books
    finally:
        await client.close()


def test_killed_before_the_commit_there_is_no_trace_and_the_retry_books_once(service: World) -> None:
    async def scene(world: World) -> None:
        before = world.tables.read()
        if world.is_sqlite:
            with world.tables.transaction("BEGIN IMMEDIATE"):  # so it waits for the lock, and comes no further
                await send_and_vanish(world.service.port, booking(WISH, "early"), whole=True)
                await world.kill()
        else:
            sprung = len(world.proxy.sprung)
            world.proxy.arm(COMMIT, Trap.LOSE_REQUEST_SILENT, after=BOOKED)
            await send_and_vanish(world.service.port, booking(WISH, "early"), whole=True)
            assert await reached(lambda: len(world.proxy.sprung) > sprung, PATIENCE_SECONDS)
            await world.kill()
            world.proxy.heal()
        await world.start()
        assert world.tables.read() == before
        await book_again(world, before, "early", replayed=False)

    asyncio.run(scene(service))


def test_killed_after_the_commit_the_retry_is_a_replay_and_balances_stay(service: World) -> None:
    async def scene(world: World) -> None:
        before = world.tables.read()
        if not world.is_sqlite:
            world.proxy.arm(COMMIT, Trap.LOSE_ANSWER_SILENT, after=BOOKED)
        await send_and_vanish(world.service.port, booking(WISH, "late"), whole=True)

        async def committed() -> bool:
            return len(world.tables.read().trades) > len(before.trades)

        await until(committed, "it is not booked")
        await world.kill()
        if not world.is_sqlite:
            assert world.proxy.sprung[-1] is Trap.LOSE_ANSWER_SILENT
            world.proxy.heal()
        await world.start()
        await book_again(world, before, "late", replayed=True)

    asyncio.run(scene(service))


@pytest.mark.parametrize("trap", [Trap.LOSE_REQUEST_SILENT, Trap.LOSE_ANSWER_SILENT])
def test_killed_in_the_middle_of_a_batch_all_of_it_is_there_or_nothing(mysql_service: World, trap: Trap) -> None:
    asyncio.run(batch_and_kill(mysql_service, trap))


async def batch_and_kill(world: World, trap: Trap) -> None:
    wish = Wish("ETH", True, ONE // 100, 3_000 * ONE, 30 * ONE, 0, False)
    body = b'{"bookings":[' + b",".join(booking(wish, f"{trap.name}-{n}") for n in range(300)) + b"]}"
    client = Client(world.service.url)
    before, sprung = world.tables.read(), len(world.proxy.sprung)
    try:
        world.proxy.arm(COMMIT, trap, after=BOOKED)
        lost = asyncio.create_task(client.post(f"{BOOK}/batch", body))
        assert await reached(lambda: len(world.proxy.sprung) > sprung, PATIENCE_SECONDS)
        await world.kill()
        world.proxy.heal()
        assert (await lost).status is None
        await world.start()
        there = len(world.tables.read().trades) - len(before.trades)
        assert there in ({0} if trap is Trap.LOSE_REQUEST_SILENT else {0, 300})
        assert (await world.verify()).split()[0] == str(len(before.trades) + there)
        answer = await client.post(f"{BOOK}/batch", body)
        assert answer.body["booked"] == 300
        assert {result["replayed"] for result in answer.body["results"]} == {there == 300}
        books = world.tables.read()
        assert len(books.trades) - len(before.trades) == 300
        assert books.cash == books.replayed.cash == before.cash - 300 * 30 * ONE
    finally:
        await client.close()


def test_after_all_connections_were_cut_the_first_read_is_of_now(mysql_service: World) -> None:
    asyncio.run(read_after_a_cut(mysql_service))


async def read_after_a_cut(world: World) -> None:
    client, revision = Client(world.service.url), world.tables.read().revision
    try:
        while world.proxy.open_connections < POOL_SIZE:
            await asyncio.gather(*(client.get("/trades") for _ in range(2 * POOL_SIZE)))
        # Each of these is dead when it is asked for next.
        world.proxy.cut()
        told = (await client.get("/portfolio")).body["portfolio"]
        assert (told["stale"], told["revision"]) == (False, revision)
        world.proxy.cut()
        assert (await client.post(BOOK, booking(WISH, "after the cut"))).status == 200
        told = (await client.get("/portfolio")).body["portfolio"]
        assert (told["stale"], told["revision"]) == (False, revision + 1)
    finally:
        await client.close()
