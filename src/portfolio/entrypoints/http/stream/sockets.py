"""The stream over a WebSocket."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from functools import partial
from typing import Any, Final

import structlog
from litestar import WebSocket
from litestar.exceptions import WebSocketDisconnect

from portfolio.application.errors import ApplicationError
from portfolio.application.stream.broadcast import Broadcast
from portfolio.application.stream.records import ByeReason, Frame
from portfolio.application.stream.subscription import Subscription
from portfolio.entrypoints.http.denials import deny
from portfolio.entrypoints.http.errors import RequestError, kind_of
from portfolio.entrypoints.http.event_streams import LAST_WORDS, MOST_INBOUND_BYTES
from portfolio.entrypoints.http.shell.admission import Admission, caller_label
from portfolio.entrypoints.http.shell.decimal_strings import wants_strings
from portfolio.entrypoints.http.stream.forms import in_form
from portfolio.entrypoints.http.stream.requests import stream_request

SUBPROTOCOL: Final = "portfolio.v1"
POLICY_VIOLATION: Final = 1008
CLOSE_CODES: Final = {ByeReason.RESTART: 1012, ByeReason.SLOW: 1013, ByeReason.LIMIT: 1000}

_log = structlog.get_logger(__name__)


class Socket:
    """A client's socket: messages go out, and nothing is expected to come in."""

    def __init__(self, socket: WebSocket[Any, Any, Any], stream: Broadcast, admission: Admission) -> None:
        self._socket = socket
        self._stream = stream
        self._admission = admission
        self._strings = wants_strings(socket.scope)
        self._code: int | None = None

    async def serve(self, after: str | None, topics: str | None) -> None:
        """Send messages until one side ends the stream; one that is refused gets a problem, and no upgrade."""
        scope = self._socket.scope
        await self._socket.receive()  # that it wants to connect
        try:
            self._admission.admit(scope, scope["route_handler"])
            wanted = stream_request(after, topics, scope["headers"])
            may_listen = partial(self._admission.still_admits, scope)
            subscription = await self._stream.open(wanted, self._admission.counted_as(scope), may_listen)
        except (RequestError, ApplicationError) as error:
            _log.info("stream.refused", caller=caller_label(scope), problem=kind_of(error).slug)
            await deny(self._socket.send, error, scope["path"])
            return
        started = time.monotonic()
        try:
            with suppress(OSError, WebSocketDisconnect):  # the client has gone meanwhile
                await self._follow(subscription)
        except Exception:
            _log.exception("stream.failed")
            raise
        finally:
            self._stream.close(subscription)
            seconds = round(time.monotonic() - started, 3)
            _log.info("stream.closed", caller=caller_label(scope), seconds=seconds, code=self._code)

    async def _follow(self, subscription: Subscription) -> None:
        chosen = SUBPROTOCOL if SUBPROTOCOL in self._socket.scope["subprotocols"] else None
        await self._socket.send({"type": "websocket.accept", "subprotocol": chosen, "headers": []})
        listening = asyncio.create_task(self._listen(subscription), name="socket")
        try:
            while (frame := await subscription.next()) is not None:
                try:
                    with self._stream.in_time:
                        await self._socket.send(self._text(frame))
                except TimeoutError:
                    # What waits to be read is not waited for any longer: the last message goes behind it.
                    await self._socket.send(self._text(subscription.give_up(), last=True))
            if subscription.ended is not None:
                self._code = CLOSE_CODES[subscription.ended]
            if self._code is not None:
                await self._socket.send(_close(self._code))
        finally:
            listening.cancel()
            await asyncio.wait([listening])

    async def _listen(self, subscription: Subscription) -> None:
        """Take notice of a client that goes, and end the stream of one that sends more than it has any reason to."""
        read = 0
        while True:
            message: Any = await self._socket.receive()
            if message["type"] != "websocket.receive":
                break
            read += len(message.get("bytes") or (message.get("text") or "").encode())
            if read > MOST_INBOUND_BYTES:
                self._code = POLICY_VIOLATION
                break
        subscription.leave()

    def _text(self, frame: Frame, *, last: bool = False) -> Any:
        return {"type": "websocket.send", "text": in_form(frame, strings=self._strings).text, LAST_WORDS: last}


def _close(code: int) -> Any:
    return {"type": "websocket.close", "code": code, "reason": "", LAST_WORDS: True}
