"""Several worker processes as one, and backtests in them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from portfolio.adapters.compute.backtester import SpawnedBacktester
from portfolio.adapters.compute.workers import Workers
from portfolio.application.backtest.jobs.slices import Given, advanced, begun
from portfolio.application.backtest.request import Sweep
from portfolio.application.errors import NotBacktestable
from tests.support.backtests import held, named, panel_from, request_of, walk
from tests.support.fakes.fake_backtests import FakeBacktests
from tests.support.services.unmeasured import unmeasured
from tests.unit.adapters.compute.computed import CountedTrials, outcome_of

LONG = 60.0


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    workers = Workers(2)
    with unmeasured():
        yield workers
    await workers.close()


def process_at(barrier: str) -> int:
    """Meet another call at a file, so that both are at work, and return the id of the process."""
    with Path(barrier).open("ab") as file:
        file.write(b".")
    while os.path.getsize(barrier) < 2:
        pass
    return os.getpid()


async def test_who_comes_second_gets_the_second_process(workers: Workers, tmp_path: Path) -> None:
    both = await asyncio.gather(*(workers.run(process_at, str(tmp_path / "met"), seconds=LONG) for _ in range(2)))
    assert len({*both, os.getpid()}) == 3
    # One after the other they use one: the other may end.
    assert {await workers.run(os.getpid, seconds=LONG) for _ in range(2)} == {both[0]}


async def test_a_backtest_comes_to_the_same_bytes_in_the_process_as_in_this_one(workers: Workers) -> None:
    panel = panel_from(walk(75, 3), named(3))
    given = begun(request_of(panel), panel, held(10_000, A00=100))
    whole = advanced(given, None, is_over=lambda: False)
    assert whole.outcome is not None
    there, checkpoint, slices = SpawnedBacktester(workers, slice_seconds=0.0), None, 0
    while True:
        now = await there.advance(given, checkpoint, {})
        checkpoint, slices = now.checkpoint, slices + 1
        if now.outcome is not None:
            break
    assert (now, slices) == (whole, 2)


@pytest.mark.unmeasured
async def test_the_trials_of_one_job_are_spread_over_the_processes_to_the_same_bytes(workers: Workers) -> None:
    panel = panel_from(walk(110, 5, 3), named(5))
    limits = tuple(Decimal(n) / 100 for n in range(15, 27))
    wanted = request_of(panel, sweep=Sweep(grid={"position_limit": limits}))
    given = begun(wanted, panel, held(10_000, A00=100, A01=50))
    whole = advanced(given, None, is_over=lambda: False)
    there = CountedTrials(workers, slice_seconds=0.0)  # a step of one run each
    # Both have imported what they need: else the first one is done before the second one has.
    await asyncio.gather(*(there.advance(given, None, {}) for _ in range(2)))
    there.least = 4
    async with asyncio.timeout(LONG):
        assert await outcome_of(given, there, FakeBacktests()) == whole.outcome
    assert there.trials > 3


async def test_what_it_refuses_there_is_raised_here(workers: Workers) -> None:
    panel = panel_from(walk(45, 1), named(1))
    without = Given.of(request_of(panel), panel, None).encode()
    with pytest.raises(NotBacktestable):
        await SpawnedBacktester(workers).advance(without, None, {})
