"""Several instances of the service on one database, each as a user of its own: the database can tell them apart.

Triggers of the test's keep three lists, in the transactions of those who write: who took the lease with which token,
who wrote observed prices under which, and the price revisions. What they say does not depend on what any instance
believes.
Closes are no observed prices: whichever instance books an asset fetches them, and they have a price revision too.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.faults.harness.books import Tables
from tests.support.database.database_server import DatabaseServer
from tests.support.database.databases import DatabaseUnderTest
from tests.support.exchanges.exchange import StandInExchange
from tests.support.services.service import ServiceProcess

LEASE_SECONDS = 15.0
TRY_SECONDS = LEASE_SECONDS / 3

_AUDIT = (
    "CREATE TABLE {0}.audit_prices (id BIGINT AUTO_INCREMENT PRIMARY KEY, token BIGINT, writer TEXT)",
    "CREATE TABLE {0}.audit_revisions (id BIGINT AUTO_INCREMENT PRIMARY KEY, revision BIGINT)",
    "CREATE TABLE {0}.audit_leases (id BIGINT AUTO_INCREMENT PRIMARY KEY, token BIGINT, writer TEXT, overdue DOUBLE)",
    """
    CREATE TRIGGER {1}.prices_written AFTER INSERT ON {1}.portfolio_price_history FOR EACH ROW
    INSERT INTO {0}.audit_prices (token, writer)
    SELECT token, USER() FROM {0}.portfolio_leases WHERE name = 'prices' AND NEW.granularity = 'tick'
    """,
    """
    CREATE TRIGGER {0}.prices_changed AFTER UPDATE ON {0}.mock_portfolio FOR EACH ROW
    INSERT INTO {0}.audit_revisions (revision)
    SELECT NEW.price_revision FROM DUAL WHERE NEW.price_revision <> OLD.price_revision
    """,
    """
    CREATE TRIGGER {0}.lease_made AFTER INSERT ON {0}.portfolio_leases FOR EACH ROW
    INSERT INTO {0}.audit_leases (token, writer) SELECT NEW.token, USER() FROM DUAL WHERE NEW.name = 'prices'
    """,
    """
    CREATE TRIGGER {0}.lease_taken AFTER UPDATE ON {0}.portfolio_leases FOR EACH ROW
    INSERT INTO {0}.audit_leases (token, writer, overdue)
    SELECT NEW.token, USER(), TIMESTAMPDIFF(MICROSECOND, OLD.expires_at, UTC_TIMESTAMP(6)) / 1000000
    FROM DUAL WHERE NEW.name = 'prices' AND NEW.token <> OLD.token
    """,
)


@dataclass(frozen=True, slots=True)
class LeaseTaken:
    """A new holder of the lease; ``overdue_seconds`` after the one of before had let it run out, or had given it up."""

    token: int
    writer: str
    overdue_seconds: float | None


@dataclass(frozen=True, slots=True)
class PricesWritten:
    """A price that was observed and written: by whom, and under which token the lease was then."""

    token: int
    writer: str


class Fleet:
    """The instances, by name; the name is their user's at the database."""

    def __init__(
        self, instances: Mapping[str, ServiceProcess], tables: Tables, server: DatabaseServer, exchange: StandInExchange
    ) -> None:
        self.instances = dict(instances)
        self.tables = tables
        self.exchange = exchange
        self._server = server

    def start(self) -> None:
        """Start all at once."""
        with ThreadPoolExecutor(len(self.instances)) as pool:
            list(pool.map(ServiceProcess.start, self.instances.values()))

    def leaders(self) -> list[str]:
        """Return which instances say, one after the other, that they are the one that refreshes."""
        found = []
        for name, instance in self.instances.items():
            try:
                health = httpx.get(f"{instance.url}/health", timeout=2)
            except httpx.TransportError:
                continue
            if health.json()["refresher"]["leader"]:
                found.append(name)
        return found

    async def kill(self, name: str) -> None:
        """End an instance at once."""
        await asyncio.to_thread(self.instances[name].stop, signal.SIGKILL)

    async def restart(self, name: str) -> None:
        """Start a killed instance again, and return once it is ready."""
        await asyncio.to_thread(self.instances[name].start)

    def audit(self, prices_schema: str) -> None:
        """Have the database keep its lists from now on."""
        self._server.execute(*(statement.format(self.tables.ledger, prices_schema) for statement in _AUDIT))

    def leases_taken(self) -> list[LeaseTaken]:
        """Return every change of the lease's holder, in order."""
        rows = self.tables.rows("SELECT token, writer, overdue FROM audit_leases ORDER BY id")
        return [LeaseTaken(token, _name(writer), overdue) for token, writer, overdue in rows]

    def prices_written(self) -> list[PricesWritten]:
        """Return every price that was observed and written, in order."""
        rows = self.tables.rows("SELECT token, writer FROM audit_prices ORDER BY id")
        return [PricesWritten(token, _name(writer)) for token, writer in rows]

    def check_refreshers(self) -> None:
        """Make sure that prices were written by one instance at a time, and by nobody whose lease had passed on."""
        taken, written = self.leases_taken(), self.prices_written()
        tokens = [one.token for one in taken]
        assert tokens == list(range(1, len(tokens) + 1)), f"each holder has the next token: {tokens}"
        early = [one for one in taken if one.overdue_seconds is not None and one.overdue_seconds < 0]
        assert not early, f"taken while another held it: {early}"
        holders = {one.token: one.writer for one in taken}
        strangers = [one for one in written if holders[one.token] != one.writer]
        assert not strangers, f"written by who did not hold the lease: {strangers}"
        revisions = [revision for (revision,) in self.tables.rows("SELECT revision FROM audit_revisions ORDER BY id")]
        assert revisions == list(range(1, len(revisions) + 1))
        assert [one.token for one in written] == sorted(one.token for one in written), "an older token after a newer"


@contextmanager
def fleet(
    server: DatabaseServer,
    database: DatabaseUnderTest,
    folder: Path,
    count: int,
    prices: Mapping[str, str],
    settings: Mapping[str, str],
) -> Iterator[Fleet]:
    """Yield so many running instances, with the database's lists kept from before the first start."""
    with ExitStack() as stack:
        exchange = stack.enter_context(StandInExchange(dict(prices)))
        urls = {f"PORTFOLIO_{name}_URL": exchange.url for name in ("COINBASE", "BINANCE", "CANDLES")}
        environment = {"PORTFOLIO_PRICE_FEED": "exchanges", **urls, **settings}
        instances = {}
        for name in _users(server, database, count, stack):
            place = folder / name
            place.mkdir()
            mine = replace(database, url=database.url.replace(_user(database), name))
            instances[name] = ServiceProcess(mine, place, settings=environment)
            stack.push(instances[name].__exit__)
        made = Fleet(instances, Tables(database, server), server, exchange)
        next(iter(instances.values())).migrate()
        assert database.prices_schema is not None
        made.audit(database.prices_schema)
        made.start()
        yield made


def _users(server: DatabaseServer, database: DatabaseUnderTest, count: int, stack: ExitStack) -> Sequence[str]:
    """Make a user of the database for each instance, with the rights of the service."""
    service, password = _user(database), urlsplit(database.url).password
    names = [f"{service.removesuffix('_service')}_i{number}" for number in range(1, count + 1)]
    for name in names:
        server.execute(f"CREATE USER '{name}'@'%' IDENTIFIED BY '{password}'")
        stack.callback(server.execute, f"DROP USER '{name}'@'%'")
        for schema in (urlsplit(database.url).path.lstrip("/"), database.prices_schema):
            server.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON `{schema}`.* TO '{name}'@'%'")
    return names


def _user(database: DatabaseUnderTest) -> str:
    user = urlsplit(database.url).username
    assert user is not None
    return user


def _name(writer: str) -> str:
    return writer.partition("@")[0]
