"""A service that sends what it computes to a Dask cluster answers the same as one with a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from distributed import LocalCluster

from tests.support.browser.backtested import backtested
from tests.support.demo import STILL, demo_copy
from tests.support.services.service import ServiceProcess
from tests.support.services.unmeasured import unmeasured


@pytest.fixture(scope="module")
def services(
    demo_file: Path, backtested_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[ServiceProcess]]:
    """Two services on the same books, of which the first one has the backtest that a process of its own computed; the
    second one has a cluster on free ports of this machine.
    """
    with unmeasured(), ExitStack() as stack:
        local = stack.enter_context(
            LocalCluster(
                n_workers=2,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                worker_dashboard_address="127.0.0.1:0",
            )
        )
        made = []
        there = {"PORTFOLIO_DASK_SCHEDULER": local.scheduler_address}
        for name, books, own in (("alone", backtested_file, {}), ("cluster", demo_file, there)):
            folder = tmp_path_factory.mktemp(name)
            service = ServiceProcess(demo_copy(books, folder), folder, settings={**STILL, **own})
            made.append(stack.enter_context(service))
            service.wait_for_prices()
        yield made


def came_of(service: ServiceProcess, job_id: str) -> list[Any]:
    """The fingerprint of a backtest, its result, and the parts of it."""
    with httpx.Client(base_url=service.url, timeout=60) as client:
        job = client.get(f"/backtests/{job_id}").json()["backtest"]
        parts = {part: client.get(f"/backtests/{job_id}/{part}").json()[of] for part, of in PARTS.items()}
    return [job["fingerprint"], job["result"], parts]


PARTS = {"equity": "equity", "trades": "trades", "sweep": "trials"}


def test_a_backtest_and_weights_are_the_same_on_the_cluster(services: list[ServiceProcess]) -> None:
    [of_before] = services[0].get("/backtests")["backtests"]
    assert came_of(services[1], backtested(services[1].url)) == came_of(services[0], of_before["id"])
    wish = {"objective": "min_variance"}
    weights = [httpx.post(f"{service.url}/optimise", json=wish, timeout=60).json() for service in services]
    assert weights[0]["optimisation"]["weights"] == weights[1]["optimisation"]["weights"] != {}
    children = [psutil.Process(service.process.pid).children() for service in services]
    assert [len(one) > 0 for one in children] == [True, False], "nothing is computed beside the second one"


def test_an_address_that_code_should_not_be_sent_to_stops_the_start(services: list[ServiceProcess]) -> None:
    refused = services[0].command("serve", PORTFOLIO_DASK_SCHEDULER="tcp://10.0.0.7:8786")
    assert refused.returncode != 0
    assert "PORTFOLIO_DASK_SCHEDULER has to be tls://host:port" in refused.stderr
