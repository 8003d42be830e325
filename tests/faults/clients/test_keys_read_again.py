"""SIGHUP has a running service read its API keys again; what cannot be read leaves those there were."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from portfolio import __version__
from portfolio.adapters.database.schema.revision import SCHEMA_REVISION
from tests.faults.feeds.priced_service import until
from tests.support.database.databases import DatabaseUnderTest
from tests.support.services.service import ServiceProcess

OLD, NEW = "o" * 20, "n" * 20


def status(service: ServiceProcess, secret: str) -> int:
    return httpx.get(f"{service.url}/positions", headers={"X-TRADING-API-KEY": secret}, timeout=30).status_code


def events(service: ServiceProcess, name: str) -> list[Mapping[str, Any]]:
    return [entry for entry in map(json.loads, service.log().splitlines()) if entry["event"] == name]


def hang_up(service: ServiceProcess, file: Path, text: str, *, answer: str, times: int = 1) -> None:
    """Write the keys, send the signal, and return when the service has answered it in its log."""
    file.write_text(text)
    service.process.send_signal(signal.SIGHUP)
    until(lambda: len(events(service, answer)) == times, what=answer)


def test_keys_are_read_again_at_a_hangup_and_bad_ones_leave_those_there_were(
    sqlite_database: DatabaseUnderTest, tmp_path: Path
) -> None:
    file = tmp_path / "keys"
    file.write_text(f"engine:read:{OLD}\n")
    file.chmod(0o600)
    with ServiceProcess(sqlite_database, tmp_path, settings={"PORTFOLIO_API_KEYS_FILE": str(file)}) as service:
        assert (status(service, OLD), status(service, NEW)) == (200, 401)
        hang_up(service, file, f"engine:read:{NEW}\nother:read:{'x' * 20}\n", answer="keys.read")
        assert (status(service, OLD), status(service, NEW)) == (401, 200)
        assert events(service, "keys.read")[0]["keys"] == 2
        # Neither a mistake nor an empty file opens the service, or shuts those out who had a key.
        hang_up(service, file, "engine:everything:short\n", answer="keys.not_read")
        hang_up(service, file, "", answer="keys.not_read", times=2)
        assert (status(service, NEW), status(service, "")) == (200, 401)
        assert NEW not in service.log()


def test_the_start_line_says_which_version_for_which_schema_on_which_database(
    sqlite_database: DatabaseUnderTest, tmp_path: Path
) -> None:
    with ServiceProcess(sqlite_database, tmp_path) as service:
        [line] = events(service, "service.starting")
        assert line["level"] == "info"
        assert (line["version"], line["schema"]) == (__version__, SCHEMA_REVISION)
        assert line["database"].endswith(".db")
        assert (line["port"], line["prices"]) == (service.port, "simulated")
