"""The probe of the database, where its answers contradict each other or say that there is no schema."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from portfolio.application.errors import BooksContradicted, LedgerRefused, LedgerUnavailable, SchemaUnknown
from portfolio.application.ledger.records import Revisions
from portfolio.application.operations.health import Condition, DatabaseCondition, Health
from portfolio.domain.mark import Mark
from portfolio.domain.money import Money, Price
from portfolio.domain.symbol import Symbol
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.services.http_service import running


class NoSchema(FakeLedger):
    """Answers, and has no schema."""

    async def schema(self) -> str:
        raise SchemaUnknown(None, "0001")


class HalfAway(FakeLedger):
    """Answers a ping and a count; whether it gives its books is up to the test."""

    gives_books = True

    async def revisions(self, portfolio_id: int) -> Revisions:
        if not self.gives_books:
            raise LedgerUnavailable("gone")
        return await super().revisions(portfolio_id)


async def health_of(service: Any) -> Health:
    """What the use case says."""
    found: Health = await service.cases.health()
    return found


async def test_a_database_without_a_schema_is_unhealthy_and_says_what_to_run() -> None:
    async with running(ledger=NoSchema()) as service:
        health = await health_of(service)
    assert (health.condition, health.can_book) == (Condition.UNHEALTHY, False)
    assert health.database.condition is DatabaseCondition.SCHEMA_UNKNOWN
    assert "portfolio migrate" in (health.database.detail or "")


async def test_a_database_that_answers_but_gives_no_books_is_away() -> None:
    ledger = HalfAway()
    async with running(ledger=ledger) as service:
        assert (await health_of(service)).can_book
        ledger.gives_books = False
        health = await health_of(service)
    assert (health.condition, health.can_book) == (Condition.DEGRADED, False)
    assert (health.database.condition, health.database.detail) == (DatabaseCondition.AWAY, "gone")


class Contradicted(FakeLedger):
    """Answers, and its row is not the one that its entries made, once a test says so."""

    is_contradicted = False

    async def revisions(self, portfolio_id: int) -> Revisions:
        if self.is_contradicted:
            raise BooksContradicted("row 1 of mock_portfolio is gone")
        return await super().revisions(portfolio_id)


@pytest.mark.parametrize("is_read", [True, False])
async def test_books_that_are_contradicted_are_unhealthy_whether_they_were_read_before_or_not(is_read: bool) -> None:
    ledger = Contradicted()
    async with running(ledger=ledger) as service:
        if is_read:
            assert (await health_of(service)).can_book
        ledger.is_contradicted = True
        health = await health_of(service)
    assert (health.condition, health.can_book) == (Condition.UNHEALTHY, False)
    assert health.database.condition is DatabaseCondition.BOOKS_CONTRADICTED
    assert "row 1 of mock_portfolio is gone" in (health.database.detail or "")


class Locked(FakeLedger):
    """Gives its books and takes no booking, while it is locked; counts how often it was asked."""

    locked = False
    asked = 0

    async def take_lock(self, portfolio_id: int) -> None:
        self.asked += 1
        if self.locked:
            raise LedgerUnavailable("another program has the lock")


async def test_a_database_that_takes_no_writes_is_not_ready_and_still_read() -> None:
    ledger = Locked()
    async with running(ledger=ledger) as service:
        assert (await health_of(service)).can_book
        ledger.locked = True
        assert (await health_of(service)).can_book
        assert ledger.asked == 1
        service.clock.advance(2)
        health = await health_of(service)
        assert (health.condition, health.can_book) == (Condition.DEGRADED, False)
        assert health.database.detail == "another program has the lock"
        ledger.locked = False
        assert (await health_of(service)).can_book


class Refusing(FakeLedger):
    """Answers, and refuses what a booking writes: one on trial, or only those of engines."""

    refuses_trials = refuses_bookings = False

    async def take_lock(self, portfolio_id: int) -> None:
        if self.refuses_trials:
            raise LedgerRefused("INSERT denied")

    async def transact(self, *arguments: Any, **options: Any) -> Any:
        if self.refuses_bookings:
            raise LedgerRefused("not this one")
        return await super().transact(*arguments, **options)


async def book(service: Any) -> int:
    """Book one, and return the status of the answer."""
    answer = await service.http.post(
        "/holdings/update", json={"symbol": "BTC", "side": "BUY", "quantity": 1, "price": 10, "net_amount": 10}
    )
    return int(answer.status_code)


async def test_a_database_that_refuses_a_booking_on_trial_is_not_ready_and_says_why() -> None:
    ledger = Refusing()
    async with running(ledger=ledger) as service:
        ledger.refuses_trials = True
        health = await health_of(service)
        assert (health.condition, health.can_book) == (Condition.DEGRADED, False)
        assert (health.database.condition, health.database.detail) == (DatabaseCondition.REFUSING, "INSERT denied")
        ledger.refuses_trials = False
        assert (await health_of(service)).can_book


async def test_after_three_refused_bookings_it_is_not_ready_until_one_succeeds() -> None:
    ledger = Refusing()
    async with running(ledger=ledger) as service:
        ledger.refuses_bookings = True
        for _ in range(3):
            assert (await health_of(service)).can_book
            assert await book(service) == 503
        health = await health_of(service)
        assert (health.condition, health.can_book) == (Condition.DEGRADED, False)
        assert health.database.detail == "bookings fail: not this one"
        ledger.refuses_bookings = False
        service.clock.advance(10)
        assert not (await health_of(service)).can_book
        assert await book(service) == 200
        assert (await health_of(service)).can_book


async def test_what_a_trial_has_met_too_is_over_when_it_meets_it_no_more() -> None:
    ledger = Refusing()
    async with running(ledger=ledger) as service:
        assert (await health_of(service)).can_book  # a good trial, which counts for two seconds
        ledger.refuses_bookings = ledger.refuses_trials = True
        for _ in range(3):
            assert await book(service) == 503
        assert not (await health_of(service)).can_book
        ledger.refuses_bookings = ledger.refuses_trials = False
        assert (await health_of(service)).can_book


async def test_who_asks_while_anothers_probe_ends_takes_nothing_from_that_one() -> None:
    async with running(ledger=FakeLedger()) as service:

        async def asked_after(turns: int) -> Health:
            for _ in range(turns):
                await asyncio.sleep(0)
            return await health_of(service)

        # One of them comes just between the end of a probe and the moment when who waits for it goes on.
        found = await asyncio.gather(*(asked_after(turns) for turns in range(60)))
    assert all(health.can_book for health in found)


async def test_books_that_add_up_to_too_much_do_not_make_the_health_fail() -> None:
    ledger = HalfAway()
    async with running(ledger=ledger) as service:
        assert ledger.books.portfolio is not None
        most = Money(Decimal(9 * 10**19))
        ledger.books.portfolio = replace(ledger.books.portfolio, revision=9, cash=most, net_deposits=-most)
        health = await health_of(service)
    assert (health.unreconciled, len(health.unreconciled_lines)) == (None, 1)


async def test_a_trades_own_price_is_no_refresh() -> None:
    async with running() as service:
        await service.http.post(
            "/holdings/update",
            json={"symbol": "BTC", "side": "BUY", "quantity": 1, "price": 10, "net_amount": 10},
        )
        service.clock.advance(timedelta(seconds=5).total_seconds())
        health = await health_of(service)
    assert (health.prices.last_refresh, health.prices.oldest_age_seconds) == (None, 5)


async def test_the_price_of_an_adopted_row_is_no_refresh() -> None:
    async with running() as service:
        await service.http.post(
            "/holdings/update",
            json={"symbol": "BTC", "side": "BUY", "quantity": 1, "price": 10, "net_amount": 10},
        )
        portfolio = service.ledger.books.portfolio
        assert portfolio is not None
        mark = Mark(Price(Decimal(10)), "legacy", service.clock.now())
        service.ledger.books.portfolio = portfolio.marked({Symbol("BTC"): mark})
        service.clock.advance(5)
        health = await health_of(service)
    assert (health.prices.last_refresh, health.prices.oldest_age_seconds) == (None, 5)
