"""The first page: the API's own numbers, what wants a person, and nothing of the books where it is private."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from portfolio.entrypoints.http.pages.frame.humanized import humanized
from tests.support.html_pages import HTML, PRIVATE, amounts_of, of_api
from tests.support.pages import figure, page, spelt_in, words
from tests.support.services.http_service import BUY, Service, running

ETH = {"symbol": "ETH", "side": "BUY", "quantity": "3.7", "price": "2500.25", "net_amount": "9250.925", "fees": "4.5"}
SELL = {
    "symbol": "BTC",
    "side": "SELL",
    "quantity": "0.0321",
    "price": "47123.5",
    "net_amount": "1512.66435",
    "fees": "3.25",
}


async def book(service: Service, *bodies: dict[str, Any]) -> None:
    """Book trades that have to be taken."""
    for body in bodies:
        answer = await service.http.post("/holdings/update", json=body)
        assert answer.status_code == 200, answer.text


@pytest.fixture
async def held(service: Service) -> Service:
    """A service with two positions, a sale, a refusal and a price that moved."""
    await book(service, dict(BUY), ETH, SELL)
    refused = await service.http.post(
        "/holdings/update", json={**ETH, "side": "SELL", "quantity": "99", "net_amount": "247524.75"}
    )
    assert refused.status_code == 409
    service.feed.prices |= {"BTC": "51234.5678", "ETH": "2611.09"}
    assert (await service.http.post("/portfolio/refresh")).status_code == 200
    return service


async def test_its_figures_are_those_of_the_api_to_the_last_digit(held: Service) -> None:
    text, portfolio = await page(held, "/"), (await of_api(held, "/portfolio"))["portfolio"]
    for name in ("total_value", "total_pnl", "total_pnl_percent", "unrealized_pnl", "cash_balance", "fees_paid"):
        assert figure(text, name) == portfolio[name], name
    for name in ("daily_return", "daily_return_percent"):
        assert figure(text, name) == portfolio["performance_metrics"][name], name
    assert figure(text, "health_score") == portfolio["risk_metrics"]["health_score"]
    for name in ("net_deposits", "realized_pnl", "unrealized_pnl"):
        assert f'data-exact="{portfolio[name]}"' in text, f"the identity has {name}"


async def test_each_figure_opens_its_formula_its_convention_and_its_moment(held: Service) -> None:
    text = await page(held, "/")
    figures = re.findall(r'<details class="figure".*?</details>', text, re.DOTALL)
    assert len(figures) >= 9
    for one in figures:
        assert "Convention: " in one
        assert re.search(r"As of <time[^>]*>[^<]* UTC</time>", one)


async def test_results_and_fees_say_since_when(held: Service) -> None:
    text = await page(held, "/")
    for name, period in (
        ("total_pnl", "since the start"), ("total_pnl_percent", "since the start"), ("fees_paid", "since the start"),
        ("daily_return", "since midnight UTC"),
    ):  # fmt: skip
        label = re.search(rf'data-figure="{name}">.*?<span class="value">', text, re.DOTALL)
        assert label is not None
        assert period in label[0], name


async def test_the_health_score_has_each_of_its_deductions() -> None:
    async with running() as service:
        await book(service, {**BUY, "quantity": 1, "net_amount": 45000, "fees": 0})
        health = (await of_api(service, "/risk/portfolio-health"))["health"]
        text = words(await page(service, "/"))
    assert health["deductions"], "BTC is over the limit of a position"
    for deduction in health["deductions"]:
        assert words(humanized(deduction["detail"])) in text
    assert "High : Over the position limit: BTC" in text


async def test_alerts_say_what_was_refused_moved_by_others_or_is_over_a_limit(held: Service) -> None:
    await book(held, {**BUY, "quantity": "0.9", "net_amount": "40500"})
    text = await page(held, "/")
    alerts = text[text.index('data-part="alerts"') : text.index('data-part="health"')]
    severity = r'<li data-alert="([a-z]+)"><a href="[^"]*"><strong class="severity">([A-Z][a-z]+)</strong>'
    assert re.findall(severity, alerts) == [
        ("limit", "High"), ("limit", "High"), ("refused", "Medium"),
    ]  # fmt: skip
    assert "Medium : 1 booking refused" in words(alerts)


async def test_nothing_to_be_alarmed_of_is_said_too(service: Service) -> None:
    assert "Nothing wants attention" in await page(service, "/")


async def test_the_newest_entries_come_first_trades_and_others(held: Service) -> None:
    text = await page(held, "/")
    entries = text[text.index('data-part="entries"') :]
    assert re.findall(r'<th scope="row">(\d+)</th>', entries) == ["5", "4", "3", "2", "1"]
    assert words(entries).index("sell") < words(entries).index("deposit")
    assert 'data-exact="0.0321"' in entries


async def test_a_private_page_has_no_amount_of_the_books_in_any_byte(held: Service) -> None:
    known = await of_api(held, "/portfolio"), await of_api(held, "/trades"), await of_api(held, "/cash/transactions")
    history = await of_api(held, "/performance/history?days=30")
    text = await page(held, "/", PRIVATE)
    amounts = {amount for answer in (*known, history) for amount in amounts_of(answer)}
    assert len(amounts) > 20
    assert spelt_in(text, amounts) == []
    assert "Privacy mode" in text
    assert 'data-chart="index"' in text
    assert 'data-chart="value"' not in text


async def test_a_private_page_has_shares(held: Service) -> None:
    portfolio = (await of_api(held, "/portfolio"))["portfolio"]
    text = await page(held, "/", PRIVATE)
    for position in portfolio["positions"]:
        assert f'data-exact="{position["allocation_percent"]}"' in text


@pytest.mark.parametrize("period", ["7d", "30d", "90d", "ytd", "1y", "all"])
@pytest.mark.parametrize("scale", ["linear", "log"])
async def test_it_shows_each_period_on_each_scale_beside_any_benchmark(held: Service, period: str, scale: str) -> None:
    text = await page(held, f"/?period={period}&scale={scale}&benchmark=eth")
    assert f"<option selected>{period}</option>" in text
    assert f"<option selected>{scale}</option>" in text
    assert "Unit value beside ETH" in text


@pytest.mark.parametrize("query", ["period=2d", "scale=exp", "period=7d&period=30d", "days=7"])
async def test_what_it_cannot_show_is_refused_as_a_page(service: Service, query: str) -> None:
    answer = await service.http.get(f"/?{query}", headers=HTML)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


async def test_empty_books_say_what_is_not_defined_and_why() -> None:
    async with running() as service:
        taken = {"kind": "withdrawal", "amount": 100_000}
        assert (await service.http.post("/cash/transactions", json=taken)).status_code == 200
        text = words(await page(service, "/"))
    assert "$0.00" in text
    assert "no more was deposited than withdrawn" in text
    assert "No data." in text


async def test_books_that_are_not_open_yet_are_a_page_that_says_so() -> None:
    async with running(opened=False) as service:
        answer = await service.http.get("/", headers=HTML)
    assert answer.status_code == 503
    assert "The books are not open yet" in answer.text
    assert answer.headers["retry-after"]


async def test_with_the_database_away_the_last_state_is_shown_with_its_age(held: Service) -> None:
    await page(held, "/")
    total = (await of_api(held, "/portfolio"))["portfolio"]["total_value"]
    held.ledger.away = True
    held.clock.advance(90)
    text = await page(held, "/")
    assert 'data-state="database-away"' in text
    assert figure(text, "total_value") == total
    assert re.search(r"the last state seen, 1 min old", text)
    assert "the entries cannot be read" in text


async def test_stale_prices_are_said_to_be_with_their_age(held: Service) -> None:
    assert 'data-state="stale"' not in await page(held, "/")
    held.clock.advance(timedelta(minutes=12).total_seconds())
    text = await page(held, "/")
    assert 'data-state="stale"' in text
    assert "the oldest is 12 min old" in text


async def test_an_event_names_its_asset_among_the_newest_entries(held: Service) -> None:
    event = {"kind": "income", "symbol": "SOL", "quantity": "2.5", "value": "300", "label": "staking"}
    assert (await held.http.post("/events", json=event)).status_code == 200
    text = await page(held, "/")
    entries = text[text.index('data-part="entries"') :]
    assert "income: staking SOL 2.5" in words(entries)
    assert 'href="/pages/positions/SOL"' in entries
    assert 'href="/pages/activity"' in entries


async def test_what_has_no_room_for_its_name_is_named_beneath_the_holdings(held: Service) -> None:
    assert "Small ones" not in await page(held, "/")
    for n in range(10):
        body = {"symbol": f"C{n}", "side": "BUY", "quantity": 1, "price": 100 + n, "net_amount": 100 + n}
        assert (await held.http.post("/holdings/update", json=body)).status_code == 200
    said = words(await page(held, "/", PRIVATE))
    assert "Small ones: C9 0.11 %, C8 0.11 %" in said
    assert "and others." in said


async def test_of_many_positions_the_table_has_the_largest(service: Service) -> None:
    bookings = [
        {**BUY, "symbol": f"C{n}", "quantity": n, "price": 1, "net_amount": n, "fees": 0} for n in range(1, 121)
    ]
    for part in (bookings[:60], bookings[60:]):
        answer = await service.http.post("/holdings/update/batch", json={"bookings": part})
        assert answer.json()["booked"] == len(part), answer.text
    [table] = re.findall(r'data-chart="holdings".*?</figure>', await page(service, "/"), re.DOTALL)
    assert "The table has the 100 largest of 120." in words(table)
    assert re.findall(r'<th scope="row">(.*?)</th>', table) == [f"C{n}" for n in range(120, 20, -1)]


async def test_a_figure_says_in_a_few_words_what_it_is(held: Service) -> None:
    assert "sum of squared shares: 1 is all in one asset" in words(await page(held, "/pages/risk"))
    assert "return for its volatility" in words(await page(held, "/pages/performance"))


async def test_what_is_short_has_no_area_and_is_named_beneath_the_holdings(held: Service) -> None:
    for symbol, price in (("ADA", 1), ("DOT", 5)):
        body = {
            "symbol": symbol,
            "side": "SELL",
            "quantity": 3,
            "price": price,
            "net_amount": 3 * price,
            "override": True,
        }
        assert (await held.http.post("/holdings/update", json=body)).status_code == 200
    assert "Short, and so not drawn: ADA, DOT." in words(await page(held, "/"))
    assert "it cost nothing, or less" in words(await page(held, "/pages/positions/ADA"))
