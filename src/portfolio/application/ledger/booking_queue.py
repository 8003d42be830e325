"""Gathers the bookings that arrive while a commit is under way into the next transaction."""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from portfolio.application.errors import ApplicationError, LedgerRefused, MessageTooLarge, Overloaded
from portfolio.application.ledger.booking import BookTrades
from portfolio.application.ledger.booking_batch import BookingResult
from portfolio.application.ledger.records import Acceptance, BookingReply, BookTrade
from portfolio.domain.decimal_text import counted

FAILURES_IN_A_ROW = 3


class OwnFailures(msgspec.Struct):
    """The bookings in a row that this process could not make although the database answered."""

    _count: int = 0
    _last: str = ""

    @property
    def cause(self) -> str:
        """Return why bookings fail, from the third failure in a row to the next success; else nothing."""
        return self._last if self._count >= FAILURES_IN_A_ROW else ""

    def note(self, error: Exception, bookings: int) -> None:
        """Count failures. What a database that is away or busy does to them is no failure of this kind."""
        if isinstance(error, MessageTooLarge) and bookings > 1:
            return  # fewer of them may fit
        if isinstance(error, LedgerRefused):
            self._count, self._last = self._count + bookings, str(error)
        elif not isinstance(error, ApplicationError):
            self._count, self._last = self._count + bookings, f"an error of the service: {type(error).__name__}"

    def note_success(self, results: Sequence[BookingResult]) -> None:
        """Forget them, if one of the results was booked now."""
        if any(
            isinstance(one, BookingReply) and not one.replayed and isinstance(one.outcome.result, Acceptance)
            for one in results
        ):
            self.forget()

    def forget(self) -> None:
        """Forget them: their cause is known to be gone."""
        self._count = 0


@dataclass(slots=True, eq=False)
class _Waiting:
    """What one caller wants booked, and until when it may wait for its turn."""

    commands: Sequence[BookTrade]
    answer: asyncio.Future[list[BookingResult]]
    patience: asyncio.TimerHandle = field(init=False)


class BookingQueue:
    """Takes bookings of one portfolio from any number of callers and books them in order, many to a commit.

    The booking runs in the queue's own task: a caller who goes away cancels the waiting, never the booking. Nothing is
    answered before its commit, and one refusal does not disturb its neighbours. What has not been begun after
    ``patience_seconds`` never is: its caller hears so while there is time to try again.
    """

    def __init__(
        self,
        book: BookTrades,
        portfolio_id: int,
        *,
        max_waiting: int = 5_000,
        max_batch: int = 256,
        patience_seconds: float = 3.0,
    ) -> None:
        self._book = book
        self._portfolio_id = portfolio_id
        self.max_waiting = max_waiting
        self._max_batch = max_batch
        self._patience_seconds = patience_seconds
        self._waiting: deque[_Waiting] = deque()
        self._waiting_count = 0
        self._worker: asyncio.Task[None] | None = None
        self._closed = False
        self.failures = OwnFailures()

    @property
    def waiting(self) -> int:
        """Return how many bookings wait or are at work."""
        return self._waiting_count

    async def book(self, commands: Sequence[BookTrade]) -> list[BookingResult]:
        """Return one result a command, in order, once they are committed together.

        Raises:
            Overloaded: too many are waiting, those before took too long, or the service is stopping; nothing was
                begun.
        """
        if self._closed:
            raise Overloaded("the service is stopping")
        if self._waiting_count + len(commands) > self.max_waiting:
            raise Overloaded(f"{counted(self._waiting_count, 'booking')} waiting")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[BookingResult]] = loop.create_future()
        waiting = _Waiting(commands, answer)
        waiting.patience = loop.call_later(self._patience_seconds, self._give_up, waiting)
        self._waiting.append(waiting)
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
        size = len(taken[0].commands)
        while self._waiting and size + len(self._waiting[0].commands) <= self._max_batch:
            taken.append(self._waiting.popleft())
            size += len(taken[-1].commands)
        for one in taken:
            one.patience.cancel()
        return taken

    def _give_up(self, waiting: _Waiting) -> None:
        """Take out of the queue what has waited too long; its turn has not come."""
        self._waiting.remove(waiting)
        reason = f"the bookings before this one took longer than {self._patience_seconds:g} s; it was not begun"
        self._answer_all([waiting], Overloaded(reason))

    async def _book_together(self, taken: list[_Waiting]) -> None:
        commands = [command for one in taken for command in one.commands]
        try:
            results = await self._book(self._portfolio_id, commands)
        except Exception as error:  # noqa: BLE001  whatever it is, it is handed to whom it concerns
            # Too much at once, or not foreseen: perhaps one caller's doing, and the others must not suffer for it.
            if len(taken) > 1 and (isinstance(error, MessageTooLarge) or not isinstance(error, ApplicationError)):
                for one in taken:
                    await self._book_together([one])
                return
            self.failures.note(error, len(commands))
            self._answer_all(taken, error)
        else:
            self.failures.note_success(results)
            start = 0
            for one in taken:
                end = start + len(one.commands)
                self._answer(one, results[start:end])
                start = end

    def _answer(self, one: _Waiting, results: list[BookingResult]) -> None:
        self._waiting_count -= len(one.commands)
        if not one.answer.done():
            one.answer.set_result(results)

    def _answer_all(self, taken: list[_Waiting], error: Exception) -> None:
        for one in taken:
            self._waiting_count -= len(one.commands)
            if not one.answer.done():
                one.answer.set_exception(error)
