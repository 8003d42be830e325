"""The fixtures of the Galera tests: one cluster for all of them, whole again before each."""

import secrets
from collections.abc import Iterator

import pytest

from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.galera_cluster import GaleraCluster


@pytest.fixture(scope="session")
def whole_cluster() -> Iterator[GaleraCluster]:
    """Three nodes, started when a test first asks."""
    with GaleraCluster() as cluster:
        yield cluster


@pytest.fixture
def cluster(whole_cluster: GaleraCluster) -> Iterator[GaleraCluster]:
    """The cluster with all nodes up, to be killed, paused and started at will."""
    whole_cluster.mend()
    yield whole_cluster
    whole_cluster.mend()


@pytest.fixture
def place(cluster: GaleraCluster) -> DatabaseUnderTest:
    """Two empty databases on all nodes; the URLs name the first."""
    return cluster.create_database_pair(f"g_{secrets.token_hex(4)}")
