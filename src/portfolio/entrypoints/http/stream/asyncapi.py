"""The AsyncAPI 3.0 document of the stream, made of the structs that are sent."""

from __future__ import annotations

from functools import cache
from typing import Final

import msgspec
from litestar import Controller, Response, get

from portfolio import __version__
from portfolio.entrypoints.http.operations.openapi import describe_fields
from portfolio.entrypoints.http.operations.openapi_operations import Json
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.responses import encode, encoded
from portfolio.entrypoints.http.stream.answers import MESSAGES
from portfolio.entrypoints.http.stream.requests import AFTER, TOPICS
from portfolio.entrypoints.http.stream.sockets import SUBPROTOCOL

DESCRIPTION: Final = """\
Every entry of the ledger once and in order, and the newest state of the portfolio, while it happens.

The first message is `hello`. A stream that begins now goes on with a `snapshot`; one that is opened `after` a position
goes on with the entries after it. Keep the `position` of the last message that came, and open the next stream after it.
Numbers are JSON numbers written from exact decimals. With `Accept: application/json;IEEE754Compatible=true` every
decimal of a message is a JSON string of the same digits, for clients whose numbers are doubles.
"""
_SOCKET: Final = (
    "Over WebSocket, with the subprotocol `portfolio.v1`. Nothing is to be sent to it. A request without an upgrade is "
    "answered 426 `upgrade-required`."
)
_CHANNELS: Final = {
    "socket": ("/stream", _SOCKET),
    "events": ("/stream/events", "As server-sent events: `event` is the type of the message, `id` its position."),
}


class AsyncDocumentController(Controller):
    """The route of the document."""

    include_in_schema = False

    @get("/asyncapi.json", opt=access(Scope.READ))
    async def read_async_document(self) -> Response[bytes]:
        """Return the AsyncAPI document."""
        return encoded(_encoded())


@cache
def _encoded() -> bytes:
    return encode(document())


def document() -> Json:
    """Return the document."""
    refs, components = msgspec.json.schema_components(MESSAGES, ref_template="#/components/schemas/{name}")
    for name, schema in components.items():
        fields = schema.get("properties", {})
        if "type" in fields:
            fields["type"]["description"] = "The type of the message."
        describe_fields(name, fields)
    names = [ref["$ref"].rpartition("/")[2] for ref in refs]
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "portfolio", "version": __version__, "description": DESCRIPTION},
        "defaultContentType": "application/json",
        "channels": {key: _channel(key, names) for key in _CHANNELS},
        "operations": {
            f"send_{key}": {
                "action": "send",
                "channel": {"$ref": f"#/channels/{key}"},
                "messages": [{"$ref": f"#/channels/{key}/messages/{name}"} for name in names],
            }
            for key in _CHANNELS
        },
        "components": {
            "schemas": components,
            "messages": {name: _message(name, components[name]) for name in names},
        },
    }


def _channel(key: str, names: list[str]) -> Json:
    address, description = _CHANNELS[key]
    channel: Json = {
        "address": address,
        "description": description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
    }
    if key == "socket":
        query = {"after": AFTER, "topics": TOPICS}
        properties = {name: {"type": "string", "description": said} for name, said in query.items()}
        channel["bindings"] = {
            "ws": {
                "method": "GET",
                "query": {"type": "object", "properties": properties},
                "headers": {
                    "type": "object",
                    "properties": {"Sec-WebSocket-Protocol": {"type": "string", "const": SUBPROTOCOL}},
                },
            }
        }
    return channel


def _message(name: str, schema: Json) -> Json:
    kind = schema["properties"]["type"]["enum"][0]
    return {
        "name": kind,
        "title": name,
        "summary": schema["description"].partition("\n")[0],
        "payload": {"$ref": f"#/components/schemas/{name}"},
    }
