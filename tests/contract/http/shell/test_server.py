"""What depends on a real socket: streams that do not end, callers who hang up, and stopping."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from tests.support.services.http_service import BUY, Service, is_problem, running
from tests.support.services.http_sockets import answer_of, head, served

BODY = json.dumps({**BUY, "client_trade_id": "k"}).encode()


async def test_a_stream_without_end_is_refused_at_the_limit_not_read_to_its_end(service: Service) -> None:
    async with served(service) as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(head("/holdings/update", "Transfer-Encoding: chunked"))
        sent = 0

        async def pour() -> None:
            nonlocal sent
            while True:
                writer.write(b"1000\r\n" + b" " * 4096 + b"\r\n")
                sent += 4096
                await writer.drain()

        pouring = asyncio.create_task(pour())
        answer = await asyncio.wait_for(answer_of(reader), 10)
        pouring.cancel()
        await asyncio.gather(pouring, return_exceptions=True)
        writer.close()
    assert is_problem(answer, 413, "body-too-large")
    assert sent < 20_000_000


async def test_a_body_that_never_comes_ends_at_the_deadline() -> None:
    async with running(request_deadline_seconds=0.3) as service, served(service) as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(head("/holdings/update", f"Content-Length: {len(BODY)}") + BODY[:10])
        answer = await asyncio.wait_for(answer_of(reader), 5)
        writer.close()
    assert is_problem(answer, 408, "request-timeout")


async def test_who_hangs_up_after_sending_has_booked(service: Service) -> None:
    async with served(service) as (host, port):
        _, writer = await asyncio.open_connection(host, port)
        writer.write(head("/holdings/update", f"Content-Length: {len(BODY)}") + BODY)
        await writer.drain()
        writer.transport.abort()
        async with httpx.AsyncClient(base_url=f"http://{host}:{port}") as http:
            async with asyncio.timeout(5):
                while (await http.get("/bookings/k")).status_code == 404:  # noqa: ASYNC110 (over HTTP there is no event)
                    await asyncio.sleep(0.02)
            again = await http.post("/holdings/update", content=BODY, headers={"Content-Type": "application/json"})
    assert again.json()["replayed"] is True
    assert len(service.ledger.books.trades) == 1


async def test_who_hangs_up_in_the_middle_of_a_body_has_not_booked(service: Service) -> None:
    async with served(service) as (host, port):
        _, writer = await asyncio.open_connection(host, port)
        writer.write(head("/holdings/update", f"Content-Length: {len(BODY)}") + BODY[:-1])
        await writer.drain()
        writer.transport.abort()
        await asyncio.sleep(0.2)
        async with httpx.AsyncClient(base_url=f"http://{host}:{port}") as http:
            assert (await http.get("/health/live")).status_code == 200
    assert service.ledger.books.trades == {}


@pytest.mark.parametrize(
    "raw", [b"GET /portfolio HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"GET /portfolio HTTP/1.1\r\n\r\n"]
)
async def test_a_foreign_host_gets_nothing(service: Service, raw: bytes) -> None:
    async with served(service) as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(raw)
        status = (await asyncio.wait_for(reader.readline(), 5)).split()[1]
        writer.close()
    assert status in {b"400", b"403"}
