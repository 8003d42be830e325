"""What holds whatever happens: other instances, other programs, other books, slow clients, a stop."""

from __future__ import annotations

import asyncio
import shutil
import socket
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import pairwise
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from portfolio.application.stream.records import DEFAULT_PACE, Pace
from tests.contract.http.stream.conftest import Served
from tests.support.services.http_service import BUY, create_database, running_on_sqlite
from tests.support.services.http_sockets import served
from tests.support.services.listeners import SECONDS, Listener, SocketSource, Transport, listening
from tests.support.services.waiting import until

TRANSPORTS: list[Transport] = ["socket", "events"]


@asynccontextmanager
async def instance(folder: Path, database: Path | None = None, pace: Pace = DEFAULT_PACE) -> AsyncIterator[Served]:
    async with running_on_sqlite(folder, database=database, pace=pace) as service, served(service) as address:
        yield Served(service, address)


def write(database: Path, *statements: str) -> None:
    """Write as another program does."""
    with sqlite3.connect(database, timeout=30) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


# --- other instances, other programs ----------------------------------------------------------------------------------


async def test_what_another_instance_books_is_told_here(tmp_path: Path) -> None:
    database = create_database(tmp_path)
    async with instance(tmp_path, database) as here, instance(tmp_path, database) as there:
        async with listening("socket", here.address) as listener:
            await listener.until("snapshot")
            await there.book()
            assert (await listener.until("entries"))["last"] == "3"
            there.service.feed.prices["BTC"] = "46000"
            await there.service.http.post("/portfolio/refresh")
            await listener.until("prices", lambda m: m["prices"][0]["current_price"] == "46000")
        async with listening("events", there.address, after=listener.position) as again:
            assert (await again.next())["resumed"] is True


async def test_what_another_program_writes_comes_as_state_and_health(tmp_path: Path) -> None:
    database = create_database(tmp_path)
    async with instance(tmp_path, database) as here:
        await here.book()
        async with listening("socket", here.address) as listener:
            await listener.until("health")
            write(database, "UPDATE mock_portfolio SET cash_balance = cash_balance + 7")
            state = await listener.until("state")
            health = await listener.until("health")
    assert state["totals"]["unreconciled"] == "7"
    assert health["health"]["unreconciled"]["value"] == "7"
    assert state["position"] == health["position"]


async def test_nothing_is_looked_at_while_nobody_listens(here: Served) -> None:
    async with listening("socket", here.address) as listener:
        await listener.until("snapshot")
        assert any(task.get_name().startswith("stream_") for task in asyncio.all_tasks())
    await until(lambda: not any(task.get_name().startswith("stream_") for task in asyncio.all_tasks()))
    await here.book()
    async with listening("socket", here.address) as listener:
        assert (await listener.next())["position"].startswith("3.")


# --- other books ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_after_a_backup_was_restored_there_is_a_reset_and_a_snapshot(
    tmp_path: Path, transport: Transport
) -> None:
    database, backup = create_database(tmp_path), tmp_path / "backup.db"
    async with instance(tmp_path, database) as here:
        await here.book(client_trade_id="a")
    shutil.copy(database, backup)
    async with instance(tmp_path, database) as here, listening(transport, here.address) as listener:
        await listener.until("snapshot")
        await here.book(client_trade_id="b")
        await listener.until("state")
    async with instance(tmp_path, backup) as here:
        async with listening(transport, here.address, after=listener.position) as again:
            first = [await again.next() for _ in range(3)]
        assert [m["type"] for m in first] == ["hello", "reset", "snapshot"]
        assert (first[0]["resumed"], first[1]["reason"]) == (False, "ahead")
        await here.book(client_trade_id="c")
        async with listening(transport, here.address, after=listener.position) as again:
            first = [await again.next() for _ in range(3)]
        assert (first[1]["reason"], first[2]["position"].split(".")[0]) == ("other_history", "4")
        answer = await here.service.http.get("/entries", params={"after": listener.position})
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/position-unknown")


async def test_before_the_first_entry_there_is_one_place_alone(here: Served) -> None:
    await here.book(client_trade_id="a")
    answer = await here.service.http.get("/entries", params={"after": "0.0.00000001"})
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/position-unknown")
    assert (await here.get("/entries?after=0.0.00000000"))["first"] == 1


async def test_prices_that_are_not_there_yet_are_ahead_of_the_books(here: Served) -> None:
    position = (await here.get("/entries"))["position"]
    ledger, prices, digest = position.split(".")
    async with listening("socket", here.address, after=f"{ledger}.{int(prices) + 1}.{digest}") as listener:
        assert (await listener.until("reset"))["reason"] == "ahead"
        await listener.until("snapshot")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE mock_trades SET id = id + 1000 WHERE ledger_revision = 3",
        "UPDATE mock_trades SET booked_at = '2026-01-01 00:00:00.000001' WHERE ledger_revision = 3",
        "UPDATE mock_trades SET fingerprint = 'other' WHERE ledger_revision = 3",
        "UPDATE mock_trades SET digest = NULL WHERE ledger_revision = 3",
    ],
    ids=["number", "time", "fingerprint", "chain"],
)
async def test_a_row_that_was_made_anew_is_another_history(tmp_path: Path, statement: str) -> None:
    database = create_database(tmp_path)
    async with instance(tmp_path, database, Pace(check=0.1)) as here:
        await here.book()
        async with listening("socket", here.address) as listener:
            await listener.until("snapshot")
            write(database, statement)
            assert (await listener.until("reset"))["reason"] == "other_history"
            snapshot = await listener.until("snapshot")
            await here.book(side="SELL")
            told = await listener.until("entries")
        assert (snapshot["position"].split(".")[0], told["first"]) == ("3", "4")
        async with listening("events", here.address, after=listener.messages[0]["position"]) as again:
            assert (await again.until("reset"))["reason"] == "other_history"


# --- pace -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_there_is_a_heartbeat_in_silence(tmp_path: Path, transport: Transport) -> None:
    async with instance(tmp_path, pace=Pace(heartbeat=0.2, sweep=0.05)) as here:
        async with listening(transport, here.address, topics="entries") as listener:
            first, second = await listener.until("heartbeat"), await listener.until("heartbeat")
        assert first["position"] == listener.messages[0]["position"]
        assert second["server_time"] >= first["server_time"]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_stream_that_was_open_for_its_time_ends_with_limit(tmp_path: Path, transport: Transport) -> None:
    pace = Pace(longest=0.2, sweep=0.05)
    async with instance(tmp_path, pace=pace) as here, listening(transport, here.address) as listener:
        messages = await listener.end()
    assert (messages[-1]["type"], messages[-1]["reason"], messages[-1]["retry_ms"]) == ("bye", "limit", "1000")


async def test_an_answer_of_events_outlasts_the_deadline_of_requests(tmp_path: Path) -> None:
    pace = Pace(heartbeat=0.9, sweep=0.05)
    async with (
        running_on_sqlite(tmp_path, pace=pace, request_deadline_seconds=2.5) as service,
        served(service) as address,
    ):
        await service.http.get("/portfolio")  # else the first to come waits for all that is made once
        async with listening("events", address, topics="entries") as listener:
            for _ in range(3):
                await listener.until("heartbeat")


async def overwhelm(here: Served) -> None:
    """Book more than all the buffers between the service and a client hold."""
    notes = "n" * 1900
    for _ in range(5):
        bookings = [{**BUY, "quantity": "0.0001", "net_amount": "4.5", "fees": 0, "notes": notes}] * 100
        answer = await here.service.http.post("/holdings/update/batch", json={"bookings": bookings})
        assert answer.json()["booked"] == 100, answer.text


def narrow(address: tuple[str, int]) -> socket.socket:
    """A connection of which the system keeps little that was not read."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect(address)
    made.setblocking(False)
    return made


async def sent_away(here: Served) -> None:
    """Return when nobody listens any more."""
    await until(lambda: not here.service.cases.stream.limits.open.total())
    assert here.service.cases.stream.counts.goodbyes == {"slow": 1}


async def test_a_socket_that_does_not_read_is_sent_away(tmp_path: Path) -> None:
    async with instance(tmp_path, pace=Pace(drain=0.3)) as here:
        host, port = here.address
        url = f"ws://{host}:{port}/stream?topics=entries"
        async with connect(url, sock=narrow(here.address), max_queue=1, ping_interval=None) as client:
            await overwhelm(here)
            await sent_away(here)
            messages = await Listener(SocketSource(client)).end()
        assert (messages[-1]["type"], messages[-1]["reason"]) == ("bye", "slow")
        assert client.close_code == 1013
        ranges = [(int(m["first"]), int(m["last"])) for m in messages if m["type"] == "entries"]
        assert all(before[1] + 1 == after[0] for before, after in pairwise(ranges))


async def test_a_client_of_events_that_does_not_read_is_sent_away(tmp_path: Path) -> None:
    async with instance(tmp_path, pace=Pace(drain=0.3)) as here:
        reader, writer = await asyncio.open_connection(sock=narrow(here.address), limit=1024)
        writer.write(b"GET /stream/events?topics=entries HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"event: hello")
        await overwhelm(here)
        await sent_away(here)
        async with asyncio.timeout(SECONDS):
            rest = b""
            while not rest.endswith(b"\r\n0\r\n\r\n"):
                rest = rest[-200:] + await reader.read(65536)
        writer.close()
        assert b'"reason":"slow"' in rest


async def test_pings_whose_answers_nobody_reads_end_the_stream(here: Served) -> None:
    reader, writer = await asyncio.open_connection(sock=narrow(here.address), limit=1024)
    writer.write(
        b"GET /stream?topics=health HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    pings = b"\x89\xfd\x00\x00\x00\x00" + b"p" * 125
    sent = 0
    with suppress(ConnectionError):
        while True:
            writer.write(pings * 1000)
            sent += len(pings) * 1000
            assert sent < 2**20, "whoever reads no answers is still listened to"
            await asyncio.wait_for(writer.drain(), SECONDS)
    writer.transport.abort()


# --- the stop ---------------------------------------------------------------------------------------------------------


async def test_a_stop_says_goodbye_to_all_who_listen(tmp_path: Path) -> None:
    async with running_on_sqlite(tmp_path) as service, AsyncExitStack() as stack:
        async with served(service) as address:
            listeners = [await stack.enter_async_context(listening(kind, address)) for kind in TRANSPORTS]
            for listener in listeners:
                await listener.until("snapshot")
        for listener in listeners:
            messages = await listener.end()
            assert (messages[-1]["type"], messages[-1]["reason"]) == ("bye", "restart")
        [over_socket] = [one.source for one in listeners if isinstance(one.source, SocketSource)]
        assert over_socket.socket.close_code == 1012
