"""The probe of the database, where its answers contradict each other or say that there is no schema."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from portfolio.application.errors import LedgerUnavailable, SchemaUnknown
from portfolio.application.health import Condition, DatabaseCondition, Health
from portfolio.application.records import Revisions
from tests.support.fake_ledger import FakeLedger
from tests.support.http_service import running


class NoSchema(FakeLedger):
    """Answers, and has no schema."""

    async def ping(self) -> str:
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


async def test_a_trades_own_price_is_no_refresh() -> None:
    async with running() as service:
        await service.http.post(
            "/holdings/update",
            json={"symbol": "BTC", "side": "BUY", "quantity": 1, "price": 10, "net_amount": 10},
        )
        service.clock.advance(timedelta(seconds=5).total_seconds())
        health = await health_of(service)
    assert (health.prices.last_refresh, health.prices.oldest_age_seconds) == (None, 5)
