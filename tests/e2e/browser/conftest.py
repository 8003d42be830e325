"""The services that the browser looks at."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.demo import STILL, demo_copy
from tests.support.services.service import ServiceProcess
from tests.support.services.waiting import until


@pytest.fixture(scope="session")
def demo_service(backtested_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """The service on the demonstration's books with a backtest of them, open to this machine; to be read only."""
    folder = tmp_path_factory.mktemp("browser")
    with ServiceProcess(demo_copy(backtested_file, folder), folder, settings=STILL) as running:
        # Else prices come while a page is compared with an answer.
        asyncio.run(until(lambda: _is_refreshed(running.url)))
        yield running


def _is_refreshed(url: str) -> bool:
    health = httpx.get(f"{url}/health", timeout=30).json()
    return health["refresher"]["last_tick_age_seconds"] is not None
