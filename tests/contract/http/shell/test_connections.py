"""Connections of clients who ask for nothing, or for too much before they ask: bounded, without a key."""

from __future__ import annotations

import asyncio
import gc
import json
from contextlib import suppress

import httpx
import pytest

from portfolio.entrypoints.connections import OVERDUE, REFUSED, BoundedConnection, ConnectionLimits
from portfolio.entrypoints.logs import EVENTS
from tests.support.services.http_service import BUY, KEYS, Service, is_problem, running
from tests.support.services.http_sockets import answer_of, connected, exchange, head, served
from tests.support.services.waiting import until

LIVE = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n"
SHORT = ConnectionLimits(idle_seconds=0.4)
WAIT_SECONDS = 20.0


async def ended(reader: asyncio.StreamReader) -> bool:
    """Whether the other side has ended the connection, in good order or not; waits for it."""
    with suppress(ConnectionResetError):
        await asyncio.wait_for(reader.read(), WAIT_SECONDS)
    return True


@pytest.mark.parametrize(
    "raw",
    [
        LIVE + b"X-Long: " + b"a" * 33_000 + b"\r\n\r\n",
        LIVE + b"".join(b"X-%d: %s\r\n" % (n, b"a" * 100) for n in range(330)) + b"\r\n",
        LIVE + b"\r\n" + LIVE + b"X-Long: " + b"a" * 33_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 33_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"a" * 13_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 33_000,
        LIVE + b"a" * 33_000,
    ],
    ids=["one header", "many headers", "second request", "address", "both", "address without end", "name without end"],
)
async def test_a_head_over_its_limit_is_431_however_it_comes(service: Service, raw: bytes) -> None:
    async with served(service) as address, connected(address) as (reader, writer):
        for start in range(0, len(raw), 10_000):
            writer.write(raw[start : start + 10_000])
            await writer.drain()
            await asyncio.sleep(0)
        answer = await asyncio.wait_for(answer_of(reader), 10)
        if answer.status_code == 200:
            answer = await asyncio.wait_for(answer_of(reader), 10)
        assert is_problem(answer, 431, "head-too-large")
        assert answer.headers["connection"] == "close"
        assert await ended(reader)


async def test_a_head_within_its_limit_and_a_long_body_behind_it_are_read(service: Service) -> None:
    body = json.dumps({"bookings": [{**BUY, "notes": "n" * 1900}] * 100}).encode()
    async with served(service) as address:
        raw = head("/holdings/update/batch", f"X-Long: {'a' * 32_000}", f"Content-Length: {len(body)}") + body
        answer = await exchange(address, raw)
    assert (answer.status_code, answer.json()["booked"]) == (200, 22)


@pytest.mark.parametrize(
    "raw",
    [b"\x16\x03\x01\x02\x00\x01\x00", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/1.1\r\nA: \x1b[31m\r\n\r\n"],
    ids=["TLS", "HTTP/2", "control character"],
)
async def test_what_is_no_http_is_a_problem_too(service: Service, raw: bytes) -> None:
    async with served(service) as address:
        answer = await exchange(address, raw)
    assert is_problem(answer, 400, "malformed-request")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("before", [0, 1, 2])
@pytest.mark.parametrize(
    "after",
    [
        b"}",
        b"junk",
        LIVE + b"X-Long: " + b"a" * 33_000 + b"\r\n\r\n",
        head("/holdings/update", "Transfer-Encoding: chunked") + b"no size\r\n",
    ],
    ids=["a body that is longer than it said", "no HTTP", "a head over its limit", "a body that breaks off"],
)
async def test_a_request_that_came_whole_is_answered_before_what_follows_it_is_refused(
    service: Service, before: int, after: bytes
) -> None:
    body = json.dumps(BUY).encode()
    booking = head("/holdings/update", f"Content-Length: {len(body)}") + body
    async with served(service) as address, connected(address) as (reader, writer):
        writer.write(booking * before + booking + after)
        for number in range(before + 1):
            answer = await asyncio.wait_for(answer_of(reader), 10)
            assert (answer.status_code, answer.json()["trade_id"]) == (200, number + 1)
        assert (await asyncio.wait_for(answer_of(reader), 10)).status_code in {400, 431}
        assert await ended(reader)
    assert (await service.http.get("/trades")).json()["count"] == before + 1


async def test_what_follows_a_request_at_work_is_no_head_however_long_it_is(service: Service) -> None:
    body = json.dumps(BUY).encode()
    async with served(service) as address, connected(address) as (reader, writer):
        writer.write(head("/holdings/update", f"Content-Length: {len(body)}") + body)
        await writer.drain()
        await asyncio.sleep(0)
        writer.write(b"a" * 33_000)
        answers = [await asyncio.wait_for(answer_of(reader), 10) for _ in range(2)]
        assert await ended(reader)
    assert [answer.status_code for answer in answers] == [200, 400]


@pytest.mark.parametrize(
    ("raw", "dripped"),
    [
        (b"", b""),
        (b"", b"\r\n"),
        (LIVE, b"a"),
        (LIVE + b"\r\n" + b"GET /", b"a"),
        (head("/holdings/update", "Content-Length: 11534336"), b" "),
    ],
    ids=["nothing", "empty lines", "a head", "a second head", "the body of a request that was refused"],
)
async def test_who_never_comes_to_the_end_is_hung_up_on(service: Service, raw: bytes, dripped: bytes) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            writer.write(dripped)
            await asyncio.sleep(0.05)

    before = EVENTS[OVERDUE]
    async with served(service, SHORT) as address, connected(address) as (reader, writer):
        writer.write(raw)
        dripping = asyncio.create_task(drip(writer))
        assert await ended(reader)
        dripping.cancel()
    assert EVENTS[OVERDUE] == before + 1


async def test_an_answer_that_nobody_fetches_is_not_kept() -> None:
    before = EVENTS[OVERDUE]
    async with (
        running(request_deadline_seconds=0.5) as service,
        served(service, SHORT) as address,
        connected(address) as (_, writer),
    ):
        # About 150 KB an answer: the kernel's buffers fill, and then the service's.
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's transport has it
        writer.write(b"GET /docs/swagger-ui.css HTTP/1.1\r\nHost: localhost\r\n\r\n" * 400)
        await until(lambda: EVENTS[OVERDUE] != before, seconds=WAIT_SECONDS)


async def test_a_request_at_work_is_not_idle() -> None:
    async with running(request_deadline_seconds=3 * SHORT.idle_seconds) as service, served(service, SHORT) as address:
        slow = await exchange(address, head("/holdings/update", "Content-Length: 100") + b"{")
    assert is_problem(slow, 408, "request-timeout")


async def test_connections_over_the_limit_are_closed_at_once_and_others_served(service: Service) -> None:
    before = EVENTS[REFUSED]
    async with (
        served(service, ConnectionLimits(connections=2)) as address,
        connected(address) as (reader, writer),
        connected(address),
    ):
        for _ in range(2):
            writer.write(LIVE + b"\r\n")
            assert (await asyncio.wait_for(answer_of(reader), 10)).status_code == 200
            async with connected(address) as (refused, _):
                assert await ended(refused)
    assert EVENTS[REFUSED] == before + 2


async def test_a_header_behind_the_body_passes_for_none_before_it() -> None:
    trailers = "X-TRADING-API-KEY: aaaaaaaaaaaaaaaa\r\nHost: evil.example\r\nIdempotency-Key: k\r\n"
    body = json.dumps(BUY).encode()
    chunked = b"%x\r\n%s\r\n0\r\n%s\r\n" % (len(body), body, trailers.encode())
    async with running(api_keys=KEYS) as keyed, served(keyed) as address:
        answer = await exchange(address, head("/holdings/update", "Transfer-Encoding: chunked") + chunked)
        assert is_problem(answer, 401, "unauthorized")
    async with running() as local, served(local) as address:
        answer = await exchange(address, head("/holdings/update", "Transfer-Encoding: chunked") + chunked)
        assert answer.status_code == 200
        async with httpx.AsyncClient(base_url=f"http://{address[0]}:{address[1]}") as http:
            assert (await http.get("/bookings/k")).status_code == 404


CHUNKED = head("/holdings/update", "Transfer-Encoding: chunked")


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (b"0\r\n", b"a: b\r\n"),
        (b"0\r\na: ", b"x"),
        (b"", b"1\r\n \r\n"),
        (b"1;", b"e"),
        (b"", b"0"),
    ],
    ids=["trailers", "one trailer", "chunks of one byte", "remarks of a chunk", "the size of a chunk"],
)
async def test_what_surrounds_a_body_without_end_is_refused(service: Service, first: bytes, then: bytes) -> None:
    async with served(service) as address, connected(address) as (reader, writer), asyncio.timeout(WAIT_SECONDS):
        writer.write(CHUNKED + first)
        sent = 0
        while not reader.at_eof() and reader.exception() is None:
            writer.write(then * (1024 // len(then)))
            sent += 1024
            assert sent < 4 * 1024 * 1024, "it is read for ever"
            await asyncio.sleep(0)


async def test_what_comes_of_a_body_after_its_answer_has_an_end(service: Service) -> None:
    async with served(service) as address, connected(address) as (reader, writer), asyncio.timeout(WAIT_SECONDS):
        writer.write(head("/holdings/update", "Content-Length: 1000000000"))
        sent = 0
        with suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(bytes(1024 * 1024))
                await writer.drain()
                sent += 1
                assert sent < 200, "it is read for ever"
    assert sent > 16, "who sends a file that is too large comes to read that it is"


async def test_requests_that_are_sent_ahead_wait_outside(service: Service) -> None:
    ahead, asked = 40_000, LIVE + b"\r\n"
    async with served(service) as address, connected(address) as (reader, writer), asyncio.timeout(WAIT_SECONDS):
        writer.write(asked * ahead)
        assert (await answer_of(reader)).status_code == 200
        connections = [one for one in gc.get_objects() if type(one) is BoundedConnection]
        waiting = []
        for _ in range(200):
            assert (await answer_of(reader)).status_code == 200
            waiting.append(max(len(one.pipeline) for one in connections))
    assert 0 < max(waiting) < 256 * 1024 / len(asked) + 1  # what is read at once


async def test_requests_that_are_sent_ahead_are_answered_in_turn_with_their_bodies(service: Service) -> None:
    bodies = [json.dumps({**BUY, "client_trade_id": f"ahead-{n}", "notes": "n" * 1900}).encode() for n in range(100)]
    raw = b"".join(head("/holdings/update", f"Content-Length: {len(body)}") + body for body in bodies)
    async with served(service) as address, connected(address) as (reader, writer), asyncio.timeout(WAIT_SECONDS):
        writer.write(raw)
        booked = [(await answer_of(reader)).json() for _ in bodies]
    assert [one.get("trade_id", one) for one in booked][:20] == list(range(1, 21))
