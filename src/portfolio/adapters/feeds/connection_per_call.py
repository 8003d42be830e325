"""Connections to one host, each in a pool of its own."""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any
from urllib.request import getproxies

import httpx

from portfolio.settings import SettingsError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1"))
# An entry of NO_PROXY: all, a host, or a domain with all that is in it.
_DIRECT = re.compile(r"\*|(\*?\.)?[A-Za-z0-9_][A-Za-z0-9_.-]*(:\d+)?")
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
        """Lend a client; after an error, or an answer and something more, it is closed and not lent again."""
        client = self._idle.pop() if self._idle else self._add()
        try:
            yield client
        except BaseException:
            self._all.discard(client)
            await client.aclose()
            raise
        if _has_surplus(client):
            self._all.discard(client)
            await client.aclose()
        else:
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


def _has_surplus(client: httpx.AsyncClient) -> bool:
    """Return whether more has come than the answer: the next request would take the rest for its own."""
    transport: Any = client._transport  # noqa: SLF001  neither httpx nor httpcore tells what its parser has left
    for connection in transport._pool.connections:  # noqa: SLF001  # the pool says it nowhere else
        while not hasattr(connection, "_h11_state"):
            connection = connection._connection  # noqa: SLF001, PLW2901  # the pool says it nowhere else
        if connection._h11_state.trailing_data[0]:  # noqa: SLF001  # the pool says it nowhere else
            return True
    return False


def _proxy_for(base_url: str) -> httpx.Proxy | None:
    """Return the proxy that the environment names for this host; ``host:port`` is one for HTTP, as curl reads it.

    There is none for this machine itself: a proxy knows no way to its ports.

    Raises:
        SettingsError: it is none that can be used, what goes without it is no list of hosts, or this host is none.
    """
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise SettingsError(f"PORTFOLIO_*_URL: {error}") from error
    name = url.scheme if url.scheme in getproxies() else "all"
    text = getproxies().get(name)
    if not text or _is_loopback(url.host):
        return None
    direct = [entry.strip() for entry in getproxies().get("no", "").split(",") if entry.strip()]
    for entry in direct:
        if not (_DIRECT.fullmatch(entry) or _network(entry)):
            raise SettingsError(f"NO_PROXY: {entry!r} is no host, no .domain and no network; commas stand between them")
    if any(_covers(entry, url) for entry in direct):
        return None
    try:
        proxy = httpx.Proxy(text if "://" in text else f"http://{text}")
    except (ValueError, httpx.InvalidURL) as error:
        raise SettingsError(f"{name.upper()}_PROXY cannot be read; it is http://host:port") from error
    if proxy.url.scheme not in {"http", "https"} or not proxy.url.host or not 0 < (proxy.url.port or 80) <= 65_535:
        raise SettingsError(f"{name.upper()}_PROXY has to be http://host:port, with the name of a host")
    return proxy


def _covers(entry: str, url: httpx.URL) -> bool:
    """Return whether an entry of ``NO_PROXY`` is this host, or the domain or network that it is in."""
    network = _network(entry)
    if entry == "*" or network is not None:
        return entry == "*" or _is_in(url.host, network)
    name, _, port = entry.lower().partition(":")
    is_port = not port or int(port) == (url.port or (443 if url.scheme == "https" else 80))
    return is_port and f".{url.host}".endswith(f".{name.lstrip('*.')}")


def _is_loopback(host: str) -> bool:
    return host == "localhost" or any(_is_in(host, network) for network in _LOOPBACK)


def _is_in(host: str, network: Network | None) -> bool:
    try:
        return network is not None and ipaddress.ip_address(host) in network
    except ValueError:
        return False


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


@cache
def _tls() -> ssl.SSLContext:
    """Return the one TLS context; loading the certificate authorities is the slowest part of a client."""
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        said = f"SSL_CERT_FILE, SSL_CERT_DIR or OPENSSL_CONF cannot be used for TLS: {error}"
        raise SettingsError(said) from error
