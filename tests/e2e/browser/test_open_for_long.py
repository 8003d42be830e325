"""A page that stays open: its sign-in ends, its connection falls silent, other tabs switch, rows come above."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest
from playwright.async_api import Page, Route

from tests.support.browser.browser import BrowserThread
from tests.support.browser.places import OVERVIEW, PAGES
from tests.support.browser.visit import visiting
from tests.support.demo import STILL, demo_copy
from tests.support.services.service import ServiceProcess
from tests.support.services.tcp_proxy import Mode, TcpProxy

SETTINGS = STILL
SILENCE_MS = 40_000
ROW = "document.activeElement.closest('tr').cells[0].textContent + document.activeElement.getAttribute('href')"
# Two figures of one name, also in what is fetched.
ALIKE = """
const real = window.fetch;
window.fetch = async (...given) => {
    const answer = await real(...given);
    return new Response((await answer.text()).replace('"hhi_with_cash"', '"hhi"'), { status: answer.status });
};
"""
_keys = itertools.count()


async def says(page: Page, state: str) -> str:
    """Wait until the page says that it is live or cut off; return how it does."""
    await page.wait_for_selector(f"[data-live={state}]")
    return await page.inner_text("[data-live-words]")


async def buy(service: ServiceProcess, symbol: str, **more: str) -> None:
    """Book a small purchase."""
    body = {"symbol": symbol, "side": "BUY", "quantity": 0.001, "price": 1000, "net_amount": 1} | more
    async with service.client() as client:
        booked = await client.post("/holdings/update", json=body | {"client_trade_id": f"long-{next(_keys)}"})
        assert booked.status_code == 200, booked.text


def test_where_the_sign_in_is_over_the_form_asks_for_the_key(
    browser: BrowserThread, demo_file: Path, tmp_path: Path
) -> None:
    key = "a-key-for-the-tests-only"
    settings = {**STILL, "PORTFOLIO_API_KEYS": f"somebody:read:{key}", "PORTFOLIO_SIGN_IN_SECONDS": "4"}

    async def look(service: ServiceProcess) -> None:
        context = await browser.context()
        async with visiting(context, service.url) as visit:
            await visit.page.fill("input#key", key)
            await visit.page.press("input#key", "Enter")
            await says(visit.page, "live")
            await visit.page.wait_for_selector("input#key")  # nothing was booked meanwhile
        await context.close()

    with ServiceProcess(demo_copy(demo_file, tmp_path), tmp_path, settings=settings) as service:
        browser.run(look(service))


def test_a_connection_that_fell_silent_is_cut_off_and_the_page_says_so_in_the_same_words(
    browser: BrowserThread, service: ServiceProcess
) -> None:
    async def look(proxy: TcpProxy) -> list[str]:
        context = await browser.context()
        async with visiting(context, f"http://{proxy.address}") as visit:
            page = visit.page
            await page.clock.install()
            await page.reload()
            await says(page, "live")
            proxy.set_mode(Mode.SILENT)
            await page.clock.run_for(SILENCE_MS + 1_000)
            words = [await says(page, "cut-off")]
            await page.clock.run_for(SILENCE_MS)  # attempts and fetches failed meanwhile
            words.append(await says(page, "cut-off"))
            proxy.heal()
            while await page.locator("[data-live=live]").count() == 0:
                await page.clock.run_for(5_000)
        await context.close()
        return words

    with TcpProxy("127.0.0.1", service.port) as proxy:
        first, second = browser.run(look(proxy))
    assert first == second, "whoever hears the page is told once"
    assert first.startswith("Cut off since "), first


@pytest.mark.parametrize("before", ["0", "1"])
def test_privacy_switched_in_one_tab_is_switched_in_the_others(
    browser: BrowserThread, service: ServiceProcess, before: str
) -> None:
    async def look() -> tuple[bool, str | None]:
        context = await browser.context()
        await context.add_cookies([{"name": "private", "value": before, "url": service.url}])
        async with visiting(context, service.url) as one, visiting(context, service.url) as other:
            await says(one.page, "live")
            await says(other.page, "live")
            await one.page.click("[data-switch=privacy]")
            await other.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # it is looked at
            pressed = "true" if before == "0" else "false"
            await other.page.wait_for_selector(f"[data-switch=privacy][aria-pressed={pressed}]")
            follows = await other.page.evaluate("!!document.body.dataset.stream")
            note = await other.page.text_content("footer")
        await context.close()
        return follows, note

    follows, note = browser.run(look())
    assert follows is (before == "1"), "a private page hears no messages"
    assert ("Privacy mode" in str(note)) is (before == "0")


@pytest.mark.parametrize(
    ("path", "link"), [(OVERVIEW, "/pages/positions/"), (PAGES["trades"], "/pages/trades?symbol=")]
)
def test_the_focus_stays_where_it_was_when_rows_come_above_it(
    browser: BrowserThread, service: ServiceProcess, path: str, link: str
) -> None:
    async def look() -> tuple[str, str]:
        context = await browser.context()
        await buy(service, "LINK")
        await buy(service, "LINK")
        async with visiting(context, service.url, path) as visit:
            await says(visit.page, "live")
            await visit.page.focus(f"main tbody tr:nth-child(2) a[href='{link}LINK']")
            row = await visit.page.evaluate(ROW)
            await buy(service, "SOL")
            await visit.page.wait_for_selector(f"main tbody tr:first-child a[href='{link}SOL']")
            focused = await visit.page.evaluate(ROW)
        await context.close()
        return row, focused

    row, focused = browser.run(look())
    assert row.endswith(f"{link}LINK")
    assert focused == row


def test_of_two_figures_with_one_name_each_stays_as_it_was_left(
    browser: BrowserThread, service: ServiceProcess
) -> None:
    async def look() -> list[bool]:
        context = await browser.context()
        await context.add_init_script(ALIKE)
        async with visiting(context, service.url, PAGES["risk"]) as visit:
            await says(visit.page, "live")
            await visit.page.evaluate("document.querySelector('[data-figure=hhi_with_cash]').dataset.figure = 'hhi'")
            await visit.page.locator("[data-figure=hhi] summary").first.click()
            await visit.page.evaluate("document.querySelector('[data-part=concentration]').dataset.old = 1")
            await buy(service, "SOL")
            await visit.page.wait_for_selector("[data-part=concentration]:not([data-old])")
            opened: list[bool] = await visit.page.eval_on_selector_all(
                "[data-figure=hhi]", "all => all.map(each => each.open)"
            )
        await context.close()
        return opened

    assert browser.run(look()) == [True, False]


def test_a_row_without_a_link_shows_its_exact_digits_by_keys_and_keeps_the_focus(
    browser: BrowserThread, service: ServiceProcess
) -> None:
    shown = "getComputedStyle(document.activeElement.querySelector('[data-exact]'), '::after').content"

    async def look() -> tuple[str, str, str]:
        context = await browser.context()
        async with visiting(context, service.url, PAGES["rebalancing"]) as visit:
            page = visit.page
            await says(page, "live")
            await page.focus("[data-part=before] .scroll")
            for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp"):
                await page.keyboard.press(key)
            name = "document.activeElement.cells[0].textContent"
            row, exact = await page.evaluate(name), await page.evaluate(shown)
            await page.evaluate("document.querySelector('[data-part=before]').dataset.old = 1")
            await buy(service, "SOL")
            await page.wait_for_selector("[data-part=before]:not([data-old])")
            after = await page.evaluate(name)
        await context.close()
        return row, exact, after

    row, exact, after = browser.run(look())
    assert (row, after) == ("Broken limits", "Broken limits")
    assert exact != "none"


def test_from_an_opened_note_the_keys_go_to_the_next_row_and_paper_has_the_whole_note(
    browser: BrowserThread, service: ServiceProcess
) -> None:
    place = "[...document.querySelectorAll('tbody tr')].indexOf(document.activeElement.closest('tr'))"

    async def look() -> tuple[int, int, list[bool]]:
        for number in range(3):
            await buy(service, "SOL", notes=f"{number} " + "a long note " * 40)
        context = await browser.context()
        async with visiting(context, service.url, PAGES["trades"]) as visit:
            page, note = visit.page, visit.page.locator(".remarks summary").nth(1)
            await note.focus()
            before = await page.evaluate(place)
            await page.keyboard.press("ArrowDown")
            after = await page.evaluate(place)
            shown = [await page.evaluate("document.querySelector('.remarks details > bdi').checkVisibility()")]
            await page.emulate_media(media="print")
            shown.append(await page.evaluate("document.querySelector('.remarks details > bdi').checkVisibility()"))
        await context.close()
        return before, after, shown

    before, after, shown = browser.run(look())
    assert after == before + 1 > 1
    assert shown == [False, True]


def test_other_keys_do_in_a_table_what_they_do_elsewhere(browser: BrowserThread, service: ServiceProcess) -> None:
    taken = "window.taken = []; addEventListener('keydown', (event) => taken.push(event.defaultPrevented))"

    async def look() -> tuple[list[bool], bool, str]:
        context = await browser.context()
        async with visiting(context, service.url, PAGES["positions"]) as visit:
            page = visit.page
            await page.evaluate(taken)
            await page.evaluate("document.querySelector('tbody tr').focus()")
            for key in ("Control+c", "Shift+ArrowDown", "PageDown"):
                await page.keyboard.press(key)
            await page.focus("tbody a")
            await page.keyboard.press("Tab")
            found = await page.evaluate("taken")
            is_there = await page.evaluate("document.activeElement === document.querySelector('tbody a')")
            await page.focus("tbody a")
            await page.keyboard.press("Enter")
            await page.wait_for_url("**/positions/*")
            address = page.url
        await context.close()
        return found, is_there, address

    found, is_there, address = browser.run(look())
    assert (found, is_there) == ([False] * len(found), False)
    assert len(found) >= 4
    assert address.startswith(f"{service.url}/pages/positions/")


def test_a_page_that_was_paused_meanwhile_is_not_loaded_anew(browser: BrowserThread, service: ServiceProcess) -> None:
    async def look() -> bool:
        context = await browser.context()
        async with visiting(context, service.url) as visit:
            page = visit.page
            await says(page, "live")
            asked = asyncio.Event()

            async def other_version(route: Route) -> None:
                await page.evaluate("document.querySelector('[data-switch=pause]').click()")
                await route.fulfill(status=401, body="<p>the key is asked for</p>", content_type="text/html")
                asked.set()

            await page.route(service.url + OVERVIEW, other_version, times=1)
            await page.evaluate("window.here = true; document.dispatchEvent(new Event('visibilitychange'))")
            await asked.wait()
            await page.wait_for_timeout(300)
            stayed: bool = await page.evaluate("!!window.here")
        await context.close()
        return stayed

    assert browser.run(look())


def test_a_page_that_the_browser_kept_is_loaded_anew(browser: BrowserThread, service: ServiceProcess) -> None:
    async def look() -> None:
        context = await browser.context()
        async with visiting(context, service.url, PAGES["import"]) as visit, visit.page.expect_navigation():
            await visit.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
        await context.close()

    browser.run(look())


def test_a_page_whose_fetches_fail_asks_ever_less_often(browser: BrowserThread, service: ServiceProcess) -> None:
    async def look() -> int:
        context = await browser.context()
        async with visiting(context, service.url) as visit:
            page, asked = visit.page, 0

            async def refuse(route: Route) -> None:
                nonlocal asked
                asked += 1
                await route.fulfill(status=503, body="<p>too much to do</p>", content_type="text/html")

            await page.clock.install()
            await page.reload()
            await says(page, "live")
            await page.route(service.url + OVERVIEW, refuse)
            await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
            for _ in range(30):
                await page.clock.run_for(1_000)
                await page.wait_for_timeout(30)  # the answer comes in the time of this machine
        await context.close()
        return asked

    assert 3 <= browser.run(look()) <= 5, "after 2, 4, 8 and 16 seconds"
