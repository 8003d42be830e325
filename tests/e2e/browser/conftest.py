"""The services that the browser looks at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.browser.backtested import backtested
from tests.support.demo import demo_copy
from tests.support.services.service import ServiceProcess

# Prices do not change while they are compared, and do not go stale either.
STILL = {"PORTFOLIO_REFRESH_SECONDS": "86400", "PORTFOLIO_PRICE_MAX_AGE_SECONDS": "86400"}


@pytest.fixture(scope="session")
def demo_service(demo_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """The service on the demonstration's books with a backtest of them, open to this machine; to be read only."""
    folder = tmp_path_factory.mktemp("browser")
    with ServiceProcess(demo_copy(demo_file, folder), folder, settings=STILL) as running:
        backtested(running.url)
        yield running
