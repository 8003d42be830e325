"""The label of made-up prices: in a header of every answer, and in every JSON object that is one."""

from __future__ import annotations

from typing import Any, Final, cast

from litestar.datastructures import MutableScopeHeaders
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from portfolio.entrypoints.http.shell.responses import JSON, JSON_WITH_STRINGS, PROBLEM_JSON

HEADER: Final = "X-Portfolio-Price-Feed"
LABEL: Final = b'"price_feed":"simulated"'
# The description of the interface is the same whatever the prices are.
DOCUMENTS: Final = frozenset({"/openapi.json", "/docs/openapi.json", "/asyncapi.json"})
LABELLED: Final = frozenset({JSON, JSON_WITH_STRINGS, PROBLEM_JSON})


class SimulatedLabel:
    """Wraps the whole application where prices are made up, so that no answer goes without the label."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; a socket that is refused is answered as a request is, under another name."""
        held: list[Message] = []  # the head of a JSON answer, until its length is known

        async def labelling_send(message: Message) -> None:
            kind = message["type"].removeprefix("websocket.")
            if kind == "http.response.start":
                headers = MutableScopeHeaders.from_message(message)
                headers[HEADER] = "simulated"
                if scope["path"] not in DOCUMENTS and headers.get("content-type") in LABELLED:
                    held.append(message)
                    return
            elif held and kind == "http.response.body":
                start, body = held.pop(), cast("Any", message)
                message = cast("Message", {**body, "body": labelled(body["body"])})
                if not body.get("more_body", False):
                    length = len(cast("Any", message)["body"])
                    MutableScopeHeaders.from_message(start)["content-length"] = str(length)
                await send(start)
            await send(message)

        await self._app(scope, receive, labelling_send)


def labelled(body: bytes) -> bytes:
    """Return an answer, or its beginning, with the label where it is a JSON object."""
    if not body.startswith(b"{"):
        return body
    return b"{" + LABEL + (b"" if body.startswith(b"{}") else b",") + body[1:]
