"""A browser signs in with a key, looks, and signs out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page

from tests.support.browser import rules
from tests.support.browser.browser import BrowserThread
from tests.support.browser.places import OVERVIEW, PAGES
from tests.support.browser.visit import Visit, visiting
from tests.support.demo import demo_copy
from tests.support.services.service import ServiceProcess

LAST = [*PAGES.values()][-1]
KEY = "a-key-for-the-tests-only"


@pytest.fixture(scope="module")
def keyed(demo_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """The service on the demonstration's books, for those with a key."""
    folder = tmp_path_factory.mktemp("keyed")
    settings = {"PORTFOLIO_API_KEYS": f"somebody:read:{KEY}", "PORTFOLIO_REFRESH_SECONDS": "86400"}
    with ServiceProcess(demo_copy(demo_file, folder), folder, settings=settings) as running:
        yield running


async def sign_in(page: Page, key: str) -> None:
    """Fill in the form and send it."""
    await page.fill("input#key", key)
    await page.press("input#key", "Enter")
    await page.wait_for_load_state()


def test_without_a_key_nothing_is_shown_but_the_form(browser: BrowserThread, keyed: ServiceProcess) -> None:
    async def look() -> tuple[list[str], list[str]]:
        context = await browser.context()
        received, found = [], []
        for path in PAGES.values():
            async with visiting(context, keyed.url, path) as visit:
                assert await visit.page.locator("input#key").count() == 1, path
                assert await visit.page.locator("[data-exact]").count() == 0, path
                received.append(await visit.received())
                if path == OVERVIEW:
                    found += [*await rules.by_keys(visit.page), *await rules.in_every_view(visit.page)]
                    found += [*await rules.on_paper(visit.page), *visit.complaints]
        await context.close()
        return received, found

    received, found = browser.run(look())
    assert not found, rules.listed(found)
    assert not [text for text in received if "ETH" in text]


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_a_key_opens_the_pages_until_sign_out(browser: BrowserThread, keyed: ServiceProcess, *, script: bool) -> None:
    async def look() -> Visit:
        context = await browser.context(java_script_enabled=script)
        async with visiting(context, keyed.url, LAST) as visit:
            page = visit.page
            await sign_in(page, "no-such-key")
            assert await page.locator("input#key").count() == 1
            assert await page.locator(".problem, [role=alert]").count() >= 1
            await sign_in(page, KEY)
            assert page.url == keyed.url + LAST, "it leads back"
            assert await page.locator("[data-state=as-of]").count() == 1
            [cookie] = [one for one in await context.cookies() if KEY not in str(one) and one.get("httpOnly")]
            assert cookie.get("sameSite") == "Strict"
            await page.click("[data-switch=sign-out]")
            await page.wait_for_load_state()
            assert await page.locator("input#key").count() == 1
            await page.goto(keyed.url + LAST)
            assert await page.locator("input#key").count() == 1
            assert KEY not in page.url
        await context.close()
        return visit

    visit = browser.run(look())
    assert [said for said in visit.complaints if "401" not in said] == []


def test_the_cookie_is_good_for_reading_only(browser: BrowserThread, keyed: ServiceProcess) -> None:
    async def look() -> tuple[int, int]:
        context = await browser.context()
        async with visiting(context, keyed.url) as visit:
            await sign_in(visit.page, KEY)
            read = await visit.page.evaluate("fetch('/portfolio').then(answer => answer.status)")
            booked = await visit.page.evaluate(
                "fetch('/cash/transactions', {method: 'POST', headers: {'Content-Type': 'application/json'},"
                " body: JSON.stringify({kind: 'deposit', amount: 1})}).then(answer => answer.status)"
            )
        await context.close()
        return read, booked

    assert browser.run(look()) == (200, 403)
