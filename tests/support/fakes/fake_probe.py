"""Short questions to the books in memory."""

from __future__ import annotations

from collections.abc import Sequence

from portfolio.application.ledger.records import MOST_COUNTED, NEVER_BOOKABLE, Refusal
from tests.support.fakes.fake_ledger import FakeLedger


class FakeProbe:
    """The port ``Probe`` on the same books."""

    def __init__(self, ledger: FakeLedger) -> None:
        self._ledger = ledger

    async def ping(self) -> str:
        return await self._ledger.schema()

    async def check_server(self) -> Sequence[str]:
        return ()

    async def count_refusals(self, portfolio_id: int) -> int:
        self._ledger.answer(portfolio_id)
        books = self._ledger.books
        bookings = [outcome.result for outcome in books.outcomes.values()]
        others = [refused.refusal for refused in books.unbooked_refusals.values()]
        return sum(sum(map(_may_be_booked, results[-MOST_COUNTED:])) for results in (bookings, others))

    async def unreadable_rows(self, portfolio_id: int) -> Sequence[str]:
        self._ledger.answer(portfolio_id)
        return ()

    async def try_write(self, portfolio_id: int) -> None:
        await self._ledger.take_lock(portfolio_id)


def _may_be_booked(result: object) -> bool:
    return isinstance(result, Refusal) and result.error not in NEVER_BOOKABLE
