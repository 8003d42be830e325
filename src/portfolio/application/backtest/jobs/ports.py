"""The stored jobs, and the process that computes them, as ports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from portfolio.application.backtest.jobs.records import Advanced, Attempted, Job, JobLease, Outcome, Part, Taken
from portfolio.application.backtest.request import Kind
from portfolio.application.ledger.records import Page


class Backtests(Protocol):
    """The jobs. A job is computed under a lease with a fencing token, by the store's own clock."""

    async def add(self, job: Job, given: bytes, *, most_waiting: int) -> tuple[Job, bool]:
        """Keep a job that is computed of ``given``, and say whether it is new: one of the same fingerprint that did not
        fail and was not cancelled is returned in its place.

        Raises:
            TooManyBacktests: so many are waiting already.
        """

    async def named(self, job_id: str) -> Job | None:
        """Return a job; None where there is none."""

    async def part(self, job_id: str, part: Part) -> bytes | None:
        """Return a part of what came of a job; None where there is no such job, or nothing came of it yet."""

    async def results_on(self, closes: str, *, but: str) -> Sequence[bytes]:
        """Return the results of the jobs on these closes that are done, but for the one of that name."""

    async def page(self, portfolio_id: int, *, before: int | None, limit: int) -> Page[Job]:
        """Return jobs, newest first."""

    async def cancel(self, job_id: str, at: datetime) -> Job | None:
        """End a job that has not ended, and return what it is now; None where there is none."""

    async def take(self, holder: str, seconds: float) -> Taken | None:
        """Take the oldest job that waits, or whose holder is gone, for ``seconds``; None where there is none."""

    async def keep(self, lease: JobLease, progress: Decimal, checkpoint: bytes, seconds: float) -> None:
        """Keep what was computed so far, and the lease for ``seconds`` more.

        Raises:
            LeaseLost: another instance has it now, or it was cancelled.
        """

    async def renew(self, lease: JobLease, seconds: float) -> None:
        """Keep the lease for ``seconds`` more; errors as above."""

    async def release(self, lease: JobLease, progress: Decimal | None, checkpoint: bytes | None) -> None:
        """Give a job back, to be gone on with at once, without a checkpoint from the last one; errors as above."""

    async def finish(self, lease: JobLease, outcome: Outcome, at: datetime) -> None:
        """Keep what came of a job; errors as of ``keep``."""

    async def fail(self, lease: JobLease, error: str, at: datetime) -> None:
        """Keep why nothing will come of a job; errors as of ``keep``."""

    async def forget(self, *, before: datetime, most: int) -> int:
        """Remove some jobs that ended before, or are older than the newest ``most``; return how many were removed."""


class ComputeSlices(Protocol):
    """Where backtests are computed, a slice at a time."""

    @property
    def spare(self) -> int:
        """Return how many more slices could be computed at this moment without anybody waiting for them."""

    async def attempt(self, given: bytes, place: int, state: bytes | None) -> Attempted:
        """Go on with the trial of a place, or begin with it, for about half a second; errors as of ``advance``."""

    async def advance(self, given: bytes, checkpoint: bytes | None, ahead: Mapping[int, bytes]) -> Advanced:
        """Go on from a checkpoint, or from the start, for about half a second. ``ahead`` are trials that were run
        meanwhile, by place.

        Raises:
            ComputationFailed: it ended without a result, or took far too long; it may be asked again.
        """


class ComputeKinds(ComputeSlices, Protocol):
    """The same, for who takes requests: it says before anything is kept what it cannot compute."""

    def check(self, kind: Kind) -> None:
        """See that backtests of a kind can be computed.

        Raises:
            NotInstalled: what computes weights is not there.
        """
