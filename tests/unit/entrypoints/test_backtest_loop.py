"""The loop computes what waits, says what became of it, removes what is old, and stops without losing anything."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from portfolio.application.backtest.jobs.computing import ComputeBacktests
from portfolio.application.backtest.jobs.records import Advanced, Attempted, Job, JobState, Outcome, Taken
from portfolio.application.errors import LedgerUnavailable
from portfolio.domain.arithmetic import ONE, ZERO
from portfolio.entrypoints.backtest_loop import FORGETS_EVERY_SECONDS, KEPT, BacktestLoop
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_backtests import FakeBacktests
from tests.support.services.waiting import until

OUTCOME = Outcome(result=b"r", equity=b"e", trades=b"t", sweep=b"[]")


class Scripted:
    """Computes a job in one slice; where ``error`` is set that is raised, and with ``waits`` it goes on and on."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.waits = False
        self.begun = asyncio.Event()
        self.spare = 0

    async def attempt(self, given: bytes, place: int, state: bytes | None) -> Attempted:
        raise AssertionError("there is no process for it")

    async def advance(self, given: bytes, checkpoint: bytes | None, ahead: Mapping[int, bytes]) -> Advanced:
        self.begun.set()
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return Advanced(progress=ZERO if self.waits else ONE, checkpoint=b"c", outcome=None if self.waits else OUTCOME)


class World:
    """A store, who computes, and the loop."""

    def __init__(self) -> None:
        self.clock, self.store, self.compute = FakeClock(), FakeBacktests(), Scripted()
        compute = ComputeBacktests(self.store, self.compute, self.clock, holder="a", pause_seconds=0.001)
        self.loop = BacktestLoop(compute, self.store, self.clock, at_once=2, idle_seconds=0.001)

    async def add(self, number: int) -> None:
        """Keep a job."""
        job = Job(
            id=f"bt-{number}",
            portfolio_id=1,
            fingerprint=str(number),
            closes="c",
            request="{}",
            created_at=self.clock.now(),
        )
        await self.store.add(job, b"given", most_waiting=100)

    def states(self) -> list[JobState]:
        """What has become of the jobs."""
        return [row.job.state for row in self.store.rows]


@pytest.fixture
def world() -> World:
    return World()


async def test_what_waits_is_computed_and_said(world: World) -> None:
    for number in (1, 2, 3):
        await world.add(number)
    with capture_logs() as logs:
        world.loop.start()
        world.loop.start()
        await until(lambda: world.states() == [JobState.DONE] * 3)
        await world.loop.stop()
    assert sorted((line["event"], line["backtest"]) for line in logs) == [
        ("backtest.done", f"bt-{number}") for number in (1, 2, 3)
    ]


async def test_a_stop_gives_back_what_is_at_work(world: World) -> None:
    world.compute.waits = True
    await world.add(1)
    with capture_logs() as logs:
        world.loop.start()
        await world.compute.begun.wait()
        await world.loop.stop()
    assert world.states() == [JobState.QUEUED]
    assert [line["event"] for line in logs] == ["backtest.given_back"]


async def test_a_loop_that_was_not_started_stops(world: World) -> None:
    await world.loop.stop()


async def test_a_failure_is_logged_with_its_cause(world: World) -> None:
    world.compute.error = ZeroDivisionError("division by zero")
    await world.add(1)
    with capture_logs() as logs:
        world.loop.start()
        await until(lambda: world.states() == [JobState.FAILED])
        await world.loop.stop()
    [line] = logs
    assert (line["event"], line["exc_info"]) == ("backtest.failed", world.compute.error)
    assert line["reason"] == "ZeroDivisionError: division by zero"


async def test_a_job_that_another_has_is_left(world: World) -> None:
    world.compute.waits = True
    await world.add(1)
    with capture_logs() as logs:
        world.loop.start()
        await world.compute.begun.wait()
        await world.store.cancel("bt-1", world.clock.now())
        world.clock.advance(5)
        await until(lambda: bool(logs))
        await world.loop.stop()
    assert [line["event"] for line in logs] == ["backtest.left"]


class Away(FakeBacktests):
    """A store without its database."""

    asked = 0

    async def take(self, holder: str, seconds: float) -> Taken | None:
        self.asked += 1
        raise LedgerUnavailable("the database is away")


async def test_a_database_that_is_away_is_said_once(world: World) -> None:
    away = Away()
    compute = ComputeBacktests(away, world.compute, world.clock, holder="a")
    loop = BacktestLoop(compute, away, world.clock, idle_seconds=0.001)
    with capture_logs() as logs:
        loop.start()
        await until(lambda: away.asked > 2)
        await loop.stop()
    assert [(line["event"], line["reason"]) for line in logs] == [
        ("backtest.not_taken", "LedgerUnavailable: the database is away")
    ]


async def test_old_jobs_are_forgotten_now_and_then(world: World) -> None:
    await world.add(1)
    row = world.store.rows[0]
    row.job = replace(row.job, state=JobState.DONE, finished_at=world.clock.now() - KEPT - timedelta(days=1))
    with capture_logs() as logs:
        world.loop.start()
        await until(lambda: not world.store.rows)
        # The next one is found when it is time again, or where there may be more.
        world.clock.advance(FORGETS_EVERY_SECONDS)
        await world.loop.stop()
    assert [(line["event"], line["count"]) for line in logs] == [("backtest.forgotten", 1)]
