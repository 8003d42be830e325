"""Booking what requests ask for."""

from __future__ import annotations

from collections.abc import Sequence

from portfolio.application.clock import Clock
from portfolio.application.ledger.booking_batch import BookingResult
from portfolio.application.ledger.booking_queue import BookingQueue
from portfolio.application.ledger.records import BookingReply, BookTrade
from portfolio.entrypoints.http.ledger.answers import BatchAnswer, BatchItem
from portfolio.entrypoints.http.ledger.replies import batch_items, counts_of, decided
from portfolio.entrypoints.http.ledger.requests import BatchBody, BookingBody, book_trade, book_trades
from portfolio.entrypoints.http.ledger.views import BookingViews
from portfolio.entrypoints.http.shell.auth import Caller
from portfolio.entrypoints.http.shell.metrics import Metrics


class BookingRequests:
    """Books what bodies state, and counts what became of it.

    One object, because the framework starts a task for each of several dependencies of a handler: with four of them a
    booking would take a third longer.
    """

    def __init__(self, queue: BookingQueue, views: BookingViews, clock: Clock, metrics: Metrics) -> None:
        self.views = views
        self._queue = queue
        self._clock = clock
        self._metrics = metrics

    async def book(self, body: BookingBody, caller: Caller, *, header_key: str | None) -> BookingReply:
        """Return what became of one booking: kept, whether it was booked or refused.

        Raises:
            DomainError: it was refused, and the refusal is not kept.
            KeyReused: its key belongs to another booking.
        """
        wish = book_trade(body, caller, self._clock.now(), header_key=header_key)
        [result] = await self._booked([wish])
        if not isinstance(result, BookingReply):
            raise result
        return result

    async def book_all(self, body: BatchBody, caller: Caller, path: str) -> BatchAnswer:
        """Return what became of each booking of a batch, in order: one that cannot be read leaves the others alone."""
        wishes = book_trades(body, caller, self._clock.now())
        results = await decided(wishes, self._booked)
        items = [BatchItem(booking=booked, **rest) for booked, rest in batch_items(results, self.views.answer, path)]
        return BatchAnswer(timestamp=self._clock.now(), results=items, **counts_of(item.status for item in items))

    async def _booked(self, wishes: Sequence[BookTrade]) -> Sequence[BookingResult]:
        with self._metrics.counting("trade", len(wishes)) as counted:
            results = await self._queue.book(wishes)
            counted.extend(results)
        return results
