"""Absurd cells under a running service: left out, named, counted, and forgotten once they are mended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.faults.deeds import do, row_of
from tests.faults.harness.world import World, until

BUY = {"symbol": "BTC", "side": "BUY", "quantity": 1, "price": 50_000, "net_amount": 50_000}


@pytest.fixture
async def http(service: World) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=service.service.url, timeout=30) as client:
        yield client


async def named(http: httpx.AsyncClient) -> list[str]:
    """The rows that health names; it counts as many, and is not healthy."""
    told = (await http.get("/health")).json()
    rows: list[str] = told["unreadable_rows"]["rows"]
    assert told["unreadable_rows"]["count"] == len(rows)
    assert f"portfolio_unreadable_rows {len(rows)}.0" in (await http.get("/metrics")).text
    assert not rows or told["status"] == "degraded"
    return rows


async def until_none_is_named(http: httpx.AsyncClient) -> None:
    """Return once health names no row."""

    async def none() -> bool:
        return not await named(http)

    await until(none, "rows are named that were mended")


async def booked(http: httpx.AsyncClient, **changed: Any) -> Any:
    """Book, and return the answer."""
    answer = await http.post("/holdings/update", json={**BUY, **changed})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("day", ["2031-01-01", "2026-11-00", "0000-00-00"])
async def test_a_day_that_cannot_be_is_left_out_and_the_daily_history_goes_on(
    service: World, http: httpx.AsyncClient, day: str
) -> None:
    await booked(http)
    columns = "date, portfolio_value, cash_balance, invested_amount"
    do(service, f"INSERT INTO mock_performance_history ({columns}) VALUES ('{day}', 1, 1, 0)")

    async def is_named() -> bool:
        for path in ("?days=3650", "/timeframes", "/period", "/history"):
            assert (await http.get(f"/performance{path}")).status_code == 200, path
        return any("mock_performance_history" in line for line in await named(http))

    await until(is_named, "the day is not named")
    assert (await http.post("/portfolio/refresh")).status_code == 200
    query = "SELECT COUNT(*) FROM mock_performance_history WHERE date BETWEEN '2026-11-01' AND '2030-01-01'"
    assert service.tables.rows(query) == [(1,)]
    do(service, f"DELETE FROM mock_performance_history WHERE date = '{day}'")
    await until_none_is_named(http)
    assert (await http.get("/performance/timeframes")).status_code == 200


async def test_a_trade_with_a_side_nobody_knows_is_left_out_and_bookings_go_on(
    service: World, http: httpx.AsyncClient
) -> None:
    number = (await booked(http))["trade_id"]
    row = row_of(service, "mock_trades", f"id = {number}")
    assert row is not None
    do(service, f"UPDATE mock_trades SET side = 'HOLD' WHERE id = {number}")
    listed = [trade["id"] for trade in (await http.get("/trades")).json()["trades"]]
    assert number not in listed
    assert any(line.startswith(f"mock_trades {number}:") for line in await named(http))
    answer = await http.post(f"/trades/{number}/reverse", json={})
    assert (answer.status_code, f"row {number} of mock_trades" in answer.json()["detail"]) == (503, True)
    await booked(http, symbol="ETH", price=3_000, net_amount=3_000)
    row.write(service)
    await until_none_is_named(http)
    assert number in [trade["id"] for trade in (await http.get("/trades")).json()["trades"]]


async def test_a_key_whose_outcome_cannot_be_read_is_not_booked_again(service: World, http: httpx.AsyncClient) -> None:
    first = await booked(http, client_trade_id="unread")
    row = row_of(service, "portfolio_booking_outcomes", "client_trade_id = 'unread'")
    assert row is not None
    do(service, "UPDATE portfolio_booking_outcomes SET outcome = '{' WHERE client_trade_id = 'unread'")
    answer = await http.post("/holdings/update", json={**BUY, "client_trade_id": "unread"})
    assert (answer.status_code, "portfolio_booking_outcomes" in answer.json()["detail"]) == (503, True)
    row.write(service)
    assert await booked(http, client_trade_id="unread") == {**first, "replayed": True}
    await until_none_is_named(http)


@pytest.mark.parametrize("service", ["sqlite"], indirect=True)  # a column of amounts of a server cannot hold it
async def test_a_sum_of_the_portfolio_that_is_none_is_503_and_names_the_column(
    service: World, http: httpx.AsyncClient
) -> None:
    await booked(http)
    row = row_of(service, "mock_portfolio", "1 = 1")
    assert row is not None
    do(service, "UPDATE mock_portfolio SET net_deposits = 'many'")
    answer = await http.post("/holdings/update", json=BUY)
    assert (answer.status_code, "net_deposits" in answer.json()["detail"]) == (503, True)
    assert (await http.get("/portfolio")).status_code == 200
    row.write(service)
    await service.recover()
    await booked(http)


async def test_after_a_loss_of_nearly_everything_a_deposit_is_booked(service: World, http: httpx.AsyncClient) -> None:
    quantity = int((await http.get("/portfolio")).json()["portfolio"]["cash_balance"])
    await booked(http, symbol="DOGE", price="0.2", quantity=quantity, net_amount=str(Decimal(quantity) / 5))
    left = (await http.get("/portfolio")).json()["portfolio"]["cash_balance"]
    taken = await http.post("/cash/transactions", json={"kind": "withdrawal", "amount": str(left)})
    assert taken.json()["cash_balance"] == 0
    do(service, "UPDATE mock_holdings SET last_price = '0.000000000000000001', price_source = 'x'")

    answer = await http.post("/cash/transactions", json={"kind": "deposit", "amount": 10_000})
    assert answer.status_code == 200, answer.text
    assert "begin anew" in answer.json()["transaction"]["note"]
    for path in ("/performance/timeframes", "/performance?days=30", "/portfolio"):
        assert (await http.get(path)).status_code == 200, path
