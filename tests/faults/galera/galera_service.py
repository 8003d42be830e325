"""The service on a cluster's node, and how a test waits for what has to come about."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.faults.galera.galera_writers import Writers
from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.galera_cluster import GaleraCluster
from tests.support.services.service import ServiceProcess

SETTINGS = {"PORTFOLIO_INITIAL_CASH": "1000000000", "PORTFOLIO_REFRESH_SECONDS": "2"}
AWAIT_SECONDS = 90.0


def service_on(
    cluster: GaleraCluster, place: DatabaseUnderTest, folder: Path, *, first: int = 0, **settings: str
) -> ServiceProcess:
    """The service with its URL on node ``first`` and the others as further hosts."""
    folder.mkdir(exist_ok=True)
    return ServiceProcess(
        place_on(cluster, place, first), folder, settings={**SETTINGS, **cluster.settings(first), **settings}
    )


def place_on(cluster: GaleraCluster, place: DatabaseUnderTest, number: int) -> DatabaseUnderTest:
    """The same databases, on another node."""
    return DatabaseUnderTest(
        kind="mysql",
        url=cluster.url_on(cluster.nodes[number], place.url),
        migration_url=place.migration_url,
        prices_schema=place.prices_schema,
    )


def report(name: str, writers: Writers, **figures: object) -> None:
    """Print what a run came to."""
    words = ", ".join(f"{what} {figure}" for what, figure in figures.items())
    print(
        f"\n{name}: {len(writers.acknowledged)} acknowledged, answers {dict(writers.answers)}, "
        f"longest to a definite answer {writers.longest_seconds:.1f} s{', ' if words else ''}{words}"
    )


async def eventually(holds: Callable[[], object]) -> float:
    """Return after how many seconds it held."""
    started = time.monotonic()
    while not await asyncio.to_thread(holds):
        assert time.monotonic() - started < AWAIT_SECONDS, "it does not come about"
        await asyncio.sleep(0.1)
    return time.monotonic() - started


def book(service: ServiceProcess, body: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a booking, which has to be taken."""
    answer = try_to_book(service, body)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


def try_to_book(service: ServiceProcess, body: Mapping[str, Any]) -> httpx.Response:
    """The answer to a booking, whatever it is."""
    return httpx.post(f"{service.url}/holdings/update", json=body, timeout=40)


def is_ready(service: ServiceProcess) -> bool:
    """Whether the service says that a booking could be committed now."""
    return httpx.get(f"{service.url}/health/ready", timeout=30).status_code == 200
