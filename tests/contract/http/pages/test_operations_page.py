"""The page of operations: what the health says, what this instance knows besides, and what cannot be known."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from portfolio.application.operations.comparison import Agreement, Comparison
from portfolio.application.operations.health import Condition, DatabaseCondition
from portfolio.application.prices.sources import SourceCondition, SourceState
from portfolio.domain.money import Money
from portfolio.entrypoints.http.pages.operations.content import COMPARISON, CONDITIONS, DATABASE, SOURCES
from tests.support.html_pages import PRIVATE, Element, of_api, sound_page
from tests.support.services.http_service import BUY, Service, running


async def page_of(service: Service, **headers: str) -> Element:
    return await sound_page(service, "/pages/operations", headers)


async def health_of(service: Service) -> Any:
    return await of_api(service, "/health")


def fact(page: Element, label: str) -> str:
    """The words beside a label."""
    [found] = [pair for pair in page.all("div") if [dt.text for dt in pair.all("dt")] == [label]]
    [words] = found.all("dd")
    return words.text


def test_every_condition_has_its_words() -> None:
    assert CONDITIONS.keys() == {condition.value for condition in Condition}
    assert DATABASE.keys() == {condition.value for condition in DatabaseCondition}
    assert COMPARISON.keys() == {agreement.value for agreement in Agreement}
    assert SOURCES.keys() == {condition.value for condition in SourceCondition}


async def test_its_numbers_are_those_of_the_health(service: Service) -> None:
    await service.http.post("/holdings/update", json=BUY)
    await service.http.post("/holdings/update", json={**BUY, "side": "SELL", "quantity": 5, "net_amount": 225_000})
    service.clock.advance(61)
    for caller in ("one", "two"):
        service.cases.stream.limits.admit(caller)
    page, health = await page_of(service), await health_of(service)
    prices = health["prices"]
    shown = {
        "oldest_price_age_seconds": prices["oldest_age_seconds"],
        "fresh_share_percent": prices["fresh_share_percent"],
        "refused_bookings": health["refused_bookings"],
        "unreadable_rows": health["unreadable_rows"]["count"],
        "unreconciled": health["unreconciled"]["value"],
        "refresh_interval_seconds": "60",
        "ledger_revision": (await of_api(service, "/portfolio"))["portfolio"]["revision"],
        "bookings_waiting": "0",
        "streams": "2",
    }
    assert {name: page.value(name) for name in shown} == shown
    assert shown["refused_bookings"] == "1"
    rows = {row["Source"].text: row for row in page.table("Price sources")}
    assert {name: row["State"].text for name, row in rows.items()} == {
        name: source["state"] for name, source in prices["sources"].items()
    }
    assert "not asked until a restart" in rows["binance"]["Breaker"].text
    assert rows["binance"]["Last error"].text == "451"
    assert fact(page, "Condition").startswith("Healthy")
    assert fact(page, "Schema") == health["database"]["schema_revision"]


async def test_it_says_whether_the_rows_are_what_the_entries_add_up_to(service: Service) -> None:
    assert fact(await page_of(service), "Rows and entries").startswith("not yet compared")
    compare = service.cases.health.compare
    await compare()
    assert fact(await page_of(service), "Rows and entries").startswith(
        "the rows state what all entries add up to, at entry 2,"
    )
    compare.last = Comparison(status=Agreement.DIFFER, revision=7, detail="cash is 5, the entries say 4")
    page = await page_of(service)
    assert fact(page, "Rows and entries").startswith("Look: the rows do not state")
    assert fact(page, "What differs") == "Look: cash is 5, the entries say 4"
    assert "cash is 5" not in (await page_of(service, **PRIVATE)).text


async def test_what_is_wrong_is_marked_in_words(service: Service) -> None:
    await service.http.post("/holdings/update", json=BUY)
    service.clock.advance(301)
    page = await page_of(service)
    assert fact(page, "Condition").startswith("Look: Degraded")
    assert fact(page, "Stale") == "Look: BTC"
    assert fact(page, "Without a price") == "none"


async def test_a_long_list_of_stale_prices_is_cut_and_says_so(service: Service) -> None:
    bookings = [{**BUY, "symbol": f"S{n:02}", "quantity": 1, "price": 1, "net_amount": 1, "fees": 0} for n in range(40)]
    assert (await service.http.post("/holdings/update/batch", json={"bookings": bookings})).status_code == 200
    service.clock.advance(301)
    assert fact(await page_of(service), "Stale").endswith("S29 and 10 more")


async def test_the_lag_of_the_event_loop_is_of_the_last_minute(service: Service) -> None:
    page = await page_of(service)
    assert page.value("loop_lag_longest") is None
    assert "not measured yet" in page.figure("loop_lag_longest").text
    service.app.state.loop_lag.recent.extend([0.001, 0.25, 0.002])
    page = await page_of(service)
    assert (page.value("loop_lag_longest"), page.value("loop_lag_median")) == ("250", "2")


async def test_prices_in_quarantine_and_prices_that_failed_have_their_reasons(service: Service) -> None:
    for symbol in ("BTC", "ETH"):
        await service.http.post("/holdings/update", json={**BUY, "symbol": symbol})
    service.feed.prices = {"BTC": "45000"}
    await service.http.post("/portfolio/refresh")
    service.clock.advance(61)
    service.feed.prices = {"BTC": "450000"}
    await service.http.post("/portfolio/refresh")
    page = await page_of(service)
    assert page.value("quarantined_total") == "1"
    assert fact(page, "In quarantine") == "Look: BTC"
    assert "says 450000 after 45000" in page.table("Prices in quarantine")[0]["Why it waits"].text
    failed = {row["Symbol"].text: row["Why"].text for row in page.table("Not got by the last refresh")}
    assert failed["ETH"] == "no source knows it"


async def test_what_cannot_be_known_is_said(service: Service) -> None:
    page = await page_of(service)
    assert "ask each of the others" in fact(page, "Other instances")
    assert "another's, or nobody's" in fact(page, "Which instance leads")
    assert "has refreshed nothing yet" in fact(page, "Which prices failed")
    assert page.value("refresh_age_seconds") is None
    await service.http.post("/portfolio/refresh")
    assert "has refreshed nothing yet" not in (await page_of(service)).text


async def test_what_other_programs_moved_is_listed_and_privately_only_counted(service: Service) -> None:
    await service.http.post("/holdings/update", json=BUY)
    books = service.ledger.books
    books.portfolio = replace(books.portfolio, cash=books.portfolio.cash + Money(Decimal("1234.56")))
    service.clock.advance(4)
    page, health = await page_of(service), await health_of(service)
    unreconciled = health["unreconciled"]
    assert (page.value("unreconciled"), unreconciled["value"]) == ("1234.56", "1234.56")
    for row in unreconciled["rows"]:
        assert row in page.text
    private = await service.http.get("/pages/operations", headers=PRIVATE)
    assert "1 rows differ" in private.text or "1 row differs" in private.text
    portfolio = books.portfolio
    for amount in (portfolio.cash, portfolio.cost_basis, portfolio.net_deposits, Money(Decimal("1234.56"))):
        assert str(amount) in page_bytes(page)
        assert str(amount) not in private.text


async def test_sums_of_other_programs_that_are_out_of_range_do_not_keep_the_page_from_being_shown(
    service: Service,
) -> None:
    await service.http.post("/holdings/update", json=BUY)
    books = service.ledger.books
    most = Money(Decimal("9e19"))  # each is in range, and cash less deposits of less than nothing is 1.8e20
    books.portfolio = replace(books.portfolio, cash=most, net_deposits=Money.zero() - most)
    service.clock.advance(4)
    assert (await health_of(service))["unreconciled"] is None
    page = await page_of(service)
    assert page.value("unreconciled") is None
    assert "it is too large to be written" in page.figure("unreconciled").text
    assert page.value("ledger_revision") == "3"


def page_bytes(page: Element) -> str:
    """All that a page shows, exact digits included."""
    return " ".join([page.text, *page.exact])


async def test_without_any_state_the_page_says_why_there_is_none() -> None:
    async with running(opened=False) as service:
        page = await page_of(service)
        assert fact(page, "Condition").startswith("Look: Unhealthy")
        assert "without opened books" in fact(page, "Database")
        assert page.value("unreconciled") is None
    async with running() as service:
        service.ledger.away = True
        page = await page_of(service)
        assert fact(page, "Database").startswith("Look: away")
        assert fact(page, "Why")
        assert page.value("database_latency_ms") is None
        assert "It did not answer now" in fact(page, "The database")


async def test_with_the_database_away_the_last_state_is_marked(service: Service) -> None:
    await page_of(service)
    service.ledger.away = True
    page = await page_of(service)
    assert "Database away" in page.one("section", aria_label="State").text
    assert fact(page, "Condition").startswith("Look: Degraded")
    assert page.value("unreconciled") == "0"


@pytest.mark.parametrize("state", list(SourceCondition))
async def test_each_state_of_a_source_says_what_its_breaker_does(service: Service, state: SourceCondition) -> None:
    at = service.clock.now() - timedelta(seconds=5)
    service.feed.states = lambda: {"coinbase": SourceState(state=state, last_error="<i>503</i>", last_success=at)}  # type: ignore[method-assign]  # a fake that is told what to say
    [row] = (await page_of(service)).table("Price sources")
    assert row["Breaker"].text == SOURCES[state.value]
    assert row["Last error"].text == "<i>503</i>"
    assert "2025-06-15 11:59:55 UTC" in row["Last answer"].text
