"""Every page, in any colours, at any width, with script and without: axe, the policy, keys, targets, paper."""

from __future__ import annotations

import httpx
import pytest

from tests.support.browser import rules
from tests.support.browser.browser import BrowserThread
from tests.support.browser.places import PAGES
from tests.support.browser.visit import visiting
from tests.support.html_pages import HTML, Element, read_page
from tests.support.services.service import ServiceProcess

TEAR_SHEET = "/reports/tearsheet?days=365"
OPEN_ALL = "document.querySelectorAll('details').forEach(details => { details.open = true; })"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_sound_in_every_view(browser: BrowserThread, demo_service: ServiceProcess, name: str) -> None:
    async def look() -> list[str]:
        context = await browser.context()
        async with visiting(context, demo_service.url, PAGES[name]) as visit:
            await rules.shorten(visit.page)
            found = await rules.by_keys(visit.page)
            await visit.page.evaluate(OPEN_ALL)
            found += await rules.in_every_view(visit.page)
            found += await rules.on_paper(visit.page)
            found += visit.complaints
        await context.close()
        return found

    found = browser.run(look())
    assert not found, rules.listed(found)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_sound_without_script(browser: BrowserThread, demo_service: ServiceProcess, name: str) -> None:
    async def look() -> list[str]:
        context = await browser.context(java_script_enabled=False)
        async with visiting(context, demo_service.url, PAGES[name]) as visit:
            await rules.shorten(visit.page)
            found = await rules.by_keys(visit.page)
            found += await rules.in_every_view(visit.page, with_axe=False)
            found += visit.complaints
        await context.close()
        return found

    found = browser.run(look())
    assert not found, rules.listed(found)


def test_the_tear_sheet_is_sound_in_every_view(browser: BrowserThread, demo_service: ServiceProcess) -> None:
    async def look() -> list[str]:
        context = await browser.context()
        async with visiting(context, demo_service.url, TEAR_SHEET) as visit:
            await visit.page.evaluate(OPEN_ALL)
            await rules.shorten(visit.page)
            found = await rules.in_every_view(visit.page)
            found += await rules.on_paper(visit.page)
            found += visit.complaints
        await context.close()
        return found

    found = browser.run(look())
    assert not found, rules.listed(found)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_forbids_what_it_does_not_need(demo_service: ServiceProcess, name: str) -> None:
    answer = httpx.get(demo_service.url + PAGES[name], headers=HTML, timeout=30)
    assert answer.status_code == 200, answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize("name", PAGES)
def test_every_number_is_in_a_part_that_is_fetched_anew(demo_service: ServiceProcess, name: str) -> None:
    answer = httpx.get(demo_service.url + PAGES[name], headers=HTML, timeout=30)
    page = read_page(answer.text).one("main")
    within = {id(number) for part in page.all() if "data-part" in part.attributes for number in _numbers(part)}
    assert len(within) > 3
    assert [number.text for number in _numbers(page) if id(number) not in within] == []


def _numbers(element: Element) -> list[Element]:
    return [found for found in element.all() if {"data-exact", "datetime"} & found.attributes.keys()]
