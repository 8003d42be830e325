"""Sockets that listen, in a process of their own: ``python -m benchmarks.harness.audience``.

They read as little of the protocol as it takes: how many messages came, and of entries how late the first listener of
each message was told of them.
"""

from __future__ import annotations

import asyncio
import base64
import os
import sys
import time
from datetime import datetime
from typing import Any

import msgspec
import uvloop

from benchmarks.harness.worker import Worker

ENTRIES = b'{"type":"entries"'


class Seats(msgspec.Struct, kw_only=True):
    """What is listened to, by how many. ``keeps``: the first of them keeps the messages of entries."""

    port: int
    path: str
    headers: dict[str, str] = {}
    count: int = 1
    keeps: bool = False


class Heard(msgspec.Struct, kw_only=True):
    """How many messages of entries came, how late each was in ms, and those kept."""

    messages: int
    lags_ms: list[float]
    kept: list[str] = []
    error: str = ""


class Audience(Worker):
    """The process of those who listen, while it is entered."""

    def __init__(self) -> None:
        super().__init__("benchmarks.harness.audience")

    def sit(self, seats: Seats) -> None:
        """Return when all listen."""
        self.ask(msgspec.json.encode(seats))
        answer = self.fetch()
        if answer.strip() != b'"ready"':
            raise RuntimeError(answer.decode())

    def forget(self) -> None:
        """Begin to count anew."""
        self.ask(b'"forget"')
        self.fetch()

    def heard(self) -> Heard:
        """Return what came since."""
        self.ask(b'"heard"')
        return msgspec.json.decode(self.fetch(), type=Heard)

    def leave(self) -> None:
        """Return when nobody listens any more."""
        self.ask(b'"leave"')
        self.fetch()


class _Listener:
    def __init__(self, seats: Seats, hall: _Hall, *, keeps: bool) -> None:
        self._seats = seats
        self._hall = hall
        self._keeps = keeps

    async def run(self, seated: asyncio.Event) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._seats.port, limit=2**22)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {self._seats.path} HTTP/1.1",
            f"Host: 127.0.0.1:{self._seats.port}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}",
            *(f"{name}: {value}" for name, value in self._seats.headers.items()),
        ]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in head.partition(b"\r\n")[0]:
            raise RuntimeError(head.decode())
        seated.set()
        try:
            while True:
                opcode, payload = await _frame(reader)
                if opcode == 9:  # a ping: answered masked, with a mask of zeros
                    writer.write(bytes([0x8A, 0x80 | len(payload)]) + b"\0\0\0\0" + payload)
                elif opcode == 1 and payload.startswith(ENTRIES):
                    self._hall.take(payload, keeps=self._keeps)
        finally:
            writer.transport.abort()


async def _frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first, second = await reader.readexactly(2)
    size = second & 0x7F
    if size == 126:
        size = int.from_bytes(await reader.readexactly(2), "big")
    elif size == 127:
        size = int.from_bytes(await reader.readexactly(8), "big")
    return first & 0x0F, await reader.readexactly(size)


class _Hall:
    """All who listen, and what they heard."""

    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[None]] = []
        self.forget()

    def forget(self) -> None:
        self.messages = 0
        self.kept: list[str] = []
        self._came: list[tuple[float, bytes]] = []

    def take(self, payload: bytes, *, keeps: bool) -> None:
        self.messages += 1
        self._came.append((time.time(), payload))
        if keeps:
            self.kept.append(payload.decode())

    def lags_ms(self) -> list[float]:
        """Return how late each message came, after its last entry was booked."""
        booked: dict[bytes, float] = {}
        lags = []
        for came, payload in self._came:
            if payload not in booked:
                [*_, last] = msgspec.json.decode(payload)["entries"]
                at = last.get("booked_at") or last["moved_at"]
                booked[payload] = datetime.fromisoformat(at).timestamp()
            lags.append(1000 * (came - booked[payload]))
        return lags

    async def seat(self, seats: Seats) -> None:
        for number in range(seats.count):
            seated = asyncio.Event()
            task = asyncio.create_task(_Listener(seats, self, keeps=seats.keeps and not number).run(seated))
            self.tasks.append(task)
            await asyncio.wait([task, asyncio.create_task(seated.wait())], return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()

    async def leave(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks = []


async def _answer(asked: Any, hall: _Hall) -> Any:
    if asked == "forget":
        hall.forget()
    elif asked == "leave":
        await hall.leave()
    elif asked == "heard":
        broken = [str(task.exception()) for task in hall.tasks if task.done()]
        return Heard(messages=hall.messages, lags_ms=hall.lags_ms(), kept=hall.kept, error="".join(broken[:1]))
    else:
        await hall.seat(msgspec.convert(asked, Seats))
    return "ready"


async def _serve() -> None:
    hall, loop = _Hall(), asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.buffer.readline):
        try:
            found = await _answer(msgspec.json.decode(line), hall)
        except Exception as error:  # noqa: BLE001  it is told to who asked
            found = f"{type(error).__name__}: {error}"
        sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    uvloop.run(_serve())
