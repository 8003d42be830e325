"""Pages of books that are empty, large, stale or out of reach."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from tests.support.browser import rules
from tests.support.browser.browser import BrowserThread
from tests.support.browser.places import OVERVIEW, PAGES
from tests.support.browser.visit import visiting
from tests.support.database.databases import sqlite_database_in
from tests.support.demo import STILL, demo_copy
from tests.support.services.service import ServiceProcess

OF_YEARS = (PAGES["performance"], "/reports/tearsheet?days=3650")


async def seen(browser: BrowserThread, url: str, path: str) -> tuple[list[str], list[str], int]:
    """Return what is found at any width, which states the strip names, and the status of a page."""
    context = await browser.context()
    async with visiting(context, url, path) as visit:
        found = []
        for width in (320, 1280):
            await rules.show(visit.page, "light", width)
            found += await rules.check(visit.page, *rules.LAYOUT)
        if path == OVERVIEW:
            await rules.show(visit.page, "light", 1280)
            found += await rules.axe(visit.page)
        found += visit.complaints
        states = await visit.page.eval_on_selector_all("[data-state]", "all => all.map(one => one.dataset.state)")
        status = visit.responses[0].status
    await context.close()
    return found, states, status


def test_empty_books_have_every_page(browser: BrowserThread, tmp_path: Path) -> None:
    with ServiceProcess(sqlite_database_in(tmp_path), tmp_path, settings=STILL) as service:
        for name in PAGES.keys() - {"position"}:
            found, _, status = browser.run(seen(browser, service.url, PAGES[name]))
            assert (status, found) == (200, []), f"{name}: {rules.listed(found)}"
        # What was never held has no page; a browser is told so in one.
        answer = httpx.get(service.url + PAGES["position"], headers={"Accept": "text/html"})
        assert answer.status_code in {200, 404}
        assert answer.headers["Content-Type"].startswith("text/html")


def test_a_thousand_positions_fit_on_a_page_of_a_megabyte(browser: BrowserThread, tmp_path: Path) -> None:
    settings = {**STILL, "PORTFOLIO_INITIAL_CASH": "2000000"}
    with ServiceProcess(sqlite_database_in(tmp_path), tmp_path, settings=settings) as service:
        bookings = [
            {"symbol": f"C{n:04d}", "side": "BUY", "quantity": 100, "price": 10, "net_amount": 1000}
            for n in range(1000)
        ]
        booked = httpx.post(service.url + "/holdings/update/batch", json={"bookings": bookings}, timeout=60)
        assert booked.json()["booked"] == 1000, booked.text[:500]
        page = httpx.get(service.url + PAGES["positions"], headers={"Accept": "text/html"}, timeout=60)
        assert "C0999" in page.text
        assert len(page.content) <= 1_000_000
        found, _, _ = browser.run(seen(browser, service.url, PAGES["positions"]))
        assert not found, rules.listed(found)


def test_the_largest_and_the_smallest_numbers_stay_in_their_boxes(browser: BrowserThread, tmp_path: Path) -> None:
    tiny = "0.000000000000000001"
    trades = [("HUGE", "9000000000000000000", "1"), ("TINY", tiny, "1"), ("CHEAP", "1000", tiny)]
    settings = {**STILL, "PORTFOLIO_INITIAL_CASH": "9999999999999999999"}

    async def look(url: str, path: str) -> list[str]:
        context = await browser.context()
        async with visiting(context, url, path) as visit:
            await visit.page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
            await rules.show(visit.page, "light", 320)
            found = await rules.check(visit.page, *rules.LAYOUT)
        await context.close()
        return found

    with ServiceProcess(sqlite_database_in(tmp_path), tmp_path, settings=settings) as service:
        for symbol, quantity, price in trades:
            net = f"{Decimal(quantity) * Decimal(price):f}"
            numbers = f'"quantity": {quantity}, "price": {price}, "net_amount": {net}'
            body = f'{{"symbol": "{symbol}", "side": "BUY", {numbers}}}'
            kind = {"Content-Type": "application/json"}
            booked = httpx.post(service.url + "/holdings/update", content=body, headers=kind, timeout=60)
            assert booked.status_code == 200, booked.text
        for path in (OVERVIEW, *(f"{PAGES['positions']}/{symbol}" for symbol, _, _ in trades)):
            assert browser.run(look(service.url, path)) == [], path


def test_years_of_which_no_close_is_known_fit_on_every_screen_and_on_paper(
    browser: BrowserThread, tmp_path: Path
) -> None:
    events = (
        {"kind": "interest", "amount": 100, "effective_at": "2019-01-01T12:00:00Z"},
        {"kind": "transfer_in", "symbol": "BTC", "quantity": 1, "value": 8000, "effective_at": "2019-06-30T12:00:00Z"},
    )

    async def look(url: str, path: str) -> list[str]:
        found, _, _ = await seen(browser, url, path)
        context = await browser.context()
        async with visiting(context, url, path) as visit:
            assert await visit.page.locator("td .null", has_text="is not known").count() > 2, path
            if path == PAGES["performance"]:  # the twelve months of a year say it once
                assert await visit.page.locator(".months tr:has-text('2022') td[colspan='12']").count() == 1
            found += await rules.on_paper(visit.page)
        await context.close()
        return found

    with ServiceProcess(sqlite_database_in(tmp_path), tmp_path, settings=STILL) as service:
        for event in events:
            assert httpx.post(service.url + "/events", json=event, timeout=30).status_code == 200
        assert service.command("backfill", "--days", "30").returncode == 0
        found = {path: browser.run(look(service.url, path)) for path in OF_YEARS}
    assert not any(found.values()), found


@pytest.mark.parametrize(
    ("state", "settings"),
    [
        ("stale", {"PORTFOLIO_REFRESH_SECONDS": "86400", "PORTFOLIO_PRICE_MAX_AGE_SECONDS": "0.01"}),
        ("database-away", STILL),
    ],
)
def test_every_page_says_why_it_may_not_be_believed(
    browser: BrowserThread, demo_file: Path, tmp_path: Path, state: str, settings: Mapping[str, str]
) -> None:
    with ServiceProcess(demo_copy(demo_file, tmp_path), tmp_path, settings=settings) as service:
        for path in PAGES.values():
            assert httpx.get(service.url + path, headers={"Accept": "text/html"}, timeout=30).status_code == 200
        database = tmp_path / "portfolio.db"
        if state == "database-away":
            database.rename(tmp_path / "away.db")
        for name, path in PAGES.items():
            found, states, _ = browser.run(seen(browser, service.url, path))
            assert {state, "simulated"} <= set(states), name
            if state == "database-away":  # the stream is refused then, which a browser writes on its console
                found = [one for one in found if "/stream?" not in one]
            assert not found, f"{name}: {rules.listed(found)}"
        if state == "database-away":
            (tmp_path / "away.db").rename(database)


def test_long_symbols_beside_long_numbers_fit_on_paper(browser: BrowserThread, tmp_path: Path) -> None:
    narrow, wide = symbols = ("ABCDEFGHIJKLMNOPQRST", "WWWWWWWWWWWWWWWWWWWW")
    settings = {**STILL, "PORTFOLIO_INITIAL_CASH": "9999999999999999999"}

    async def look(url: str, path: str) -> list[str]:
        context = await browser.context()
        async with visiting(context, url, path) as visit:
            found = await rules.on_paper(visit.page)
        await context.close()
        return found

    with ServiceProcess(sqlite_database_in(tmp_path), tmp_path, settings=settings) as service:
        for symbol, side, quantity, price in (
            (narrow, "BUY", "1234567.890123456", "0.000000000001"),
            (wide, "BUY", "8765432.1", "98765432.1"),
            (narrow, "SELL", "34567.890123456", "0.0000000000025"),
            (wide, "SELL", "765432.1", "0.000000000001"),
        ):
            net = f"{Decimal(quantity) * Decimal(price):f}"
            trade = {"symbol": symbol, "side": side, "quantity": quantity, "price": price, "net_amount": net}
            trade["fees"] = "0.000000000001234"
            booked = httpx.post(service.url + "/holdings/update", json=trade, timeout=30)
            assert booked.status_code == 200, booked.text
        pages = {**PAGES, **{symbol: f"{PAGES['positions']}/{symbol}" for symbol in symbols}}
        del pages["position"]
        found = {name: lost for name, path in pages.items() if (lost := browser.run(look(service.url, path)))}
    assert not found, found


def test_the_longest_names_fit_at_320_pixels_and_on_paper(browser: BrowserThread, tmp_path: Path) -> None:
    symbol, engine, key = "LONGSYMBOL1234567890", "M" * 100, "K" * 127
    categories = tmp_path / "categories.toml"
    categories.write_text(f'{"a_category_" * 9} = ["{symbol}"]')

    async def look(url: str, path: str) -> list[str]:
        context = await browser.context()
        async with visiting(context, url, path) as visit:
            await visit.page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
            await rules.show(visit.page, "light", 320)
            found = [*await rules.check(visit.page, *rules.LAYOUT), *await rules.on_paper(visit.page)]
        await context.close()
        return found

    settings = {**STILL, "PORTFOLIO_CATEGORIES_FILE": str(categories)}
    with ServiceProcess(sqlite_database_in(tmp_path), tmp_path, settings=settings) as service:
        trade = {"symbol": symbol, "quantity": 1, "price": 1000, "net_amount": 1000, "engine": engine}
        for n, (side, status) in enumerate((("BUY", 200), ("SELL", 200), ("SELL", 409), ("BUY", 200))):
            booking = {**trade, "side": side, "client_trade_id": f"{key}{n}", "signal_id": engine, "notes": engine}
            assert httpx.post(service.url + "/holdings/update", json=booking, timeout=30).status_code == status
        event = {"kind": "transfer_out", "symbol": symbol, "quantity": 2, "client_event_id": key}
        assert httpx.post(service.url + "/events", json=event, timeout=30).status_code == 409
        found = {name: lost for name in ("risk", "trades") if (lost := browser.run(look(service.url, PAGES[name])))}
    assert not found, found


_COLOURS = """() => [...document.querySelectorAll('.top li a'), document.body].map(one => {
  const style = getComputedStyle(one);
  return [one.ariaCurrent || one.localName, style.borderBottomColor, style.backgroundColor];
})"""


def test_in_forced_colours_the_page_that_one_is_on_is_underlined_alone(
    browser: BrowserThread, demo_service: ServiceProcess
) -> None:
    async def look() -> list[list[str]]:
        context = await browser.context(forced_colors="active")
        async with visiting(context, demo_service.url) as visit:
            found: list[list[str]] = await visit.page.evaluate(_COLOURS)
        await context.close()
        return found

    *links, (_, _, paper) = browser.run(look())
    assert [name for name, line, _ in links if line != paper] == ["page"]


@pytest.mark.parametrize("path", [OVERVIEW, "/reports/tearsheet?days=30"])
def test_paper_is_light_whatever_the_screen_is(browser: BrowserThread, demo_service: ServiceProcess, path: str) -> None:
    names = ["--chart-paper", "--chart-ink", "--chart-tone-0", "--paper", "--ink"]

    async def look() -> list[list[str]]:
        context = await browser.context()
        found = []
        async with visiting(context, demo_service.url, path) as visit:
            for scheme in ("light", "dark"):
                await visit.page.emulate_media(media="print", color_scheme=scheme)
                found.append(
                    await visit.page.evaluate(
                        "names => names.map(one => getComputedStyle(document.documentElement).getPropertyValue(one))",
                        names,
                    )
                )
        await context.close()
        return found

    light, dark = browser.run(look())
    assert light[0]
    assert dark == light
