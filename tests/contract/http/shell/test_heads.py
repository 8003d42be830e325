"""Heads that break the rules of HTTP, or ask for another protocol: nothing is done that others read otherwise."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from portfolio.entrypoints.connections import OVERDUE, ConnectionLimits
from portfolio.entrypoints.logs import EVENTS
from tests.support.services.http_service import BUY, KEYS, Service, is_problem, running
from tests.support.services.http_sockets import answer_of, connected, exchange, head, served
from tests.support.services.waiting import until

BODY = json.dumps(BUY).encode()
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
KEY = b"X-TRADING-API-KEY: aaaaaaaaaaaaaaaa"
JSON = b"Content-Type: application/json"
LENGTH = b"Content-Length: %d" % len(BODY)
HOST = b"Host: localhost"
UPGRADE = (HOST, b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13")
NONCE = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="


def booking(*lines: bytes, first: bytes = b"POST /holdings/update HTTP/1.1", body: bytes = BODY) -> bytes:
    """A booking with these lines of its head beside its key and type."""
    return b"\r\n".join([first, KEY, JSON, *lines, b"", body])


@pytest.mark.parametrize(
    "raw",
    [
        booking(LENGTH),
        booking(HOST, HOST, LENGTH),
        booking(b"Host: localhost, evil.example", LENGTH),
        booking(b"Host: user@localhost", LENGTH),
        booking(b"Host: localhost/", LENGTH),
        booking(HOST, LENGTH, first=b"POST http://evil.example/holdings/update HTTP/1.1"),
        booking(HOST, LENGTH, first=b"POST http://localhost:443/holdings/update HTTP/1.1"),
        booking(b"Host: [fe80::1%]", LENGTH),
        booking(HOST, LENGTH, first=b"POST ws://evil.example/holdings/update HTTP/1.1"),
        booking(HOST, LENGTH, first=b"POST /holdings/update HTTP/2.0"),
        booking(HOST, b"Transfer-Encoding: gzip, chunked", body=CHUNKS),
        booking(HOST, b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked", body=CHUNKS),
        booking(b"Transfer-Encoding: chunked", first=b"POST /holdings/update HTTP/1.0", body=CHUNKS),
        booking(HOST, b"Transfer-Encoding: chunked", LENGTH, body=CHUNKS),
        booking(HOST, LENGTH, LENGTH),
        booking(HOST, b"Content-Length: +%d" % len(BODY)),
        booking(HOST, LENGTH, b"X-Long: a\r\n b"),
        booking(HOST, LENGTH, b"X-Long : a"),
        booking(HOST, first=b"CONNECT localhost:80 HTTP/1.1", body=b""),
    ],
    ids=[
        "no host", "two hosts", "a list of hosts", "a user in the host", "a path in the host", "an address elsewhere",
        "another port", "a zone without a name", "an address of another kind",
        "another version", "a coding beside chunks", "codings in two lines", "chunks before HTTP/1.1",
        "a length beside chunks", "two lengths", "a sign before the length", "a folded line", "a blank before a colon",
        "a tunnel",
    ],
)  # fmt: skip
async def test_a_head_that_breaks_the_rules_is_400_and_nothing_is_done(raw: bytes) -> None:
    async with running(api_keys=KEYS) as service, served(service) as address, connected(address) as (reader, writer):
        writer.write(raw)
        answer = await asyncio.wait_for(answer_of(reader), 10)
        assert is_problem(answer, 400, "malformed-request")
        assert await asyncio.wait_for(reader.read(), 10) == b""
        key = {"X-TRADING-API-KEY": "aaaaaaaaaaaaaaaa"}
        assert (await service.http.get("/trades", headers=key)).json()["count"] == 0


@pytest.mark.parametrize(
    "raw",
    [
        booking(LENGTH, first=b"POST /holdings/update HTTP/1.0"),
        booking(b"Host: [::1]:8026", LENGTH),
        booking(
            b"Host: portfolio.example:8026",
            LENGTH,
            first=b"POST http://Portfolio.example:8026/holdings/update HTTP/1.1",
        ),
        booking(HOST, LENGTH, first=b"POST http://localhost:80/holdings/update HTTP/1.1"),
        booking(HOST, first=b"GET http://localhost HTTP/1.1", body=b""),
        booking(HOST, first=b"GET http://localhost?#c HTTP/1.1", body=b""),
        booking(b"Host: localhost:443", LENGTH, first=b"POST HTTPS://localhost/holdings/update HTTP/1.1"),
        booking(b"Host: [fe80::1%eth0]:80", LENGTH),
        booking(b"Host: [fe80::1%25eth0]:8026", LENGTH),
        booking(HOST, b"Transfer-Encoding: Chunked", body=CHUNKS),
    ],
    ids=[
        "before HTTP/1.1", "an address as host", "a whole address", "the port that is meant anyway",
        "an address without a path", "an address without a path, and a query",
        "the port that is meant anyway in the host", "a zone", "a zone as in addresses", "chunks",
    ],
)  # fmt: skip
async def test_a_head_that_keeps_the_rules_is_served(raw: bytes) -> None:
    async with running(api_keys=KEYS) as service, served(service) as address:
        assert (await exchange(address, raw)).status_code == 200


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize(
    "lines",
    [
        (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAEAAEAA"),
        (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13", NONCE),
    ],
    ids=["as Java's client asks for HTTP/2", "a socket by POST"],
)
@pytest.mark.parametrize(
    ("framing", "body"), [(LENGTH, BODY), (b"Transfer-Encoding: chunked", CHUNKS)], ids=["length", "chunks"]
)
async def test_who_asks_for_another_protocol_with_a_body_is_answered_in_this_one(
    service: Service, lines: tuple[bytes, ...], framing: bytes, body: bytes, apart: bool
) -> None:
    raw = booking(HOST, framing, *lines, body=b"")
    async with served(service) as address, connected(address) as (reader, writer):
        for _ in range(2):
            writer.write(raw if apart else raw + body)
            if apart:
                await asyncio.sleep(0.05)
                writer.write(body)
            answer = await asyncio.wait_for(answer_of(reader), 10)
            assert (answer.status_code, answer.json()["status"]) == (200, "success")
    assert (await service.http.get("/trades")).json()["count"] == 2


async def test_the_body_of_who_asks_for_another_protocol_is_no_request_of_its_own(service: Service) -> None:
    inner = booking(HOST, LENGTH)
    lines = (HOST, b"Connection: Upgrade", b"Upgrade: h2c", b"Content-Length: %d" % len(inner))
    async with served(service) as address, connected(address) as (reader, writer):
        writer.write(booking(*lines, first=b"GET /health/live HTTP/1.1", body=b""))
        await asyncio.sleep(0.05)
        writer.write(inner + b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answers = [await asyncio.wait_for(answer_of(reader), 10) for _ in range(2)]
        assert await asyncio.wait_for(reader.read(), 10) == b""
    assert [answer.status_code for answer in answers] == [200, 200]
    assert (await service.http.get("/trades")).json()["count"] == 0


async def test_any_number_that_ask_for_another_protocol_may_be_sent_ahead(service: Service) -> None:
    one = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    async with served(service) as address, connected(address) as (reader, writer):
        writer.write(one * 2_000)
        answers = [(await asyncio.wait_for(answer_of(reader), 10)).status_code for _ in range(2_000)]
    assert answers == [200] * 2_000


async def test_a_socket_before_http_1_1_is_no_socket(service: Service) -> None:
    raw = b"\r\n".join([b"GET /stream HTTP/1.0", *UPGRADE, NONCE, b"", b""])
    async with served(service) as address:
        assert is_problem(await exchange(address, raw), 426, "upgrade-required")


NO_HANDSHAKE = (400, "this is no handshake of a WebSocket")
TOO_LONG = (431, "the head has too many lines for a WebSocket, or too long ones")


@pytest.mark.parametrize(
    ("first", "lines", "refused"),
    [
        (b"/stream", UPGRADE, NO_HANDSHAKE),
        (b"/stream", (*UPGRADE, b"Sec-WebSocket-Key: hunter2"), NO_HANDSHAKE),
        (b"/stream", (*UPGRADE[:3], b"Sec-WebSocket-Version: hunter2", NONCE), NO_HANDSHAKE),
        (b"/stream", (*UPGRADE, NONCE, b"X-\xff: hunter2"), (400, "that is no HTTP request")),
        (b"/stream", (*UPGRADE, NONCE, *(b"X-%d: a" % n for n in range(300))), TOO_LONG),
        (b"/stream", (*UPGRADE, NONCE, b"X-Long: " + b"a" * 10_000), TOO_LONG),
        (b"/stream?key=" + b"a" * 10_000, (*UPGRADE, NONCE), TOO_LONG),
        (b"/stream", (*UPGRADE[1:], NONCE), (400, "the header Host has to be there once, and is there 0 times")),
    ],
    ids=[
        "no key", "no such key", "another version", "no name", "many headers", "a long header", "a long address",
        "no host",
    ],
)  # fmt: skip
async def test_what_is_no_handshake_is_a_problem_and_the_connection_ends(
    service: Service, first: bytes, lines: tuple[bytes, ...], refused: tuple[int, str]
) -> None:
    raw, (status, said) = b"\r\n".join([b"GET %s HTTP/1.1" % first, *lines, b"", b""]), refused
    with capture_logs() as logs:
        async with served(service, ConnectionLimits()) as address, connected(address) as (reader, writer):
            writer.write(raw)
            answer = await asyncio.wait_for(answer_of(reader), 10)
            assert is_problem(answer, status, "head-too-large" if status == 431 else "malformed-request")
            assert answer.json()["detail"] == said
            assert answer.headers["cache-control"] == "no-store"
            assert await asyncio.wait_for(reader.read(), 10) == b""
    told = [entry for entry in logs if entry["event"] == "request.unreadable"]
    assert [(entry["status"], entry["reason"], entry["client"]) for entry in told] == [(status, said, "127.0.0.1")]
    assert [entry["request_id"] for entry in told] == [answer.headers["X-Request-ID"]]
    assert "hunter2" not in repr(logs)


async def test_a_fault_of_ours_is_no_unreadable_request(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(service.app, "outermost", broken)
    with capture_logs() as logs:
        async with served(service) as address:
            raw = b"\r\n".join([b"GET /stream HTTP/1.1", *UPGRADE, NONCE, b"", b""])
            assert is_problem(await exchange(address, raw), 500, "internal-error")
    assert not [entry for entry in logs if entry["event"] == "request.unreadable"]


@pytest.mark.parametrize("broken", [b"zz\r\n", b"2\r\n{}\r\nzz\r\n", b"2\r\n{}\r\n0\r\nno trailer\r\n\r\n"])
async def test_where_a_body_breaks_off_nothing_was_done(service: Service, broken: bytes) -> None:
    await service.http.post("/holdings/update", json=BUY)
    async with served(service) as address:
        raw = head("/trades/1/reverse", "Transfer-Encoding: chunked") + broken
        assert is_problem(await exchange(address, raw), 400, "malformed-request")
    assert (await service.http.get("/trades")).json()["count"] == 1


@pytest.mark.parametrize("path", ["/exports/trades", "/positions"])
async def test_who_speaks_http_1_0_is_sent_no_chunks_and_the_end_of_the_connection_is_the_end(
    service: Service, path: str
) -> None:
    await service.http.post("/holdings/update", json=BUY)
    async with served(service) as address, connected(address) as (reader, writer):
        writer.write(f"GET {path} HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n".encode())
        lines, _, body = (await asyncio.wait_for(reader.read(), 10)).partition(b"\r\n\r\n")
    assert lines.startswith(b"HTTP/1.1 200 ")
    assert b"transfer-encoding" not in lines
    newer = (await service.http.get(path)).text
    assert len(body.decode().splitlines()) == len(newer.splitlines()) > 0
    assert body.decode()[:20] == newer[:20]


async def test_an_answer_of_http_1_0_that_breaks_off_does_not_look_whole(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = service.app.outermost

    async def breaking(scope: Any, receive: Any, send: Any) -> None:
        async def once(message: Any) -> None:
            await send(message)
            if message.get("more_body"):
                raise ConnectionError

        await whole(scope, receive, once)

    monkeypatch.setattr(service.app, "outermost", breaking)
    async with served(service) as address, connected(address) as (reader, writer):
        writer.write(b"GET /exports/trades HTTP/1.0\r\nHost: localhost\r\n\r\n")
        assert (await asyncio.wait_for(reader.readline(), 10)).startswith(b"HTTP/1.1 200 ")
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(), 10)


async def test_an_answer_of_http_1_0_that_is_not_fetched_does_not_look_whole(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def at_once(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a" * 30_000_000})

    monkeypatch.setattr(service.app, "outermost", at_once)
    before = EVENTS[OVERDUE]
    async with served(service, ConnectionLimits(idle_seconds=0.4)) as address, connected(address) as (reader, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's transport has it
        writer.write(b"GET /exports/trades HTTP/1.0\r\nHost: localhost\r\n\r\n")
        await until(lambda: EVENTS[OVERDUE] != before, seconds=20)
        writer.transport.resume_reading()  # type: ignore[attr-defined]  # as above
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(), 10)


async def test_who_speaks_http_1_0_is_not_asked_to_continue(service: Service) -> None:
    raw = booking(HOST, LENGTH, b"Expect: 100-continue", first=b"POST /holdings/update HTTP/1.0")
    async with served(service) as address, connected(address) as (reader, writer):
        writer.write(raw)
        assert (await asyncio.wait_for(reader.read(), 10)).startswith(b"HTTP/1.1 200 ")
