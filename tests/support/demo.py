"""The demonstration's books, and these with a backtest: made once a run, copied for whoever serves or changes them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from filelock import FileLock

from tests.support.browser.backtested import backtested
from tests.support.database.database_fixtures import RUN
from tests.support.database.databases import DatabaseUnderTest, sqlite_database_in
from tests.support.services.service import ServiceProcess

SEED = 8026
# Prices do not change while they are compared, and do not go stale either.
STILL: Final = {"PORTFOLIO_REFRESH_SECONDS": "86400", "PORTFOLIO_PRICE_MAX_AGE_SECONDS": "86400"}


@pytest.fixture(scope="session")
def demo_file(pytestconfig: pytest.Config) -> Path:
    """The file of the demonstration's books of today, to be copied; all workers share it."""
    return _made_once(pytestconfig, "demo", make_demo)


@pytest.fixture(scope="session")
def backtested_file(pytestconfig: pytest.Config, demo_file: Path) -> Path:
    """The same with a backtest, computed by a service."""
    return _made_once(pytestconfig, "backtested", lambda file: make_backtested(demo_file, file))


def _made_once(config: pytest.Config, name: str, make: Callable[[Path], None]) -> Path:
    file = Path(config.stash[RUN].folder, f"{name}.db")
    with FileLock(file.with_suffix(".lock")):
        if not file.exists():
            making = file.with_suffix(".making")
            make(making)
            making.rename(file)
    return file


def make_demo(file: Path, seed: int = SEED) -> None:
    """Make the demonstration's books in a new file. Coverage is not measured: it takes three times as long with it."""
    command = [sys.executable, "-m", "portfolio", "demo", "--make", str(file), "--seed", str(seed)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)


def make_backtested(demo: Path, file: Path) -> None:
    """Copy the demonstration's books to a new file, and have a service compute a backtest of them."""
    with tempfile.TemporaryDirectory() as folder:
        database = demo_copy(demo, Path(folder))
        with ServiceProcess(database, Path(folder), settings=STILL) as service:
            backtested(service.url)
        assert not Path(folder, "portfolio.db-wal").exists(), "a part of the books is beside the file"
        shutil.copy(Path(folder, "portfolio.db"), file)


def demo_copy(file: Path, folder: Path) -> DatabaseUnderTest:
    """Return a copy of the demonstration's books that a test may change."""
    shutil.copy(file, folder / "portfolio.db")
    return sqlite_database_in(folder)
