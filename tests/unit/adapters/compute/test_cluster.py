"""A local Dask cluster in place of the worker processes: the same bytes, and an end for what it loses."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import dask
import pytest
from distributed import LocalCluster, Security

from portfolio.adapters.compute import cluster as module
from portfolio.adapters.compute.cluster import Cluster
from portfolio.adapters.compute.optimiser import SpawnedOptimiser
from portfolio.analytics.optimisation.problem import Objective, TurnoverTooSmall
from portfolio.application.backtest.jobs.slices import advanced, begun
from portfolio.application.backtest.request import Kind, Start, Sweep
from portfolio.application.errors import ComputationFailed, ComputationLate, ConfigurationInvalid, NotInstalled
from portfolio.application.optimisation.records import Targets
from tests.support.backtests import named, panel_from, request_of, walk
from tests.support.fakes.compute import InThisProcess, chosen_here
from tests.support.fakes.fake_backtests import FakeBacktests
from tests.support.optimisation import MEANS, ORTHANT, problem, uncorrelated
from tests.support.services.unmeasured import unmeasured
from tests.unit.adapters.compute.computed import CountedTrials, outcome_of

LONG = 60.0


def started(workers: int = 2, port: int = 0, security: Any = None) -> Any:
    """A cluster on free ports of this machine; of its pages for people there are none, as bokeh is not installed."""
    with unmeasured():
        return LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            scheduler_port=port,
            security=security,
            protocol="tls" if security else "tcp",
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address="127.0.0.1:0",
        )


@pytest.fixture(scope="module")
def local() -> Iterator[Any]:
    with started() as made:
        yield made


@pytest.fixture
async def cluster(local: Any) -> AsyncIterator[Cluster]:
    made = Cluster(local.scheduler_address)
    yield made
    await made.close()


async def test_it_runs_elsewhere_with_one_thread_of_linear_algebra(cluster: Cluster) -> None:
    assert cluster.spare == 0, "nobody was asked yet"
    assert await cluster.run(os.getpid, seconds=LONG) != os.getpid()
    assert cluster.spare == 2
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        assert await cluster.run(os.getenv, name, seconds=LONG) == "1"
    at_work = asyncio.create_task(cluster.run(time.sleep, 0.2, seconds=LONG))
    await asyncio.sleep(0)
    assert cluster.spare == 1
    await at_work


async def test_weights_are_those_of_this_process_and_so_is_what_is_raised(cluster: Cluster) -> None:
    one = problem(Objective.MAX_SHARPE, uncorrelated(MEANS), ORTHANT)
    found = await SpawnedOptimiser(cluster).optimise(one, seconds=LONG)
    assert found.weights == (await InThisProcess().optimise(one, seconds=LONG)).weights
    limits = [((place,), 0.1) for place in range(4)]
    tight = problem(Objective.MIN_VARIANCE, uncorrelated(), limits, current=[0.5, 0.0, 0.0, 0.0], turnover=0.1)
    with pytest.raises(TurnoverTooSmall) as refused:
        await SpawnedOptimiser(cluster).optimise(tight, seconds=LONG)
    assert refused.value.least == pytest.approx(0.4)


async def test_a_sweep_on_the_cluster_comes_to_the_same_bytes(cluster: Cluster) -> None:
    panel = panel_from(walk(150, 4, 3), named(4))
    targets = Targets(objective=Objective.MIN_CVAR, symbols=tuple(named(4)), days=90)
    limits = tuple(Decimal(n) / 100 for n in range(30, 54))
    wanted = request_of(
        panel,
        begins=90,
        kind=Kind.TARGETS,
        optimise=targets,
        start=Start.CASH,
        every_days=10,
        sweep=Sweep(grid={"position_limit": limits}),
    )
    given = begun(wanted, panel, None)
    whole = advanced(given, None, is_over=lambda: False, solve=chosen_here)
    # Both workers have imported what they need: else the first one is done before the second one has.
    aside = problem(Objective.MIN_CVAR, uncorrelated(MEANS), ORTHANT)
    await asyncio.gather(*(SpawnedOptimiser(cluster).optimise(aside, seconds=LONG) for _ in range(4)))
    there = CountedTrials(cluster, slice_seconds=0.05)
    assert await outcome_of(given, there, FakeBacktests(now=datetime.now(UTC))) == whole.outcome
    assert there.trials > 0


async def test_what_is_late_is_not_waited_for(cluster: Cluster) -> None:
    await cluster.run(os.getpid, seconds=LONG)
    with pytest.raises(ComputationLate, match=r"0\.2 seconds"):
        await cluster.run(time.sleep, 0.5, seconds=0.2)
    at_work = asyncio.create_task(cluster.run(time.sleep, 0.5, seconds=LONG))
    await asyncio.sleep(0.05)
    at_work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await at_work
    assert await cluster.run(os.getpid, seconds=LONG) != os.getpid()


async def test_a_worker_that_dies_at_it_is_a_failure(cluster: Cluster) -> None:
    with pytest.raises(ComputationFailed, match="ended; ask again"):
        await cluster.run(os._exit, 9, seconds=LONG)
    assert await cluster.run(os.getpid, seconds=LONG) != os.getpid()


async def test_more_memory_than_a_worker_has_is_a_failure(cluster: Cluster) -> None:
    with pytest.raises(ComputationFailed, match="memory"):
        await cluster.run(bytearray, 1 << 62, seconds=LONG)


async def test_a_cluster_that_goes_away_is_waited_for_and_joined_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONNECT_SECONDS", 0.5)
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.05)
    first = await asyncio.to_thread(started, 1)
    address = first.scheduler_address
    cluster = Cluster(address)
    try:
        await cluster.run(os.getpid, seconds=LONG)
        at_work = asyncio.create_task(cluster.run(time.sleep, 30, seconds=LONG))
        await asyncio.sleep(0.2)
        await asyncio.to_thread(first.close)
        with pytest.raises(ComputationFailed):
            await at_work
        with pytest.raises(ComputationLate):
            await cluster.run(os.getpid, seconds=1.0)
        port = int(address.rpartition(":")[2])
        second = await asyncio.to_thread(started, 1, port)
        try:
            assert await cluster.run(os.getpid, seconds=LONG) != os.getpid()
        finally:
            await asyncio.to_thread(second.close)
        waits = asyncio.create_task(cluster.run(os.getpid, seconds=LONG))
        await asyncio.sleep(0.1)
        await cluster.close()
        with pytest.raises(ComputationFailed):
            await waits
    finally:
        await cluster.close()


async def test_an_encrypted_cluster_takes_the_certificates_of_dask_s_configuration(tmp_path: Path) -> None:
    made = Security.temporary()
    files = {}
    for name, text in (("ca-file", made.tls_ca_file), ("cert", made.tls_client_cert), ("key", made.tls_client_key)):
        files[name] = tmp_path / name
        files[name].write_text(text)
    given = {
        "distributed.comm.tls.ca-file": str(files["ca-file"]),
        "distributed.comm.tls.client.cert": str(files["cert"]),
        "distributed.comm.tls.client.key": str(files["key"]),
    }
    local = await asyncio.to_thread(started, 1, security=made)
    try:
        assert local.scheduler_address.startswith("tls://")
        with pytest.raises(ConfigurationInvalid, match="DASK_DISTRIBUTED__COMM__TLS__CA_FILE"):
            Cluster(local.scheduler_address)
        missing = {**given, "distributed.comm.tls.ca-file": str(tmp_path / "none")}
        with dask.config.set(missing), pytest.raises(ConfigurationInvalid, match="cannot be read"):
            Cluster(local.scheduler_address)
        with dask.config.set(given):
            cluster = Cluster(local.scheduler_address)
            assert await cluster.run(os.getpid, seconds=LONG) != os.getpid()
        await cluster.close()
    finally:
        await asyncio.to_thread(local.close)


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(NotInstalled, match=r"distributed is not installed here: .*portfolio\[dask\]"):
        Cluster("tls://scheduler:8786")
