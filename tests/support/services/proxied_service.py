"""The service as its own process, with a proxy on the way to its database."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import make_url

from portfolio.application.ledger.verification import VerifyBooks
from tests.support.database.database_server import DatabaseServer
from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.migrated import bring_up_to_date
from tests.support.database.old_database import execute
from tests.support.services.service import ServiceProcess
from tests.support.services.tcp_proxy import TcpProxy

DEADLINE_SECONDS = 4.0
# Machines differ in speed: how long after its deadline an answer may come.
GRACE_SECONDS = 1.5
POOL_SIZE = 3
SETTINGS = {
    "PORTFOLIO_REQUEST_DEADLINE_SECONDS": f"{DEADLINE_SECONDS:g}",
    "PORTFOLIO_DATABASE_POOL_SIZE": str(POOL_SIZE),
    "PORTFOLIO_REFRESH_SECONDS": "3600",
}
BUY: Mapping[str, Any] = {"symbol": "BTC", "side": "BUY", "quantity": 1, "price": 10, "net_amount": 10}
RECOVERY_SECONDS = 45.0


@dataclass(frozen=True, slots=True)
class ProxiedService:
    """A running service; ``place`` is its database, reached directly."""

    service: ServiceProcess
    proxy: TcpProxy
    place: DatabaseUnderTest

    @property
    def trades(self) -> int:
        """How many trades are booked."""
        return self._number("SELECT COUNT(*) FROM mock_trades")

    @property
    def cash(self) -> Decimal:
        """How much cash is there."""
        [[cash]] = execute(self.place, "SELECT cash_balance FROM mock_portfolio")
        return Decimal(str(cash))

    @property
    def refusals(self) -> int:
        """How many refusals are kept."""
        return self._number("SELECT COUNT(*) FROM portfolio_booking_outcomes WHERE status = 'refused'")

    async def verify(self) -> None:
        """Check that the entries add up to the books, and nothing else moved them."""
        database = self.place.opened()
        try:
            verdict = await VerifyBooks(database.ledger)(1)
        finally:
            await database.close()
        assert (verdict.differences, verdict.unreconciled) == ([], [])

    async def ready(self) -> None:
        """Return once a booking could be committed, without a restart."""
        await until(lambda: answers(self.service.url, "/health/ready", 200), "the service does not recover")

    def _number(self, sql: str) -> int:
        [[number]] = execute(self.place, sql)
        return int(str(number))


@contextmanager
def proxied_service(
    server: DatabaseServer, folder: Path, *, settings: Mapping[str, str] | None = None
) -> Iterator[ProxiedService]:
    """A service on two new databases of ``server``, which it reaches through a proxy."""
    name = f"p_{secrets.token_hex(4)}"
    place = server.create_database_pair(name)
    try:
        with TcpProxy(server.host, server.port) as proxy:
            url = make_url(place.url).set(host="127.0.0.1", port=proxy.port)
            behind = replace(place, url=url.render_as_string(hide_password=False))
            bring_up_to_date(place)
            service = ServiceProcess(behind, folder, settings={**SETTINGS, **(settings or {})}, is_measured=True)
            try:
                service.start()
                yield ProxiedService(service, proxy, place)
            finally:
                service.__exit__(None, None, None)
    finally:
        server.wait_until_ready()
        server.drop(name)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came, and after how long."""

    status: int
    body: Any
    headers: httpx.Headers
    seconds: float

    @property
    def slug(self) -> str:
        """The kind of problem it is; empty for a success."""
        return str(self.body.get("type", "")).removeprefix("/problems/")

    def is_unavailable(self, *slugs: str) -> bool:
        """Whether it is a 503 of one of these kinds that says when to come again, and came in time."""
        assert (self.status, self.slug in slugs) == (503, True), self.body
        assert int(self.headers["Retry-After"]) >= 1
        return self.is_in_time()

    def is_in_time(self) -> bool:
        """Whether it came by the request's deadline."""
        assert self.seconds < DEADLINE_SECONDS + GRACE_SECONDS, f"{self.seconds:.2f} s"
        return True


async def ask(client: httpx.AsyncClient, method: str, path: str, body: Any = None) -> Answer:
    """Send a request and return its answer."""
    started = time.monotonic()
    headers = {} if body is None else {"Content-Type": "application/json"}
    answer = await client.request(method, path, json=body, headers=headers)
    return Answer(answer.status_code, answer.json(), answer.headers, time.monotonic() - started)


async def book(client: httpx.AsyncClient, key: str | None = None, **changed: Any) -> Answer:
    """Book one unit at 10 in cash, or what else is said."""
    keyed = {} if key is None else {"client_trade_id": key}
    return await ask(client, "POST", "/holdings/update", {**BUY, **keyed, **changed})


async def answers(url: str, path: str, status: int) -> bool:
    """Whether a route answers with this status now."""
    async with httpx.AsyncClient(base_url=url, timeout=10) as client:
        try:
            return (await client.get(path)).status_code == status
        except httpx.TransportError:
            return False


async def until(condition: Callable[[], Awaitable[bool]], complaint: str) -> None:
    """Return once the condition holds; it is asked again and again."""
    give_up_at = time.monotonic() + RECOVERY_SECONDS
    while not await condition():
        assert time.monotonic() < give_up_at, complaint
        await asyncio.sleep(0.02)
