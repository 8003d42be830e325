"""Matrix row 29: hostile bodies to a real process are refused at once, and nobody else waits for them."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx

from tests.support.database.databases import DatabaseUnderTest
from tests.support.services.http_service import BUY
from tests.support.services.http_sockets import connected, exchange, head
from tests.support.services.service import ServiceProcess

ONE = "/holdings/update"
BATCH = "/holdings/update/batch"
JSON = {"Content-Type": "application/json"}
MIB = 1024 * 1024
HOSTILE_CLIENTS = 4


def booking(**changed: str) -> bytes:
    """A booking with fields written like this, whatever that is."""
    fields = {name: json.dumps(value) for name, value in BUY.items()} | changed
    return ("{" + ",".join(f'"{name}":{text}' for name, text in fields.items()) + "}").encode()


def batch(figure: bytes) -> bytes:
    """A batch of one, with such a quantity."""
    return b'{"bookings":[' + booking(quantity="@").replace(b"@", figure) + b"]}"


BODIES: list[tuple[str, bytes, int]] = [
    *((ONE, booking(quantity=text), 400) for text in (
        "NaN", '"NaN"', "-Infinity", '"Infinity"', "1E+999999", '"1E+999999"', "1e-999999", "9" * 5000, "0x10",
        "true", "false", "null", '""', '"0.1\\u0000"', '"１"', "1.", "01", "--1", "[]", "{}",
        "[" * 3000 + "]" * 3000, '{"a":' * 3000 + "1" + "}" * 3000,
    )),
    *((ONE, booking(**{field: text}), 400) for field, text in (
        ("symbol", '"BTC\\u0000"'), ("symbol", '"\\ud800"'), ("symbol", "7"), ("symbol", "true"), ("side", '"HOLD"'),
        ("fees", "-1"), ("fees_included", "1"), ("client_trade_id", '"k\\n"'),
        ("client_trade_id", '"' + "k" * 129 + '"'), ("nothing", "1"),
    )),
    (ONE, booking()[:-1] + b',"symbol":"ETH"}', 400),
    (ONE, booking()[:-1] + b',"\\u0073ymbol":"ETH"}', 400),
    (ONE, booking() + b"x", 400),
    (ONE, booking() + booking(), 400),
    (ONE, b"\xef\xbb\xbf" + booking(), 400),
    (ONE, booking().decode().encode("utf-16"), 400),
    (ONE, booking(symbol='"@"').replace(b"@", b"\xff\xc0\x80"), 400),
    (ONE, booking(symbol='"@"').replace(b"@", b"\xed\xa0\x80"), 400),
    (ONE, b"[" * 60_000, 400),
    (ONE, b'{"a":' * 12_000, 400),
    (ONE, b"", 400),
    (ONE, b" " * (64 * 1024 + 1), 413),
    (ONE, b"x" * (11 * MIB), 413),
    (BATCH, b"x" * (11 * MIB), 413),
    (BATCH, batch(b"[" + b"1," * 500_000 + b"1]"), 200),
    (BATCH, batch(b"[" + b"{}," * 330_000 + b"1]"), 200),
    (BATCH, batch(b"[" + b",".join([b"[" * 900 + b"]" * 900] * 500) + b"]"), 200),
    (BATCH, batch(b"{" + b",".join(b'"%x":1' % n for n in range(100_000)) + b"}"), 200),
    (BATCH, batch(b"1" * (MIB - 300)), 200),
    (BATCH, batch(b'"' + b"\\u0031" * 170_000 + b'"'), 200),
    (BATCH, b'{"bookings":[' + b",".join([booking(quantity="1e999999")] * 1000) + b"]}", 200),
    (BATCH, b'{"bookings":[' + b",".join([b"{}"] * 300_000) + b"]}", 400),
    (BATCH, b" " * (MIB - 1), 400),
]  # fmt: skip


async def chunked(body: bytes) -> AsyncIterator[bytes]:
    """The body, without a length told beforehand."""
    for start in range(0, len(body), 16_384):
        yield body[start : start + 16_384]


async def attack(url: str, statuses: Counter[int]) -> None:
    """Send every body from each hostile client, some of them in chunks, and check each answer."""

    async def send(client: httpx.AsyncClient, first: int) -> None:
        for number, (path, body, expected) in enumerate(BODIES[first:] + BODIES[:first]):
            content = chunked(body) if number % 4 == 0 and len(body) < 2 * MIB else body
            try:
                answer = await client.post(path, content=content, headers=JSON)
            except (httpx.WriteError, httpx.ReadError):
                # Who goes on sending megabytes after the refusal may miss it: the connection is closed on the rest.
                assert expected == 413
                continue
            assert answer.status_code == expected, (path, body[:100], answer.text[:500])
            # A booking of a batch that cannot be read is refused alone, within the answer for the batch.
            assert answer.headers["content-type"] == f"application/{'json' if expected == 200 else 'problem+json'}"
            assert expected != 200 or answer.json()["booked"] == 0
            statuses[answer.status_code] += 1

    async with httpx.AsyncClient(base_url=url, timeout=60) as client, asyncio.TaskGroup() as group:
        for number in range(HOSTILE_CLIENTS):
            group.create_task(send(client, number * len(BODIES) // HOSTILE_CLIENTS))


async def test_while_hostile_bodies_are_refused_others_are_served(
    sqlite_database: DatabaseUnderTest, tmp_path: Path
) -> None:
    statuses: Counter[int] = Counter()
    waits: list[float] = []
    service = ServiceProcess(sqlite_database, tmp_path)
    await asyncio.to_thread(service.__enter__)
    try:
        async with service.client() as good:
            assert (await good.post(ONE, json=BUY)).status_code == 200
            # In a thread of its own: what the attackers compute must not count as waiting.
            attacking = asyncio.create_task(asyncio.to_thread(asyncio.run, attack(service.url, statuses)))
            while not attacking.done():
                began = time.perf_counter()
                answer = await good.get("/portfolio")
                assert answer.json()["portfolio"]["num_positions"] == 1, answer.text
                waits.append(time.perf_counter() - began)
            await attacking
            assert (await good.post(ONE, json=BUY)).status_code == 200
            trades = (await good.get("/trades")).json()["count"]
            metrics = (await good.get("/metrics")).text
    finally:
        await asyncio.to_thread(service.__exit__, None, None, None)
    waits.sort()
    refused, served = statuses.total(), len(waits)
    print(f"refused {dict(statuses)}; meanwhile {served} reads of one client after the other,")
    print(f"half of them within {waits[served // 2] * 1000:.0f} ms, the longest {waits[-1] * 1000:.0f} ms")
    assert refused >= 0.9 * HOSTILE_CLIENTS * len(BODIES)
    # Who behaves takes turns with those who do not: nobody sends eight while the one waits.
    assert served >= len(BODIES) / 8
    assert trades == 2
    # Only the wait for its start may have heard that it is not ready yet.
    assert not re.search(r'route="(?!/health/ready")[^"]*",status="5..', metrics)
    assert "Traceback" not in service.output() + (tmp_path / "service.log").read_text()


async def test_what_is_no_plain_json_or_never_comes_is_refused_by_the_process_itself(
    sqlite_database: DatabaseUnderTest, tmp_path: Path
) -> None:
    service = ServiceProcess(sqlite_database, tmp_path, settings={"PORTFOLIO_REQUEST_DEADLINE_SECONDS": "1"})
    await asyncio.to_thread(service.__enter__)
    try:
        async with service.client() as client:
            for headers, body in [
                ({"Content-Type": "text/plain"}, booking()),
                ({"Content-Type": "application/x-www-form-urlencoded"}, b"symbol=BTC"),
                ({"Content-Type": "multipart/form-data; boundary=x"}, b"--x--"),
                ({"Content-Type": "application/json; charset=utf-16"}, booking()),
                ({**JSON, "Content-Encoding": "gzip"}, gzip.compress(booking())),
                ({**JSON, "Content-Encoding": "br"}, booking()),
                ({}, booking()),
            ]:
                answer = await client.post(ONE, content=body, headers=headers)
                assert answer.status_code == 415, (headers, answer.text)
        address = ("127.0.0.1", service.port)
        statuses = {
            "never comes": (await exchange(address, head(ONE, "Content-Length: 100") + b"{")).status_code,
            "never comes in chunks": (await exchange(address, head(ONE, "Transfer-Encoding: chunked"))).status_code,
            "long head": (await exchange(address, head(ONE, f"X-Long: {'a' * 33_000}"))).status_code,
            "two lengths": (await exchange(address, head(ONE, "Content-Length: 1", "Content-Length: 2"))).status_code,
            "both": (await exchange(address, head(ONE, "Content-Length: 1", "Transfer-Encoding: chunked"))).status_code,
        }
        assert statuses == {
            "never comes": 408,
            "never comes in chunks": 408,
            "long head": 431,
            "two lengths": 400,
            "both": 400,
        }
        # A hundred who never finish a head: the others are served all the same.
        async with asyncio.TaskGroup() as group:
            done = asyncio.Event()
            for _ in range(100):
                group.create_task(never_finish(address, done))
            async with service.client() as client:
                answers = [await client.get("/portfolio") for _ in range(20)]
            done.set()
        assert [answer.status_code for answer in answers] == [200] * 20
    finally:
        await asyncio.to_thread(service.__exit__, None, None, None)
    assert "Traceback" not in service.output()


async def never_finish(address: tuple[str, int], done: asyncio.Event) -> None:
    """Hold a connection with a head that does not end."""
    async with connected(address) as (_, writer):
        writer.write(b"GET /portfolio HTTP/1.1\r\nHost: localhost\r\nX-")
        await done.wait()
