"""What the ledger refuses leaves no trace but the refusal, on a real database; and a kept one is said again alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.old_database import execute
from tests.support.services.proxied_service import BUY, ask, book, until
from tests.support.services.service import ServiceProcess

BOOKS = ("mock_portfolio", "mock_holdings", "mock_trades", "portfolio_cash_transactions")

KEPT: tuple[tuple[dict[str, Any], int, str], ...] = (
    ({"side": "SELL", "quantity": 1000, "net_amount": 10_000}, 409, "insufficient-quantity"),
    ({"quantity": 100_000, "net_amount": 1_000_000}, 409, "insufficient-cash"),
    ({"net_amount": 100}, 400, "amount-mismatch"),
    ({"symbol": "NEVERHELD", "side": "SELL"}, 409, "insufficient-quantity"),
)
MALFORMED: tuple[dict[str, Any], ...] = ({"side": "HOLD"}, {"quantity": -1}, {"fees": 5}, {"symbol": "BTC-EUR"})


@pytest.fixture
def service(database: DatabaseUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    settings = {"PORTFOLIO_REFRESH_SECONDS": "3600"}
    with ServiceProcess(database, tmp_path_factory.mktemp("refusals"), settings=settings) as service:
        yield service


async def test_a_refused_booking_leaves_the_books_as_they_were_to_the_byte_and_is_refused_alike_for_good(
    service: ServiceProcess, database: DatabaseUnderTest
) -> None:
    def content() -> dict[str, Any]:
        return {table: execute(database, f"SELECT * FROM {table} ORDER BY id") for table in BOOKS}

    async def refreshed() -> bool:
        health = await ask(client, "GET", "/health")
        return health.body["refresher"]["last_tick_age_seconds"] is not None

    async def fetched() -> bool:
        [[revision]] = execute(database, "SELECT price_revision FROM mock_portfolio")
        return int(str(revision)) > int(str(refreshes))

    async with service.client() as client:
        await until(refreshed, "prices are never refreshed")  # which writes into the same rows, once
        [[refreshes]] = execute(database, "SELECT price_revision FROM mock_portfolio")
        assert (await book(client, "first", quantity=10, net_amount=100)).status == 200
        await until(fetched, "the closes of what was booked are never fetched")  # in the background, into the same row
        before = content()
        first = {}
        for number, (wrong, status, slug) in enumerate(KEPT):
            first[number] = await book(client, f"kept-{number}", **wrong)
            assert (first[number].status, first[number].slug) == (status, slug), first[number].body
            assert (await book(client, None, **wrong)).slug == slug
        for number, wrong in enumerate(MALFORMED):
            answer = await book(client, f"malformed-{number}", **wrong)
            assert answer.status == 400, answer.body
        assert (await book(client, "first", quantity=9, net_amount=90)).status == 422
        batch = {"bookings": [{**BUY, **wrong} for wrong, _, _ in KEPT]}
        assert (await ask(client, "POST", "/holdings/update/batch", batch)).body["booked"] == 0
        assert content() == before
        # The refusal stands although by now the booking could be carried out; what was malformed was never begun.
        assert (await ask(client, "POST", "/cash/transactions", {"kind": "deposit", "amount": 2_000_000})).status == 200
        after = content()
        for number, (wrong, _, _) in enumerate(KEPT):
            again = await book(client, f"kept-{number}", **wrong)
            assert again.headers["Idempotency-Replayed"] == "true"
            assert again.body == {**first[number].body, "replayed": True}
        assert content() == after
        assert (await book(client, "malformed-0")).status == 200
    assert service.command("verify").returncode == 0
