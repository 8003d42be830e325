"""A TCP proxy between a service and its database, which a test cuts, delays or silences while it serves.

It runs in a thread of its own, so that it goes on while a test waits. What it does to a connection is either
said now, for all connections (``mode``), or armed, to happen on the connection that sends certain bytes next::

    with TcpProxy("127.0.0.1", 3306) as proxy:
        proxy.arm(COMMIT, Trap.LOSE_ANSWER_CUT)   # the commit arrives and its answer never does
        ...
        assert proxy.sprung == [Trap.LOSE_ANSWER_CUT]

A service commits other things than a test asks it for: it renews its lease, it values its books. So ``after`` says what
the transaction must have asked for before the armed bytes count::

        proxy.arm(COMMIT, Trap.LOSE_ANSWER_CUT, after=BOOKED)

A single server never refuses a commit as a cluster does. ``refuse`` plays that: the transaction is rolled back in place
of what was asked for, and the client is answered with the error.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from types import TracebackType
from typing import Self

# The text protocol's query packet: its command byte, then the statement.
COMMIT = b"\x03COMMIT"
ROLLBACK = b"\x03ROLLBACK"
# What only a transaction with a trade in it asks for; one with a deposit; one with a refusal.
BOOKED = b"INSERT INTO mock_trades"
MOVED_CASH = b"INSERT INTO portfolio_cash_transactions"
KEPT_OUTCOME = b"INSERT INTO portfolio_booking_outcomes"
_ROLLBACK_PACKET = b"\x09\x00\x00\x00" + ROLLBACK
CHUNK_BYTES = 64 * 1024


class Mode(Enum):
    """What becomes of all traffic, of old connections and new ones."""

    PASS = "pass"
    SILENT = "silent"  # connections stay and new ones are accepted; nothing is passed on, in either direction
    REFUSE = "refuse"  # there is nobody: old connections are reset, and so are new ones


class Trap(Enum):
    """What becomes of the connection that sends the armed bytes."""

    LOSE_REQUEST_CUT = "lose the request, cut"
    LOSE_REQUEST_SILENT = "lose the request, stay silent"
    LOSE_ANSWER_CUT = "pass the request on, lose the answer, cut"
    LOSE_ANSWER_SILENT = "pass the request on, lose the answer, stay silent"

    @property
    def passes_request(self) -> bool:
        """Whether the server sees the request."""
        return self in {Trap.LOSE_ANSWER_CUT, Trap.LOSE_ANSWER_SILENT}

    @property
    def cuts(self) -> bool:
        """Whether the client sees the connection end."""
        return self in {Trap.LOSE_REQUEST_CUT, Trap.LOSE_ANSWER_CUT}


@dataclass(frozen=True, slots=True)
class _Armed:
    """The bytes that are waited for, on a connection whose transaction has asked for ``after``."""

    pattern: bytes
    after: bytes

    def hits(self, chunk: bytes, connection: _Connection) -> bool:
        return self.pattern in chunk and self.after in connection.asked


@dataclass(eq=False)
class _Connection:
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    trap: Trap | None = None
    then: Mode | None = None
    error: bytes = b""
    asked: bytes = b""  # by the transaction that is under way
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def reset(self) -> None:
        """End both sides at once; the client sees a reset, not a farewell."""
        self.ended.set()
        for side in (self.client, self.server):
            _reset(side)


class TcpProxy:
    """Listens on a free port of this machine and passes on to ``host:port`` while it is entered."""

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.port = 0
        self.accepted = 0
        self.sprung: list[Trap] = []
        self.refused = 0
        self._mode = Mode.PASS
        self._delay_seconds = 0.0
        self._traps: list[tuple[_Armed, Trap, Mode | None]] = []
        self._errors: list[tuple[_Armed, bytes]] = []
        self._connections: set[_Connection] = set()
        self._may_pass = asyncio.Event()
        self._may_pass.set()
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    # --- for the test, from any thread ----------------------------------------------------------------------

    @property
    def address(self) -> str:
        """Where it listens, as ``host:port``."""
        return f"127.0.0.1:{self.port}"

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        return len(self._connections)

    def set_mode(self, mode: Mode) -> None:
        """Treat all traffic so from now on."""
        self._call(lambda: self._set_mode(mode))

    def delay(self, seconds: float) -> None:
        """Hold every piece of traffic back for so long, in each direction; 0 ends it."""
        self._delay_seconds = seconds

    def cut(self) -> None:
        """Reset every connection; new ones are served."""
        self._call(self._cut)

    def forget(self) -> None:
        """Pass nothing more on of the connections there are, without a word, as firewalls do; new ones are served."""
        self._call(self._forget)

    def arm(self, pattern: bytes, trap: Trap, *, after: bytes = b"", then: Mode | None = None) -> None:
        """Spring the trap once, on the connection that sends these bytes next; armed ones spring in order.

        ``then`` is what becomes of all other traffic from that moment on.
        """
        self._call(lambda: self._traps.append((_Armed(pattern, after), trap, then)))

    def refuse(  # shape: what is refused, and how
        self, pattern: bytes, code: int, *, after: bytes = b"", times: int = 1, text: bytes = b"refused by the proxy"
    ) -> None:
        """Roll back and answer with the server error ``code`` whoever sends these bytes next, so many times."""
        payload = b"\xff" + struct.pack("<H", code) + b"#HY000" + text
        packet = len(payload).to_bytes(3, "little") + b"\x01" + payload
        self._call(lambda: self._errors.extend([(_Armed(pattern, after), packet)] * times))

    def heal(self) -> None:
        """Pass everything on again and forget what is armed; connections that fell silent are cut."""
        self._call(self._heal)

    def __enter__(self) -> Self:
        self._thread.start()
        started = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop)
        self._server = started.result(timeout=10)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    # --- in the proxy's own thread --------------------------------------------------------------------------

    def _call(self, action: Callable[[], None]) -> None:
        """Run ``action`` in the proxy's thread and return when it has run."""

        async def run() -> None:
            action()

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(timeout=10)

    def _set_mode(self, mode: Mode) -> None:
        self._mode = mode
        if mode is Mode.SILENT:
            self._may_pass.clear()
            return
        if mode is Mode.REFUSE:
            self._cut()
        self._may_pass.set()

    def _refuses(self) -> bool:
        return self._mode is Mode.REFUSE

    def _cut(self) -> None:
        for connection in list(self._connections):
            connection.reset()

    def _forget(self) -> None:
        for connection in self._connections:
            connection.trap = Trap.LOSE_REQUEST_SILENT

    def _heal(self) -> None:
        self._traps.clear()
        self._errors.clear()
        self._delay_seconds = 0.0
        for connection in list(self._connections):
            if connection.trap is not None:
                connection.reset()
        self._set_mode(Mode.PASS)

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        self._set_mode(Mode.REFUSE)
        if others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others, timeout=5)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        await self._may_pass.wait()
        if self._refuses():
            _reset(writer)
            return
        try:
            server_reader, server_writer = await asyncio.open_connection(*self.target)
        except OSError:
            _reset(writer)
            return
        connection = _Connection(writer, server_writer)
        if self._refuses():
            connection.reset()
            return
        self._connections.add(connection)
        pumps = [
            asyncio.create_task(self._pump(reader, server_writer, connection, from_client=True)),
            asyncio.create_task(self._pump(server_reader, writer, connection, from_client=False)),
        ]
        try:
            await connection.ended.wait()
        finally:
            self._connections.discard(connection)
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for side in (writer, server_writer):
                side.close()

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, connection: _Connection, *, from_client: bool
    ) -> None:
        pass_on = self._asked if from_client else self._answered
        try:
            while chunk := await source.read(CHUNK_BYTES):
                passed = pass_on(chunk, connection)
                if connection.ended.is_set():
                    return
                if not passed:
                    continue
                await asyncio.sleep(self._delay_seconds)
                await self._may_pass.wait()
                sink.write(passed)
                await sink.drain()
        except OSError:
            connection.reset()
        else:
            # One side has said farewell: so does the other.
            connection.ended.set()

    def _asked(self, chunk: bytes, connection: _Connection) -> bytes:
        """Return what the server is told of what the client said."""
        connection.asked += chunk
        if connection.trap is None:
            trap = self._spring(chunk, connection)
            if trap is Trap.LOSE_REQUEST_CUT:
                connection.reset()
            if trap is not None and not trap.passes_request:
                return b""
        else:
            self._lose(connection, connection.trap)
            return b""
        passed = self._refuse(chunk, connection)
        if COMMIT in passed or ROLLBACK in passed:
            connection.asked = b""
        return passed

    def _answered(self, chunk: bytes, connection: _Connection) -> bytes:
        """Return what the client is told of what the server said."""
        if connection.trap is not None:
            self._lose(connection, connection.trap)
            return b""
        passed, connection.error = connection.error or chunk, b""
        return passed

    def _lose(self, connection: _Connection, trap: Trap) -> None:
        """Lose what comes on a trapped connection: the answer is there, so what was asked for has been done."""
        self._go_on(connection)
        if trap.cuts:
            connection.reset()

    def _refuse(self, chunk: bytes, connection: _Connection) -> bytes:
        """Return what the server is asked; where it is another thing, the error waits for the server's answer."""
        if not self._errors or not self._errors[0][0].hits(chunk, connection):
            return chunk
        _, connection.error = self._errors.pop(0)
        self.refused += 1
        return _ROLLBACK_PACKET

    def _spring(self, chunk: bytes, connection: _Connection) -> Trap | None:
        if not self._traps or not self._traps[0][0].hits(chunk, connection):
            return None
        _, trap, connection.then = self._traps.pop(0)
        connection.trap = trap
        self.sprung.append(trap)
        if not trap.passes_request:
            self._go_on(connection)
        return trap

    def _go_on(self, connection: _Connection) -> None:
        """Treat all traffic as the sprung trap says for afterwards."""
        if connection.then is not None:
            self._set_mode(connection.then)
            connection.then = None


def _reset(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    if raw is not None:
        with suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
