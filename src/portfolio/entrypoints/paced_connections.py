"""Connections that take no more than is being dealt with: one request is answered before further ones are read.

The server's own protocol reads on with each answer, so that requests which a client sends ahead pile up in memory; it
keeps a trailer of any length, and takes in what surrounds a body for as long as it comes. None of that costs a key, and
while it is taken in nothing else is done. Of a request that asks for a protocol it does not speak it takes the body for
the next request.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Sequence, Sized
from typing import Any, Final

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from portfolio.entrypoints.http.request_heads import asks_for_socket

FRAMING_BYTES: Final = 64 * 1024
"""What of a request may be neither its head nor its body, beside twice the body: sizes of chunks, and trailers."""
UNWANTED_BYTES: Final = 32 * 1024 * 1024
"""How much of a body is read after its answer, so that the client comes to read it: twice of what any route takes."""

_BY_RESET: Final = struct.pack("ii", 1, 0)
_IN_ORDER: Final = struct.pack("ii", 0, 0)


class _Flow(FlowControl):
    """Reads on only where no request waits for those before it."""

    def __init__(self, transport: asyncio.Transport, waiting: Sized) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        """Read on, unless there is more than enough."""
        if not self._waiting:
            super().resume_reading()


class _Unknown(int):
    """The length of an answer that ends with its connection: no part of it is too much, and its end is the end."""

    def __lt__(self, other: object) -> bool:
        return False

    def __sub__(self, other: object) -> _Unknown:
        return self


class PacedConnection(HttpToolsProtocol):
    """A client's connection that is read as its requests are answered."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._body_bytes = self._framing_bytes = self._unwanted_bytes = 0
        self._at_work: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the parent
        """Accept the connection."""
        super().connection_made(transport)
        self.flow = _Flow(transport, self.pipeline)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the request at work that its client is gone: the server tells the newest alone, which may wait."""
        super().connection_lost(exc)
        if (cycle := self._at_work) is not None and self.is_at_work:
            cycle.disconnected = True
            cycle.message_event.set()

    def data_received(self, data: bytes) -> None:
        """Read on."""
        self._unset_keepalive_if_required()
        unread: list[bytes | memoryview] = [memoryview(data)]
        try:
            while unread:
                unread += self._read(unread.pop())
        except httptools.HttpParserError:
            self.send_400_response("")

    @property
    def stays(self) -> bool:
        """Return whether the head asks for a protocol that is not spoken here: it will be read again without that."""
        return self.parser.should_upgrade() and not self._should_upgrade()

    def _should_upgrade(self) -> bool:
        method, version = self.parser.get_method(), self.parser.get_http_version()
        return asks_for_socket(method, version, self.headers) and super()._should_upgrade()

    def _read(self, data: bytes | memoryview) -> Sequence[bytes | memoryview]:
        """Read that, and return what is to be read then: the last first."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if not self._should_upgrade():
                return data[upgrade.args[0] :], self._begin_again()
            self.handle_websocket_upgrade()
        return ()

    def _begin_again(self) -> bytes:
        """Return the head without the protocol that it asks for, to be read anew: the parser has left its body out."""
        version = self.parser.get_http_version()
        head = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, version.encode())]
        head += [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as the parent's
        return b"\r\n".join([*head, b"", b""])

    @property
    def is_at_work(self) -> bool:
        """Return whether a request is being answered."""
        return self._at_work is not None and not self._at_work.response_complete

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._at_work = cycle
        self._have_it_end(_BY_RESET)
        super()._start_asgi_task(cycle, app)

    def on_headers_complete(self) -> None:
        """Begin to answer, or have the request wait for those before it."""
        if self.stays:
            return
        self._body_bytes = self._framing_bytes = self._unwanted_bytes = 0
        super().on_headers_complete()
        if self.parser.get_http_version() == "1.0":  # it knows neither chunks nor 100 Continue
            self.cycle.waiting_for_100_continue = self.cycle.chunked_encoding = False
            self.cycle.expected_content_length = _Unknown()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._body_bytes += len(body)
        if self.cycle.response_complete:
            self._unwanted_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Hand the end of the body over."""
        if not self.stays:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Answer the next request; read on once none waits."""
        self._have_it_end(_IN_ORDER)
        super().on_response_complete()
        if not self.transport.is_closing():
            self.flow.resume_reading()

    def _have_it_end(self, how: bytes) -> None:
        """Say how the system ends the connection, where nothing else tells a whole answer from one that broke off."""
        if self._at_work is not None and self._at_work.scope["http_version"] == "1.0":
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, how)

    def cut(self) -> None:
        """End the connection at once, with what was not sent yet."""
        self._have_it_end(_BY_RESET)
        self.transport.abort()

    def drop(self, count: int) -> None:
        """Take no notice of so many bytes; hang up where they have no end."""
        self._unwanted_bytes += count
        if self._unwanted_bytes > UNWANTED_BYTES:
            self.cut()

    def bears(self, framing: int) -> bool:
        """Return whether so many more bytes around the body, and what came of it after its answer, may be."""
        self._framing_bytes += framing
        return self._framing_bytes <= FRAMING_BYTES + 2 * self._body_bytes and self._unwanted_bytes <= UNWANTED_BYTES
