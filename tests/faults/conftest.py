"""The worlds in which faults are injected, and how long the runs are."""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import pytest

from tests.faults.harness.world import World, mysql_world, sqlite_world
from tests.support.database.database_run import launch_server
from tests.support.database.database_server import DatabaseServer

# Each case of these starts processes: `make test` has the first cases of each rule, `make faults` all of them.
CASES = {"test_start.py": 3, "test_database_file.py": 4, "test_database_options.py": 3, "test_vanishing.py": 3}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the later cases of a rule to the long runs."""
    seen: Counter[tuple[str, str]] = Counter()
    for item in items:
        rule = item.path.name, item.name.partition("[")[0]
        seen[rule] += 1
        if seen[rule] > CASES.get(item.path.name, len(items)):
            item.add_marker(pytest.mark.faults_long)


class EnterWorld(Protocol):
    """Makes a world with these settings of the service."""

    def __call__(self, settings: Mapping[str, str] = {}) -> AbstractContextManager[World]:
        """Return the world, to be entered."""
        ...


@pytest.fixture(scope="module")
def fragile_mariadb() -> Iterator[DatabaseServer]:
    """A server of this module's own, to be killed, frozen and switched as its tests like."""
    server = launch_server(owner_pid=os.getpid())
    try:
        yield server
    finally:
        server.destroy()


@pytest.fixture(params=["sqlite", "mysql"])
def new_world(request: pytest.FixtureRequest, tmp_path: Path) -> EnterWorld:
    """Each kind of database in turn, with nothing in its books."""
    if request.param == "sqlite":
        return lambda settings={}: sqlite_world(tmp_path, settings)
    server = request.getfixturevalue("fragile_mariadb")
    return lambda settings={}: mysql_world(server, f"f_{secrets.token_hex(4)}", tmp_path, settings)


@pytest.fixture(scope="module")
def mysql_service(fragile_mariadb: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A service whose database is reached through a proxy; the tests of a module share it, and its books."""
    with mysql_world(fragile_mariadb, f"f_{secrets.token_hex(4)}", tmp_path_factory.mktemp("mysql")) as world:
        yield world


@pytest.fixture(scope="module", params=["sqlite", "mysql"])
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A service on each kind of database in turn; the tests of a module share it, and its books."""
    if request.param == "mysql":
        yield request.getfixturevalue("mysql_service")
        return
    with sqlite_world(tmp_path_factory.mktemp("sqlite")) as world:
        yield world


@pytest.fixture
def seed() -> int:
    """What FAULTS_SEED says; else the day's own, which every failure names."""
    given = os.environ.get("FAULTS_SEED")
    return int(given) if given else secrets.randbelow(10**9)


@pytest.fixture
def operations() -> int:
    """How many operations a long run has."""
    return int(os.environ.get("FAULTS_OPERATIONS") or 10_000)
