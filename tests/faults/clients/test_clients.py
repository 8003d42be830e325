"""What clients do to the service: one key many times, another body, going away (rows 4 to 6 of the matrix)."""

from __future__ import annotations

import asyncio
from typing import Any

from portfolio.adapters.database.schema.tables import metadata
from tests.faults.harness.clients import Client, booking, send_and_vanish
from tests.faults.harness.faults import UNASKED_SECONDS
from tests.faults.harness.world import CONNECTIONS, World, until
from tests.unit.domain.ledger.ledger_model import ONE, Wish

BOOK = "/holdings/update"
WISH = Wish("ETH", True, ONE, 3_000 * ONE, 3_000 * ONE, 3 * ONE, False)
OVERSELL = Wish("SOL", False, ONE, 150 * ONE, 150 * ONE, 0, False)
TABLES = ("mock_portfolio", "mock_holdings", "mock_trades", "portfolio_booking_outcomes", "portfolio_cash_transactions")


# What the closes that are fetched behind the first booking of an asset touch.
OF_PRICES = {"price_revision", "updated_at"}
COLUMNS = {
    name: [c.name for c in metadata.tables[name].columns if name != "mock_portfolio" or c.name not in OF_PRICES]
    for name in TABLES
}


def all_rows(world: World) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of the books, with every column that bookings write."""
    return {name: world.tables.rows(f"SELECT {', '.join(COLUMNS[name])} FROM {name} ORDER BY id") for name in TABLES}


def test_of_50_copies_at_once_one_books_and_the_others_are_told_the_same(service: World) -> None:
    async def scene(world: World) -> None:
        client, before = Client(world.service.url), world.tables.read()
        for key, wish, status in (("bought", WISH, 200), ("refused", OVERSELL, 409)):
            answers = await asyncio.gather(*(client.post(BOOK, booking(wish, key)) for _ in range(50)))
            assert {answer.status for answer in answers} == {status}
            assert sum(not answer.body["replayed"] for answer in answers) == 1
            assert all(answer.told == answers[0].told for answer in answers)
        await client.close()
        books = world.tables.read()
        assert [key for _, key in set(books.trades) - set(before.trades)] == ["bought"]
        assert books.cash == books.replayed.cash == before.cash - 3_003 * ONE
        assert sorted(key for key, _, _ in books.outcomes if key in {"bought", "refused"}) == ["bought", "refused"]

    asyncio.run(scene(service))


def test_the_same_key_with_another_body_is_422_and_not_a_byte_changes(service: World) -> None:
    async def scene(world: World) -> None:
        client = Client(world.service.url)
        assert (await client.post(BOOK, booking(WISH, "mine"))).status == 200
        assert (await client.post(BOOK, booking(OVERSELL, "not mine"))).status == 409
        before = all_rows(world)
        other = Wish("ETH", True, ONE + 1, 3_000 * ONE, 3_000 * ONE, 3 * ONE, False)
        for wish, key in ((other, "mine"), (OVERSELL, "mine"), (WISH, "not mine")):
            answers = await asyncio.gather(*(client.post(BOOK, booking(wish, key)) for _ in range(10)))
            assert {(answer.status, answer.slug) for answer in answers} == {(422, "key-reused")}
        assert all_rows(world) == before
        await client.close()

    asyncio.run(scene(service))


def test_a_client_that_goes_away_leaves_a_whole_booking_or_none_and_no_connection(service: World) -> None:
    asyncio.run(go_away(service))


async def go_away(world: World) -> None:
    client, before = Client(world.service.url), world.tables.read()
    whole = [f"whole-{number}" for number in range(40)]
    half = [f"half-{number}" for number in range(40)]
    await asyncio.gather(
        *(send_and_vanish(world.service.port, booking(WISH, key), whole=True) for key in whole),
        *(send_and_vanish(world.service.port, booking(WISH, key), whole=False) for key in half),
    )
    # Their own retries tell which were booked, and book the others.
    answers = await asyncio.gather(*(client.post(BOOK, booking(WISH, key)) for key in whole))
    assert {answer.status for answer in answers} == {200}
    lookups = await asyncio.gather(*(client.get(f"/bookings/{key}") for key in half))
    assert {answer.status for answer in lookups} == {404}
    books = world.tables.read()
    told = [(answer.body["trade_id"], key) for key, answer in zip(whole, answers, strict=True)]
    assert sorted(set(books.trades) - set(before.trades)) == sorted(told)
    assert books.cash == books.replayed.cash == before.cash - 40 * 3_003 * ONE
    assert (await world.verify()).startswith(f"{len(before.trades) + 40} trades")
    await client.close()
    if not world.is_sqlite:
        await until(lambda: no_connection_is_left(world), "a connection is left open, or in a transaction")


async def no_connection_is_left(world: World) -> bool:
    """Return whether the service holds no more connections than its pool has, none of them in a transaction."""
    user = f"{world.tables.ledger.removesuffix('_ledger')}_service"
    threads = world.server.execute(f"SELECT id FROM information_schema.processlist WHERE user = '{user}'")
    busy = world.server.execute(
        "SELECT trx_id FROM information_schema.innodb_trx JOIN information_schema.processlist"
        f" ON id = trx_mysql_thread_id WHERE user = '{user}'"
    )
    await asyncio.sleep(UNASKED_SECONDS)  # for the next look
    return len(threads) <= CONNECTIONS and world.proxy.open_connections <= CONNECTIONS and not busy
