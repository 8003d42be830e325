"""Connections that take no more than is being dealt with: one request is answered before further ones are read.

The server's own protocol reads on with each answer, so that requests which a client sends ahead pile up in memory; it
keeps a trailer of any length, and takes in what surrounds a body for as long as it comes. None of that costs a key, and
while it is taken in nothing else is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sized
from typing import Any, Final

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

FRAMING_BYTES: Final = 64 * 1024
"""What of a request may be neither its head nor its body, beside twice the body: sizes of chunks, and trailers."""
UNWANTED_BYTES: Final = 32 * 1024 * 1024
"""How much of a body is read after its answer, so that the client comes to read it: twice of what any route takes."""


class _Flow(FlowControl):
    """Reads on only where no request waits for those before it."""

    def __init__(self, transport: asyncio.Transport, waiting: Sized) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        """Read on, unless there is more than enough."""
        if not self._waiting:
            super().resume_reading()


class PacedConnection(HttpToolsProtocol):
    """A client's connection that is read as its requests are answered."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._body_bytes = self._framing_bytes = self._unwanted_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the parent
        """Accept the connection."""
        super().connection_made(transport)
        self.flow = _Flow(transport, self.pipeline)

    def on_headers_complete(self) -> None:
        """Begin to answer, or have the request wait for those before it."""
        self._body_bytes = self._framing_bytes = self._unwanted_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._body_bytes += len(body)
        if self.cycle.response_complete:
            self._unwanted_bytes += len(body)
        super().on_body(body)

    def on_response_complete(self) -> None:
        """Answer the next request; read on once none waits."""
        super().on_response_complete()
        if not self.transport.is_closing():
            self.flow.resume_reading()

    def bears(self, framing: int) -> bool:
        """Return whether so many more bytes around the body, and what came of it after its answer, may be."""
        self._framing_bytes += framing
        return self._framing_bytes <= FRAMING_BYTES + 2 * self._body_bytes and self._unwanted_bytes <= UNWANTED_BYTES
