"""The jobs in memory: the same promises as the database's, by a clock of its own, which the test moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from portfolio.application.backtest.jobs.records import STANDING, WAITING, Job, JobLease, JobState, Outcome, Part, Taken
from portfolio.application.errors import LeaseLost, TooManyBacktests
from portfolio.application.ledger.records import Page


@dataclass
class Row:
    """What is kept of a job."""

    job: Job
    given: bytes | None
    checkpoint: bytes | None = None
    outcome: Outcome | None = None
    holder: str | None = None
    token: int = 0
    expires_at: datetime | None = None
    attempts: int = 0


@dataclass
class FakeBacktests:
    """The port ``Backtests``; ``failures`` are raised by what writes under a lease, one after the other."""

    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    rows: list[Row] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    async def add(self, job: Job, given: bytes, *, most_waiting: int) -> tuple[Job, bool]:
        for row in reversed(self.rows):
            if row.job.fingerprint == job.fingerprint and row.job.state in STANDING:
                return row.job, False
        waiting = sum(row.job.state in WAITING for row in self.rows)
        if waiting >= most_waiting:
            raise TooManyBacktests(waiting)
        number = max([row.job.number or 0 for row in self.rows], default=0) + 1
        self.rows.append(Row(replace(job, number=number), given))
        return self.rows[-1].job, True

    async def named(self, job_id: str) -> Job | None:
        row = self._row(job_id)
        return None if row is None else row.job

    async def part(self, job_id: str, part: Part) -> bytes | None:
        row = self._row(job_id)
        return None if row is None or row.outcome is None else getattr(row.outcome, part.value)

    async def results_on(self, closes: str, *, but: str) -> Sequence[bytes]:
        there = [row for row in self.rows if row.job.closes == closes and row.job.id != but]
        return [row.outcome.result for row in there if row.outcome is not None]

    async def page(self, portfolio_id: int, *, before: int | None, limit: int) -> Page[Job]:
        jobs = [row.job for row in reversed(self.rows) if row.job.portfolio_id == portfolio_id]
        found = [job for job in jobs if before is None or (job.number or 0) < before]
        return Page(found[:limit], found[limit - 1].number if len(found) > limit else None)

    async def cancel(self, job_id: str, at: datetime) -> Job | None:
        row = self._row(job_id)
        if row is not None and row.job.state in WAITING:
            row.token += 1
            _end(row, JobState.CANCELLED, finished_at=at)
        return None if row is None else row.job

    async def take(self, holder: str, seconds: float) -> Taken | None:
        for row in self.rows:
            left = None if row.expires_at is None else row.expires_at - self.now
            is_free = left is None or not timedelta() <= left <= 4 * timedelta(seconds=seconds)
            if row.job.state in WAITING and is_free:
                row.token, row.holder, row.attempts = row.token + 1, holder, row.attempts + 1
                row.expires_at = self.now + timedelta(seconds=seconds)
                row.job = replace(row.job, state=JobState.RUNNING)
                lease = JobLease(number=row.job.number or 0, job_id=row.job.id, holder=holder, token=row.token)
                assert row.given is not None
                return Taken(lease=lease, input=row.given, checkpoint=row.checkpoint, attempts=row.attempts)
        return None

    async def keep(self, lease: JobLease, progress: Decimal, checkpoint: bytes, seconds: float) -> None:
        row = self._mine(lease)
        row.job, row.checkpoint, row.attempts = replace(row.job, progress=progress), checkpoint, 0
        row.expires_at = self.now + timedelta(seconds=seconds)

    async def renew(self, lease: JobLease, seconds: float) -> None:
        self._mine(lease).expires_at = self.now + timedelta(seconds=seconds)

    async def release(self, lease: JobLease, progress: Decimal | None, checkpoint: bytes | None) -> None:
        row = self._mine(lease)
        row.attempts, row.holder, row.expires_at = 0, None, None
        row.job = replace(row.job, state=JobState.QUEUED)
        if checkpoint is not None:
            assert progress is not None
            row.job, row.checkpoint = replace(row.job, progress=progress), checkpoint

    async def finish(self, lease: JobLease, outcome: Outcome, at: datetime) -> None:
        row = self._mine(lease)
        row.outcome = outcome
        _end(row, JobState.DONE, progress=Decimal(1), finished_at=at)

    async def fail(self, lease: JobLease, error: str, at: datetime) -> None:
        _end(self._mine(lease), JobState.FAILED, error=error, finished_at=at)

    async def forget(self, *, before: datetime, most: int) -> int:
        kept = [
            row
            for place, row in enumerate(reversed(self.rows))
            if row.job.finished_at is None or (row.job.finished_at >= before and place < most)
        ]
        gone = len(self.rows) - len(kept)
        self.rows = kept[::-1]
        return gone

    def _row(self, job_id: str) -> Row | None:
        return next((row for row in self.rows if row.job.id == job_id), None)

    def _mine(self, lease: JobLease) -> Row:
        if self.failures:
            raise self.failures.pop(0)
        for row in self.rows:
            if (row.job.number, row.token, row.job.state) == (lease.number, lease.token, JobState.RUNNING):
                return row
        raise LeaseLost(f"the backtest {lease.job_id} is computed by another instance now, or has ended")


def _end(row: Row, state: JobState, **changed: Any) -> None:
    row.job = replace(row.job, state=state, **changed)
    row.given = row.checkpoint = row.holder = row.expires_at = None
