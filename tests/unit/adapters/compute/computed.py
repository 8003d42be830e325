"""A stored job, computed elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

from portfolio.adapters.clock import SystemClock
from portfolio.adapters.compute.backtester import SpawnedBacktester
from portfolio.application.backtest.jobs.computing import ComputeBacktests
from portfolio.application.backtest.jobs.records import Advanced, Attempted, Job, JobState, Outcome
from tests.support.fakes.fake_backtests import FakeBacktests


class CountedTrials(SpawnedBacktester):
    """Counts the trials that were run ahead. Once one is begun, the job computes the same slice again and again until
    there are ``least``: which process is the faster one makes no difference.
    """

    least = 1
    begun = trials = 0

    async def advance(self, given: bytes, checkpoint: bytes | None, ahead: Mapping[int, bytes]) -> Advanced:
        """Go on with the job."""
        waits = self.begun > 0
        found = await super().advance(given, checkpoint, ahead)
        while waits and self.trials < self.least:
            found = await super().advance(given, checkpoint, ahead)
        return found

    async def attempt(self, given: bytes, place: int, state: bytes | None) -> Attempted:
        """Go on with a trial."""
        self.begun += 1
        found = await super().attempt(given, place, state)
        self.trials += found.trial is not None
        return found


async def outcome_of(given: bytes, there: SpawnedBacktester, store: FakeBacktests) -> Outcome | None:
    """What comes of a job, which is done."""
    job = Job(id="bt-1", portfolio_id=1, fingerprint="f", closes="c", request="{}", created_at=store.now)
    await store.add(job, given, most_waiting=1)
    report = await ComputeBacktests(store, there, SystemClock(), holder="a")()
    assert report is not None
    assert report.state is JobState.DONE
    return store.rows[0].outcome
