"""Clients of the stream, over WebSocket and by server-sent events: both hear the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from urllib.parse import urlencode

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

Transport = Literal["socket", "events"]
SECONDS = 20.0
NO_HEADERS: Mapping[str, str] = {}


class Number(str):
    """The digits of a number, to be told from a string."""

    __slots__ = ()


class Source(Protocol):
    """Where messages come from."""

    async def next(self) -> dict[str, Any] | None:
        """The next message; None after the last one."""
        ...


@dataclass(slots=True)
class SocketSource:
    """Messages of a WebSocket."""

    socket: ClientConnection

    async def next(self) -> dict[str, Any] | None:
        try:
            message = await self.socket.recv()
        except ConnectionClosed:
            return None
        found: dict[str, Any] = json.loads(message, parse_float=Number, parse_int=Number)
        return found


@dataclass(slots=True)
class EventSource:
    """Server-sent events; the id of each is the position of its message."""

    lines: AsyncIterator[str]

    async def next(self) -> dict[str, Any] | None:
        event: dict[str, str] = {}
        async for line in self.lines:
            if line:
                name, _, value = line.partition(": ")
                event[name] = value
                continue
            found: dict[str, Any] = json.loads(event["data"], parse_float=Number, parse_int=Number)
            assert found["type"] == event["event"]
            assert event.get("id", found.get("position")) == found.get("position")
            return found
        return None


@dataclass(slots=True)
class Listener:
    """One who listens: what came so far, numbers as the texts that they were."""

    source: Source
    messages: list[dict[str, Any]] = field(default_factory=list)

    async def next(self) -> dict[str, Any]:
        """The next message."""
        async with asyncio.timeout(SECONDS):
            found = await self.source.next()
        assert found is not None, self.kinds
        self.messages.append(found)
        return found

    async def until(self, kind: str, holds: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
        """The next message of that type of which something holds."""
        while True:
            found = await self.next()
            if found["type"] == kind and holds(found):
                return found

    async def end(self) -> list[dict[str, Any]]:
        """All that comes until the stream is ended."""
        async with asyncio.timeout(SECONDS):
            while (found := await self.source.next()) is not None:
                self.messages.append(found)
        return self.messages

    @property
    def kinds(self) -> list[str]:
        """The types of what came."""
        return [message["type"] for message in self.messages]

    @property
    def position(self) -> str:
        """The position of the last message that has one."""
        return str(next(message["position"] for message in reversed(self.messages) if "position" in message))


@asynccontextmanager
async def listening(
    transport: Transport, address: tuple[str, int], *, headers: Mapping[str, str] = NO_HEADERS, **query: str
) -> AsyncIterator[Listener]:
    """Somebody who listens until the block ends."""
    host, port = address
    asked = f"?{urlencode(query)}" if query else ""
    if transport == "socket":
        url = f"ws://{host}:{port}/stream{asked}"
        async with connect(url, additional_headers=headers, compression=None) as socket:
            yield Listener(SocketSource(socket))
        return
    url = f"http://{host}:{port}/stream/events{asked}"
    async with (
        httpx.AsyncClient(timeout=httpx.Timeout(SECONDS, read=None)) as client,
        client.stream("GET", url, headers=dict(headers)) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        yield Listener(EventSource(answer.aiter_lines()))
