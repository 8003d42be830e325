"""What all pages share: the policy, the files, what is wrong as a page, and the key that is asked for."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from portfolio.domain.money import Quantity
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.entrypoints.http.pages.frame.engine import environment
from portfolio.settings import PriceFeedKind
from tests.support.html_pages import HTML, read_page
from tests.support.services.http_service import BUY, KEYS, A, Service, is_problem, running, running_on_sqlite


async def test_the_first_page_is_html_under_a_policy_that_allows_our_own_files_alone(service: Service) -> None:
    answer = await service.http.get("/", headers=HTML)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"
    assert " style=" not in answer.text
    assert not re.search(r"<script(?![^>]* src=)|<style| on[a-z]+=", answer.text)
    assert "$100,000" in answer.text


async def test_a_file_is_named_by_its_content_and_kept_for_good(service: Service) -> None:
    page = (await service.http.get("/", headers=HTML)).text
    addresses = re.findall(r'(?:href|src)="(/pages/static/[^"]+)"', page)
    assert len(addresses) == 3
    for address in addresses:
        found = await service.http.get(address)
        assert found.headers["cache-control"] == "public, max-age=31536000, immutable"
        weak = f"W/{found.headers['etag']}"  # as a proxy that compresses makes it
        assert (await service.http.get(address, headers={"If-None-Match": weak})).status_code == 304
        again = await service.http.get(address, headers={"If-None-Match": found.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        # Another version's name, while instances are replaced one by one: this version's file, asked for again.
        stem, _, ending = address.partition(".")[0], "", address.rpartition(".")[2]
        older = await service.http.get(f"{stem}.0123456789abcdef.{ending}")
        assert (older.status_code, older.headers["cache-control"]) == (200, "no-cache")
        assert older.content == found.content


@pytest.mark.parametrize(
    "name", ["pages.html", "nothing.css", "..%2fpages.css", "parts/base.html", "base.html", "pages", ".css"]
)
async def test_no_other_file_is_served(service: Service, name: str) -> None:
    assert is_problem(await service.http.get(f"/pages/static/{name}"), 404, "not-found")


async def test_files_need_no_key_for_the_form_that_asks_for_it_needs_them() -> None:
    async with running(api_keys=KEYS) as service:
        page = await service.http.get("/", headers=HTML)
        for address in re.findall(r'(?:href|src)="(/pages/static/[^"]+)"', page.text):
            assert (await service.http.get(address)).status_code == 200


async def test_without_a_key_a_browser_gets_the_form_and_a_program_a_401() -> None:
    async with running(api_keys=KEYS) as service:
        form = await service.http.get("/", headers=HTML)
        assert form.status_code == 200
        assert 'name="key"' in form.text
        assert "100,000" not in form.text
        for accepted in ("*/*", "application/json", "text/html;q=0"):
            assert is_problem(await service.http.get("/", headers={"Accept": accepted}), 401, "unauthorized")
        assert (await service.http.get("/", headers={**HTML, **A})).text.count("100,000") > 0


async def test_what_is_wrong_is_a_page_on_pages_to_a_browser_and_a_problem_else(service: Service) -> None:
    page = await service.http.get("/pages/nothing", headers=HTML)
    assert page.status_code == 404
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "There is nothing under that name" in page.text
    assert is_problem(await service.http.get("/pages/nothing"), 404, "not-found")
    assert is_problem(await service.http.get("/nothing", headers=HTML), 404, "not-found")
    asked = await service.http.get("/?%3Cb%3E=1", headers=HTML)
    assert asked.status_code == 400
    assert "&lt;b&gt;" in asked.text


async def test_a_method_that_a_page_does_not_know_is_refused_with_those_it_knows(service: Service) -> None:
    for headers in (HTML, {}):
        answer = await service.http.request("DELETE", "/", headers=headers)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    head = await service.http.head("/", headers=HTML)
    assert (head.status_code, head.content) == (200, b"")
    assert "content-security-policy" in head.headers


async def test_a_page_says_that_prices_are_made_up() -> None:
    async with running(price_feed=PriceFeedKind.SIMULATED) as service:
        answer = await service.http.get("/", headers=HTML)
    assert 'data-state="simulated"' in answer.text
    assert answer.headers["x-portfolio-price-feed"] == "simulated"


@pytest.mark.parametrize(
    "address", ["/?benchmark=", "/pages/performance?benchmark=", "/pages/trades?symbol=", "/pages/activity?symbol="]
)
async def test_blanks_around_a_typed_symbol_do_not_count(service: Service, address: str) -> None:
    answer = await service.http.get(f"{address}%20btc%20", headers=HTML)
    assert answer.status_code == 200, answer.text
    assert 'class="mistake"' not in answer.text


SYMBOLS = [f"C{n}" for n in range(130)]


async def buy_all(service: Service) -> None:
    bought = [{**BUY, "symbol": one, "quantity": 1, "price": 10, "net_amount": 10, "fees": 0} for one in SYMBOLS]
    for part in (bought[:65], bought[65:]):
        booked = await service.http.post("/holdings/update/batch", json={"bookings": part})
        assert booked.json()["booked"] == len(part), booked.text


async def too_long(service: Service) -> AsyncIterator[str]:
    """Yield the lists of more than a hundred items, and the paragraphs of hundreds of names, of pages that list."""
    for path in ("/", "/pages/risk", "/pages/rebalancing", "/pages/rebalancing?policy=fee_bps=5", "/pages/operations"):
        page = read_page((await service.http.get(path, headers=HTML)).text)
        for one in (one for one in page.all() if one.tag in {"ul", "tbody"}):
            items = [item.text for item in one.all() if item.tag in {"li", "tr"}]
            if len(items) > 100:
                yield f"{path}: {len(items)} of {items[0]}"
        for text in (one.text for one in page.all() if one.tag in {"p", "li", "dd"}):
            if len(text) > 600:
                yield f"{path}: {text[:60]}"


async def test_of_long_lists_of_what_is_wrong_the_first_hundred_stand_on_a_page(service: Service) -> None:
    await buy_all(service)
    books = service.ledger.books
    moved = {
        symbol: replace(position, quantity=position.quantity + Quantity(Decimal(1)))
        for symbol, position in books.portfolio.positions.items()
    }
    books.portfolio = replace(books.portfolio, positions=moved)
    for price in ("10", "100", None):
        service.clock.advance(61)
        service.feed.prices = {} if price is None else dict.fromkeys(SYMBOLS, price)
        await service.http.post("/portfolio/refresh")
        found = [fault async for fault in too_long(service)]
        assert not found, found
    text = (await service.http.get("/pages/operations", headers=HTML)).text
    assert "These are the first 100 of 130; <code>GET /health</code> has all." in text
    assert '<p class="small">These are the first 100 of 130.</p>' in text  # that were not got


async def test_a_long_list_says_where_all_of_it_is(service: Service) -> None:
    await buy_all(service)
    text = (await service.http.get("/pages/risk", headers=HTML)).text
    for route in ("/risk/volatility-analysis", "/risk/value-at-risk"):
        assert f"These are the first 100 of 130; <code>GET {route}</code> has all." in text


@pytest.mark.parametrize(("count", "said"), [(0, ""), (1, ""), (100, ""), (101, "These are the first 100 of 101.")])
def test_a_list_is_cut_after_a_hundred(count: int, said: str) -> None:
    macros: Any = environment().get_template("parts/macros.html").make_module({"frame": None})
    assert said in macros.more(range(count))
    assert bool(said) is bool(macros.more(range(count)).strip())


@pytest.mark.parametrize("path", ["/", "/pages/performance"])
async def test_a_benchmark_that_there_cannot_be_is_a_remark_beside_what_was_typed(service: Service, path: str) -> None:
    answer = await service.http.get(f"{path}?period=7d&benchmark=%3Cb%3EBTC-EUR", headers=HTML)
    assert answer.status_code == 200
    page = read_page(answer.text)
    typed = page.one("input", id="benchmark")
    assert typed.attributes["value"] == "<b>BTC-EUR"
    assert typed.attributes["aria-invalid"] == "true"
    assert "takes 1 to 20 of A-Z and 0-9" in page.one("span", id="benchmark-mistake").text
    assert "Unit value beside BTC" in page.text, "the usual one is shown"
    assert "<option selected>7d</option>" in answer.text


async def test_of_many_broken_limits_the_first_are_named(tmp_path: Path) -> None:
    policy = RebalancePolicy(position_limit=Decimal("0.00005"))
    async with running_on_sqlite(tmp_path, policy=policy) as service:
        await buy_all(service)
        found = [fault async for fault in too_long(service)]
        assert not found, found
        page = read_page((await service.http.get("/", headers=HTML)).text)
        alerts = [one.text for one in page.all("li") if "data-alert" in one.attributes]
        assert len(alerts) == 13
        assert alerts[-1] == "High : Over 118 other limits"
        more = {**BUY, "symbol": "C99", "quantity": 50, "price": 10, "net_amount": 500, "fees": 0}
        assert (await service.http.post("/holdings/update", json=more)).status_code == 200
        page = read_page((await service.http.get("/", headers=HTML)).text)
        assert "C99" in next(one.text for one in page.all("li") if "data-alert" in one.attributes), "the most over"
