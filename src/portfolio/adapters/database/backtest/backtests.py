"""Backtests in a database. What a holder writes is compared with the lease and set in one statement: a row's token is
the newest lease's.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, Final

from sqlalchemy import Select, delete, func, insert, or_, select, update

from portfolio.adapters.database.connection.connections import Connections
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.ledger.lookups import newest_page, page_of
from portfolio.adapters.database.prices.leases import TOO_FAR_AHEAD, take_turn, times
from portfolio.adapters.database.schema.fields import Fields, Values
from portfolio.adapters.database.schema.tables import backtests
from portfolio.adapters.database.schema.unreadable import Rows, UnreadableRows
from portfolio.application.backtest.jobs.records import STANDING, WAITING, Job, JobLease, JobState, Outcome, Part, Taken
from portfolio.application.errors import LeaseLost, TooManyBacktests
from portfolio.application.ledger.records import Page
from portfolio.domain.arithmetic import ONE

FORGOTTEN_AT_ONCE: Final = 20
_FAST: Final = 1  # the least effort of zlib, which makes a fifth of such texts

_JOB = Fields(Job, apart=["number"], id="backtest_id")
_c = backtests.c
_JOBS = [_c[name] for name in ("id", *_JOB.columns)]
_COLUMNS: Final = {part: _c["checkpoint" if part is Part.SWEEP else part.value] for part in Part}
"""The trials of a job that is done are the rest of its checkpoint, and stay in its place."""

_waits = _c.state.in_([state.value for state in WAITING])
_ENDED: Final[Values] = {"input": None, "checkpoint": None, "holder": None, "expires_at": None}


class DatabaseBacktests:
    """The port ``Backtests`` on a database, whose clock says when a lease has run out."""

    def __init__(self, connections: Connections, unreadable: UnreadableRows) -> None:
        self._connections = connections
        self._unreadable = unreadable

    async def add(self, job: Job, given: bytes, *, most_waiting: int) -> tuple[Job, bool]:
        packed = await _packed(given)

        async def keep(session: Session) -> tuple[Job, bool]:
            # Two who ask the same at once do so in turn, on whatever nodes.
            await take_turn(session, "backtests")
            known = (_c.fingerprint == job.fingerprint, _c.state.in_([state.value for state in STANDING]))
            newest = select(*_JOBS).where(*known).order_by(_c.id.desc()).limit(1)
            if (row := (await session.run(newest)).first()) is not None:
                return _job(row), False
            waiting = (await session.run(select(func.count()).select_from(backtests).where(_waits))).scalar_one()
            if waiting >= most_waiting:
                raise TooManyBacktests(waiting)
            new = {**_JOB.values(job), "input": packed, "token": 0, "attempts": 0}
            await session.run(insert(backtests).values(new))
            return _job((await session.run(select(*_JOBS).where(_c.backtest_id == job.id))).one()), True

        return await self._connections.write(keep)

    async def named(self, job_id: str) -> Job | None:
        rows = await self._connections.rows(select(*_JOBS).where(_c.backtest_id == job_id))
        return next(map(_job, rows), None)

    async def part(self, job_id: str, part: Part) -> bytes | None:
        done = (_c.backtest_id == job_id, _c.state == JobState.DONE.value)
        rows = await self._connections.rows(select(_COLUMNS[part]).where(*done))
        return await _unpacked(rows[0][0]) if rows and rows[0][0] is not None else None

    async def results_on(self, closes: str, *, but: str) -> Sequence[bytes]:
        rows = await self._connections.rows(_results_on(closes, but))
        return await asyncio.to_thread(lambda: [zlib.decompress(row.result) for row in rows])

    async def page(self, portfolio_id: int, *, before: int | None, limit: int) -> Page[Job]:
        own = select(*_JOBS).where(_c.portfolio_id == portfolio_id)
        rows = page_of(await self._connections.rows(newest_page(own, _c.id, before, limit)), limit)
        return Page(self._unreadable.readable(Rows.of(_c.id, _job), rows.items), rows.next_before)

    async def cancel(self, job_id: str, at: datetime) -> Job | None:
        async def end(session: Session) -> Job | None:
            ended = update(backtests).where(_c.backtest_id == job_id, _waits)
            await session.run(
                ended.values(state=JobState.CANCELLED.value, finished_at=at, token=_c.token + 1, **_ENDED)
            )
            row = (await session.run(select(*_JOBS).where(_c.backtest_id == job_id))).first()
            return None if row is None else _job(row)

        return await self._connections.write(end)

    async def take(self, holder: str, seconds: float) -> Taken | None:
        if await self._connections.read(partial(_free, seconds=seconds)) is None:
            return None  # who only looks is in nobody's way

        async def take(session: Session) -> tuple[JobLease, Any] | None:
            row = await _free(session, seconds)
            if row is None:
                return None
            taken = JobLease(number=row.id, job_id=row.backtest_id, holder=holder, token=row.token + 1)
            free = update(backtests).where(_c.id == row.id, _c.token == row.token, _waits)
            values = {"state": JobState.RUNNING.value, "token": taken.token, "holder": holder}
            until = {"expires_at": times(session, seconds)[1], "attempts": _c.attempts + 1}
            if (await session.run(free.values(**values, **until))).rowcount != 1:
                return None
            kept = select(_c.input, _c.checkpoint, _c.attempts).where(_c.id == row.id)
            return taken, (await session.run(kept)).one()

        found = await self._connections.write(take)
        if found is None:
            return None
        taken, row = found
        checkpoint = None if row.checkpoint is None else await _unpacked(row.checkpoint)
        return Taken(lease=taken, input=await _unpacked(row.input), checkpoint=checkpoint, attempts=row.attempts)

    async def keep(self, lease: JobLease, progress: Decimal, checkpoint: bytes, seconds: float) -> None:
        values = {"progress": progress, "checkpoint": await _packed(checkpoint), "attempts": 0}
        await self._write(lease, values, seconds)

    async def renew(self, lease: JobLease, seconds: float) -> None:
        await self._write(lease, {}, seconds)

    async def release(self, lease: JobLease, progress: Decimal | None, checkpoint: bytes | None) -> None:
        values: Values = {"state": JobState.QUEUED.value, "attempts": 0, "holder": None, "expires_at": None}
        if checkpoint is not None:
            values |= {"progress": progress, "checkpoint": await _packed(checkpoint)}
        await self._write(lease, values)

    async def finish(self, lease: JobLease, outcome: Outcome, at: datetime) -> None:
        parts = {_COLUMNS[part].name: await _packed(getattr(outcome, part.value)) for part in Part}
        values = {"state": JobState.DONE.value, "progress": ONE, "finished_at": at, **_ENDED, **parts}
        await self._write(lease, values)

    async def fail(self, lease: JobLease, error: str, at: datetime) -> None:
        await self._write(lease, {"state": JobState.FAILED.value, "error": error, "finished_at": at, **_ENDED})

    async def forget(self, *, before: datetime, most: int) -> int:
        newest = select(_c.id).order_by(_c.id.desc()).offset(most).limit(1)
        first = next((row.id for row in await self._connections.rows(newest)), 0)
        old = select(_c.id).where(~_waits, or_(_c.finished_at < before, _c.id <= first)).limit(FORGOTTEN_AT_ONCE)
        ids = [row.id for row in await self._connections.rows(old)]

        async def remove(session: Session) -> int:
            return (await session.run(delete(backtests).where(_c.id.in_(ids)))).rowcount

        return await self._connections.write(remove) if ids else 0

    async def _write(self, lease: JobLease, values: Values, seconds: float | None = None) -> None:
        """Write under a lease; raises LeaseLost where that is no longer the newest, or the job has ended."""

        async def write(session: Session) -> None:
            if seconds is not None:
                values["expires_at"] = times(session, seconds)[1]
            is_own = (_c.id == lease.number, _c.token == lease.token, _c.state == JobState.RUNNING.value)
            mine = update(backtests).where(*is_own)
            if (await session.run(mine.values(values))).rowcount != 1:
                raise LeaseLost(f"the backtest {lease.job_id} is computed by another instance now, or has ended")

        await self._connections.write(write)


def _results_on(closes: str, but: str) -> Select[Any]:
    done = (_c.closes == closes, _c.state == JobState.DONE.value, _c.backtest_id != but)
    return select(_c.result).where(*done).order_by(_c.id)


async def _free(session: Session, seconds: float) -> Any:
    """Return the oldest job that may be taken; None where there is none."""
    (now, _), (_, far_ahead) = times(session, 0), times(session, TOO_FAR_AHEAD * seconds)
    is_free = or_(_c.expires_at.is_(None), _c.expires_at < now, _c.expires_at > far_ahead)
    oldest = select(_c.id, _c.backtest_id, _c.token).where(_waits, is_free).order_by(_c.id).limit(1)
    return (await session.run(oldest)).first()


async def _packed(content: bytes) -> bytes:
    return await asyncio.to_thread(zlib.compress, content, _FAST)


async def _unpacked(content: bytes) -> bytes:
    return await asyncio.to_thread(zlib.decompress, content)


def _job(row: Any) -> Job:
    """Return the job of a row."""
    return _JOB.record(row, number=row.id)
