"""Reads jobs and what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec

from portfolio.application.backtest.jobs.ports import Backtests
from portfolio.application.backtest.jobs.records import Job, JobState, Part
from portfolio.application.backtest.jobs.slices import ENGINE
from portfolio.application.backtest.sweeping.outcome import WholeResult
from portfolio.application.backtest.sweeping.trials import among
from portfolio.application.errors import BacktestNotDone, NotFound
from portfolio.application.in_thread import in_thread

T = TypeVar("T", bound=msgspec.Struct)

EARLIER_RULES: Final = "earlier_rules"


class _Counted(msgspec.Struct):
    """What counts of a result among those of others."""

    sharpes: list[float] = []


class ReadBacktest(msgspec.Struct, frozen=True):
    """Reads one job."""

    backtests: Backtests

    async def __call__(self, job_id: str) -> tuple[Job, WholeResult | None]:
        """Return a job, and its result where it is done: a sweep among all trials on its closes that are stored by now.
        One that was not computed by the rules of now says so in its remarks.

        Raises:
            NotFound: there is none of that name.
        """
        job = await self._job(job_id)
        content = await self.backtests.part(job_id, Part.RESULT) if job.state is JobState.DONE else None
        if content is None:
            return job, None
        result = msgspec.json.decode(content, type=WholeResult)
        if result.engine != ENGINE:
            result = msgspec.structs.replace(result, remarks=[*result.remarks, EARLIER_RULES])
        if result.sweep is None:
            return job, result
        others = await in_thread(_sharpes_of, await self.backtests.results_on(job.closes, but=job_id))
        return job, msgspec.structs.replace(result, sweep=among(result.sweep, result.sharpes, others))

    async def rows(self, job_id: str, part: Part, kind: type[list[T]]) -> Sequence[T]:
        """Return the rows of a part of what came of a job, in order.

        Raises:
            BacktestNotDone: nothing came of it yet, or nothing will.
            NotFound, LedgerUnavailable: as above.
        """
        content = await self.backtests.part(job_id, part)
        if content is None:
            raise BacktestNotDone(job_id, (await self._job(job_id)).state)
        return await in_thread(msgspec.json.Decoder(kind).decode, content)

    async def _job(self, job_id: str) -> Job:
        job = await self.backtests.named(job_id)
        if job is None:
            raise NotFound("backtest", job_id)
        return job


def _sharpes_of(results: Sequence[bytes]) -> list[float]:
    return [sharpe for content in results for sharpe in msgspec.json.decode(content, type=_Counted).sharpes]
