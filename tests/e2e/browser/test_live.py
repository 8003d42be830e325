"""A page follows the books by itself, says so when it cannot, and asks for nothing while nobody looks."""

from __future__ import annotations

import itertools
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from tests.support.browser.browser import BrowserThread
from tests.support.browser.places import OVERVIEW, PAGES
from tests.support.browser.visit import Visit, visiting
from tests.support.demo import STILL, demo_copy
from tests.support.services.service import ServiceProcess
from tests.support.services.tcp_proxy import Mode, TcpProxy

TOTAL = "[data-figure=total_value] summary [data-exact]"
# For a test to switch: a browser without a window shows all its tabs.
HIDEABLE = """
Object.defineProperty(document, "visibilityState", { get: () => window.__hidden ? "hidden" : "visible" });
Object.defineProperty(document, "hidden", { get: () => !!window.__hidden });
window.__hide = hidden => { window.__hidden = hidden; document.dispatchEvent(new Event("visibilitychange")); };
"""
SETTINGS = STILL
_keys = itertools.count()


async def deposit(service: ServiceProcess) -> str:
    """Book a deposit, and return the total value after it, digit by digit."""
    async with service.client() as client:
        body = {"kind": "deposit", "amount": 12.5, "client_transaction_id": f"live-{next(_keys)}"}
        booked = await client.post("/cash/transactions", json=body)
        assert booked.status_code == 200, booked.text
        answer = await client.get("/portfolio", headers={"Accept": "application/json;IEEE754Compatible=true"})
        total: str = answer.json()["portfolio"]["total_value"]
        return total


async def shows(page: Page, total: str) -> None:
    """Wait until the page shows this total value."""
    script = "([where, exact]) => document.querySelector(where)?.dataset.exact === exact"
    await page.wait_for_function(script, arg=[TOTAL, total])


async def says(page: Page, state: str) -> None:
    """Wait until the page says that it is live, paused or cut off."""
    await page.wait_for_selector(f"[data-live={state}]")


def fetches(visit: Visit) -> int:
    """How often the page was asked for."""
    return sum(response.url.split("?")[0] == visit.origin + OVERVIEW for response in visit.responses)


def test_a_page_follows_the_books_and_asks_for_no_more_than_changed(
    browser: BrowserThread, service: ServiceProcess
) -> None:
    async def look() -> tuple[int, list[str]]:
        context = await browser.context()
        async with visiting(context, service.url) as visit:
            await says(visit.page, "live")
            before = fetches(visit)
            totals = [await deposit(service) for _ in range(20)]
            await shows(visit.page, totals[-1])
            asked = fetches(visit) - before
        await context.close()
        return asked, visit.complaints

    asked, complaints = browser.run(look())
    assert asked < 10, "one fetch tells of many bookings"
    assert complaints == []


@pytest.mark.parametrize(
    ("name", "part"), [("risk", "concentration"), ("rebalancing", "before"), ("operations", "books")]
)
def test_other_pages_follow_the_books_too(
    browser: BrowserThread, service: ServiceProcess, name: str, part: str
) -> None:
    async def look() -> None:
        context = await browser.context()
        async with visiting(context, service.url, PAGES[name]) as visit:
            await says(visit.page, "live")
            where = f"main [data-part={part}]"
            before = await visit.page.inner_html(where)
            await deposit(service)
            changed = "([where, before]) => document.querySelector(where).innerHTML !== before"
            await visit.page.wait_for_function(changed, arg=[where, before])
        await context.close()

    browser.run(look())


@pytest.mark.parametrize("how", ["paused", "hidden"])
def test_a_page_that_nobody_follows_asks_for_nothing(browser: BrowserThread, service: ServiceProcess, how: str) -> None:
    async def look() -> tuple[int, list[str]]:
        context = await browser.context()
        await context.add_init_script(HIDEABLE)
        async with visiting(context, service.url) as quiet, visiting(context, service.url) as other:
            await says(quiet.page, "live")
            await says(other.page, "live")
            if how == "paused":
                await quiet.page.click("[data-switch=pause]")
                await says(quiet.page, "paused")
            else:
                await quiet.page.evaluate("window.__hide(true)")
            await shows(other.page, await deposit(service))  # what was on its way before is here by now
            before = fetches(quiet)
            for _ in range(2):
                await shows(other.page, await deposit(service))
            asked = fetches(quiet) - before
            total = await deposit(service)
            if how == "paused":
                await quiet.page.click("[data-switch=pause]")
            else:
                await quiet.page.evaluate("window.__hide(false)")
            await says(quiet.page, "live")
            await shows(quiet.page, total)
        await context.close()
        return asked, [*quiet.complaints, *other.complaints]

    assert browser.run(look()) == (0, [])


def test_a_page_that_is_cut_off_says_so_and_catches_up(browser: BrowserThread, service: ServiceProcess) -> None:
    async def look(proxy: TcpProxy) -> None:
        context = await browser.context()
        async with visiting(context, f"http://{proxy.address}") as visit:
            await says(visit.page, "live")
            proxy.set_mode(Mode.REFUSE)
            await says(visit.page, "cut-off")
            total = await deposit(service)
            proxy.heal()
            await says(visit.page, "live")
            await shows(visit.page, total)
        await context.close()

    with TcpProxy("127.0.0.1", service.port) as proxy:
        browser.run(look(proxy))


def test_a_page_that_cannot_be_fetched_is_not_live_because_it_was_paused(
    browser: BrowserThread, service: ServiceProcess
) -> None:
    badge = "[...document.querySelectorAll('[data-live]')].map(one => [one.dataset.live, one.textContent])[0]"

    async def look() -> tuple[list[str], list[str]]:
        context = await browser.context()
        async with visiting(context, service.url) as visit:
            await says(visit.page, "live")
            await visit.page.route(service.url + OVERVIEW, lambda route: route.fulfill(status=503, body="away"))
            total = await deposit(service)
            await says(visit.page, "cut-off")
            before: list[str] = await visit.page.evaluate(badge)
            await visit.page.click("[data-switch=pause]")
            await says(visit.page, "paused")
            await visit.page.click("[data-switch=pause]")
            after: list[str] = await visit.page.evaluate(badge)
            await visit.page.unroute(service.url + OVERVIEW)
            await says(visit.page, "live")
            await shows(visit.page, total)
        await context.close()
        return before, after

    before, after = browser.run(look())
    assert after == before, "it is cut off since the first fetch that failed"


def test_eight_tabs_are_live_at_once(browser: BrowserThread, service: ServiceProcess) -> None:
    async def look() -> None:
        context = await browser.context()
        async with AsyncExitStack() as stack:
            tabs = [await stack.enter_async_context(visiting(context, service.url)) for _ in range(8)]
            for tab in tabs:
                await says(tab.page, "live")
            total = await deposit(service)
            for tab in tabs:
                await shows(tab.page, total)
            # A ninth request is answered while all of them listen.
            assert (await context.request.get(service.url + PAGES["trades"])).ok
        await context.close()

    browser.run(look())


def test_what_a_person_opened_and_wrote_stays_as_it_is(browser: BrowserThread, service: ServiceProcess) -> None:
    async def look() -> Any:
        context = await browser.context()
        async with visiting(context, service.url) as visit:
            await says(visit.page, "live")
            await visit.page.click("[data-figure=total_value] summary")
            await visit.page.focus("[data-figure=total_value] summary")
            await shows(visit.page, await deposit(service))
            is_open = await visit.page.eval_on_selector("[data-figure=total_value]", "figure => figure.open")
            focused = await visit.page.evaluate("document.activeElement.closest('[data-figure]')?.dataset.figure")
        await context.close()
        return is_open, focused

    assert browser.run(look()) == (True, "total_value")


def test_a_private_page_hears_no_amount_while_it_is_live(browser: BrowserThread, service: ServiceProcess) -> None:
    async def look() -> str:
        context = await browser.context()
        await context.add_cookies([{"name": "private", "value": "1", "url": service.url}])
        async with visiting(context, service.url) as visit, visiting(context, service.url) as other:
            await says(visit.page, "live")
            await says(other.page, "live")
            async with service.client() as client:
                body = {"kind": "deposit", "amount": 76543.25, "client_transaction_id": "private"}
                assert (await client.post("/cash/transactions", json=body)).status_code == 200
            before = fetches(visit)
            while fetches(visit) == before:
                await visit.page.wait_for_timeout(50)
            received = await visit.received()
        await context.close()
        return received

    received = browser.run(look())
    assert "76543" not in received.replace(",", "")


def test_after_signing_out_other_tabs_show_nothing_new_but_the_form(
    browser: BrowserThread, demo_file: Path, tmp_path: Path
) -> None:
    key = "a-key-for-the-tests-only"
    settings = {**STILL, "PORTFOLIO_API_KEYS": f"somebody:read+admin:{key}"}

    async def look(service: ServiceProcess) -> None:
        context = await browser.context()
        async with visiting(context, service.url) as one, visiting(context, service.url) as other:
            await one.page.fill("input#key", key)
            await one.page.press("input#key", "Enter")
            await says(one.page, "live")
            await other.page.reload()
            await says(other.page, "live")
            await one.page.click("[data-switch=sign-out]")
            await one.page.wait_for_selector("input#key")
            async with service.client(headers={"X-TRADING-API-KEY": key}) as client:
                body = {"kind": "deposit", "amount": 1, "client_transaction_id": "signed-out"}
                assert (await client.post("/cash/transactions", json=body)).status_code == 200
            await other.page.wait_for_selector("input#key")
        await context.close()

    with ServiceProcess(demo_copy(demo_file, tmp_path), tmp_path, settings=settings) as service:
        browser.run(look(service))
