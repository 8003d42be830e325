"""Limits the connections of clients: their number, the length of a request's head, the time without a request.

The server's own protocol reads a head of any length for any time, takes a header that comes after the body (a trailer)
for one that came before it, and keeps an answer that nobody fetches for ever. None of that costs a key.
"""

from __future__ import annotations

import asyncio
import resource
import socket
from functools import partial
from typing import Any, cast

import msgspec
import structlog
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from portfolio.entrypoints.http.denials import new_request_id, unreadable
from portfolio.entrypoints.http.errors import HEAD_TOO_LARGE, MALFORMED, ProblemKind
from portfolio.entrypoints.http.event_streams import CONNECTION, SEND_BUFFER_BYTES
from portfolio.entrypoints.http.request_heads import fault_of, from_path
from portfolio.entrypoints.logs import EVENTS
from portfolio.entrypoints.paced_connections import PacedConnection
from portfolio.settings import Settings, SettingsError

_log = structlog.get_logger(__name__)

REFUSED = "connections.refused"
OVERDUE = "connections.overdue"
EVENTS.update({REFUSED: 0, OVERDUE: 0})  # an increase is seen only of what was there before
# Files that are no connections: the log, the libraries', those to the exchanges.
_OTHER_FILES = 190
# Of clients: below it, a single engine and whoever watches the service could use it up.
_LEAST_CONNECTIONS = 50


class ConnectionLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits for clients that have sent no complete request yet.

    ``idle_seconds`` run from the connection's begin, or from the last answer, until the next head is complete.
    """

    head_bytes: int = 32 * 1024
    idle_seconds: float = 40.0
    connections: int = 2_000


class HeadRefused(Exception):
    """The head of a request is longer than it may be, or breaks a rule."""


class _OpenOnly:
    """A transport that takes nothing more once it is closed: whoever still answers is not told by an error."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def write(self, data: bytes) -> None:
        """Send the data, where there is anybody to send it to."""
        if not self._transport.is_closing():
            self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class BoundedConnection(PacedConnection):
    """A client's connection within limits; beyond them it is closed, with an answer where one can still be sent."""

    def __init__(self, *, limits: ConnectionLimits, **given: Any) -> None:
        super().__init__(**given)
        self._limits = limits
        self._in_head, self._heads = True, 0
        self._head_bytes = self._unfinished_bytes = self._unfetched_bytes = 0
        self._idle_since: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._before: RequestResponseCycle | None = None
        self._fault = "that is no HTTP request"
        self._is_refused = False
        self.is_stuck = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the parent
        """Accept the connection, unless there are too many."""
        super().connection_made(cast("asyncio.Transport", _OpenOnly(transport)))
        if len(self.connections) > self._limits.connections:
            EVENTS[REFUSED] += 1
            transport.abort()
            return
        self._idle_since = self.loop.time()
        self._look_later()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; refuse a head that is too long, and what is no body where there should be one."""
        in_head, heads, body, was_refused = self._in_head, self._heads, self._body_bytes, self._is_refused
        if was_refused:
            self.drop(len(data))
            return
        super().data_received(data)
        if in_head is not self._in_head or heads != self._heads or self._is_refused or self.transport.is_closing():
            return
        if not in_head:
            if not self.bears(len(data) - (self._body_bytes - body)):
                self.send_400_response("")
            return
        # What is not a complete header yet is kept by the parser, which reports it to nobody.
        self._unfinished_bytes += len(data)
        if self._unfinished_bytes > self._limits.head_bytes:
            self.send_400_response("")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Accept a header of the head. One after the body passed no check and is dropped."""
        if self._in_head:
            self._count(len(name) + len(value) + len(": \r\n"))
            super().on_header(name, value)

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over to the protocol of sockets, where no request is at work any more."""
        if self.is_at_work:
            self._fault = "a socket begins once the requests before it are answered"
            self.send_400_response("")
            return
        if self._timer is not None:
            self._timer.cancel()
        super().handle_websocket_upgrade()

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        self._count(len(self.url))
        if fault := fault_of(self.parser.get_method(), self.parser.get_http_version(), self.url, self.headers):
            self._fault = fault
            raise HeadRefused
        self.url = from_path(self.url)
        self._head_bytes = self._unfinished_bytes = 0
        if self.stays:
            return
        cast("dict[str, Any]", self.scope)[CONNECTION] = self
        self._before, self._in_head = self.cycle, False
        self._heads += 1
        self._idle_since = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Wait for the next head."""
        self._in_head, self._before = True, None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Count the time again, where no request waits that was sent ahead; refuse what followed them."""
        super().on_response_complete()
        if self.cycle.response_complete:
            self._idle_since = self.loop.time()
            if self._is_refused:
                self.send_400_response("")

    def send_400_response(self, msg: str) -> None:
        """Answer 400 with a problem document, and close; where an answer to the same request has begun, close alone.

        A request that came whole is answered first: who is told 400 believes that nothing was booked.
        """
        whole = self.cycle if self._in_head else self._before
        if whole is not None and not whole.response_complete:
            if whole is not self.cycle:
                self.pipeline.popleft()
                self.flow.resume_reading()
            self.cycle, self._in_head, self._is_refused = whole, True, True
            return
        # Of a head that is refused there is no cycle yet.
        if not self._in_head and self.cycle is not self._before and self.cycle.response_started:
            self.transport.close()
            return
        too_large = max(self._head_bytes, self._unfinished_bytes) > self._limits.head_bytes
        said = f"the head is longer than {self._limits.head_bytes} bytes" if too_large else self._fault
        kind = HEAD_TOO_LARGE if too_large else MALFORMED
        self.transport.write(_refusal(kind, said, self.client and self.client[0]))
        self.transport.close()

    def bound_buffer(self) -> None:
        """Have the system keep little for a client that does not read, where it is still there."""
        if self.transport.is_closing():
            return
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)

    def speak_last_words(self) -> None:
        """Let what is sent next go to the transport, although the client has not read what was sent before."""
        self.is_stuck = True
        self.flow.resume_writing()

    def _count(self, more: int) -> None:
        self._head_bytes += more
        if self._head_bytes > self._limits.head_bytes:
            raise HeadRefused

    def _look_later(self) -> None:
        self._timer = self.loop.call_later(self._limits.idle_seconds / 2, self._look)

    def _look(self) -> None:
        """Close a connection without a request for too long, or whose client has read nothing since the last check.

        An answer that is not fetched holds its request too, past every deadline: the server waits to write it.
        """
        unfetched = self.transport.get_write_buffer_size()
        stuck = 0 < self._unfetched_bytes <= unfetched
        idle = self._idle_since is not None and self.loop.time() - self._idle_since >= self._limits.idle_seconds
        if stuck or (idle and not unfetched):
            EVENTS[OVERDUE] += 1
            self.cut()
            return
        self._unfetched_bytes = unfetched
        self._look_later()


def _refusal(kind: ProblemKind, said: str, client: str | None) -> bytes:
    """Return the whole answer to what is no request, which is logged with the same id."""
    request_id = new_request_id()
    _log.info("request.unreadable", status=kind.status, reason=said, client=client, request_id=request_id.decode())
    headers, body = unreadable(kind, said, request_id)
    lines = (f"{name}: {value}\r\n" for name, value in headers.items())
    return STATUS_LINE[kind.status] + "".join([*lines, "\r\n"]).encode() + body


def bounded(limits: ConnectionLimits) -> type[asyncio.Protocol]:
    """Return the protocol of the server's connections."""
    return cast("type[asyncio.Protocol]", partial(BoundedConnection, limits=limits))


def connection_limits(settings: Settings) -> ConnectionLimits:
    """Return the limits for as many connections as the process may have open files, up to those of a full service.

    The limit of open files is raised as far as that takes, or as it can be.

    Raises:
        SettingsError: so few are allowed that the service could not work.
    """
    others = _OTHER_FILES + settings.database_pool_size
    files = _files(others + ConnectionLimits().connections)
    if files < others + _LEAST_CONNECTIONS:
        raise SettingsError(
            f"at least {others + _LEAST_CONNECTIONS} open files are needed, and {files} are allowed (ulimit -n): "
            f"{others} for the service with its {settings.database_pool_size} connections to the database, and the "
            f"rest for clients, of which it serves {ConnectionLimits().connections} at once where it may"
        )
    return ConnectionLimits(connections=min(ConnectionLimits().connections, files - others))


def _files(wanted: int) -> int:
    """Return how many files this process may have open, having asked for as many as are wanted."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else soft
