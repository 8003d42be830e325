"""Asks processes for next to nothing, each on its own connection, all the time: ``python -m benchmarks.harness.probe``.

Whatever keeps an event loop busy keeps the answer waiting as long, whatever the process says of itself. It is told the
path and the ports; after each line on the standard input it prints how long the answers took that have come since the
last one, in milliseconds, a list a port.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Self

import msgspec
import uvloop

from benchmarks.harness.worker import Worker

# What lasts no longer than this may go unseen.
PAUSE_SECONDS = 0.002


class Probe(Worker):
    """The asking process, while it is entered."""

    def __init__(self, path: str, ports: Sequence[int]) -> None:
        super().__init__("benchmarks.harness.probe", path, *map(str, ports))

    def __enter__(self) -> Self:
        super().__enter__()
        self.longest_ms()
        return self

    def longest_ms(self) -> list[float]:
        """Return the longest time that an answer of each port has taken since this was last asked."""
        self.ask(b"")
        return [max(latencies, default=0.0) for latencies in msgspec.json.decode(self.fetch(), type=list[list[float]])]


class _Asker:
    """Asks one process, and keeps how long the answers took."""

    def __init__(self, path: str, port: int) -> None:
        self._request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
        self._port = port
        self._latencies: list[float] = []
        self._answered = asyncio.Event()

    async def ask(self) -> None:
        """Ask again and again."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while True:
            asked_at = time.perf_counter()
            writer.write(self._request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode(errors="replace"))
            _, _, length = head.lower().partition(b"content-length:")
            await reader.readexactly(int(length.partition(b"\r")[0]))
            self._latencies.append((time.perf_counter() - asked_at) * 1e3)
            self._answered.set()
            await asyncio.sleep(PAUSE_SECONDS)

    async def take(self) -> list[float]:
        """Return what there is, with the answer that is still waited for."""
        self._answered.clear()
        await self._answered.wait()
        found, self._latencies = self._latencies, []
        return found


async def _serve(path: str, ports: Sequence[int]) -> None:
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin.buffer)
    askers = [_Asker(path, port) for port in ports]
    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(asker.ask()) for asker in askers]
        while await lines.readline():
            found = [await asker.take() for asker in askers]
            sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
            sys.stdout.buffer.flush()
        for task in asking:
            task.cancel()


if __name__ == "__main__":
    asyncio.Runner(loop_factory=uvloop.new_event_loop).run(_serve(sys.argv[1], [int(port) for port in sys.argv[2:]]))
