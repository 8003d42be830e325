"""A service that is a module's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.demo import demo_copy
from tests.support.services.service import ServiceProcess


@pytest.fixture(scope="module")
def service(
    request: pytest.FixtureRequest, demo_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServiceProcess]:
    """The service on a copy of the demonstration's books, with the module's ``SETTINGS``, if it has any."""
    folder = tmp_path_factory.mktemp("demo")
    settings = getattr(request.module, "SETTINGS", None)
    with ServiceProcess(demo_copy(demo_file, folder), folder, settings=settings) as running:
        running.wait_for_prices()
        yield running
