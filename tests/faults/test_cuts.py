"""Connections that are cut while nobody uses them."""

from __future__ import annotations

import asyncio

from tests.faults.clients import Client, booking
from tests.faults.conftest import EnterWorld
from tests.faults.world import POOL_SIZE, World
from tests.unit.domain.ledger_model import ONE, Wish


def test_after_all_connections_were_cut_the_first_read_is_of_now(new_mysql_world: EnterWorld) -> None:
    with new_mysql_world() as world:
        asyncio.run(_read_after_a_cut(world))


async def _read_after_a_cut(world: World) -> None:
    client = Client(world.service.url)
    try:
        while world.proxy.open_connections < POOL_SIZE:
            await asyncio.gather(*(client.get("/trades") for _ in range(2 * POOL_SIZE)))
        # Each of these is dead when it is asked for next.
        world.proxy.cut()
        told = (await client.get("/portfolio")).body["portfolio"]
        assert (told["stale"], told["revision"]) == (False, 2)
        world.proxy.cut()
        wish = Wish("BTC", True, ONE, 50_000 * ONE, 50_000 * ONE, 0, False)
        assert (await client.post("/holdings/update", booking(wish, "after-the-cut"))).status == 200
        told = (await client.get("/portfolio")).body["portfolio"]
        assert (told["stale"], told["revision"]) == (False, 3)
    finally:
        await client.close()
