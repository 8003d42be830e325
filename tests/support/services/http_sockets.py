"""Sockets for what a client library would never send: requests byte by byte, and the service behind a real socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx

from portfolio.entrypoints.connections import ConnectionLimits
from portfolio.entrypoints.server import Server, server_config
from tests.support.services.http_service import Service
from tests.support.services.waiting import until


@asynccontextmanager
async def served(service: Service, limits: ConnectionLimits | None = None) -> AsyncIterator[tuple[str, int]]:
    """The service behind a socket in this event loop, its connections within limits as in production: host and port."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(server_config(service.app, limits or ConnectionLimits(), timeout_graceful_shutdown=5))
    task = asyncio.create_task(server._serve(sockets=[listener]))
    await until(lambda: server.started)
    try:
        yield listener.getsockname()
    finally:
        server.should_exit = True
        await task


def head(path: str, *lines: str) -> bytes:
    """The head of a POST of JSON."""
    return "\r\n".join(
        [f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json", *lines, "", ""]
    ).encode()


async def answer_of(reader: asyncio.StreamReader) -> httpx.Response:
    """The answer, read off the socket."""
    raw = await reader.readuntil(b"\r\n\r\n")
    first, *lines = raw.decode("latin-1").split("\r\n")
    headers = httpx.Headers([(name, value) for name, _, value in (line.partition(": ") for line in lines) if name])
    body = await reader.readexactly(int(headers["content-length"]))
    return httpx.Response(int(first.split()[1]), headers=headers, content=body)


@asynccontextmanager
async def connected(address: tuple[str, int]) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection of its own, dropped at the end whatever became of it."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def exchange(address: tuple[str, int], raw: bytes) -> httpx.Response:
    """The first answer to these bytes, on a connection of their own."""
    async with connected(address) as (reader, writer):
        writer.write(raw)
        return await asyncio.wait_for(answer_of(reader), 10)
