"""One service as its own process, with its own database, proxy and exchange; all of it can be broken and mended."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from tests.faults.harness.books import Tables
from tests.support.database.database_server import DatabaseServer
from tests.support.database.databases import DatabaseUnderTest, sqlite_database_in
from tests.support.exchanges.exchange import StandInExchange
from tests.support.services.service import ServiceProcess
from tests.support.services.tcp_proxy import TcpProxy

INITIAL_CASH = 1_000_000
MARKET = {"BTC": "50000", "ETH": "3000", "SOL": "150", "LINK": "14.2", "DOGE": "0.2"}
POOL_SIZE = 4
CONNECTIONS = POOL_SIZE + 1
"""As many as the service may have open: those of its pool, and one that is kept for the look at the revisions."""
RECOVERY_SECONDS = 60.0
SETTINGS = {
    "PORTFOLIO_INITIAL_CASH": str(INITIAL_CASH),
    "PORTFOLIO_DATABASE_POOL_SIZE": str(POOL_SIZE),
    # A silent database costs a deadline each time.
    "PORTFOLIO_REQUEST_DEADLINE_SECONDS": "3",
    # Prices come when an operation asks for them; so what is stale is so because of the database.
    "PORTFOLIO_REFRESH_SECONDS": "3600",
    "PORTFOLIO_PRICE_MAX_AGE_SECONDS": "86400",
    "PORTFOLIO_LOG_LEVEL": "WARNING",
}


class World:
    """The service and all that it depends on. ``server`` and ``proxy`` are there on a MySQL-family database only."""

    def __init__(
        self,
        service: ServiceProcess,
        tables: Tables,
        exchange: StandInExchange,
        server: DatabaseServer | None,
        proxy: TcpProxy | None,
    ) -> None:
        self.service = service
        self.tables = tables
        self.exchange = exchange
        self.seen = Counter[str]()
        """How often things happened that faults are meant to bring about."""
        self._server = server
        self._proxy = proxy

    @property
    def is_sqlite(self) -> bool:
        """Return whether the database is the embedded one."""
        return self._server is None

    @property
    def server(self) -> DatabaseServer:
        """Return the database's server."""
        assert self._server is not None
        return self._server

    @property
    def proxy(self) -> TcpProxy:
        """Return the way from the service to its database."""
        assert self._proxy is not None
        return self._proxy

    async def kill(self) -> None:
        """End the service at once, as the kernel does when memory runs out."""
        await asyncio.to_thread(self.service.stop, signal.SIGKILL)

    async def terminate(self) -> int:
        """Tell the service to stop, and return its exit status."""
        return await asyncio.to_thread(self.service.stop)

    async def start(self) -> None:
        """Start the service again, on the port that it had."""
        await asyncio.to_thread(self.service.start)
        self.seen["restarts of the service"] += 1

    async def recover(self) -> None:
        """Return once the service could book again, without a restart."""

        async def ready() -> bool:
            return await asyncio.to_thread(self.service.answers, "/health/ready")

        await until(ready, "the service does not recover")

    async def verify(self) -> str:
        """Return what ``portfolio verify`` printed; it may find unreconciled, and nothing worse."""
        return await self._command("verify", ends_with={0, 1})

    async def reconcile(self) -> None:
        """Accept the unreconciled there is."""
        await self._command("reconcile", "--accept", ends_with={0})

    async def _command(self, *words: str, ends_with: set[int]) -> str:
        # With patience: the deadline of the service here is short for faults that no command meets.
        patient = {"PORTFOLIO_REQUEST_DEADLINE_SECONDS": "60"}
        done = await asyncio.to_thread(self.service.command, *words, **patient)
        assert done.returncode in ends_with, f"{words} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done.stdout


async def until(condition: Callable[[], Awaitable[bool]], complaint: str, seconds: float = RECOVERY_SECONDS) -> None:
    """Return once the condition holds; it is asked again and again."""
    give_up_at = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < give_up_at, f"{complaint} within {seconds:g} s"
        await asyncio.sleep(0.02)


async def reached(condition: Callable[[], bool], seconds: float) -> bool:
    """Return whether the condition came to hold in time."""
    give_up_at = time.monotonic() + seconds
    while not (holds := condition()) and time.monotonic() < give_up_at:  # noqa: ASYNC110  # it happens elsewhere
        await asyncio.sleep(0.002)
    return holds


@contextmanager
def mysql_world(server: DatabaseServer, name: str, folder: Path, settings: Mapping[str, str] = {}) -> Iterator[World]:
    """Yield a running service on databases of its own on ``server``, which it reaches through a proxy."""
    with ExitStack() as stack:
        database = server.create_database_pair(name)
        stack.callback(server.drop, name)
        proxy = stack.enter_context(TcpProxy(server.host, server.port))
        reached = replace(database, url=database.url.replace(f":{server.port}/", f":{proxy.port}/"))
        yield _enter(stack, reached, folder, settings, server, proxy)


@contextmanager
def sqlite_world(folder: Path, settings: Mapping[str, str] = {}) -> Iterator[World]:
    """Yield a running service on a database in a file."""
    with ExitStack() as stack:
        yield _enter(stack, sqlite_database_in(folder), folder, settings, None, None)


def _enter(
    stack: ExitStack,
    database: DatabaseUnderTest,
    folder: Path,
    settings: Mapping[str, str],
    server: DatabaseServer | None,
    proxy: TcpProxy | None,
) -> World:
    exchange = stack.enter_context(StandInExchange({**MARKET, "USDT": "1"}))
    feeds = {f"PORTFOLIO_{name}_URL": exchange.url for name in ("COINBASE", "BINANCE", "CANDLES")}
    service = ServiceProcess(
        database, folder, settings={"PORTFOLIO_PRICE_FEED": "exchanges", **feeds, **SETTINGS, **settings}
    )
    stack.enter_context(service)
    return World(service, Tables(database, server), exchange, server, proxy)
