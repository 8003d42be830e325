"""Gathers the bookings that arrive while a commit is under way into the next transaction."""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Sequence

from portfolio.application.booking import BookTrades
from portfolio.application.booking_batch import BookingResult
from portfolio.application.errors import ApplicationError, Overloaded
from portfolio.application.records import BookTrade

_Waiting = tuple[Sequence[BookTrade], asyncio.Future[list[BookingResult]]]


class BookingQueue:
    """Takes bookings from any number of callers and books them in order of arrival, many to a commit.

    The booking runs in the queue's own task: a caller who goes away cancels the waiting, never the booking. Nothing is
    answered before its commit, and one refusal does not disturb its neighbours.
    """

    def __init__(self, book: BookTrades, *, max_waiting: int = 5_000, max_batch: int = 256) -> None:
        self._book = book
        self._max_waiting = max_waiting
        self._max_batch = max_batch
        self._waiting: deque[_Waiting] = deque()
        self._waiting_count = 0
        self._worker: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def waiting(self) -> int:
        """Return how many bookings wait or are at work."""
        return self._waiting_count

    async def book(self, commands: Sequence[BookTrade]) -> list[BookingResult]:
        """Return one result a command, in order, once they are committed together.

        Raises:
            Overloaded: too many are waiting, or the service is stopping; nothing was begun.
            LedgerUnavailable: nothing was applied.
            OutcomeUnknown: the commit was lost; the same keys again tell.
        """
        if self._closed:
            raise Overloaded("the service is stopping")
        if self._waiting_count + len(commands) > self._max_waiting:
            raise Overloaded(f"{self._waiting_count} bookings are waiting")
        answer: asyncio.Future[list[BookingResult]] = asyncio.get_running_loop().create_future()
        self._waiting.append((commands, answer))
        self._waiting_count += len(commands)
        if self._worker is None:
            # In a context of its own: the work is not of the request that happened to start it.
            self._worker = asyncio.create_task(self._work(), name="booking-queue", context=contextvars.Context())
        return await answer

    async def close(self) -> None:
        """Take no more, and return when all that was taken is answered."""
        self._closed = True
        if self._worker is not None:
            await asyncio.shield(self._worker)

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._book_together(self._take())
        finally:
            self._worker = None

    def _take(self) -> list[_Waiting]:
        """Take from the queue what fits into one transaction: at least one caller's commands."""
        taken = [self._waiting.popleft()]
        size = len(taken[0][0])
        while self._waiting and size + len(self._waiting[0][0]) <= self._max_batch:
            taken.append(self._waiting.popleft())
            size += len(taken[-1][0])
        return taken

    async def _book_together(self, taken: list[_Waiting]) -> None:
        commands = [command for part, _ in taken for command in part]
        try:
            results = await self._book(commands)
        except ApplicationError as error:
            self._answer_all(taken, error)
        except Exception as error:  # noqa: BLE001  whatever it is, it is handed to whom it concerns
            # Not foreseen, so perhaps one command's doing: the others must not suffer for it.
            if len(taken) == 1:
                self._answer_all(taken, error)
                return
            for one in taken:
                await self._book_together([one])
        else:
            start = 0
            for part, answer in taken:
                self._answer(part, answer, results[start : start + len(part)])
                start += len(part)

    def _answer(
        self,
        part: Sequence[BookTrade],
        answer: asyncio.Future[list[BookingResult]],
        results: list[BookingResult],
    ) -> None:
        self._waiting_count -= len(part)
        if not answer.done():
            answer.set_result(results)

    def _answer_all(self, taken: list[_Waiting], error: Exception) -> None:
        for part, answer in taken:
            self._waiting_count -= len(part)
            if not answer.done():
                answer.set_exception(error)
