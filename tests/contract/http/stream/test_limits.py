"""Who may listen, how many, and what becomes of clients that do not behave."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from portfolio.application.stream.records import DEFAULT_PACE
from portfolio.entrypoints.logs import REQUEST_ID
from portfolio.settings import PriceFeedKind, Settings
from tests.contract.http.stream.conftest import Served
from tests.support.services.http_service import BOSS, KEYS, A, B, running_on_sqlite
from tests.support.services.http_sockets import answer_of, connected, served
from tests.support.services.listeners import Transport, listening
from tests.support.services.proxied_service import until as until_async
from tests.support.services.waiting import until

TRANSPORTS: list[Transport] = ["socket", "events"]
SECONDS = 20.0


@asynccontextmanager
async def serving(folder: Path, **settings: Any) -> AsyncIterator[Served]:
    async with running_on_sqlite(folder, **settings) as service, served(service) as address:
        yield Served(service, address)


async def refusal(
    transport: Transport, address: tuple[str, int], headers: dict[str, str] | None = None, query: str = ""
) -> tuple[int, dict[str, Any], httpx.Headers]:
    """The answer to who is not let in: status, problem and headers."""
    host, port = address
    if transport == "events":
        async with httpx.AsyncClient(timeout=SECONDS) as http:
            answer = await http.get(f"http://{host}:{port}/stream/events{query}", headers=headers or {})
        return answer.status_code, answer.json(), answer.headers
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"ws://{host}:{port}/stream{query}", additional_headers=headers or {}):
            pass
    response = refused.value.response
    assert response.body is not None
    return response.status_code, json.loads(response.body), httpx.Headers(list(response.headers.raw_items()))


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_over_the_limit_of_a_key_there_is_429_and_others_are_let_in(tmp_path: Path, transport: Transport) -> None:
    async with serving(tmp_path, api_keys=KEYS, streams_per_key=2) as here, AsyncExitStack() as stack:
        for _ in range(2):
            first = await stack.enter_async_context(listening(transport, here.address, headers=A))
            await first.until("hello")
        status, problem, headers = await refusal(transport, here.address, A)
        assert (status, problem["type"], headers["retry-after"]) == (429, "/problems/too-many-streams", "1")
        other = await stack.enter_async_context(listening(transport, here.address, headers=B))
        await other.until("hello")


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_over_the_limit_of_the_instance_there_is_429_whoever_asks(tmp_path: Path, transport: Transport) -> None:
    async with serving(tmp_path, api_keys=KEYS, streams=2) as here, AsyncExitStack() as stack:
        for headers in (A, B):
            listener = await stack.enter_async_context(listening("events", here.address, headers=headers))
            await listener.until("hello")
        status, problem, _ = await refusal(transport, here.address, BOSS)
    assert (status, problem["type"]) == (429, "/problems/too-many-streams")


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_without_keys_the_limit_is_that_of_an_address_and_who_leaves_makes_room(
    tmp_path: Path, transport: Transport
) -> None:
    async with serving(tmp_path, streams_per_key=1) as here:
        async with listening(transport, here.address) as listener:
            await listener.until("hello")
            assert (await refusal(transport, here.address))[0] == 429
        await until(lambda: not here.service.cases.stream.limits.open.total())
        async with listening(transport, here.address) as listener:
            await listener.until("hello")


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(
    ("headers", "query", "status", "slug"),
    [
        ({}, "", 401, "unauthorized"),
        ({"X-TRADING-API-KEY": "nobody-knows-this"}, "", 401, "unauthorized"),
        ({"X-TRADING-API-KEY": "w" * 16}, "", 403, "forbidden"),
        (A, "?after=yesterday", 400, "malformed-request"),
        (A, "?after=1.2.XYZ", 400, "malformed-request"),
        (A, "?topics=entries,weather", 400, "malformed-request"),
        (A, "?since=1", 400, "malformed-request"),
        (A, "?after=now&after=start", 400, "malformed-request"),
    ],
)
async def test_who_is_not_let_in_gets_a_problem_before_any_upgrade(
    tmp_path: Path, transport: Transport, headers: dict[str, str], query: str, status: int, slug: str
) -> None:
    async with serving(tmp_path, api_keys=f"{KEYS},writer:trade:{'w' * 16}") as here:
        found, problem, sent = await refusal(transport, here.address, headers, query)
    assert (found, problem["type"], sent["content-type"]) == (status, f"/problems/{slug}", "application/problem+json")
    assert here.service.cases.stream.counts.opened == 0


async def test_who_is_not_let_in_is_told_that_prices_are_made_up(tmp_path: Path) -> None:
    async with serving(tmp_path, price_feed=PriceFeedKind.SIMULATED) as here:
        _, problem, sent = await refusal("socket", here.address, query="?topics=nothing")
        async with listening("socket", here.address) as listener:
            assert (await listener.until("hello"))["price_feed"] == "simulated"
    assert problem["price_feed"] == sent["x-portfolio-price-feed"] == "simulated"
    assert problem["type"] == "/problems/malformed-request"


async def test_without_keys_no_page_of_another_site_is_let_in(here: Served) -> None:
    status, problem, _ = await refusal("socket", here.address, {"Origin": "https://evil.example"})
    assert (status, problem["type"]) == (403, "/problems/foreign-origin")
    host, port = here.address
    async with listening("socket", here.address, headers={"Origin": f"http://{host}:{port}"}) as listener:
        await listener.until("hello")


async def test_a_socket_is_told_the_id_that_its_lines_have(here: Served) -> None:
    def with_id(_: object, __: str, event: EventDict) -> EventDict:
        return {**event, "request_id": REQUEST_ID.get()}

    host, port = here.address
    with capture_logs(processors=[with_id]) as logs:
        async with connect(f"ws://{host}:{port}/stream", additional_headers={"X-Request-ID": "mine-1"}) as socket:
            assert socket.response is not None
            assert socket.response.headers.get_all("X-Request-ID") == ["mine-1"]
        _, _, refused = await refusal("socket", here.address, query="?topics=nothing")
        with pytest.raises(InvalidStatus) as nowhere:
            async with connect(f"ws://{host}:{port}/nowhere"):
                pass
        await until(lambda: len([line for line in logs if line["event"].startswith("stream.")]) == 3)
    told = {"mine-1", refused["X-Request-ID"], nowhere.value.response.headers["X-Request-ID"]}
    assert {line["request_id"] for line in logs if line["event"].startswith("stream.")} == told
    assert {len(one) for one in told} == {6, 32}


async def test_the_socket_may_be_asked_for_by_its_whole_address(here: Served) -> None:
    host, port = here.address
    head = (
        f"GET http://{host}:{port}/stream?after=now HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    async with connected(here.address) as (reader, writer):
        writer.write(head.encode())
        assert await asyncio.wait_for(reader.readline(), SECONDS) == b"HTTP/1.1 101 Switching Protocols\r\n"


async def test_there_is_no_socket_anywhere_else(here: Served) -> None:
    host, port = here.address
    for path in ("/portfolio", "/nowhere"):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(f"ws://{host}:{port}{path}"):
                pass
        assert refused.value.response.status_code == 404
        assert json.loads(refused.value.response.body or b"")["type"] == "/problems/not-found"


async def test_who_asks_for_the_socket_without_an_upgrade_is_told_to_upgrade(tmp_path: Path) -> None:
    async with serving(tmp_path, api_keys=KEYS) as here, httpx.AsyncClient(timeout=SECONDS) as http:
        host, port = here.address
        for method in ("GET", "HEAD"):
            answer = await http.request(method, f"http://{host}:{port}/stream?topics=entries", headers=A)
            found = (answer.status_code, answer.headers["upgrade"], answer.headers["connection"])
            assert found == (426, "websocket", "Upgrade")
        assert (await http.get(f"http://{host}:{port}/stream", headers=A)).json()[
            "type"
        ] == "/problems/upgrade-required"
        assert (await http.get(f"http://{host}:{port}/stream")).status_code == 401
        other = await http.delete(f"http://{host}:{port}/stream", headers=A)
        assert (other.status_code, other.headers["allow"]) == (405, "GET, HEAD")


async def test_the_subprotocol_is_echoed_and_nothing_is_compressed(here: Served) -> None:
    host, port = here.address
    async with connect(f"ws://{host}:{port}/stream", subprotocols=["other", "portfolio.v1"]) as socket:  # type: ignore[list-item]  # plain texts are taken too
        assert socket.subprotocol == "portfolio.v1"
        assert socket.response is not None
        assert "Sec-WebSocket-Extensions" not in socket.response.headers
    async with connect(f"ws://{host}:{port}/stream") as socket:
        assert socket.subprotocol is None


async def closed_with(socket: ClientConnection) -> int:
    """The code that the service closes with."""
    async with asyncio.timeout(SECONDS):
        with suppress(ConnectionClosed):
            while True:
                await socket.recv()
    assert socket.close_code is not None
    return socket.close_code


@pytest.mark.parametrize(
    "messages",
    [["x" * 1025], [b"x" * 1025], ["x" * 100_000], ["x" * 100] * 11, [["x" * 600, "x" * 600]]],
    ids=["text", "bytes", "very long", "many", "in fragments"],
)
async def test_who_sends_more_than_a_kibibyte_is_closed_with_1008(here: Served, messages: list[Any]) -> None:
    host, port = here.address
    async with connect(f"ws://{host}:{port}/stream") as socket:
        for message in messages:
            await socket.send(message)
        assert await closed_with(socket) == 1008


async def test_who_sends_a_little_is_left_alone(here: Served) -> None:
    host, port = here.address
    async with connect(f"ws://{host}:{port}/stream?topics=entries") as socket:
        await socket.send("x" * 1024)
        await here.book()
        async with asyncio.timeout(SECONDS):
            while json.loads(await socket.recv())["type"] != "entries":
                pass


PING, TEXT, NO_MASK = b"\x89", b"\x81", bytes(4)


async def test_text_that_is_no_utf_8_ends_the_stream_and_is_no_error_of_the_service(
    here: Served, caplog: pytest.LogCaptureFixture
) -> None:
    async with upgraded(here) as (reader, writer):
        writer.write(TEXT + b"\x82" + NO_MASK + b"\xff\xfe")
        assert await said_last(reader) == 1007
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize("frame", [PING, TEXT], ids=["pings", "empty messages"])
async def test_who_sends_frame_after_frame_is_closed_with_1008(here: Served, frame: bytes) -> None:
    async with upgraded(here) as (reader, writer):
        writer.write((frame + b"\x80" + NO_MASK) * 1_000)
        assert await said_last(reader) == 1008


async def test_who_pings_now_and_then_is_left_alone(here: Served) -> None:
    async with upgraded(here) as (reader, writer):
        for _ in range(30):
            writer.write(PING + b"\xfd" + NO_MASK + bytes(125))
            async with asyncio.timeout(SECONDS):
                await reader.readuntil(b"\x8a\x7d" + bytes(125))


async def test_who_speaks_before_the_upgrade_was_answered_is_cut_off(
    here: Served, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(here.address) as (reader, writer), asyncio.timeout(SECONDS):
        writer.write(upgrade(here))
        await until(lambda: here.service.cases.stream.limits.open.total() == 1, pause_seconds=0)
        writer.write(b"\xff" * 100)
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        await until(lambda: here.service.cases.stream.limits.open.total() == 0)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def upgrade(here: Served) -> bytes:
    """What a client asks for that has no library."""
    host, port = here.address
    lines = (
        "GET /stream?topics=entries HTTP/1.1",
        f"Host: {host}:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
    )
    return "\r\n".join([*lines, "", ""]).encode()


@asynccontextmanager
async def upgraded(here: Served) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A socket of frames as they are on the wire, once the first message has come."""
    async with connected(here.address) as (reader, writer):
        writer.write(upgrade(here))
        async with asyncio.timeout(SECONDS):
            await reader.readuntil(b'"type":"snapshot"')
        yield reader, writer


async def said_last(reader: asyncio.StreamReader) -> int:
    """The code at the end of all that comes."""
    async with asyncio.timeout(SECONDS):
        return int.from_bytes((await reader.read())[-2:], "big")


async def test_head_of_the_events_has_no_body_and_ends(here: Served) -> None:
    host, port = here.address
    async with httpx.AsyncClient(timeout=SECONDS) as http:
        answer = await http.head(f"http://{host}:{port}/stream/events")
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "text/event-stream", b"")
    assert here.service.cases.stream.limits.open.total() == 0


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_stream_ends_soon_after_its_key_is_withdrawn_and_others_go_on(
    tmp_path: Path, transport: Transport
) -> None:
    pace = replace(DEFAULT_PACE, sweep=0.05, heartbeat=0.1)
    async with serving(tmp_path, api_keys=KEYS, pace=pace) as here, AsyncExitStack() as stack:
        gone = await stack.enter_async_context(listening(transport, here.address, headers=A))
        stays = await stack.enter_async_context(listening(transport, here.address, headers=B))
        for each in (gone, stays):
            await each.until("heartbeat")
        left = ",".join(entry for entry in KEYS.split(",") if not entry.startswith("engine-a"))
        here.service.app.state.admission.take_keys(Settings(api_keys=left))
        assert (await gone.until("bye"))["reason"] == "limit"
        await stays.until("heartbeat")
        assert (await refusal(transport, here.address, A))[0] == 401


async def test_who_vanishes_with_a_request_behind_the_events_keeps_no_place(tmp_path: Path) -> None:
    pace = replace(DEFAULT_PACE, sweep=0.05, heartbeat=0.1)  # a client that is not read is found by what it is sent
    async with serving(tmp_path, pace=pace, streams_per_key=1) as here:
        async with connected(here.address) as (reader, writer):
            writer.write(b"GET /stream/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            async with asyncio.timeout(SECONDS):
                await reader.readuntil(b"event: hello")
            writer.write(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await writer.drain()
            async with asyncio.timeout(SECONDS):
                await reader.readuntil(b"event: snapshot")
        host, port = here.address

        async def may_listen() -> bool:
            async with httpx.AsyncClient(timeout=SECONDS) as http:
                return (await http.head(f"http://{host}:{port}/stream/events")).status_code == 200

        await until_async(may_listen, "the place is kept")


async def test_an_upgrade_behind_a_request_at_work_does_not_take_its_connection(here: Served) -> None:
    asked = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    upgrade = (
        b"GET /stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    async with connected(here.address) as (reader, writer):
        writer.write(asked + upgrade)
        async with asyncio.timeout(SECONDS):
            answers = [await answer_of(reader) for _ in range(2)]
            assert not await reader.read()
    assert [answer.status_code for answer in answers] == [200, 400]
    assert answers[1].json()["detail"] == "a socket begins once the requests before it are answered"


async def test_nothing_is_written_into_events_that_are_sent(here: Served) -> None:
    async with connected(here.address) as (reader, writer):
        writer.write(b"GET /stream/events HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        async with asyncio.timeout(SECONDS):
            await reader.readuntil(b"event: hello")
            writer.write(b"zz\r\n")
            rest = await reader.read()
    assert b"HTTP/1.1" not in rest


@pytest.mark.parametrize("path", ["/stream", "/stream?key=hunter2hunter2hu", "/nothing?key=hunter2hunter2hu"])
async def test_nothing_of_what_asks_for_a_socket_is_in_the_log_whatever_its_level(
    tmp_path: Path, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(tmp_path, api_keys=KEYS) as here:
        host, port = here.address
        caplog.clear()
        with suppress(InvalidStatus):
            async with connect(f"ws://{host}:{port}{path}", additional_headers=A, logger=logging.getLogger("client")):
                pass
    told = " ".join(record.getMessage() for record in caplog.records if record.name != "client")
    assert not [secret for secret in ("hunter2", A["X-TRADING-API-KEY"], path) if secret in told]
