"""The fixtures that hand out databases. Nothing is skipped: without its server a test is an error."""

import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.database.database_run import DatabaseRun, own_server
from tests.support.database.database_server import DatabaseServer
from tests.support.database.databases import DatabaseUnderTest, sqlite_database_in

RUN = pytest.StashKey[DatabaseRun]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin a run, or join that of the process which started this worker."""
    shared = getattr(config, "workerinput", {}).get("database_run")
    config.stash[RUN] = DatabaseRun(*shared) if shared is not None else DatabaseRun.begin(os.getpid())


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Tell a worker which run it belongs to."""
    run = node.config.stash[RUN]  # type: ignore[attr-defined]  # xdist has no types
    node.workerinput["database_run"] = (run.folder, run.owner_pid)  # type: ignore[attr-defined]  # xdist's, of each worker


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the server when the whole run has ended."""
    if RUN in config.stash and not hasattr(config, "workerinput"):
        config.stash[RUN].end()


@pytest.fixture(scope="session")
def mariadb(pytestconfig: pytest.Config) -> DatabaseServer:
    """The MySQL-family server that all tests share: to be asked, never to be stopped or paused."""
    return pytestconfig.stash[RUN].server()


@pytest.fixture
def private_mariadb() -> Iterator[DatabaseServer]:
    """A server for this test alone: to be stopped, killed, paused and started at will (costs seconds)."""
    with own_server() as server:
        yield server


@pytest.fixture
def mysql_database(mariadb: DatabaseServer, request: pytest.FixtureRequest) -> Iterator[DatabaseUnderTest]:
    """Two empty databases on the shared server, ledger and prices, for this test alone."""
    hint = re.sub(r"[^a-z0-9]+", "_", request.node.name.lower().removeprefix("test_"))[:9].rstrip("_")
    name = f"t_{hint}_{secrets.token_hex(4)}"
    try:
        yield mariadb.create_database_pair(name)
    finally:
        mariadb.drop(name)


@pytest.fixture
def sqlite_database(tmp_path: Path) -> DatabaseUnderTest:
    """An empty SQLite database in a file of this test's own."""
    return sqlite_database_in(tmp_path)


@pytest.fixture(params=["sqlite", "mysql"])
def database(request: pytest.FixtureRequest) -> DatabaseUnderTest:
    """Each kind of database in turn."""
    chosen: DatabaseUnderTest = request.getfixturevalue(f"{request.param}_database")
    return chosen
