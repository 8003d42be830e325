"""What is made of all entries may take longer than a request: it goes on without it, and the next one has it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from portfolio.application.in_thread import later_in_fold_thread
from portfolio.application.performance.tags.reading import TagKind
from portfolio.domain.ledger.lots.records import LotMethod
from tests.contract.http.ledger.test_lots import Watched, book
from tests.contract.http.performance.test_attribution import day_ends
from tests.support.services.http_service import Service, running
from tests.support.services.waiting import until


@contextmanager
def no_fold_ends() -> Iterator[None]:
    """The thread of the folds has something else to do."""
    goes_on = threading.Event()
    later_in_fold_thread(goes_on.wait)
    try:
        yield
    finally:
        goes_on.set()


def begun() -> int:
    return [task.get_name() for task in asyncio.all_tasks()].count("shared computation")


async def give_up(service: Service, path: str) -> None:
    """Ask, and go away once it was begun."""
    before = begun()
    asking = asyncio.create_task(service.http.get(path))
    await until(lambda: begun() > before)
    asking.cancel()
    await asyncio.wait([asking])


async def ask(service: Service, path: str) -> Any:
    answer = await service.http.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("path", ["/lots", "/lots?method=picked", "/gains?year=2025", "/positions?known_at=7"])
async def test_what_is_made_of_all_entries_goes_on_without_who_asked_and_the_next_one_has_it(
    service: Service, path: str
) -> None:
    await book(service)
    later = (await ask(service, path))["as_of"]
    with no_fold_ends():
        service.clock.advance(60)
        await give_up(service, path)
        service.clock.advance(60)
        next_one = asyncio.create_task(ask(service, path))
        await until(lambda: begun() == 1)
    first, second, third = later, (await next_one)["as_of"], (await ask(service, path))["as_of"]
    assert [text[11:19] for text in (first, second, third)] == ["12:00:00", "12:01:00", "12:02:00"]


async def test_what_was_known_at_a_revision_is_not_begun_anew_by_a_booking_and_the_newest_is(service: Service) -> None:
    await book(service)
    with no_fold_ends():
        for path in ("/lots", "/lots?known_at=7"):
            await give_up(service, path)
        service.clock.advance(60)
        body = {"symbol": "BTC", "side": "BUY", "quantity": 1, "price": 100, "net_amount": 100}
        assert (await service.http.post("/holdings/update", json=body)).status_code == 200
        asked = [asyncio.create_task(ask(service, path)) for path in ("/lots", "/lots?known_at=7")]
        await until(lambda: begun() == 2)
    newest, known = await asyncio.gather(*asked)
    assert (newest["revision"], newest["as_of"][11:19]) == (8, "12:01:00")
    assert (known["revision"], known["as_of"][11:19]) == (7, "12:00:00")


async def test_what_nobody_waits_for_any_more_ends_with_the_service(service: Service) -> None:
    await book(service)
    with no_fold_ends():
        await give_up(service, "/lots")
        await service.cases.ledger.journal.stop()
        assert not begun()


async def test_the_pages_of_lots_as_of_a_moment_are_of_one_fold(service: Service) -> None:
    await book(service)
    first, second = [
        await service.cases.ledger.read_lots(LotMethod.FIFO, datetime(2024, 2, 1, tzinfo=UTC)) for _ in range(2)
    ]
    assert len(first.lots) == 3
    assert second.lots is first.lots


async def test_results_by_tag_go_on_too(service: Service) -> None:
    body = {"symbol": "BTC", "side": "BUY", "quantity": 1, "price": 100, "net_amount": 100, "engine": "momentum"}
    assert (await service.http.post("/holdings/update", json=body)).status_code == 200
    for price in ("110", "120", "130"):
        await day_ends(service, BTC=price)
    path = "/attribution?by=engine"
    found = await ask(service, path)
    with no_fold_ends():
        await give_up(service, path)
        next_one = asyncio.create_task(ask(service, path))
    assert (await next_one)["rows"] == found["rows"] != []
    read = service.cases.performance.by_basis.recorded.attribution
    first, second = [(await read(TagKind.ENGINE, days=30)).rows or () for _ in range(2)]
    assert second[0].cash is first[0].cash  # whoever asked first may have gone away before there was an answer


async def test_past_books_as_of_a_moment_are_folded_once(service: Service) -> None:
    await book(service)
    first, second = [await service.cases.performance.past_books(datetime(2024, 2, 1, tzinfo=UTC)) for _ in range(2)]
    assert second.cash_balance is first.cash_balance


async def test_entries_that_are_missing_are_looked_for_and_the_others_are_not_read_again_before_one_is_there() -> None:
    async with running(ledger=Watched()) as service:
        await book(service)
        service.ledger.left_out.add(4)
        assert (await ask(service, "/lots"))["complete"] is False
        service.ledger.read_after.clear()
        for revision in (8, 9):
            await service.http.post("/cash/transactions", json={"kind": "deposit", "amount": 1})
            found = await ask(service, "/lots")
            assert (found["complete"], found["revision"]) == (False, revision)
        assert service.ledger.read_after == [6, 3, 7, 3]  # the newest is the same, and what is missing still is
        service.ledger.left_out.clear()
        await service.http.post("/cash/transactions", json={"kind": "deposit", "amount": 1})
        assert (await ask(service, "/lots"))["complete"] is True
        assert service.ledger.read_after[4:] == [8, 3, 0, 2, 4, 6, 8]


async def test_where_the_newest_entry_is_another_one_all_are_read_again_although_the_same_are_missing() -> None:
    async with running(ledger=Watched()) as service:
        await book(service)
        service.ledger.left_out.add(4)
        await ask(service, "/lots")
        service.ledger.left_out.add(7)  # as where the ledger was put back to before it, and others were booked since
        await service.http.post("/cash/transactions", json={"kind": "deposit", "amount": 1})
        service.ledger.read_after.clear()
        await ask(service, "/lots")
        assert service.ledger.read_after[:2] == [6, 0]
