"""Trials that are run ahead by processes that have nothing else to do: what comes of the job has the same bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, partial
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.application.backtest.jobs.computing import ComputeBacktests
from portfolio.application.backtest.jobs.records import Advanced, Attempted, Job, JobState, Outcome
from portfolio.application.backtest.jobs.slices import ENGINE, advanced, attempted, begun
from portfolio.application.backtest.request import Sweep
from portfolio.application.backtest.sweeping.runs import Runs
from portfolio.application.errors import ComputationFailed, LeaseLost
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_backtests import FakeBacktests
from tests.unit.application.backtest.jobs.test_swept_jobs import LIMITS, PANEL, WALK, wants, whole

T = TypeVar("T")

AT = datetime(2026, 3, 1, tzinfo=UTC)
SWEEP = Sweep(grid={"position_limit": LIMITS, "cash_target": (Decimal("0.05"), Decimal("0.1"))})
GIVEN = begun(wants(sweep=SWEEP, walk_forward=WALK, every_days=40), PANEL, None)
TRIALS = 6 + 2 * 6
"""Six of the sweep, and six in each of two windows."""


@cache
def undisturbed() -> Outcome:
    """What comes of it in one slice."""
    return whole(GIVEN)


@cache
def trial_at(place: int) -> bytes:
    """A trial that is run by itself, in slices of 32 days."""
    state = None
    while (found := attempted(GIVEN, place, state, is_over=lambda: True)).trial is None:
        state = found.state
    return found.trial


class Processes:
    """So many processes: each slice takes a turn of the loop, and ``before`` is called with the place of each trial."""

    def __init__(self, count: int) -> None:
        self.count, self.busy, self.most_busy = count, 0, 0
        self.taken: set[int] = set()
        self.begun: list[int] = []
        self.slices = 0
        self.before: Callable[[int], object] = lambda place: None
        self.between: Callable[[], object] = lambda: None
        self.endless = False

    @property
    def spare(self) -> int:
        return self.count - self.busy

    async def advance(self, given: bytes, checkpoint: bytes | None, ahead: Mapping[int, bytes]) -> Advanced:
        self.slices += 1
        self.taken |= set(ahead)
        self.between()
        return await self._at_work(lambda: advanced(given, checkpoint, ahead, is_over=lambda: True))

    async def attempt(self, given: bytes, place: int, state: bytes | None) -> Attempted:
        self.begun += [place] if state is None else []
        self.before(place)
        trial = partial(attempted, given, place, state, is_over=lambda: True)
        return await self._at_work(trial, is_trial=True)

    async def _at_work(self, function: Callable[[], T], *, is_trial: bool = False) -> T:
        self.busy += 1
        self.most_busy = max(self.most_busy, self.busy)
        try:
            await asyncio.sleep(0)
            if self.endless and is_trial:
                await asyncio.Event().wait()
            return function()
        finally:
            self.busy -= 1


class World:
    """A store with the job, and who computes it on so many processes."""

    def __init__(self, count: int) -> None:
        self.store, self.processes = FakeBacktests(), Processes(count)
        self.runs = ComputeBacktests(self.store, self.processes, FakeClock(), holder="a", pause_seconds=0.001)

    async def compute(self) -> JobState | None:
        """Compute the job, and return what it is left in."""
        job = Job(id="bt-1", portfolio_id=1, fingerprint="f", closes="c", request="{}", created_at=AT)
        await self.store.add(job, GIVEN, most_waiting=1)
        report = await self.runs()
        assert report is not None
        return report.state

    @property
    def outcome(self) -> Outcome | None:
        """What came of it."""
        return self.store.rows[0].outcome


@pytest.mark.unmeasured
@pytest.mark.parametrize("count", [1, 2, 3, 8])
async def test_on_however_many_processes_the_same_comes_of_it(count: int) -> None:
    world = World(count)
    assert await world.compute() is JobState.DONE
    assert world.outcome == undisturbed()
    processes = world.processes
    assert processes.most_busy == min(count, 8), "all of them have something to do"
    # They come from the end; none is begun twice, and the first one is never anybody else's.
    assert processes.begun == sorted(processes.begun, reverse=True)[: len(processes.begun)]
    assert len(processes.begun) == len(set(processes.begun))
    assert 0 not in processes.begun
    assert (len(processes.taken) > 5) is (count > 1)


async def test_two_processes_take_half_the_slices_of_one() -> None:
    alone, two = World(1), World(2)
    await alone.compute()
    await two.compute()
    assert two.processes.slices < 0.65 * alone.processes.slices


async def test_who_waits_for_a_process_gets_it_and_the_lane_is_begun_again() -> None:
    world = World(2)
    asked = iter(range(1, 100))
    # At each third trial somebody else has work for that process; a slice later it is free again.
    world.processes.before = lambda place: setattr(world.processes, "count", 1 if next(asked) % 3 == 0 else 2)
    world.processes.between = lambda: setattr(world.processes, "count", 2)
    assert await world.compute() is JobState.DONE
    assert world.outcome == undisturbed()
    assert len(world.processes.taken) > 2


@pytest.mark.parametrize("error", [ComputationFailed("it ended"), ValueError("no such day")])
async def test_what_goes_wrong_in_a_lane_is_met_by_the_job_itself_or_by_nobody(error: Exception) -> None:
    world = World(3)

    def fails(place: int) -> None:
        if place == TRIALS - 3:
            raise error

    world.processes.before = fails
    assert await world.compute() is JobState.DONE
    assert world.outcome == undisturbed()
    assert min(world.processes.begun) >= TRIALS - 5, "after it no lane is begun"


async def test_a_stop_waits_for_what_is_under_way_and_who_goes_on_has_what_was_found() -> None:
    world = World(3)
    world.processes.before = lambda place: world.runs.stop() if place < TRIALS - 5 else None
    assert await world.compute() is JobState.QUEUED
    assert world.processes.busy == 0
    row = world.store.rows[0]
    assert row.checkpoint is not None
    there = [place for place, _ in Runs.resumed(row.checkpoint, ENGINE).ahead]
    assert TRIALS - 1 in there
    another = Processes(2)
    report = await ComputeBacktests(world.store, another, FakeClock(), holder="b", pause_seconds=0.001)()
    assert report is not None
    assert report.state is JobState.DONE
    assert world.outcome == undisturbed()
    assert set(there).isdisjoint(another.begun), "what was found is not run again"


async def test_a_lost_lease_ends_the_slices_of_all_lanes() -> None:
    world = World(3)
    clock = FakeClock()
    runs = ComputeBacktests(world.store, world.processes, clock, holder="a", pause_seconds=0.001)

    def takes_long() -> None:
        if world.processes.slices > 5:
            world.processes.endless = True
            clock.advance(6)  # time for a checkpoint, and another has the job by now
            world.store.failures = [LeaseLost("another has it")]

    world.processes.between = takes_long
    job = Job(id="bt-1", portfolio_id=1, fingerprint="f", closes="c", request="{}", created_at=AT)
    await world.store.add(job, GIVEN, most_waiting=1)
    async with asyncio.timeout(10):
        report = await runs()
    assert report is not None
    assert report.state is None
    assert world.processes.busy == 0


async def test_who_stops_waiting_for_the_lanes_ends_them() -> None:
    world = World(3)

    def last_words() -> None:
        # The job is given back at once; the lanes are at a slice without an end.
        world.processes.endless = world.processes.slices > 5
        if world.processes.slices > 7:
            world.runs.stop()

    world.processes.between = last_words
    at_work = asyncio.create_task(world.compute())
    while world.store.rows == [] or world.store.rows[0].job.state is not JobState.QUEUED or not world.processes.slices:  # noqa: ASYNC110  the store tells nobody
        await asyncio.sleep(0)
    assert world.processes.busy > 0
    at_work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await at_work
    assert world.processes.busy == 0


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sets(st.integers(0, TRIALS - 1), max_size=4), max_size=30))
def test_whatever_is_taken_at_whatever_time_the_same_comes_of_it(taken: list[set[int]]) -> None:
    checkpoint: bytes | None = None
    seen = [Decimal(0)]
    while True:
        ahead = {place: trial_at(place) for place in (taken.pop() if taken else ())}
        now = advanced(GIVEN, checkpoint, ahead, is_over=lambda: True)
        checkpoint = now.checkpoint
        assert Runs.resumed(checkpoint, ENGINE).encode() == checkpoint
        seen.append(now.progress)
        found = [place for place, _ in Runs.resumed(checkpoint, ENGINE).ahead]
        assert {*range(now.to_try.stop, TRIALS)} <= {*found, *range(now.to_try.start)}
        assert now.to_try.stop - 1 not in found
        if now.outcome is not None:
            break
    assert now.outcome == undisturbed()
    assert seen == sorted(seen)
    assert (len(now.to_try), found) == (0, [])
