"""What needs all entries while they are still being read: who asks is told when to come again, at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from portfolio.application.errors import EntriesUnread
from portfolio.application.history.restating import RestateDays
from portfolio.application.ledger.cash_records import CashEntry
from portfolio.application.ledger.lots.journal import Journal
from portfolio.application.ledger.lots.movement import Movement
from portfolio.application.ledger.lots.progress import ENTRY_SECONDS
from portfolio.domain.days import day_of
from portfolio.entrypoints.http.pages.scorecard.controller import LATE
from portfolio.main import CompositionRoot
from portfolio.settings import Settings
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.services.http_service import Service, create_database, is_problem, running
from tests.support.services.waiting import until


class LongLedger(FakeLedger):
    """Books whose entries are not read before they may be."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.goes_on = 0, asyncio.Event()

    async def movements(self, portfolio_id: int, *, after: int, limit: int) -> Sequence[Movement | CashEntry]:
        self.asked += 1
        await self.goes_on.wait()
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
        await until(lambda: ledger.asked)
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


async def test_who_asks_for_lots_or_past_books_is_told_the_same_and_the_reading_goes_on() -> None:
    ledger = LongLedger()
    async with running(ledger=ledger) as service:
        assert ledger.books.portfolio is not None
        books = ledger.books.portfolio
        ledger.books.portfolio = replace(books, revision=300_000)
        reading = asyncio.create_task(service.http.get("/lots"))
        await until(lambda: ledger.asked)
        reading.cancel()
        async with asyncio.timeout(10):  # less than a request waits for entries
            for path in (
                "/lots",
                "/gains",
                "/gains?format=csv",
                "/exports/gains",
                "/portfolio?as_of=2025-01-01T00:00:00Z",
                "/positions?known_at=1",
                "/performance?as_of=2025-01-01T00:00:00Z",
                "/attribution?basis=restated",
            ):
                answer = await service.http.get(path)
                assert is_problem(answer, 503, "entries-unread"), path
                assert answer.headers["Retry-After"] == "30"
                assert answer.json()["detail"].startswith("0 of the ledger's 300,000 entries are read")
            for path in ("/ledger/restate", "/trades/1/lots"):
                answer = await service.http.post(path, json={"lots": []} if "lots" in path else {"dry_run": True})
                assert is_problem(answer, 503, "entries-unread"), path
        assert ledger.asked == 1
        ledger.books.portfolio = books
        ledger.goes_on.set()
        answer = await service.http.get("/lots")
        assert (answer.status_code, answer.json()["revision"]) == (200, 2)


async def test_a_reading_that_takes_longer_than_one_waits_goes_on_and_others_wait_for_it() -> None:
    ledger = LongLedger()
    async with running(ledger=ledger) as service:
        portfolio = (await service.cases.ledger.snapshots.newest()).portfolio
        journal = Journal(ledger, patience_seconds=0)
        for _ in range(2):
            with pytest.raises(EntriesUnread, match=r"^0 of the ledger's 2 entries are read"):
                await journal.read(portfolio)
        waiting = asyncio.create_task(journal.read(portfolio, waits=True))
        await until(lambda: ledger.asked)
        ledger.goes_on.set()
        assert (await waiting).revision == 2
        assert await journal.read(portfolio) is await waiting
        assert ledger.asked == 1


async def test_many_who_ask_at_once_and_give_up_leave_one_reading_behind() -> None:
    ledger = LongLedger()
    async with running(ledger=ledger) as service:
        portfolio = (await service.cases.ledger.snapshots.newest()).portfolio
        journal = Journal(ledger, patience_seconds=0.01)
        told = await asyncio.gather(*(journal.read(portfolio) for _ in range(20)), return_exceptions=True)
        assert {type(each) for each in told} == {EntriesUnread}
        assert [task.get_name() for task in asyncio.all_tasks()].count("uncancelled") == 1
        ledger.goes_on.set()
        assert (await journal.read(portfolio, waits=True)).revision == 2
        assert ledger.asked == 1


async def test_the_rest_is_not_estimated_by_the_time_since_a_reading_of_before() -> None:
    ledger = LongLedger()
    async with running(ledger=ledger) as service:
        portfolio = (await service.cases.ledger.snapshots.newest()).portfolio
        journal = Journal(ledger, patience_seconds=0.01)
        ledger.goes_on.set()
        await journal.read(portfolio, waits=True)
        ledger.goes_on.clear()
        later = asyncio.get_running_loop().time() + 0.1
        await until(lambda: asyncio.get_running_loop().time() > later)
        of_before = asyncio.create_task(journal.read(replace(portfolio, revision=1), waits=True))
        await until(lambda: ledger.asked == 2)
        with pytest.raises(EntriesUnread) as told:
            await journal.read(replace(portfolio, revision=3))
        assert told.value.retry_after_seconds == ENTRY_SECONDS  # for one entry, of which nobody knows more
        ledger.goes_on.set()
        assert (await of_before).revision == 1


async def test_what_nobody_waits_for_any_more_ends_with_the_service() -> None:
    ledger = LongLedger()
    async with running(ledger=ledger) as service:
        portfolio = (await service.cases.ledger.snapshots.newest()).portfolio
        journal = Journal(ledger, patience_seconds=0)
        with pytest.raises(EntriesUnread):
            await journal.read(portfolio)
        await until(lambda: ledger.asked)
        await journal.stop()
        assert "uncancelled" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_days_are_prepared_however_long_the_entries_take_and_who_asks_meanwhile_is_told() -> None:
    ledger = LongLedger()
    async with running(ledger=ledger) as service:
        portfolio = (await service.cases.ledger.snapshots.newest()).portfolio
        restate = RestateDays(Journal(ledger, patience_seconds=0), service.prices)
        preparing = asyncio.create_task(restate.prepare(portfolio, day_of(service.clock.now())))
        await until(lambda: ledger.asked)
        with pytest.raises(EntriesUnread):
            await restate(portfolio, day_of(service.clock.now()))
        ledger.goes_on.set()
        await preparing
        assert restate.has_begun
        assert ledger.asked == 1


async def test_a_command_waits_for_as_long_as_it_takes(tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite+aiosqlite:///{create_database(tmp_path)}", log_file="")
    async with CompositionRoot().use_cases(settings) as cases:
        assert cases.ledger.journal.patience_seconds is None
