"""A load generator over kept connections, in a process of its own: ``python -m benchmarks.harness.load``.

It speaks as little HTTP as it takes (requests in one piece, answers by their Content-Length or their last chunk), so
that on two cores the server is what is measured: the processor time that it takes itself is part of each result.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from typing import cast

import msgspec
import uvloop

from benchmarks.harness.worker import Worker

HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"
LAST_CHUNK = b"0\r\n\r\n"
PATIENCE_SECONDS = 120.0


class Burst(msgspec.Struct, kw_only=True):
    """What is to be asked: ``requests`` of them, or for ``seconds`` where that is 0; ``{n}`` in the body counts.

    With one connection each may have a ``booking`` before it, which ``{n}`` makes another one; its latency is left out.
    """

    port: int
    path: str
    method: str = "GET"
    headers: dict[str, str] = {}
    body: str = ""
    booking: str = ""
    connections: int = 1
    seconds: float = 0.0
    requests: int = 0
    first: int = 0


class Result(msgspec.Struct, kw_only=True):
    """What was answered. ``last_body`` is that of the last answer, for a look; ``latencies_ms`` are in order."""

    answered: int
    seconds: float
    statuses: dict[str, int]
    latencies_ms: list[float]
    bytes_received: int
    processor_seconds: float
    last_body: str = ""
    error: str = ""

    @property
    def rate(self) -> float:
        """Return the answers a second, all of which have to be 200.

        Raises:
            RuntimeError: some were not.
        """
        self.check()
        return self.answered / self.seconds

    def check(self) -> None:
        """Make sure that all answers were 200.

        Raises:
            RuntimeError: some were not.
        """
        if self.error or set(self.statuses) != {"200"}:
            raise RuntimeError(f"answered {self.statuses}: {self.error or self.last_body[:300]}")


class LoadGenerator(Worker):
    """The generator's process, while it is entered."""

    def __init__(self) -> None:
        super().__init__("benchmarks.harness.load")

    def run(self, burst: Burst) -> Result:
        """Return what came of the burst."""
        self.start(burst)
        return self.finish()

    def start(self, burst: Burst) -> None:
        """Begin a burst; ``finish`` has to be called before the next."""
        self.ask(msgspec.json.encode(burst))

    def finish(self) -> Result:
        """Return what came of the burst that was begun, once it has ended."""
        return msgspec.json.decode(self.fetch(), type=Result)


class _Run:
    """One burst: what is asked next, and what was answered."""

    def __init__(self, burst: Burst) -> None:
        self.burst = burst
        self.statuses: Counter[str] = Counter()
        self.latencies: list[float] = []
        self.bytes_received = 0
        self.last_body = b""
        self.done = asyncio.get_running_loop().create_future()
        self.is_booking = False
        self._sent = 0
        self._open = 0
        self._heads = self._head(f"{burst.method} {burst.path}"), self._head("POST /holdings/update")
        self._fixed = None if "{n}" in burst.body else _request(self._heads[0], burst.body)
        self.ends_at = time.perf_counter() + burst.seconds if burst.seconds else float("inf")

    def next_request(self) -> bytes | None:
        """Return the next request; None once there is none left."""
        if (self.burst.requests and self._sent >= self.burst.requests) or time.perf_counter() >= self.ends_at:
            return None
        number = str(self.burst.first + self._sent)
        self.is_booking = bool(self.burst.booking) and not self.is_booking
        if self.is_booking:
            return _request(self._heads[1], self.burst.booking.replace("{n}", number))
        self._sent += 1
        return self._fixed or _request(self._heads[0], self.burst.body.replace("{n}", number))

    def opened(self) -> None:
        self._open += 1

    def closed(self) -> None:
        self._open -= 1
        if not self._open and not self.done.done():
            self.done.set_result(None)

    def broke(self, error: str) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError(error))

    def _head(self, what: str) -> str:
        head = "".join(f"{name}: {value}\r\n" for name, value in self.burst.headers.items())
        return f"{what} HTTP/1.1\r\nHost: 127.0.0.1:{self.burst.port}\r\n{head}"


def _request(head: str, body: str) -> bytes:
    if not body:
        return f"{head}\r\n".encode()
    length = len(body.encode())
    return f"{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}".encode()


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the last one is answered whole."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._head = b""
        self._body: list[bytes] = []
        self._left = 0
        self._status = ""
        self._sent_at = 0.0
        self._is_waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own does not inherit from it
        self._run.opened()
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._is_waiting:
            self._run.broke(f"a connection was lost with a request unanswered: {exc}")
        self._run.closed()

    def data_received(self, data: bytes) -> None:
        self._run.bytes_received += len(data)
        if not self._left:
            data = self._read_head(data)
        if not self._status:
            return
        self._body.append(data)
        if self._left >= 0:
            self._left -= len(data)
            is_whole = self._left == 0
        else:
            is_whole = b"".join(self._body[-2:]).endswith(LAST_CHUNK)
        if is_whole:
            self._left = 0
            self._answered()

    def _read_head(self, data: bytes) -> bytes:
        """Return what of the body came with the head; nothing while the head is not whole."""
        self._head += data
        end = self._head.find(HEAD_END)
        if end < 0:
            return b""
        head, rest = self._head[:end].lower(), self._head[end + len(HEAD_END) :]
        self._status = head[9:12].decode()
        at = head.find(LENGTH)
        self._left = -1 if at < 0 else int(head[at + len(LENGTH) :].partition(b"\r")[0])
        self._head = b""
        return rest

    def _answered(self) -> None:
        run = self._run
        if not run.is_booking:
            run.latencies.append(time.perf_counter() - self._sent_at)
        run.statuses[self._status] += 1
        if self._status != "200" or not run.last_body:
            run.last_body = b"".join(self._body)
        self._body.clear()
        self._status = ""
        self._is_waiting = False
        self._ask()

    def _ask(self) -> None:
        request = self._run.next_request()
        if request is None:
            self._transport.close()
            return
        self._is_waiting = True
        self._sent_at = time.perf_counter()
        self._transport.write(request)


async def _carry_out(burst: Burst) -> Result:
    run = _Run(burst)
    loop = asyncio.get_running_loop()
    started, busy = time.perf_counter(), time.process_time()
    for _ in range(burst.connections):
        await loop.create_connection(lambda: _Connection(run), "127.0.0.1", burst.port)
    error = ""
    try:
        async with asyncio.timeout(burst.seconds + PATIENCE_SECONDS):
            await run.done
    except (RuntimeError, TimeoutError) as broken:
        error = str(broken) or f"no answer within {PATIENCE_SECONDS:g} s"
    seconds = time.perf_counter() - started
    return Result(
        answered=sum(run.statuses.values()),
        seconds=seconds,
        statuses=dict(run.statuses),
        latencies_ms=[round(latency * 1e3, 4) for latency in run.latencies],
        bytes_received=run.bytes_received,
        processor_seconds=time.process_time() - busy,
        last_body=run.last_body[:2000].decode(errors="replace"),
        error=error,
    )


def main() -> None:
    """Carry out the bursts that are written to the standard input, a line each."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for line in sys.stdin.buffer:
            result = runner.run(_carry_out(msgspec.json.decode(line, type=Burst)))
            sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
