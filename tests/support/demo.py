"""The demonstration's books: made once a test run, and copied for whoever serves or changes them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from tests.support.database.database_fixtures import RUN
from tests.support.database.databases import DatabaseUnderTest, sqlite_database_in

SEED = 8026


@pytest.fixture(scope="session")
def demo_file(pytestconfig: pytest.Config) -> Path:
    """The file of the demonstration's books of today, to be copied; all workers share it."""
    file = Path(pytestconfig.stash[RUN].folder, "demo.db")
    with FileLock(file.with_suffix(".lock")):
        if not file.exists():
            making = file.with_suffix(".making")
            make_demo(making)
            making.rename(file)
    return file


def make_demo(file: Path, seed: int = SEED) -> None:
    """Make the demonstration's books in a new file. Coverage is not measured: it takes three times as long with it."""
    command = [sys.executable, "-m", "portfolio", "demo", "--make", str(file), "--seed", str(seed)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)


def demo_copy(file: Path, folder: Path) -> DatabaseUnderTest:
    """Return a copy of the demonstration's books that a test may change."""
    shutil.copy(file, folder / "portfolio.db")
    return sqlite_database_in(folder)
