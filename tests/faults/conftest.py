"""The worlds in which faults are injected, and how long the runs are."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import pytest

from tests.faults.harness.hostile import SETTINGS, Hostile
from tests.faults.harness.world import World, mysql_world, sqlite_world
from tests.support.database.database_run import own_server
from tests.support.database.database_server import DatabaseServer
from tests.support.database.databases import DatabaseUnderTest
from tests.support.services.service import ServiceProcess


class EnterWorld(Protocol):
    """Makes a world with these settings of the service."""

    def __call__(self, settings: Mapping[str, str] = {}) -> AbstractContextManager[World]:
        """Return the world, to be entered."""
        ...


@pytest.fixture(scope="module")
def fragile_mariadb() -> Iterator[DatabaseServer]:
    """A server of this module's own, to be killed, frozen and switched as its tests like."""
    with own_server() as server:
        yield server


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


@pytest.fixture
def hostile(database: DatabaseUnderTest, tmp_path: Path) -> Iterator[Hostile]:
    """A service of its own with two bookings, on each kind of database in turn."""
    with ServiceProcess(database, tmp_path, settings=SETTINGS) as service:
        found = Hostile(service, database)
        assert found.book("one").status_code == found.book("two", "ETH", quantity=2).status_code == 200
        yield found
