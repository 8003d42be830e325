"""Jobs: what was asked, how far it is, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from portfolio.domain.arithmetic import ZERO


class JobState(StrEnum):
    """What has become of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


WAITING = frozenset({JobState.QUEUED, JobState.RUNNING})
"""The states of jobs that have not ended."""

STANDING = WAITING | {JobState.DONE}
"""The states of jobs that answer the same question again: what failed or was cancelled is computed anew."""


class Part(StrEnum):
    """The parts of an outcome."""

    RESULT = "result"
    EQUITY = "equity"
    TRADES = "trades"
    SWEEP = "sweep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A backtest that was asked for.

    ``request`` is what was asked, as JSON; ``fingerprint`` is a digest of all that decides the result. ``progress`` is
    a fraction. ``error`` says why it failed. ``number`` is its place in the order of creation, None before it is kept.
    """

    id: str
    portfolio_id: int
    fingerprint: str
    closes: str
    request: str
    created_at: datetime
    state: JobState = JobState.QUEUED
    progress: Decimal = ZERO
    finished_at: datetime | None = None
    error: str | None = None
    number: int | None = None


class JobLease(msgspec.Struct, frozen=True, kw_only=True):
    """The right to compute a job: what is written under a lease that another one followed is refused."""

    number: int
    job_id: str
    holder: str
    token: int


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A job that was taken: what it is computed of, and what was computed of it before, if anything was.

    ``attempts`` is how often it was taken since its last checkpoint, this time included.
    """

    lease: JobLease
    input: bytes
    checkpoint: bytes | None
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a job: its figures, the value of each day, its trades, and the trials of its sweep, each as JSON."""

    result: bytes
    equity: bytes
    trades: bytes
    sweep: bytes


class Advanced(msgspec.Struct, frozen=True, kw_only=True):
    """How far a computation is: the fraction of it that is done, what it goes on from, and what came of it at last.

    ``to_try`` are the places of trials that may be run elsewhere meanwhile.
    """

    progress: Decimal
    checkpoint: bytes
    outcome: Outcome | None = None
    to_try: range = range(0)


class Attempted(msgspec.Struct, frozen=True, kw_only=True):
    """How far one trial is that is run by itself: ``state`` is what it goes on from, ``trial`` what came of it."""

    state: bytes | None = None
    trial: bytes | None = None
