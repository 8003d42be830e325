"""Limits the sockets of clients: what they send, what they leave unread, and how long one is kept that reads nothing.

The server's own protocol answers every ping of a client that reads none of the answers, closes a message that is too
long with another code, and waits for ever until the last bytes of a closed socket were read.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode
from websockets.server import ServerProtocol

from portfolio.entrypoints.http.event_streams import LAST_WORDS, MOST_INBOUND_BYTES, SEND_BUFFER_BYTES

ABORT_SECONDS: Final = 30.0


class _Inbound(ServerProtocol):
    """Closes a message that is too long as one that breaks the rules: nobody is expected to send any."""

    def fail(self, code: int, reason: str = "") -> None:
        """Close the connection."""
        super().fail(CloseCode.POLICY_VIOLATION if code == CloseCode.MESSAGE_TOO_BIG else code, reason)


class BoundedSocket(WebSocketsSansIOProtocol):
    """A client's socket within limits."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.conn = _Inbound(max_size=MOST_INBOUND_BYTES, logger=logging.getLogger("uvicorn.error"))
        self.is_stuck = False
        self._abort: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection over."""
        super().connection_made(transport)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self._abort is not None:
            self._abort.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Send no more, and read no more: each ping that is read has an answer."""
        super().pause_writing()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """Send and read again."""
        super().resume_writing()
        if not (self.read_paused or self.transport.is_closing()):
            self.transport.resume_reading()

    async def send(self, message: Any) -> None:
        """Send a message; the last ones go out although those before have not been read."""
        if message.get(LAST_WORDS):
            self.is_stuck = not self.writable.is_set()
            self.writable.set()
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True  # else it is logged as an error that nothing was answered

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        """Give the client a while to read the rest."""
        super().on_task_complete(task)
        if not self.disconnected:
            self._abort = self.loop.call_later(ABORT_SECONDS, self.transport.abort)
