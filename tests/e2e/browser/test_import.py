"""Files chosen in a real browser, with script and without: what their rows become is shown, and the page is sound."""

from __future__ import annotations

import pytest
from playwright.async_api import FilePayload

from tests.support.browser import rules
from tests.support.browser.browser import BrowserThread
from tests.support.browser.visit import visiting
from tests.support.services.service import ServiceProcess

FILLS = (
    "Date(UTC),Pair,Side,Price,Executed,Amount,Fee\n"
    "2024-03-01 10:00:00,SOLUSDT,BUY,120,0.01SOL,1.2USDT,0USDT\n"
    "2024-03-02 10:00:00,SOLUSDT,SELL,130,999999SOL,129999870USDT,0USDT\n"
)


@pytest.mark.parametrize("with_script", [True, False], ids=["script", "no script"])
def test_what_files_become_is_shown_on_a_sound_page(
    browser: BrowserThread, demo_service: ServiceProcess, with_script: bool
) -> None:
    async def look() -> list[str]:
        context = await browser.context(java_script_enabled=with_script)
        async with visiting(context, demo_service.url, "/pages/import") as visit:
            page = visit.page
            file: FilePayload = {"name": "fills.csv", "mimeType": "text/csv", "buffer": FILLS.encode()}
            await page.set_input_files("#file", [file])
            await page.select_option("#partial", "true")
            await page.click("text=Look at them")
            await page.wait_for_selector("[data-part='looked']")
            shown = await page.inner_text("[data-part='looked']")
            assert "2 rows: 1 events, 0 ignored, 0 known, 1 reported" in shown
            assert "Book 1 event" in shown
            found = await rules.by_keys(page)
            await rules.shorten(page)
            found += await rules.in_every_view(page, with_axe=with_script)
            found += visit.complaints
        await context.close()
        return found

    found = browser.run(look())
    assert not found, rules.listed(found)
