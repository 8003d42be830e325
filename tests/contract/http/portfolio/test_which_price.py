"""Which price counts is judged by now: when an execution is booked, and whenever the portfolio is read."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.services.http_service import BUY, Service

URL = "/holdings/update"
MORE = {**BUY, "price": 46000, "net_amount": 4600, "fees": 0}


async def btc(service: Service) -> Any:
    """The position as it is read."""
    [position] = (await service.http.get("/positions")).json()["positions"]
    return position


async def priced(service: Service) -> None:
    """Hold BTC at a price of the feed's of 12:00, fresh until 12:05."""
    await service.http.post(URL, json=BUY)
    service.feed.prices["BTC"] = "50000"
    await service.http.post("/portfolio/refresh")
    assert (await btc(service))["price_source"] == "coinbase"


async def test_a_stale_price_gives_way_at_once_to_an_execution_of_when_it_was_fresh(service: Service) -> None:
    await priced(service)
    service.clock.advance(seconds=600)
    booked = await service.http.post(URL, json={**MORE, "executed_at": "2025-06-15T12:03:00Z"})
    for position in (booked.json()["position"], await btc(service)):
        assert (position["price_source"], position["current_price"]) == ("trade", 46000)


async def test_a_price_that_becomes_stale_gives_way_to_a_newer_execution_at_the_next_read(service: Service) -> None:
    await priced(service)
    service.clock.advance(seconds=180)
    await service.http.post(URL, json=MORE)
    before = await service.http.get("/portfolio")
    assert (await btc(service))["price_source"] == "coinbase"
    service.clock.advance(seconds=120)
    assert (await btc(service))["price_source"] == "coinbase"  # five minutes old
    service.clock.advance(seconds=1)
    position = await btc(service)
    assert (position["price_source"], position["current_price"]) == ("trade", 46000)
    assert (position["price_status"], position["price_age_seconds"]) == ("live", 121)
    after = await service.http.get("/portfolio", headers={"If-None-Match": before.headers["ETag"]})
    assert after.json()["portfolio"]["invested_amount"] == 9200
    assert (await service.http.get("/health")).json()["prices"]["stale"] == 0


async def test_no_older_execution_takes_the_place_of_a_stale_price(service: Service) -> None:
    await priced(service)
    await service.http.post(URL, json={**MORE, "executed_at": "2025-06-15T11:59:00Z"})
    service.clock.advance(seconds=3600)
    position = await btc(service)
    assert (position["price_source"], position["price_status"]) == ("coinbase", "stale")


async def test_a_price_of_the_feed_counts_again_as_soon_as_there_is_one(service: Service) -> None:
    await priced(service)
    service.clock.advance(seconds=180)
    await service.http.post(URL, json=MORE)
    service.clock.advance(seconds=180)
    assert (await btc(service))["price_source"] == "trade"
    await service.http.post("/portfolio/refresh")
    assert (await btc(service))["price_source"] == "coinbase"


async def test_executions_are_asked_for_when_a_price_becomes_stale_and_not_for_each_read(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await priced(service)
    asked, executed = [], service.prices.executed

    async def counted(portfolio_id: int, since: Any) -> Any:
        asked.append(set(since))
        return await executed(portfolio_id, since)

    monkeypatch.setattr(service.prices, "executed", counted)
    for _ in range(3):
        await btc(service)
    assert asked == []
    service.clock.advance(seconds=301)
    for _ in range(3):
        await btc(service)
    assert len(asked) == 1
