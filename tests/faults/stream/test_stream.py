"""Whatever happens to instances and connections, whoever listens hears of every entry once and in order."""

from __future__ import annotations

import asyncio
import json
import random
import signal
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from websockets.asyncio.client import connect

from tests.faults.harness.fleet import Fleet, fleet
from tests.faults.stream.wanderers import Wanderer
from tests.support.database.database_server import DatabaseServer
from tests.support.database.databases import DatabaseUnderTest
from tests.support.services.listeners import Transport, listening
from tests.support.services.service import ServiceProcess

TRANSPORTS: list[Transport] = ["socket", "events"]
SYMBOLS = [f"S{number}" for number in range(6)]
PRICES = dict.fromkeys(SYMBOLS, "10")
SETTINGS = {
    "PORTFOLIO_INITIAL_CASH": "1000000000",
    "PORTFOLIO_REFRESH_SECONDS": "3600",
    "PORTFOLIO_LOG_LEVEL": "WARNING",
    "PORTFOLIO_STREAMS_PER_KEY": "200",
}
CLIENTS = 8
SECONDS = 60.0


async def book(of: Fleet, number: int, dice: random.Random) -> None:
    """Book one trade, at whichever instance answers."""
    body = {
        "symbol": dice.choice(SYMBOLS),
        "side": "BUY",
        "quantity": f"0.{dice.randrange(1, 10**6):06}",
        "price": 10,
        "net_amount": 0,
        "client_trade_id": f"stream-{number}",
    }
    body["net_amount"] = str(Decimal(str(body["quantity"])) * 10)
    instances = list(of.instances.values())
    while True:
        try:
            async with httpx.AsyncClient(base_url=dice.choice(instances).url, timeout=3.0) as client:
                answer = await client.post("/holdings/update", json=body)
            if answer.status_code == 200:
                return
            assert answer.status_code == 503, answer.text
        except httpx.HTTPError:
            pass
        await asyncio.sleep(0.05)


async def book_all(of: Fleet, bookings: int, dice: random.Random) -> None:
    numbers = iter(range(bookings))

    async def client() -> None:
        for number in numbers:
            await book(of, number, dice)

    await asyncio.gather(*(client() for _ in range(CLIENTS)))


async def disturb(of: Fleet, ends: asyncio.Event, faults: int, dice: random.Random) -> None:
    """Kill or freeze one instance after the other."""
    for number in range(faults):
        if ends.is_set():
            return
        await asyncio.sleep(dice.uniform(0.3, 1.0))
        name = dice.choice(sorted(of.instances))
        if number % 2:
            of.instances[name].process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(dice.uniform(0.2, 1.5))
            of.instances[name].process.send_signal(signal.SIGCONT)
        else:
            await of.kill(name)
            await of.restart(name)


async def listen_under_faults(of: Fleet, bookings: int, faults: int, dice: random.Random) -> list[Wanderer]:
    """Return those who listened, once they were told of all that was booked meanwhile, at its last prices.

    An instance that has just been restarted tells what is booked before it has asked for prices; that follows.
    """
    instances, ends = list(of.instances.values()), asyncio.Event()
    listeners = [Wanderer(kind, instances, random.Random(dice.random())) for kind in TRANSPORTS for _ in range(2)]
    listening_tasks = [asyncio.create_task(one.run(ends)) for one in listeners]
    disturbing = asyncio.create_task(disturb(of, ends, faults, dice))
    await book_all(of, bookings, dice)
    await disturbing
    newest, portfolio = len(await entries(instances[0])), await held(of)
    try:
        async with asyncio.timeout(SECONDS):
            while not are_told(listeners, newest, portfolio := await held(of)):
                broken = [task for task in listening_tasks if task.done()]
                assert not broken, broken[0].exception()
                await asyncio.sleep(0.05)
    except TimeoutError:
        told = [(one.transport, one.last, one.differences(portfolio)) for one in listeners]
        raise AssertionError(f"of {newest} entries, {told}") from None
    finally:
        ends.set()
        await asyncio.gather(*listening_tasks)
    return listeners


async def entries(instance: ServiceProcess) -> list[dict[str, Any]]:
    """All entries, page by page, numbers as texts."""
    found: list[dict[str, Any]] = []
    after: str | None = "start"
    async with instance.client() as client:
        while after is not None:
            answer = await client.get("/entries", params={"after": after, "limit": "1000"})
            page = json.loads(answer.text, parse_float=str, parse_int=str)
            found += page["entries"]
            after = page["next"]
    return found


def are_told(listeners: list[Wanderer], newest: int, portfolio: dict[str, Any]) -> bool:
    """Whether each knows the newest entry, and the portfolio to the last digit."""
    return all(one.last == newest and not one.differences(portfolio) for one in listeners)


async def held(of: Fleet) -> dict[str, Any]:
    """What an instance answers for the portfolio, numbers as texts."""
    async with next(iter(of.instances.values())).client() as client:
        answer = await client.get("/portfolio")
    portfolio: dict[str, Any] = json.loads(answer.text, parse_float=str, parse_int=str)["portfolio"]
    return portfolio


async def run(of: Fleet, bookings: int, faults: int, seed: int) -> None:
    listeners = await listen_under_faults(of, bookings, faults, random.Random(seed))
    instance = next(iter(of.instances.values()))
    all_entries = await entries(instance)
    rows = of.tables.rows(
        "SELECT ledger_revision, 'trade', id FROM mock_trades WHERE ledger_revision IS NOT NULL"
        " UNION ALL SELECT ledger_revision, kind, id FROM portfolio_cash_transactions ORDER BY 1"
    )
    booked = [(str(revision), str(kind), str(number)) for revision, kind, number in rows]
    assert [(entry["ledger"], entry["kind"], entry["id"]) for entry in all_entries] == booked
    assert len(booked) == bookings + 2
    sums, cash = {}, Decimal(0)
    for entry in all_entries:
        cash += Decimal(entry["cash_delta"])
        sums[int(entry["ledger"])] = cash
    portfolio = await held(of)
    for listener in listeners:
        print(listener.transport, dict(listener.counts))
        listener.check(booked, sums, portfolio)


def test_the_union_of_what_is_told_is_the_ledger(
    mariadb: DatabaseServer, mysql_database: DatabaseUnderTest, tmp_path: Path, seed: int
) -> None:
    with fleet(mariadb, mysql_database, tmp_path, 2, PRICES, SETTINGS) as of:
        asyncio.run(run(of, bookings=300, faults=3, seed=seed))


@pytest.mark.faults_long
def test_the_union_of_what_is_told_is_the_ledger_however_long_it_goes_on(
    mariadb: DatabaseServer, mysql_database: DatabaseUnderTest, tmp_path: Path, seed: int
) -> None:
    with fleet(mariadb, mysql_database, tmp_path, 2, PRICES, SETTINGS) as of:
        asyncio.run(run(of, bookings=10_000, faults=60, seed=seed))


async def goodbyes(service: ServiceProcess, count: int) -> None:
    """Stop the service while so many listen: each is told, and it ends in order."""
    address = ("127.0.0.1", service.port)
    told: list[str] = []
    ready = asyncio.Barrier(count + 1)

    async def listen(kind: Transport) -> None:
        async with listening(kind, address, topics="entries") as listener:
            await listener.until("snapshot")
            await ready.wait()
            last = (await listener.end())[-1]
            told.append(f"{last['type']} {last['reason']}")

    async with asyncio.TaskGroup() as tasks:
        for number in range(count):
            tasks.create_task(listen(TRANSPORTS[number % 2]))
        await ready.wait()
        assert await asyncio.to_thread(service.stop) == 0
    assert told == ["bye restart"] * count


def test_a_stop_says_goodbye_to_a_hundred_who_listen(
    mariadb: DatabaseServer, mysql_database: DatabaseUnderTest, tmp_path: Path
) -> None:
    service = ServiceProcess(mysql_database, tmp_path, settings=SETTINGS)
    service.migrate()
    service.start()
    try:
        asyncio.run(goodbyes(service, 100))
    finally:
        service.__exit__(None, None, None)


@pytest.mark.faults_long
def test_a_thousand_who_do_not_read_cost_bounded_memory(
    mariadb: DatabaseServer, mysql_database: DatabaseUnderTest, tmp_path: Path
) -> None:
    settings = {**SETTINGS, "PORTFOLIO_STREAMS": "1000", "PORTFOLIO_STREAMS_PER_KEY": "1000"}
    service = ServiceProcess(mysql_database, tmp_path, settings=settings)
    service.migrate()
    service.start()
    try:
        grown = asyncio.run(unread(service, readers=1_000, bookings=10_000))
    finally:
        service.__exit__(None, None, None)
    # Each: the buffer of its connection (64 KiB), one message that is being written, and its own state.
    assert grown < 1_000 * 400 * 1024, f"{grown / 2**20:.0f} MiB"


async def unread(service: ServiceProcess, readers: int, bookings: int) -> int:
    """Return by how many bytes the service has grown while nobody read what was booked."""
    process = psutil.Process(service.process.pid)
    before, most = process.memory_info().rss, 0
    url = f"ws://127.0.0.1:{service.port}/stream?topics=entries"
    clients = [await connect(url, max_queue=1, ping_interval=None, compression=None) for _ in range(readers)]
    async with service.client() as http:
        for start in range(0, bookings, 1_000):
            batch = [
                {"symbol": "S1", "side": "BUY", "quantity": 1, "price": 10, "net_amount": 10, "notes": f"{n} " * 40}
                for n in range(start, start + 1_000)
            ]
            answer = await http.post("/holdings/update/batch", json={"bookings": batch})
            assert answer.status_code == 200, answer.text
            most = max(most, process.memory_info().rss)
            await asyncio.sleep(1.0)
        async with asyncio.timeout(SECONDS):
            while "portfolio_streams 0.0" not in (await http.get("/metrics")).text:
                most = max(most, process.memory_info().rss)
                await asyncio.sleep(0.5)
    for client in clients:
        client.transport.abort()
    return most - before
