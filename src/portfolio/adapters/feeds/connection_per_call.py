"""Connections to one host, each in a pool of its own."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from urllib.request import getproxies, proxy_bypass

import httpx

from portfolio.settings import SettingsError

_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "portfolio"}
_KEPT_SECONDS = 90.0
# The event loop takes off the socket whatever has come, up to 8 MB, before anybody can say that it is too much.
_RECEIVE_BUFFER_BYTES = 64 * 1024


class ConnectionPerCall:
    """Lends each caller a client of one connection, and keeps it for the next.

    One shared pool of a hundred connections would look at all of them, system call by system call, at every
    request and every end of one: a hundred calls at once cost it a second and a half of processor time, and
    here a tenth of that. Nobody queues inside a pool either, where httpcore loses slots for good when a
    queued call is cancelled.
    """

    def __init__(self, base_url: str, timeout_seconds: float) -> None:
        self._base_url = base_url
        self._timeout_seconds = timeout_seconds
        self._all: set[httpx.AsyncClient] = set()
        self._idle: list[httpx.AsyncClient] = []
        self._tls = _tls()  # now, not at the first call: it holds everything up for a moment
        self._proxy = _proxy_for(base_url)

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[httpx.AsyncClient]:
        """Lend a client; after an error it is closed and not lent again."""
        client = self._idle.pop() if self._idle else self._add()
        try:
            yield client
        except BaseException:
            self._all.discard(client)
            await client.aclose()
            raise
        self._idle.append(client)

    async def close(self) -> None:
        """Close all connections, those in use too."""
        clients, self._all, self._idle = list(self._all), set(), []
        for client in clients:
            await client.aclose()

    def _add(self) -> httpx.AsyncClient:
        transport = httpx.AsyncHTTPTransport(
            verify=self._tls,
            proxy=self._proxy,
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_KEPT_SECONDS),
            socket_options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)],
        )
        client = httpx.AsyncClient(
            base_url=self._base_url, headers=_HEADERS, timeout=self._timeout_seconds, transport=transport
        )
        self._all.add(client)
        return client


def _proxy_for(base_url: str) -> httpx.Proxy | None:
    """Return the proxy that the environment names for this host; ``host:port`` is one for HTTP, as curl reads it.

    There is none for this machine itself: a proxy knows no way to its ports.

    Raises:
        SettingsError: it is none that can be used.
    """
    url = httpx.URL(base_url)
    if _is_loopback(url.host) or proxy_bypass(url.host):
        return None
    name = url.scheme if url.scheme in getproxies() else "all"
    text = getproxies().get(name)
    if not text:
        return None
    try:
        proxy = httpx.Proxy(text if "://" in text else f"http://{text}")
    except (ValueError, httpx.InvalidURL) as error:
        raise SettingsError(f"{name.upper()}_PROXY cannot be read; it is http://host:port") from error
    if proxy.url.scheme not in {"http", "https"} or not proxy.url.host:
        raise SettingsError(f"{name.upper()}_PROXY has to be http://host:port, with the name of a host")
    return proxy


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@cache
def _tls() -> ssl.SSLContext:
    """Return the one TLS context; loading the certificate authorities is the slowest part of a client."""
    return httpx.create_ssl_context()
