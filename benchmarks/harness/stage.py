"""What every row is measured on: one database server, one stand-in exchange, and the processes under test."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import httpx
import msgspec

from benchmarks.harness.bare import FOLDER
from benchmarks.harness.load import Burst, LoadGenerator, Result
from tests.support.database.database_run import AnyServer, launch_server
from tests.support.database.databases import DatabaseUnderTest
from tests.support.services.service import PORTFOLIO, ServiceByCommand

# Durable commits, as the tests' server has them anyway; room for a million trades.
SERVER_OPTIONS = (
    "--innodb-buffer-pool-size=512M",
    "--loose-innodb-log-file-size=256M",  # MariaDB's name; MySQL 9 has the next one alone
    "--loose-innodb-redo-log-capacity=256M",
    "--loose-log-raw=ON",  # MySQL's log of statements has messages, as MariaDB's, and not each statement of them
)
KEY = "bench-0123456789abcdef0123456789abcdef"
HEADERS = {"X-TRADING-API-KEY": KEY}
FEED_SECONDS = 0.05
FEED_SYMBOLS = 200


class Service(ServiceByCommand):
    """The service with a key, and what the rows ask of it."""

    def migrate(self) -> None:
        """Bring the schema up to date: another version's by its own command."""
        if self.program == PORTFOLIO:
            super().migrate()
        else:
            self.migrate_by_command()

    def http(self) -> httpx.Client:
        """Return a client that has the key."""
        return httpx.Client(base_url=self.url, headers=HEADERS, timeout=120.0)

    def burst(self, path: str, **options: object) -> Burst:
        """Return a burst of requests for this process."""
        return msgspec.convert({"port": self.port, "path": path, "headers": HEADERS, **options}, Burst)


class Bare(Service):
    """The floors behind the service's own layers."""

    layers = "layered"

    @property
    def serve_command(self) -> Sequence[str | Path]:
        """What starts the process."""
        return (sys.executable, "-m", "benchmarks.harness.bare", self.layers)


class Naked(Bare):
    """The floors on Litestar alone."""

    layers = "naked"


@dataclass(kw_only=True)
class Stage:
    """Starts what a row asks for, and ends it with the run.

    ``program`` is the service to be measured; ``name`` begins the names of its databases.
    """

    server: AnyServer
    folder: Path
    feed_url: str
    load: LoadGenerator
    is_quick: bool
    program: Path = PORTFOLIO
    name: str = ""
    _open: ExitStack = field(default_factory=ExitStack)
    _names: set[str] = field(default_factory=set)
    _floors: dict[type[Service], Service] = field(default_factory=dict)

    @property
    def floor_folder(self) -> Path:
        """Return where the floors find what they answer."""
        return self.folder / "floors"

    def rounds(self, usual: int) -> int:
        """Return how often to measure by turns: as often as usual, or once where it has to be quick."""
        return 1 if self.is_quick else usual

    def seconds(self, usual: float) -> float:
        """Return how long a burst is."""
        return 0.3 if self.is_quick else usual

    def database(self, name: str) -> DatabaseUnderTest:
        """Return a new pair of empty databases."""
        assert name not in self._names
        self._names.add(name)
        return self.server.create_database_pair(f"{self.name}{name}")

    def service(
        self, name: str, database: DatabaseUnderTest, kind: type[Service] = Service, **settings: str
    ) -> Service:
        """Return a service that has not been started, on migrated books; it is stopped with the run."""
        folder = self.folder / name
        folder.mkdir(parents=True)
        service = kind(database, folder, settings={**self._settings(), **settings})
        service.environment["PYTHONPATH"] = str(Path(__file__).parents[2])
        service.environment[FOLDER] = str(self.floor_folder)
        # As the service has it: of two threads, on two cores that others need too, a product waits for the second.
        service.environment["OPENBLAS_NUM_THREADS"] = "1"
        if kind is Service:
            service.program = self.program
        self._open.callback(service.__exit__, None, None, None)
        service.migrate()
        return service

    def running(self, name: str, database: DatabaseUnderTest | None = None, **settings: str) -> Service:
        """Return a service that is ready, on new books if none are given."""
        service = self.service(name, database or self.database(name), Service, **settings)
        service.start()
        return service

    def floor(self, kind: type[Service]) -> Service:
        """Return the process of the floors, started when first asked for."""
        if kind not in self._floors:
            service = self.service(kind.__name__.lower(), self.database(f"floor_{kind.__name__.lower()}"), kind)
            self.offer("ready.json", b"{}")
            service.start(until="/bare/bytes/ready.json" if kind is Naked else "/health/ready")
            self._floors[kind] = service
        return self._floors[kind]

    def offer(self, name: str, body: bytes) -> None:
        """Have the floors answer these bytes under this name, which has to be new."""
        self.floor_folder.mkdir(parents=True, exist_ok=True)
        (self.floor_folder / name).write_bytes(body)

    def rate(self, burst: Burst) -> float:
        """Return the answers a second."""
        return self.load.run(burst).rate

    def latency_ms(self, burst: Burst) -> float:
        """Return the median time that an answer took."""
        return median_latency_ms(self.load.run(burst))

    def beside(self, program: Path) -> Stage:
        """Return a stage for another version, with floors of its own, on the same server."""
        other = Stage(
            server=self.server,
            folder=self.folder / "beside",
            feed_url=self.feed_url,
            load=self.load,
            is_quick=self.is_quick,
            program=program,
            name="o_",
        )
        self._open.callback(other.close)
        return other

    def close(self) -> None:
        """End all services."""
        self._open.close()

    def _settings(self) -> Mapping[str, str]:
        feed = {f"PORTFOLIO_{name}_URL": self.feed_url for name in ("COINBASE", "BINANCE", "CANDLES")}
        return {
            **feed,
            "PORTFOLIO_PRICE_FEED": "exchanges",
            "PORTFOLIO_API_KEYS": f"bench:read+trade+admin:{KEY}",
            "PORTFOLIO_INITIAL_CASH": "1000000000000",
            # A row refreshes when it wants to, not in the middle of another's measurement.
            "PORTFOLIO_REFRESH_SECONDS": "86400",
            "PORTFOLIO_PRICE_MAX_AGE_SECONDS": "86400",
        }


@contextmanager
def stage(*, is_quick: bool) -> Iterator[Stage]:
    """Yield a stage with a database server and an exchange of its own."""
    with tempfile.TemporaryDirectory(prefix="portfolio-bench-") as folder, ExitStack() as stack:
        server = launch_server(owner_pid=os.getpid(), options=SERVER_OPTIONS)
        stack.callback(server.destroy)
        feed_url = stack.enter_context(_feed())
        load = stack.enter_context(LoadGenerator())
        found = Stage(server=server, folder=Path(folder), feed_url=feed_url, load=load, is_quick=is_quick)
        stack.callback(found.close)
        yield found


@contextmanager
def _feed() -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.harness.feed", str(FEED_SECONDS), str(FEED_SYMBOLS)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait(timeout=30)


def median_latency_ms(result: Result) -> float:
    """Return the median of answers that were all 200."""
    result.check()
    return median(result.latencies_ms)


def fsync_ms(folder: Path, times: int = 200) -> float:
    """Return what it takes to have a block on the disk that ``folder`` is on, as each commit has to: the median."""
    taken = []
    with (folder / "fsync").open("wb", buffering=0) as file:
        for _ in range(times):
            started = time.perf_counter()
            file.write(b"x" * 512)
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - started)
    return median(taken) * 1e3
