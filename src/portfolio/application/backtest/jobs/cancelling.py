"""Cancels a job."""

from __future__ import annotations

import msgspec

from portfolio.application.backtest.jobs.computing import ComputeBacktests
from portfolio.application.backtest.jobs.ports import Backtests
from portfolio.application.backtest.jobs.records import Job
from portfolio.application.clock import Clock
from portfolio.application.errors import NotFound


class CancelBacktest(msgspec.Struct, frozen=True):
    """Ends a job that has not ended: here after its present slice, on another instance at its next checkpoint."""

    backtests: Backtests
    computing: ComputeBacktests
    clock: Clock

    async def __call__(self, job_id: str) -> Job:
        """Return what the job is now; one that had ended is as it was.

        Raises:
            NotFound: there is none of that name.
        """
        job = await self.backtests.cancel(job_id, self.clock.now())
        if job is None:
            raise NotFound("backtest", job_id)
        self.computing.drop(job_id)
        return job
