"""Limits the sockets of clients: what they send, what they leave unread, and how long one is kept that reads nothing.

The server's own protocol answers every ping of a client that reads none of the answers, and as many as it sends; it
closes a message that is too long with another code, takes what comes before it has agreed to the upgrade, and waits
for ever until the last bytes of a closed socket were read.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any, Final

import structlog
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.datastructures import Headers
from websockets.frames import CloseCode
from websockets.http11 import Response
from websockets.server import ServerProtocol
from websockets.typing import StatusLike

from portfolio.entrypoints.http.denials import new_request_id, unreadable
from portfolio.entrypoints.http.errors import HEAD_TOO_LARGE, kind_of_status
from portfolio.entrypoints.http.event_streams import LAST_WORDS, MOST_INBOUND_BYTES, SEND_BUFFER_BYTES

_log = structlog.get_logger(__name__)
# Below that the address with all that is in it would be logged, and with DEBUG every header: keys are among them.
_QUIET: Final = logging.getLogger("portfolio.sockets")
_QUIET.setLevel(logging.WARNING)

ABORT_SECONDS: Final = 30.0

MOST_UNASKED_BYTES: Final = 4 * 1024
"""What a client may send at once of whatever frames: pings and messages without content take time too."""

UNASKED_BYTES_PER_SECOND: Final = 256
"""How much more it may send as time goes by: a ping each second, and the answers to ours."""


_REASONS: Final = {
    400: "this is no handshake of a WebSocket",
    431: "the head has too many lines for a WebSocket, or too long ones",
}


class _Inbound(ServerProtocol):
    """Closes a message that is too long as one that breaks the rules: nobody is expected to send any."""

    refused: tuple[int, str, str] | None = None
    """The status that was answered to what is no handshake, the reason, and the id that it was given."""

    def reject(self, status: StatusLike, text: str) -> Response:
        """Return a problem as the answer to what is no handshake. The text is left out: it quotes headers."""
        kind = HEAD_TOO_LARGE if status in {414, 431} else kind_of_status(status)
        said, request_id = _REASONS.get(kind.status, kind.title), new_request_id()
        self.refused = kind.status, said, request_id.decode()
        answer = super().reject(kind.status, text)
        headers, answer.body = unreadable(kind, said, request_id)
        answer.headers = Headers(headers)
        return answer

    def fail(self, code: int, reason: str = "") -> None:
        """Close the connection."""
        super().fail(CloseCode.POLICY_VIOLATION if code == CloseCode.MESSAGE_TOO_BIG else code, reason)


class BoundedSocket(WebSocketsSansIOProtocol):
    """A client's socket within limits."""

    conn: _Inbound

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.logger = _QUIET
        self.conn = _Inbound(max_size=MOST_INBOUND_BYTES, logger=_QUIET)
        self.is_stuck = False
        self._may_send = float(MOST_UNASKED_BYTES)
        self._counted_at = self.loop.time()
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

    def data_received(self, data: bytes) -> None:
        """Take what the client sends; nobody but a broken client says anything before it was answered, or says much."""
        if not self.handshake_initiated:  # it is the request
            super().data_received(data)
            if not self.handshake_initiated:  # the protocol takes no notice of what it does not take
                self._refuse()
            if self.conn.refused is not None and self.conn.refused[0] < 500:
                status, reason, request_id = self.conn.refused
                client = self.client and self.client[0]
                _log.info("request.unreadable", status=status, reason=reason, client=client, request_id=request_id)
        elif not self.handshake_complete:
            self.transport.abort()
        elif self._takes(len(data)):
            super().data_received(data)
        else:
            self._end(CloseCode.POLICY_VIOLATION)

    def send_receive_event_to_app(self) -> None:
        """Hand a message over. Text that is no UTF-8 ends the connection, and is no error of ours."""
        if self.curr_msg_data_type == "text":
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self._end(CloseCode.INVALID_DATA)
                return
        super().send_receive_event_to_app()

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

    def _refuse(self) -> None:
        """Answer a request that the protocol of sockets cannot read, and close."""
        said = b"".join(self.conn.data_to_send())  # of a line that is too long; of whatever else it says nothing
        self.transport.write(said or self.conn.reject(400, "").serialize())
        self.transport.close()

    def _takes(self, size: int) -> bool:
        now = self.loop.time()
        grown = self._may_send + UNASKED_BYTES_PER_SECOND * (now - self._counted_at)
        self._may_send, self._counted_at = min(grown, MOST_UNASKED_BYTES) - size, now
        return self._may_send >= 0

    def _end(self, code: CloseCode) -> None:
        self.conn.fail(code)
        self.handle_parser_exception()
