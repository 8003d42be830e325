"""The services that the browser looks at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.demo import STILL, demo_copy
from tests.support.services.service import ServiceProcess


@pytest.fixture(scope="session")
def demo_service(backtested_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """The service on the demonstration's books with a backtest of them, open to this machine; to be read only."""
    folder = tmp_path_factory.mktemp("browser")
    with ServiceProcess(demo_copy(backtested_file, folder), folder, settings=STILL) as running:
        running.wait_for_prices()
        yield running
