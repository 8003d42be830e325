"""Computes jobs: takes one, computes it slice by slice, keeps what it has every few seconds, and hands it on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import KW_ONLY, dataclass, field
from functools import partial
from typing import Final

import msgspec

from portfolio.application.backtest.jobs.ports import Backtests, ComputeSlices
from portfolio.application.backtest.jobs.records import Advanced, JobLease, JobState, Outcome, Part, Taken
from portfolio.application.backtest.jobs.trials_ahead import TrialsAhead
from portfolio.application.clock import Clock
from portfolio.application.errors import ApplicationError, ComputationFailed, LeaseLost

LEASE_SECONDS: Final = 15.0
CHECKPOINT_SECONDS: Final = 5.0
RETRY_SECONDS: Final = 1.0
_PAUSES_A_RENEWAL: Final = 5
MOST_ATTEMPTS: Final = 5
"""So often a job is taken, or a slice of it computed, without getting on; then it has failed."""
LARGEST_CHECKPOINT: Final = 12 * 1024 * 1024
LARGEST_OUTCOME: Final = 12 * 1024 * 1024


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a job that was taken. ``state`` is what it was left in; None where another has it, or nobody: it
    was cancelled, or taken over.
    """

    job_id: str
    state: JobState | None
    attempts: int
    error: str | None = None
    cause: Exception | None = None


@dataclass(slots=True)
class ComputeBacktests:
    """Computes one job at each call. What it writes counts only while its lease is the newest one.

    A job goes on where its last checkpoint is, whoever computed it until then; it comes to the same result.
    """

    backtests: Backtests
    compute: ComputeSlices
    clock: Clock
    _: KW_ONLY
    holder: str
    pause_seconds: float = RETRY_SECONDS
    _at_work: set[JobLease] = field(default_factory=set, init=False)
    _stops: bool = field(default=False, init=False)

    def stop(self) -> None:
        """Give back every job at work, with what is computed of it, after its present slice."""
        self._stops = True

    def drop(self, job_id: str) -> None:
        """Leave a job alone that was cancelled, after its present slice."""
        self._at_work = {lease for lease in self._at_work if lease.job_id != job_id}

    async def __call__(self) -> Report | None:
        """Take a job and compute it to its end; return what became of it, None where none waits."""
        if self._stops or (taken := await self.backtests.take(self.holder, LEASE_SECONDS)) is None:
            return None
        self._at_work.add(taken.lease)
        try:
            if taken.attempts > MOST_ATTEMPTS:
                return await self._fail(taken, f"it was begun {MOST_ATTEMPTS} times, and never came to a checkpoint")
            return await self._computed(taken)
        finally:
            self._at_work.discard(taken.lease)

    async def _computed(self, taken: Taken) -> Report:
        try:
            async with TrialsAhead(self.compute, taken.input) as trials_ahead:
                return await self._slices(taken, trials_ahead)
        except LeaseLost:
            return _left(taken, None)
        except Exception as error:  # noqa: BLE001  whatever it is, it would come again: it is kept, and logged
            said = str(error) if isinstance(error, ApplicationError) else f"{type(error).__name__}: {error}"
            return await self._fail(taken, said, error)

    async def _slices(self, taken: Taken, trials_ahead: TrialsAhead) -> Report:
        now: Advanced | None = None
        kept_at, failures = self.clock.monotonic(), 0
        while not self._stops:
            try:
                now = await self._advanced(taken, now, trials_ahead)
                failures = 0
                trials_ahead.go_on(now.to_try)
            except ComputationFailed as error:
                failures += 1
                if failures == MOST_ATTEMPTS:
                    return await self._fail(taken, f"the computing process failed {failures} times: {error}")
                continue
            if taken.lease not in self._at_work:
                return _left(taken, None)
            if now.outcome is not None:
                return await self._finish(taken, now.outcome)
            if len(now.checkpoint) > LARGEST_CHECKPOINT:
                return await self._fail(taken, "more is computed than is kept: ask for fewer days or assets")
            if self.clock.monotonic() - kept_at >= CHECKPOINT_SECONDS:
                keep = partial(self.backtests.keep, taken.lease, now.progress, now.checkpoint, LEASE_SECONDS)
                await _kept(keep)
                kept_at = self.clock.monotonic()
        return await self._give_back(taken, now)

    async def _advanced(self, taken: Taken, now: Advanced | None, trials_ahead: TrialsAhead) -> Advanced:
        """Return where the next slice leads to; a slice that takes long does not cost the lease.

        Raises:
            LeaseLost: the job is another's meanwhile, or was cancelled; the slice is ended.
        """
        slice_ = self.compute.advance(taken.input, now.checkpoint if now else taken.checkpoint, trials_ahead.taken())
        at_work = asyncio.ensure_future(slice_)
        try:
            while not (await asyncio.wait({at_work}, timeout=self.pause_seconds * _PAUSES_A_RENEWAL))[0]:
                await _kept(partial(self.backtests.renew, taken.lease, LEASE_SECONDS))
            return at_work.result()
        finally:
            at_work.cancel()

    async def _finish(self, taken: Taken, outcome: Outcome) -> Report:
        if sum(len(getattr(outcome, part.value)) for part in Part) > LARGEST_OUTCOME:
            return await self._fail(taken, "more came of it than is kept: ask for fewer days or assets")
        write = partial(self.backtests.finish, taken.lease, outcome, self.clock.now())
        return _left(taken, JobState.DONE if await self._written(write) else None)

    async def _fail(self, taken: Taken, error: str, cause: Exception | None = None) -> Report:
        write = partial(self.backtests.fail, taken.lease, error, self.clock.now())
        is_written = await self._written(write)
        return Report(
            job_id=taken.lease.job_id,
            state=JobState.FAILED if is_written else None,
            attempts=taken.attempts,
            error=error,
            cause=cause,
        )

    async def _give_back(self, taken: Taken, now: Advanced | None) -> Report:
        progress, checkpoint = (now.progress, now.checkpoint) if now else (None, None)
        try:
            await self.backtests.release(taken.lease, progress, checkpoint)
        except ApplicationError:
            return _left(taken, None)  # its lease runs out
        return _left(taken, JobState.QUEUED)

    async def _written(self, write: Callable[[], Awaitable[None]]) -> bool:
        """Return whether it was written, the database having come back if it was away; False where another has it.

        A commit whose answer was lost is written again: where it was applied, the lease is over.
        """
        while True:
            try:
                await write()
            except LeaseLost:
                return False
            except ApplicationError:
                if self._stops:
                    return False  # its lease runs out, and another computes the end again
                await asyncio.sleep(self.pause_seconds)
            else:
                return True


def _left(taken: Taken, state: JobState | None) -> Report:
    return Report(job_id=taken.lease.job_id, state=state, attempts=taken.attempts)


async def _kept(write: Callable[[], Awaitable[None]]) -> None:
    """Write, where the database is there: the next checkpoint may be kept, and the end is written again and again.

    Raises:
        LeaseLost: another has the job, or it has ended.
    """
    try:
        await write()
    except LeaseLost:
        raise
    except ApplicationError:
        pass
