"""The service as a process of its own, started by its own command, against a database of the test's."""

from __future__ import annotations

import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.migrated import bring_up_to_date
from tests.support.services.forked import ForkedProgram

PORTFOLIO = Path(sys.executable).with_name("portfolio")
READY_SECONDS = 60.0
COMMAND_SECONDS = 600.0


class ServiceProcess:
    """``portfolio serve`` on a free port of this machine, while it is entered; the schema is brought up to date before.

    It is forked from a process that has imported it, and so are its commands. Coverage is measured only where
    ``is_measured``, which doubles what a start and a booking take; such a service is started by its command.
    """

    program = PORTFOLIO
    is_forked = True

    def __init__(
        self,
        database: DatabaseUnderTest,
        folder: Path,
        *,
        settings: Mapping[str, str] | None = None,
        is_measured: bool = False,
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **_inherited("TEST_", *(() if is_measured else ("COVERAGE_",))),
            **database.environment,
            "PORTFOLIO_PORT": str(self.port),
            "PORTFOLIO_PRICE_FEED": "simulated",
            "PORTFOLIO_LOG_FILE": str(folder / "service.log"),
            "PORTFOLIO_RATE_LIMIT_PER_MINUTE": "1000000",
            "PORTFOLIO_RATE_LIMIT_BOOKINGS_PER_MINUTE": "1000000",
            **(settings or {}),
        }
        self._database = database
        self.is_forked &= not is_measured
        self._process: subprocess.Popen[bytes] | ForkedProgram | None = None

    @property
    def log_file(self) -> Path:
        """Where it logs to, unless a test says otherwise."""
        return self.folder / "service.log"

    @property
    def serve_command(self) -> Sequence[str | Path]:
        """What starts the process, where it is not forked."""
        return (self.program, "serve")

    def command(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a ``portfolio`` command on the same database and return what it printed."""
        environment = {**self.environment, **environment}
        if not self.is_forked:
            return subprocess.run(
                [self.program, *words],
                env=environment,
                cwd=self.folder,
                capture_output=True,
                text=True,
                timeout=COMMAND_SECONDS,
                check=False,
            )
        with tempfile.TemporaryDirectory() as printed:
            output, errors = Path(printed, "output"), Path(printed, "errors")
            forked = ForkedProgram(words, environment, self.folder, output, errors)
            try:
                status = forked.wait(COMMAND_SECONDS)
            finally:
                forked.kill()
            return subprocess.CompletedProcess(words, status, output.read_text(), errors.read_text())

    def migrate(self) -> None:
        """Bring the schema up to date in this process, which has loaded all that it takes."""
        bring_up_to_date(self._database)

    def migrate_by_command(self) -> None:
        """Bring the schema up to date with ``portfolio migrate``, as the user who may."""
        done = self.command("migrate", PORTFOLIO_DATABASE_URL=self._database.migration_url)
        assert done.returncode == 0, done.stderr + done.stdout

    @property
    def process(self) -> subprocess.Popen[bytes] | ForkedProgram:
        """The running process."""
        assert self._process is not None
        return self._process

    def start(self, *, until: str = "/health/ready") -> None:
        """Start the process and return once it answers ``until`` with 200."""
        self._process = self._started()
        deadline = time.monotonic() + READY_SECONDS
        while not self.answers(until):
            assert self._process.poll() is None, f"it ended with {self._process.returncode}:\n{self.output()}"
            assert time.monotonic() < deadline, f"it is not ready:\n{self.output()}"
            time.sleep(0.02)

    def _started(self) -> subprocess.Popen[bytes] | ForkedProgram:
        output = self.folder / "out.log"
        if self.is_forked:
            return ForkedProgram(("serve",), self.environment, self.folder, output, output)
        with output.open("ab") as printed:
            return subprocess.Popen(
                self.serve_command, env=self.environment, cwd=self.folder, stdout=printed, stderr=subprocess.STDOUT
            )

    def answers(self, path: str) -> bool:
        """Return whether it answers 200, by the plainest of clients: while the service starts, every cycle is its."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def output(self) -> str:
        """What the process printed; nothing where that goes into a pipe, which would be waited for."""
        printed = self.folder / "out.log"
        return printed.read_text() if printed.is_file() else ""

    def log(self) -> str:
        """Return the log file with all that was logged until now; lines are written in their order, moments later."""
        last = secrets.token_hex(8)
        httpx.get(self.url + "/health", headers={"X-Request-ID": last}, timeout=30.0)
        deadline = time.monotonic() + READY_SECONDS
        while last not in (text := self.log_file.read_text() if self.log_file.exists() else ""):
            assert time.monotonic() < deadline, f"its last line is not in the log:\n{text[-2000:]}"
            time.sleep(0.02)
        return text

    def wait_for_prices(self) -> None:
        """Return once prices were refreshed: else they may come while two answers are compared."""
        deadline = time.monotonic() + READY_SECONDS
        while self.get("/health")["refresher"]["last_tick_age_seconds"] is None:
            assert time.monotonic() < deadline, f"no prices came:\n{self.output()}"
            time.sleep(0.02)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal, wait for the end, and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(timeout=30)

    def client(self, **options: Any) -> httpx.AsyncClient:
        """Return a client for the service."""
        return httpx.AsyncClient(base_url=self.url, timeout=60.0, **options)

    def get(self, path: str) -> Any:
        """Return the JSON of an answer, which has to be 200."""
        answer = httpx.get(self.url + path, timeout=30.0)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def __enter__(self) -> Self:
        self.migrate()
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self.stop()


class ServiceByCommand(ServiceProcess):
    """The service as it is started by its own command, or by what says ``serve_command``."""

    is_forked = False


def _inherited(*without: str) -> Mapping[str, str]:
    """The environment, but for what is said to the tests themselves."""
    return {name: value for name, value in os.environ.items() if not name.startswith(without)}


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
