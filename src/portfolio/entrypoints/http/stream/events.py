"""Server-sent events: an answer that goes on until one side ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, cast

from litestar import Request, Response
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from portfolio.application.stream.broadcast import Broadcast
from portfolio.application.stream.records import Frame, StreamRequest
from portfolio.application.stream.subscription import Subscription
from portfolio.entrypoints.http.event_streams import CONNECTION, EVENT_STREAM, IS_HEAD, NOT_BUFFERED, StreamConnection
from portfolio.entrypoints.http.shell.decimal_strings import wants_strings
from portfolio.entrypoints.http.stream.forms import in_form

# Without a charset: it is UTF-8 by definition. Proxies are asked to pass on each message as it comes.
HEADERS: Final = (
    (b"content-type", EVENT_STREAM.encode()),
    (b"cache-control", b"no-store"),
    NOT_BUFFERED,
    (b"vary", b"Accept"),
)


class EventStream(Response[str]):
    """An answer of the messages that a subscriber wants."""

    def __init__(self, stream: Broadcast, wanted: StreamRequest, caller: str, may_listen: Callable[[], bool]) -> None:
        super().__init__("", media_type=EVENT_STREAM)
        self._sent = _Sent(stream, wanted, caller, may_listen)

    def to_asgi_response(self, app: Any, request: Request[Any, Any, Any], **options: Any) -> ASGIResponse:
        """Return what sends it."""
        return self._sent


class _Sent(ASGIResponse):
    """Sends the messages that one client wants."""

    def __init__(self, stream: Broadcast, wanted: StreamRequest, caller: str, may_listen: Callable[[], bool]) -> None:
        super().__init__(media_type=EVENT_STREAM)
        self._strings = False
        self._stream = stream
        self._wanted = wanted
        self._caller = caller
        self._may_listen = may_listen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the client has gone, does not read, or the stream ends.

        Raises:
            ApplicationError: it was not opened, and nothing was sent.
        """
        self._strings = wants_strings(scope)
        subscription = await self._stream.open(self._wanted, self._caller, self._may_listen)
        listening = asyncio.create_task(_listen(receive, subscription), name="event stream")
        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            if not scope.get(IS_HEAD):
                connection = cast("StreamConnection | None", scope.get(CONNECTION))
                if connection is not None:
                    connection.bound_buffer()
                await self._send_all(subscription, send, connection)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._stream.close(subscription)
            listening.cancel()
            await asyncio.wait([listening])

    async def _send_all(self, subscription: Subscription, send: Send, connection: StreamConnection | None) -> None:
        while (frame := await subscription.next()) is not None:
            try:
                with self._stream.in_time:
                    await send(self._body(frame))
            except TimeoutError:
                # What waits to be read is not waited for any longer: the last message goes behind it.
                bye = subscription.give_up()
                if connection is not None:
                    connection.speak_last_words()
                    await send(self._body(bye))

    def _body(self, frame: Frame) -> Any:
        event = in_form(frame, strings=self._strings).event
        return {"type": "http.response.body", "body": event, "more_body": True}


async def _listen(receive: Receive, subscription: Subscription) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    subscription.leave()
