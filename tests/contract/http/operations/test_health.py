"""How the service says that it is well, unwell, and fit to book."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portfolio.application.errors import SchemaUnknown
from portfolio.domain.money import Money
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.services.http_service import BUY, Service, SilentLedger, is_problem, running


class OtherSchema(FakeLedger):
    """Is at a revision of another version."""

    async def schema(self) -> str:
        raise SchemaUnknown("9999", await super().schema())


async def test_all_is_well(service: Service) -> None:
    answer = await service.http.get("/health")
    body = answer.json()
    assert answer.status_code == 200
    assert (body["status"], body["service"]) == ("healthy", "portfolio")
    assert body["version"]
    assert {"status", "latency_ms", "schema_revision"} <= set(body["database"])
    assert (body["database"]["status"], body["database"]["schema_revision"]) == ("up", "fake")
    prices = body["prices"]
    assert {"last_refresh", "oldest_age_seconds", "stale", "missing", "quarantined", "sources"} <= set(prices)
    assert prices["sources"]["coinbase"] == {"state": "never answered", "last_error": None, "last_success": None}
    assert set(body["refresher"]) == {"leader", "interval_seconds", "last_tick_age_seconds"}
    assert (body["unreconciled"], body["refused_bookings"]) == ({"value": 0, "rows": []}, 0)
    assert (await service.http.get("/health/live")).json()["status"] == "alive"
    assert (await service.http.get("/health/ready")).json()["status"] == "ready"


async def test_what_was_measured_is_written_as_any_other_number(service: Service) -> None:
    assert '"interval_seconds":60,' in (await service.http.get("/health")).text
    strings = {"Accept": "application/json;IEEE754Compatible=true"}
    body = (await service.http.get("/health", headers=strings)).json()
    assert (body["refresher"]["interval_seconds"], type(body["database"]["latency_ms"])) == ("60", str)


async def test_a_database_away_is_degraded_and_not_ready(service: Service) -> None:
    await service.http.get("/portfolio")
    service.ledger.away = True
    answer = await service.http.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["database"]["status"] == "away"
    ready = await service.http.get("/health/ready")
    assert is_problem(ready, 503, "not-ready")
    assert ready.headers["Retry-After"]
    assert (await service.http.get("/health/live")).status_code == 200
    service.ledger.away = False
    assert (await service.http.get("/health/ready")).status_code == 200


async def test_a_database_away_from_the_start_is_unhealthy(service: Service) -> None:
    service.ledger.away = True
    answer = await service.http.get("/health")
    assert (answer.status_code, answer.json()["status"], answer.json()["unreconciled"]) == (503, "unhealthy", None)


async def test_a_silent_database_is_told_and_not_waited_for() -> None:
    ledger = SilentLedger()
    async with running(ledger=ledger) as service:
        await service.http.get("/health")
        ledger.silent = True
        body = (await service.http.get("/health")).json()
        ready = await service.http.get("/health/ready")
        ledger.silent = False
    assert (body["status"], body["database"]["status"]) == ("degraded", "away")
    assert ready.status_code == 503


@pytest.mark.parametrize(
    ("ledger", "opened", "status"), [(OtherSchema(), True, "schema_unknown"), (None, False, "books_not_open")]
)
async def test_an_unknown_schema_and_closed_books_are_unhealthy(
    ledger: FakeLedger | None, opened: bool, status: str
) -> None:
    async with running(ledger=ledger, opened=opened) as service:
        answer = await service.http.get("/health")
        ready = await service.http.get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (503, "unhealthy")
    assert answer.json()["database"]["status"] == status
    assert is_problem(ready, 503, "not-ready")


async def test_stale_prices_are_degraded_but_fit_to_book(service: Service) -> None:
    await service.http.post("/holdings/update", json=BUY)
    service.clock.advance(301)
    body = (await service.http.get("/health")).json()
    assert body["status"] == "degraded"
    assert (body["prices"]["stale"], body["prices"]["stale_symbols"]) == (1, ["BTC"])
    assert body["prices"]["oldest_age_seconds"] == 301
    assert (await service.http.get("/health/ready")).status_code == 200


async def test_unreconciled_is_seen_within_five_seconds_and_refusals_are_counted(service: Service) -> None:
    await service.http.get("/health")
    portfolio = service.ledger.books.portfolio
    service.ledger.books.portfolio = replace(portfolio, cash=portfolio.cash - Money.rounded(portfolio.cash.value / 4))
    await service.http.post("/holdings/update", json={**BUY, "side": "SELL"})
    service.clock.advance(5)
    body = (await service.http.get("/health")).json()
    assert body["unreconciled"] == {"value": -25000, "rows": ["cash: the row says 75000, the ledger 100000"]}
    assert body["refused_bookings"] == 1


async def test_a_refresh_shows(service: Service) -> None:
    await service.http.post("/holdings/update", json=BUY)
    service.feed.prices["BTC"] = "46000"
    await service.http.post("/portfolio/refresh")
    service.clock.advance(7)
    prices = (await service.http.get("/health")).json()["prices"]
    assert (prices["last_refresh"], prices["oldest_age_seconds"]) == ("2025-06-15T12:00:00Z", 7)
