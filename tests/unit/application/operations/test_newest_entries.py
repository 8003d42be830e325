"""The newest entries of the ledger, in one list."""

from __future__ import annotations

from portfolio.application.operations.newest_entries import newest_entries, revision_of
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_lookups import FakeLookups
from tests.support.ledger_examples import open_books
from tests.support.services.http_service import BUY, running


async def test_entries_of_both_kinds_come_newest_first_and_no_more_than_asked_for() -> None:
    async with running() as service:
        for _ in range(3):
            await service.http.post("/holdings/update", json=BUY)
        await service.http.post("/cash/transactions", json={"kind": "deposit", "amount": 1})
        for limit, revisions in ((2, [6, 5]), (4, [6, 5, 4, 3]), (50, [6, 5, 4, 3, 2, 1])):
            found = await newest_entries(service.cases.lookups, 1, limit)
            assert [revision_of(entry) for entry in found] == revisions


async def test_rows_of_other_programs_are_no_entries() -> None:
    ledger = FakeLedger()
    await open_books(ledger)
    assert [revision_of(entry) for entry in await newest_entries(FakeLookups(ledger), 1, 9)] == [2, 1]
