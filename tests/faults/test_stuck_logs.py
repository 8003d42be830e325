"""A terminal, a pipe or a file that takes no more of the log holds up nothing: neither an answer nor the stop."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import httpx

from tests.support.database.databases import DatabaseUnderTest
from tests.support.services.service import ServiceByCommand, ServiceProcess

PIPE_BYTES = 64 * 1024


class StuckTerminal(ServiceByCommand):
    """A service whose standard error is a pipe that nobody reads."""

    @property
    def serve_command(self) -> Sequence[str | Path]:
        """Opened for reading too, a pipe is open at once and never closed; what is written stays in it."""
        pipe = self.folder / "stderr"
        os.mkfifo(pipe)
        return ("sh", "-c", 'exec "$0" serve 2<>"$1"', self.program, pipe)


def served(service: ServiceProcess, client: httpx.Client, *, log_bytes: int) -> int:
    """Ask until so much was logged, and return the number of answers."""
    asked = log_bytes // 200  # a line has more
    assert all(client.get(service.url + "/health/ready").status_code == 200 for _ in range(asked))
    return asked


def test_a_terminal_that_takes_no_more_holds_up_neither_answers_nor_the_file_nor_the_stop(
    sqlite_database: DatabaseUnderTest, tmp_path: Path
) -> None:
    with StuckTerminal(sqlite_database, tmp_path) as service, httpx.Client(timeout=10) as client:
        asked = served(service, client, log_bytes=2 * PIPE_BYTES)
        assert service.log().count("request.served") >= asked
        assert service.stop() == 0
    assert "Finished server process" in service.log_file.read_text().splitlines()[-1]


def test_a_log_file_that_cannot_even_be_opened_holds_up_neither_answers_nor_the_stop(
    sqlite_database: DatabaseUnderTest, tmp_path: Path
) -> None:
    pipe = tmp_path / "nobody-reads"
    os.mkfifo(pipe)
    service = ServiceProcess(sqlite_database, tmp_path, settings={"PORTFOLIO_LOG_FILE": str(pipe)})
    with service, httpx.Client(timeout=10) as client:
        served(service, client, log_bytes=PIPE_BYTES)
        assert service.stop() == 0
    assert "request.served" in service.output()
