"""The probe of the database, where its answers contradict each other or say that there is no schema."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from portfolio.application.errors import LedgerUnavailable, SchemaUnknown
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
    assert health.database.condition is DatabaseCondition.AWAY


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
        service.clock.advance(1)
        health = await health_of(service)
        assert (health.condition, health.can_book) == (Condition.DEGRADED, False)
        assert health.database.detail == "another program has the lock"
        ledger.locked = False
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
