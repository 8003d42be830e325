"""Short questions to the books in memory."""

from __future__ import annotations

from portfolio.application.ledger.records import Refusal
from tests.support.fakes.fake_ledger import FakeLedger


class FakeProbe:
    """The port ``Probe`` on the same books."""

    def __init__(self, ledger: FakeLedger) -> None:
        self._ledger = ledger

    async def ping(self) -> str:
        return await self._ledger.schema()

    async def count_refusals(self, portfolio_id: int) -> int:
        self._ledger.answer(portfolio_id)
        return sum(isinstance(outcome.result, Refusal) for outcome in self._ledger.books.outcomes.values())

    async def try_write(self, portfolio_id: int) -> None:
        await self._ledger.take_lock(portfolio_id)
