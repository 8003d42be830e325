"""What needs all entries while they are still being read: who asks is told when to come again, at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from portfolio.application.ledger.cash_records import CashEntry
from portfolio.application.ledger.lots.movement import Movement
from portfolio.entrypoints.http.pages.scorecard.controller import LATE
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.services.http_service import Service, is_problem, running
from tests.support.services.waiting import until


class LongLedger(FakeLedger):
    """Books of 300,000 entries, which are never read to the end."""

    def __init__(self) -> None:
        super().__init__()
        self.is_asked = False

    async def movements(self, portfolio_id: int, *, after: int, limit: int) -> Sequence[Movement | CashEntry]:
        self.is_asked = True
        await asyncio.Event().wait()
        return await super().movements(portfolio_id, after=after, limit=limit)


async def text(service: Service, path: str) -> str:
    """A page."""
    return (await service.http.get(path, headers={"Accept": "text/html"})).text


async def test_who_asks_while_long_books_are_read_is_told_at_once_when_to_come_again() -> None:
    ledger = LongLedger()
    async with running(ledger=ledger) as service:
        assert ledger.books.portfolio is not None
        ledger.books.portfolio = replace(ledger.books.portfolio, revision=300_000)
        reading = asyncio.create_task(service.http.get("/performance"))
        await until(lambda: ledger.is_asked)
        async with asyncio.timeout(5):  # half of the deadline that the first one waits for
            for path in ("/performance", "/performance/timeframes", "/attribution"):
                answer = await service.http.get(path)
                assert is_problem(answer, 503, "entries-unread")
                assert answer.headers["Retry-After"] == "30"
                assert answer.json()["detail"].startswith("0 of the ledger's 300,000 entries are read")
            portfolio = await service.http.get("/portfolio")
            assert portfolio.status_code == 200
            assert LATE in await text(service, "/pages/scorecard")
        reading.cancel()
