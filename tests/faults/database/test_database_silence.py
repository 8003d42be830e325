"""The database accepts and never answers, or its connections are all in use: answers come in time, and are definite."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from tests.support.database.database_server import DatabaseServer
from tests.support.services.proxied_service import (
    BUY,
    DEADLINE_SECONDS,
    POOL_SIZE,
    Answer,
    ProxiedService,
    ask,
    book,
    proxied_service,
    until,
)
from tests.support.services.tcp_proxy import COMMIT, Mode, Trap

NOTHING_APPLIED = ("ledger-unavailable", "overloaded")
READS = (
    "/portfolio",
    "/positions",
    "/performance",
    "/rebalance/analysis",
    "/rebalance/recommendations",
    "/risk/concentration",
    "/risk/portfolio-health",
    "/risk/sector-allocation",
)


@pytest.fixture(scope="module")
def shared(mariadb: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxiedService]:
    with proxied_service(mariadb, tmp_path_factory.mktemp("silence")) as running:
        yield running
        asyncio.run(running.verify())
        assert "Traceback" not in running.service.output()


@pytest.fixture
def running(shared: ProxiedService) -> Iterator[ProxiedService]:
    """The service of this file, which has booked and was read before; the way to the database is mended afterwards."""
    yield shared
    shared.proxy.heal()


async def warm(running: ProxiedService, client: httpx.AsyncClient) -> None:
    """Have something held, and every read answered once."""
    await running.ready()
    assert (await book(client)).status == 200
    for path in READS:
        assert (await ask(client, "GET", path)).status == 200


async def use_every_connection(client: httpx.AsyncClient) -> None:
    """Read from as many callers at once as there are connections, several times."""
    for _ in range(5):
        answers = await asyncio.gather(*(ask(client, "GET", "/trades?limit=1") for _ in range(POOL_SIZE)))
        assert [answer.status for answer in answers] == [200] * POOL_SIZE, [answer.body for answer in answers]


async def test_with_a_silent_database_reads_are_stale_and_health_says_so_in_time(running: ProxiedService) -> None:
    async with running.service.client() as client:
        await warm(running, client)
        before = await ask(client, "GET", "/portfolio")
        running.proxy.set_mode(Mode.SILENT)
        health, *reads = await asyncio.gather(
            ask(client, "GET", "/health"), *(ask(client, "GET", path) for path in READS)
        )
        assert (health.status, health.body["status"], health.body["database"]["status"]) == (200, "degraded", "away")
        assert health.seconds < 1 + DEADLINE_SECONDS / 4  # a second, and what a busy machine takes
        for answer in reads:
            assert (answer.status, answer.is_in_time()) == (200, True), answer.body
            assert _is_stale(answer.body), answer.body
        assert reads[0].body["portfolio"]["as_of"] == before.body["portfolio"]["as_of"]
        ready = await ask(client, "GET", "/health/ready")
        assert (ready.status, ready.headers["Retry-After"]) == (503, "1")
        running.proxy.set_mode(Mode.PASS)
        await running.ready()
        assert (await book(client)).status == 200
        assert not _is_stale((await ask(client, "GET", "/portfolio")).body)


async def test_with_a_silent_database_whatever_writes_or_decides_is_503_in_time(running: ProxiedService) -> None:
    async with running.service.client() as client:
        await warm(running, client)
        trades, cash = running.trades, running.cash
        running.proxy.set_mode(Mode.SILENT)
        answers = await asyncio.gather(
            book(client, "silent"),
            book(client),
            ask(client, "POST", "/holdings/update/batch", {"bookings": [BUY] * 3}),
            ask(client, "POST", "/pretrade/check", BUY),
            ask(client, "POST", "/rebalance/generate-signals"),
            ask(client, "POST", "/cash/transactions", {"kind": "deposit", "amount": 1}),
            ask(client, "POST", "/trades/1/reverse", {}),
            ask(client, "GET", "/trades"),
            ask(client, "GET", "/bookings/silent"),
        )
        assert all(answer.is_unavailable(*NOTHING_APPLIED) for answer in answers)
        running.proxy.heal()
        await running.ready()
        assert (running.trades, running.cash) == (trades, cash)
        assert (await book(client, "silent")).body["replayed"] is False


async def test_bookings_that_keep_coming_to_a_silent_database_do_not_wait_one_after_the_other(
    running: ProxiedService,
) -> None:
    async with running.service.client() as client:
        await warm(running, client)
        trades = running.trades
        running.proxy.set_mode(Mode.SILENT)
        waiting: list[asyncio.Task[Answer]] = []
        for _ in range(12):
            waiting.append(asyncio.create_task(book(client)))
            await asyncio.sleep(DEADLINE_SECONDS / 10)
        answers = await asyncio.gather(*waiting)
        assert all(answer.is_unavailable(*NOTHING_APPLIED) for answer in answers)
        running.proxy.heal()
        await running.ready()
        assert running.trades == trades


async def test_a_booking_behind_one_that_takes_long_hears_in_time_that_it_was_not_begun(
    running: ProxiedService,
) -> None:
    async with running.service.client() as client:
        await warm(running, client)
        trades, sprung = running.trades, len(running.proxy.sprung)
        # The answers to its commit and to that of its lookup are lost: half of the deadline goes by.
        for _ in range(2):
            running.proxy.arm(COMMIT, Trap.LOSE_ANSWER_SILENT, after=b"'long'")
        first = asyncio.create_task(book(client, "long"))
        await until(lambda: _sprung(running, sprung), "the first is not committed")
        assert (await book(client, "behind")).is_unavailable("overloaded")
        told = await first
        assert told.is_in_time()
        assert told.status == 200 or told.is_unavailable("outcome-unknown")
        running.proxy.heal()
        await running.ready()
        assert running.trades == trades + 1
        assert (await book(client, "long")).body["replayed"] is True
        assert (await book(client, "behind")).body["replayed"] is False


async def test_more_bookings_than_can_be_answered_in_time_are_turned_away_at_once(running: ProxiedService) -> None:
    async with running.service.client() as client:
        await warm(running, client)
        running.proxy.set_mode(Mode.SILENT)
        whole = {"bookings": [BUY] * 1_000}  # the bound is 500 a second of the deadline: two of these
        batches = [asyncio.create_task(ask(client, "POST", "/holdings/update/batch", whole)) for _ in range(2)]
        await until(lambda: _waiting(client, 2_000), "the batches are not taken in")
        refused = await book(client)
        assert refused.is_unavailable("overloaded")
        assert not any(batch.done() for batch in batches)
        for batch in batches:
            assert (await batch).is_unavailable(*NOTHING_APPLIED)
        running.proxy.heal()
        await running.ready()
        assert (await book(client)).status == 200


async def test_with_every_connection_in_use_requests_are_turned_away_in_time_and_later_served(
    running: ProxiedService,
) -> None:
    async with running.service.client() as client:
        await warm(running, client)
        running.proxy.delay(DEADLINE_SECONDS / 10)
        answers = await asyncio.gather(*(ask(client, "GET", "/trades") for _ in range(8 * POOL_SIZE)))
        turned_away = [answer for answer in answers if answer.status != 200]
        assert turned_away
        assert len(answers) > len(turned_away)
        for answer in turned_away:
            assert answer.is_unavailable("ledger-unavailable")
        assert any("in use" in answer.body["detail"] for answer in turned_away)
        running.proxy.delay(0)
        await use_every_connection(client)


async def test_clients_who_vanish_leave_no_connection_and_no_half_booking(running: ProxiedService) -> None:
    async with running.service.client() as client:
        await warm(running, client)
        trades, cash = running.trades, running.cash
        running.proxy.delay(0.02)
        vanished = 60
        for number in range(vanished):
            await asyncio.to_thread(_vanish, running, number)
        running.proxy.delay(0)
        await until(lambda: _waiting(client, 0), "bookings are still at work")
        booked = running.trades - trades
        assert 0 < booked <= vanished
        assert running.cash == cash - 10 * booked
        # Every connection of the pool is there to be used, and there are no others.
        await use_every_connection(client)
        assert running.proxy.open_connections <= POOL_SIZE + 1  # one more looks for changes


async def test_connections_that_died_without_a_word_cost_one_deadline_and_not_one_each(
    running: ProxiedService,
) -> None:
    async with running.service.client() as client:
        await warm(running, client)
        await use_every_connection(client)
        running.proxy.forget()
        answers = [await ask(client, "GET", "/trades?limit=1") for _ in range(POOL_SIZE + 1)]
        assert [answer.status for answer in answers[1:]] == [200] * POOL_SIZE
        assert (await book(client)).status == 200


def _vanish(running: ProxiedService, number: int) -> None:
    """Send a booking and be gone, more or less soon."""
    body = f'{{"symbol":"BTC","side":"BUY","quantity":1,"price":10,"net_amount":10,"client_trade_id":"gone-{number}"}}'
    head = "POST /holdings/update HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json"
    with socket.create_connection(("127.0.0.1", running.service.port)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.sendall(f"{head}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        client.settimeout(0.001 + 0.005 * (number % 20))
        with suppress(TimeoutError):
            client.recv(1)


def _is_stale(body: Any) -> bool:
    """Whether the answer says, somewhere, that it may be out of date."""
    if isinstance(body, dict):
        return body.get("stale") is True or any(_is_stale(value) for value in body.values())
    return False


async def _waiting(client: httpx.AsyncClient, number: int) -> bool:
    """Whether so many bookings wait or are at work."""
    figures = (await client.get("/metrics")).text
    return f"\nportfolio_bookings_waiting {float(number)}\n" in figures


async def _sprung(running: ProxiedService, before: int) -> bool:
    return len(running.proxy.sprung) > before
