"""What a page shows is what the API answers; in privacy mode no amount of the books reaches the browser at all."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.support.browser import rules
from tests.support.browser.browser import BrowserThread
from tests.support.browser.numbers import Answers, Shown, numbers_of
from tests.support.browser.places import PAGES
from tests.support.browser.visit import visiting
from tests.support.services.service import ServiceProcess

# Every number of their tables is an answer's. On other pages that is asked of figures alone: what formulas are made of,
# and what is made for a chart, no answer has.
OF_ANSWERS = {"overview", "positions", "trades", "activity", "lots"}
# All their numbers are of the own books.
ALL_OWN = {"trades", "activity", "lots", "import"}


@pytest.fixture(scope="module")
def answers(demo_service: ServiceProcess) -> Answers:
    return Answers(demo_service.url)


@pytest.mark.parametrize("name", PAGES)
def test_the_numbers_of_a_page_are_the_apis(
    browser: BrowserThread, demo_service: ServiceProcess, answers: Answers, name: str
) -> None:
    async def look() -> list[Shown]:
        context = await browser.context()
        async with visiting(context, demo_service.url, PAGES[name]) as visit:
            shown = [*await numbers_of(visit.page)]
        await context.close()
        return shown

    shown = browser.run(look())
    assert shown
    known = answers.all | answers.realized_beside_positions
    if name == "activity":  # what a sale took away has no sign in answers about trades
        known |= {-one for one in known}
    wrong = [f"{one.text} is not {one.exact}" for one in shown if not one.is_true]
    if name in OF_ANSWERS:
        unknown = [one for one in shown if Decimal(one.exact) not in known and not one.chart]
        wrong += [f"{one.exact} is no answer's ({one.figure})" for one in unknown]
    for one in shown:
        named = answers.by_name.get(one.figure)
        if name != "operations" and one.is_value and named and Decimal(one.exact) not in named:
            wrong.append(f"{one.figure} is {one.exact}, and no answer's {one.figure} is that")
    assert not wrong, rules.listed(wrong)


@pytest.mark.parametrize("name", PAGES)
def test_a_private_page_has_no_amount_of_the_books_in_any_byte(
    browser: BrowserThread, demo_service: ServiceProcess, answers: Answers, name: str
) -> None:
    async def look() -> tuple[str, str, list[str]]:
        context = await browser.context()
        async with visiting(context, demo_service.url, PAGES[name]) as visit:
            public = await visit.received()
        await context.add_cookies([{"name": "private", "value": "1", "url": demo_service.url}])
        async with visiting(context, demo_service.url, PAGES[name]) as visit:
            private, shown = await visit.received(), [one.text for one in await numbers_of(visit.page)]
        await context.close()
        return public, private, shown

    public, private, shown = browser.run(look())
    assert answers.amounts_in(public) or name == "operations"
    assert answers.amounts_in(private) == []
    assert shown or name in ALL_OWN, "market prices and shares are shown all the same"
