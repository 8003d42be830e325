"""Trials of a job that are run ahead of it, on processes that have nothing else to do."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Self

from portfolio.application.backtest.jobs.ports import ComputeSlices


class TrialsAhead:
    """Runs the trials of one job from the last one on, while the job itself goes through them from the first one on.

    The two meet somewhere: a trial that both have begun is computed twice, to the same bytes. A task ends where other
    work waits for its process, and is begun again when there is none. Whatever goes wrong in one, the job meets it
    itself at that trial, and says so: then no more is run ahead.
    """

    def __init__(self, compute: ComputeSlices, given: bytes) -> None:
        self._compute = compute
        self._given = given
        self._to_try = range(0)
        self._last: int | None = None
        self._found: dict[int, bytes] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._ends = False

    async def __aenter__(self) -> Self:
        """Return this one; nothing is begun yet."""
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Begin nothing any more, and wait for the slices that are under way; after an error they are ended, as nobody
        wants them.
        """
        self._ends = True
        try:
            if kind is None and self._tasks:
                await asyncio.wait(self._tasks)
        finally:
            for task in self._tasks:
                task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def go_on(self, to_try: range) -> None:
        """Begin tasks on the processes without work but for one, the job's own; ``to_try`` are the places left."""
        self._to_try = to_try
        for _ in range(0 if self._ends else self._compute.spare - 1):
            place = self._next()
            if place is None:
                break
            task = asyncio.create_task(self._run(place), name="trials ahead")
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    def taken(self) -> Mapping[int, bytes]:
        """Return the trials that were found since this was asked last, by place."""
        found, self._found = self._found, {}
        return found

    def _next(self) -> int | None:
        """Return the last place that nobody has begun; None where there is none. The first one is the job's own."""
        last = self._to_try.stop - 1 if self._last is None else min(self._last, self._to_try.stop) - 1
        if last <= self._to_try.start:
            return None
        self._last = last
        return last

    async def _run(self, first: int) -> None:
        place: int | None = first
        while place is not None:
            state = None
            while (attempt := await self._compute.attempt(self._given, place, state)).trial is None:
                if self._ends or place not in self._to_try:
                    return
                state = attempt.state
            self._found[place] = attempt.trial
            place = None if self._ends or not self._compute.spare else self._next()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._ends = True
