"""SIGKILLs of a real process: under load, at the commit, and in the middle of a batch (rows 1 to 3 of the matrix)."""

from __future__ import annotations

import asyncio
import signal

import pytest

from tests.faults.clients import Client, booking, send_and_vanish
from tests.faults.conftest import EnterWorld
from tests.faults.kill_storm import Storm
from tests.faults.world import World, reached, until
from tests.support.tcp_proxy import COMMIT, Trap
from tests.unit.domain.ledger_model import ONE, Wish

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
        asyncio.run(storm(world, seed, kills=3))


@pytest.mark.faults_long
def test_killed_100_times_under_load_what_was_acknowledged_is_booked_exactly(new_world: EnterWorld, seed: int) -> None:
    with new_world() as world:
        asyncio.run(storm(world, seed, kills=100))


async def book_again(world: World, key: str, *, replayed: bool) -> None:
    """Send the booking once more, as a client does that never got its answer, and look at the books after it."""
    client = Client(world.service.url)
    try:
        answer = await client.post(BOOK, booking(WISH, key))
        assert (answer.status, answer.body["replayed"]) == (200, replayed)
        books = world.tables.read()
        assert books.trades == [(answer.body["trade_id"], key)]
        assert books.cash == (1_000_000 - 3_003) * ONE
        again = await client.post(BOOK, booking(WISH, key))
        assert again.body["replayed"] is True
        assert again.told == answer.told
        assert world.tables.read() == books
    finally:
        await client.close()


def test_killed_before_the_commit_there_is_no_trace_and_the_retry_books_once(new_world: EnterWorld) -> None:
    async def scene(world: World) -> None:
        before = world.tables.read()
        if world.is_sqlite:
            with world.tables.transaction("BEGIN IMMEDIATE"):  # so it waits for the lock, and comes no further
                await send_and_vanish(world.service.port, booking(WISH, "early"), whole=True)
                await world.kill()
        else:
            world.proxy.arm(COMMIT, Trap.LOSE_REQUEST_SILENT)
            await send_and_vanish(world.service.port, booking(WISH, "early"), whole=True)
            assert await reached(lambda: bool(world.proxy.sprung), PATIENCE_SECONDS)
            await world.kill()
            world.proxy.heal()
        await world.start()
        assert world.tables.read() == before
        await book_again(world, "early", replayed=False)

    with new_world() as world:
        asyncio.run(scene(world))


def test_killed_after_the_commit_the_retry_is_a_replay_and_balances_stay(new_world: EnterWorld) -> None:
    async def scene(world: World) -> None:
        if not world.is_sqlite:
            world.proxy.arm(COMMIT, Trap.LOSE_ANSWER_SILENT)
        await send_and_vanish(world.service.port, booking(WISH, "late"), whole=True)

        async def committed() -> bool:
            return bool(world.tables.read().trades)

        await until(committed, "it is not booked")
        await world.kill()
        if not world.is_sqlite:
            assert world.proxy.sprung == [Trap.LOSE_ANSWER_SILENT]
            world.proxy.heal()
        await world.start()
        await book_again(world, "late", replayed=True)

    with new_world() as world:
        asyncio.run(scene(world))


@pytest.mark.parametrize("trap", [Trap.LOSE_REQUEST_SILENT, Trap.LOSE_ANSWER_SILENT])
def test_killed_in_the_middle_of_a_batch_all_of_it_is_there_or_nothing(new_mysql_world: EnterWorld, trap: Trap) -> None:
    with new_mysql_world() as world:
        asyncio.run(batch_and_kill(world, trap))


async def batch_and_kill(world: World, trap: Trap) -> None:
    items = [booking(Wish("ETH", True, ONE // 100, 3_000 * ONE, 30 * ONE, 0, False), f"part-{n}") for n in range(300)]
    body = b'{"bookings":[' + b",".join(items) + b"]}"
    client = Client(world.service.url)
    try:
        world.proxy.arm(COMMIT, trap)
        lost = asyncio.create_task(client.post(f"{BOOK}/batch", body))
        assert await reached(lambda: bool(world.proxy.sprung), PATIENCE_SECONDS)
        await world.kill()
        world.proxy.heal()
        assert (await lost).status is None
        await world.start()
        there = len(world.tables.read().trades)
        assert there in {0, 300}
        if trap is Trap.LOSE_REQUEST_SILENT:
            assert there == 0
        assert (await world.verify()).startswith(f"{there} trades")
        answer = await client.post(f"{BOOK}/batch", body)
        assert answer.body["booked"] == 300
        assert {result["replayed"] for result in answer.body["results"]} == {there == 300}
        books = world.tables.read()
        assert len(books.trades) == 300
        assert books.cash == (1_000_000 - 300 * 30) * ONE
        assert world.service.stop(signal.SIGTERM) == 0
    finally:
        await client.close()
