"""Jobs are computed slice by slice under a lease, and what is not one's own any more is left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from portfolio.application.backtest.jobs.computing import (
    CHECKPOINT_SECONDS,
    LARGEST_CHECKPOINT,
    LARGEST_OUTCOME,
    LEASE_SECONDS,
    MOST_ATTEMPTS,
    ComputeBacktests,
)
from portfolio.application.backtest.jobs.records import Advanced, Attempted, Job, JobState, Outcome, Part
from portfolio.application.errors import (
    BacktestOutOfRange,
    ComputationFailed,
    LedgerUnavailable,
    NotBacktestable,
    OutcomeUnknown,
)
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_backtests import FakeBacktests

AT = datetime(2026, 3, 1, tzinfo=UTC)
AWAY = LedgerUnavailable("the database is away")


class Alone:
    """One process, without another one that trials might be run on."""

    spare = 0

    async def attempt(self, given: bytes, place: int, state: bytes | None) -> Attempted:
        raise AssertionError("there is no process for it")


class Counting(Alone):
    """Counts to five from where the checkpoint is, two seconds a step; ``before`` is called ahead of each step."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.before: Callable[[int], object] = lambda step: None
        self.steps: list[int] = []
        self.outcome = Outcome(result=b"r", equity=b"e", trades=b"t", sweep=b"[]")
        self.checkpoint_bytes = 1

    async def advance(self, given: bytes, checkpoint: bytes | None, ahead: Mapping[int, bytes]) -> Advanced:
        step = 1 if checkpoint is None else checkpoint[0] + 1
        self.before(step)
        self.steps.append(step)
        self.clock.advance(2)
        return Advanced(
            progress=Decimal(step) / 5,
            checkpoint=bytes([step]) * self.checkpoint_bytes,
            outcome=self.outcome if step == 5 else None,
        )


class World:
    """A store with one job, and who computes it."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = FakeBacktests()
        self.compute = Counting(self.clock)
        self.runs = self.another("a")

    def another(self, holder: str) -> ComputeBacktests:
        """Another instance on the same store."""
        return ComputeBacktests(self.store, self.compute, self.clock, holder=holder, pause_seconds=0.001)

    @property
    def job(self) -> Job:
        """The job as it is now."""
        return self.store.rows[0].job


@pytest.fixture
async def world() -> World:
    made = World()
    job = Job(id="bt-1", portfolio_id=1, fingerprint="f", closes="c", request="{}", created_at=AT)
    await made.store.add(job, b"given", most_waiting=1)
    return made


async def test_a_job_is_computed_to_its_end(world: World) -> None:
    report = await world.runs()
    assert report is not None
    assert (report.job_id, report.state, report.attempts, report.error) == ("bt-1", JobState.DONE, 1, None)
    assert world.compute.steps == [1, 2, 3, 4, 5]
    assert (world.job.state, world.job.progress, world.job.finished_at) == (
        JobState.DONE,
        Decimal(1),
        world.clock.now(),
    )
    assert await world.store.part("bt-1", Part.EQUITY) == b"e"
    assert await world.runs() is None


async def test_what_is_computed_is_kept_every_five_seconds(world: World) -> None:
    kept: list[Decimal] = []
    world.compute.before = lambda step: kept.append(world.job.progress)
    await world.runs()
    # A step takes two seconds: after the third, at six, the first checkpoint is kept.
    assert CHECKPOINT_SECONDS == 5
    assert kept == [Decimal(0), Decimal(0), Decimal(0), Decimal("0.6"), Decimal("0.6")]


async def test_another_instance_goes_on_from_the_last_checkpoint(world: World) -> None:
    def dies(step: int) -> None:
        if step == 5 and world.compute.steps.count(4) == 1:
            raise asyncio.CancelledError

    world.compute.before = dies
    with pytest.raises(asyncio.CancelledError):
        await world.runs()
    assert world.job.state is JobState.RUNNING
    world.store.now += timedelta(seconds=LEASE_SECONDS + 1)
    report = await world.another("b")()
    assert report is not None
    assert report.state is JobState.DONE
    assert world.compute.steps == [1, 2, 3, 4, 4, 5]


async def test_a_stop_gives_the_job_back_with_what_is_computed(world: World) -> None:
    world.compute.before = lambda step: world.runs.stop() if step == 2 else None
    report = await world.runs()
    assert report is not None
    assert report.state is JobState.QUEUED
    row = world.store.rows[0]
    assert (row.checkpoint, row.job.state, row.job.progress) == (b"\2", JobState.QUEUED, Decimal("0.4"))
    assert await world.runs() is None, "it takes nothing any more"
    world.compute.before = lambda step: None
    await world.another("b")()
    assert world.compute.steps == [1, 2, 3, 4, 5]


async def test_a_stop_without_the_database_leaves_the_lease_to_run_out(world: World) -> None:
    world.store.failures = [AWAY]
    world.compute.before = lambda step: world.runs.stop()
    report = await world.runs()
    assert report is not None
    assert report.state is None
    assert world.job.state is JobState.RUNNING


async def test_a_job_that_is_stopped_before_its_first_slice_goes_back_as_it_was(world: World) -> None:
    def fails(step: int) -> None:
        world.runs.stop()
        raise ComputationFailed("the process ended")

    world.compute.before = fails
    await world.runs()
    assert (world.store.rows[0].checkpoint, world.job.state) == (None, JobState.QUEUED)


async def test_a_job_that_was_cancelled_here_is_left_after_its_slice(world: World) -> None:
    def cancel(step: int) -> None:
        if step == 2:
            world.runs.drop("bt-1")
            world.runs.drop("bt-9")

    world.compute.before = cancel
    report = await world.runs()
    assert report is not None
    assert report.state is None
    assert world.compute.steps == [1, 2]


async def test_a_job_that_another_took_over_is_left_at_its_next_checkpoint(world: World) -> None:
    def taken_over(step: int) -> None:
        if step == 2:
            world.store.rows[0].token += 1

    world.compute.before = taken_over
    report = await world.runs()
    assert report is not None
    assert report.state is None
    assert world.compute.steps == [1, 2, 3]


async def test_what_another_has_ended_is_not_ended_again(world: World) -> None:
    def taken_over(step: int) -> None:
        if step == 5:
            world.store.rows[0].token += 1

    world.compute.before = taken_over
    report = await world.runs()
    assert report is not None
    assert report.state is None
    assert world.job.state is JobState.RUNNING


class Long(Alone):
    """A slice that takes until ``ends``; ``ended`` says that it was, one way or the other."""

    def __init__(self) -> None:
        self.ends, self.ended = asyncio.Event(), asyncio.Event()

    async def advance(self, given: bytes, checkpoint: bytes | None, ahead: Mapping[int, bytes]) -> Advanced:
        try:
            await self.ends.wait()
        finally:
            self.ended.set()
        return Advanced(
            progress=Decimal(1), checkpoint=b"", outcome=Outcome(result=b"r", equity=b"e", trades=b"t", sweep=b"[]")
        )


async def test_a_slice_that_takes_long_does_not_cost_the_lease(world: World) -> None:
    long = Long()
    runs = ComputeBacktests(world.store, long, world.clock, holder="a", pause_seconds=0.001)
    world.store.failures = [AWAY]
    at_work = asyncio.create_task(runs())
    row = world.store.rows[0]
    while row.expires_at is None or world.store.failures:  # noqa: ASYNC110  the store tells nobody
        await asyncio.sleep(0)
    world.store.now += timedelta(seconds=LEASE_SECONDS - 1)
    while row.expires_at != world.store.now + timedelta(seconds=LEASE_SECONDS):  # noqa: ASYNC110  as above
        await asyncio.sleep(0)
    assert await world.store.take("b", LEASE_SECONDS) is None
    long.ends.set()
    report = await at_work
    assert report is not None
    assert report.state is JobState.DONE


class InTurn(Alone):
    """Slices, of which the first one is that of who asks first."""

    def __init__(self, *slices: Long) -> None:
        self.slices = list(slices)

    async def advance(self, given: bytes, checkpoint: bytes | None, ahead: Mapping[int, bytes]) -> Advanced:
        return await self.slices.pop(0).advance(given, checkpoint, ahead)


@pytest.mark.parametrize(("is_cancelled", "state"), [(False, JobState.DONE), (True, None)])
async def test_a_job_is_ended_by_who_has_it_though_a_former_holder_is_of_the_same_instance(
    world: World, state: JobState | None, *, is_cancelled: bool
) -> None:
    """An instance computes several at once: where its database was away for long, it takes over from itself."""
    former, present = Long(), Long()
    runs = ComputeBacktests(world.store, InTurn(former, present), world.clock, holder="a", pause_seconds=1000.0)
    tasks = []
    for token in (1, 2):
        tasks.append(asyncio.create_task(runs()))
        while world.store.rows[0].token != token:  # noqa: ASYNC110  the store tells nobody
            await asyncio.sleep(0)
        world.store.now += timedelta(seconds=LEASE_SECONDS + 1)
    for slice_, task, expected in zip((former, present), tasks, (None, state), strict=True):
        slice_.ends.set()
        report = await task
        assert report is not None
        assert (report.state, report.error) == (expected, None)
        if is_cancelled:
            runs.drop("bt-1")


async def test_a_long_slice_of_a_job_that_was_cancelled_elsewhere_is_ended(world: World) -> None:
    long = Long()
    at_work = asyncio.create_task(ComputeBacktests(world.store, long, world.clock, holder="a", pause_seconds=0.001)())
    while world.job.state is not JobState.RUNNING:  # noqa: ASYNC110  as above
        await asyncio.sleep(0)
    await world.store.cancel("bt-1", AT)
    report = await at_work
    assert report is not None
    assert report.state is None
    await long.ended.wait()


async def test_with_the_database_away_it_goes_on_and_the_end_is_written_when_it_is_back(world: World) -> None:
    world.store.failures = [AWAY, AWAY, OutcomeUnknown("the answer never came")]
    report = await world.runs()
    assert report is not None
    assert report.state is JobState.DONE
    assert world.compute.steps == [1, 2, 3, 4, 5]
    assert world.store.failures == []


async def test_who_is_to_stop_does_not_wait_for_the_database(world: World) -> None:
    world.store.failures = [AWAY, AWAY, AWAY]
    world.compute.before = lambda step: world.runs.stop() if step == 5 else None
    report = await world.runs()
    assert report is not None
    assert report.state is None


async def test_a_process_that_dies_is_followed_by_another(world: World) -> None:
    died: list[int] = []

    def dies(step: int) -> None:
        if len(died) < MOST_ATTEMPTS - 1:
            died.append(step)
            raise ComputationFailed("the process ended")

    world.compute.before = dies
    report = await world.runs()
    assert report is not None
    assert report.state is JobState.DONE


async def test_a_process_that_dies_again_and_again_at_one_slice_fails_the_job(world: World) -> None:
    def dies(step: int) -> None:
        if step == 2:
            raise ComputationFailed("the process ended")

    world.compute.before = dies
    report = await world.runs()
    assert report is not None
    assert report.state is JobState.FAILED
    assert world.job.error == report.error == "the computing process failed 5 times: the process ended"


TOO_LARGE = BacktestOutOfRange.on(date(2026, 3, 1), Decimal("1.2e21"))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NotBacktestable("no closes of A"), "no closes of A"),
        (TOO_LARGE, str(TOO_LARGE)),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
    ],
)
async def test_an_error_that_would_come_again_fails_the_job_with_its_reason(
    world: World, error: Exception, said: str
) -> None:
    def fails(step: int) -> None:
        raise error

    world.compute.before = fails
    report = await world.runs()
    assert report is not None
    assert (report.state, report.error, report.cause) == (JobState.FAILED, said, error)
    assert (world.job.state, world.job.error) == (JobState.FAILED, said)


async def test_a_job_that_takes_instances_with_it_is_given_up(world: World) -> None:
    world.store.rows[0].attempts = MOST_ATTEMPTS
    report = await world.runs()
    assert report is not None
    assert report.state is JobState.FAILED
    assert world.job.error == "it was begun 5 times, and never came to a checkpoint"
    assert world.compute.steps == []


async def test_a_checkpoint_beyond_the_bound_fails_the_job(world: World) -> None:
    world.compute.checkpoint_bytes = LARGEST_CHECKPOINT + 1
    await world.runs()
    assert world.job.error == "more is computed than is kept: ask for fewer days or assets"


async def test_an_outcome_beyond_the_bound_fails_the_job(world: World) -> None:
    world.compute.outcome = Outcome(result=b"r", equity=b"e" * LARGEST_OUTCOME, trades=b"t", sweep=b"[]")
    await world.runs()
    assert world.job.error == "more came of it than is kept: ask for fewer days or assets"
