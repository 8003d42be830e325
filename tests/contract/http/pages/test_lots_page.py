"""The page of lots and gains: the numbers are those of GET /lots and GET /gains, by every method."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.html_pages import HTML, PRIVATE, Element, amounts_of, of_api, sound_page
from tests.support.services.http_service import BUY, KEYS, Service, is_problem, running

URL = "/pages/lots"
METHODS = ("fifo", "lifo", "hifo", "average", "picked")


async def page_of(service: Service, query: str = "", **headers: str) -> Element:
    return await sound_page(service, URL + query, headers)


async def book(service: Service, side: str, day: str, quantity: str, amount: str) -> None:
    body = {**BUY, "side": side, "quantity": quantity, "price": "45000", "net_amount": amount, "fees": "1.25"}
    body |= {"executed_at": f"{day}T12:00:00Z", "price": str(float(amount) / float(quantity))}
    answer = await service.http.post("/holdings/update", json=body)
    assert answer.status_code == 200, answer.text


@pytest.fixture
async def sold(service: Service) -> Service:
    """Three purchases, of which the second was the dearest, and sales in two years; one year passed before one sale."""
    await book(service, "BUY", "2024-01-10", "0.3", "9000.37")
    await book(service, "BUY", "2024-06-10", "0.2", "13000.11")
    await book(service, "BUY", "2025-02-10", "0.25", "10000.73")
    await book(service, "SELL", "2024-12-30", "0.1", "5001.57")
    await book(service, "SELL", "2025-03-01", "0.35", "21000.91")
    return service


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("year", ["2025", "2024", "all"])
async def test_lots_and_gains_are_those_of_the_api(sold: Service, method: str, year: str) -> None:
    page = await page_of(sold, f"?method={method}&year={year}")
    of_year = "" if year == "all" else f"&year={year}"
    lots = await of_api(sold, f"/lots?method={method}")
    gains = await of_api(sold, f"/gains?method={method}{of_year}")
    for name in ("gain", "short_term", "long_term", "undated"):
        assert page.value(name) == gains[name]
    assert page.figure("gain").exact == [gains["gain"], gains["proceeds"], gains["basis"], gains["gain"]]
    assert (page.value("lots_basis"), page.value("gain_ever")) == (lots["basis"], lots["gain"])
    rows = page.table("Gains of")
    assert len(rows) == int(gains["count"])
    for row, gain in zip(rows, gains["gains"], strict=True):
        shown = [row[name].exact for name in ("Quantity", "Proceeds", "Cost", "Gain")]
        assert shown == [[gain[name]] for name in ("quantity", "proceeds", "basis", "gain")]
        if gain["term"] is not None:
            assert f"{gain['days_held']} days, {gain['term']}-term" in row["Held for"].text
    for row, lot in zip(page.table("What is left"), lots["lots"], strict=True):
        assert (row["Quantity"].exact, row["Cost"].exact) == ([lot["quantity"]], [lot["basis"]])
        assert row["Acquired"].text == "all together" or row["Trade"].text == lot["trade_id"]
        assert row["Entry"].text == (lot["entry"] or "")
    assert ("nobody picked the lot" in page.text) is (method == "picked")


async def test_the_methods_differ_and_what_stays_the_same_is_told(sold: Service) -> None:
    pages = [await page_of(sold, f"?method={method}&year=all") for method in METHODS]
    gains = {page.value("gain") for page in pages}
    assert len(gains) == 3  # the newest lot was the dearest at the one sale that could take another
    for page in pages:
        assert "the same by every method" in page.figure("gain_ever").text


async def test_without_a_choice_it_is_the_oldest_first_and_this_year(sold: Service) -> None:
    page = await page_of(sold)
    assert "Gains of 2025 (UTC)" in page.text
    chosen = [one for one in page.all("option") if "selected" in one.attributes]
    assert [one.attributes["value"] for one in chosen] == ["fifo"]
    assert page.one("input", id="year").attributes["value"] == "2025"


async def test_the_file_is_that_of_the_api(sold: Service) -> None:
    page = await page_of(sold, "?method=hifo&year=2024")
    [link] = [one for one in page.all("a") if "CSV" in one.text]
    assert link.attributes["href"] == "/gains?method=hifo&year=2024&format=csv"
    file = await sold.http.get(link.attributes["href"])
    assert file.headers["content-type"].startswith("text/csv")
    everything = await page_of(sold, "?year=all")
    assert [one.attributes["href"] for one in everything.all("a") if "CSV" in one.text] == [
        "/gains?method=fifo&format=csv"
    ]


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("method", "best", "takes fifo, lifo, hifo, average"),
        ("year", "last", "takes a year, such as 2026, or all"),
        ("year", "1969", "takes a year"),
        ("lots", "x", "is no page of this table"),
        ("gains", "t1", "is no page of this table"),
    ],
)
async def test_what_was_typed_wrong_is_said_in_the_page(sold: Service, field: str, typed: str, said: str) -> None:
    page = await page_of(sold, f"?{field}={typed}")
    [alert] = [found for found in page.all("div") if found.attributes.get("role") == "alert"]
    assert said in alert.text
    assert "Nothing was looked up" in page.text


@pytest.mark.unmeasured
async def test_long_tables_have_pages_and_each_row_once(service: Service) -> None:
    many: list[dict[str, Any]] = [{**BUY, "quantity": "0.0001", "net_amount": "4.5", "fees": 0} for _ in range(250)]
    many += [{**BUY, "side": "SELL", "quantity": "0.0001", "net_amount": "4.6", "fees": 0} for _ in range(120)]
    assert (await service.http.post("/holdings/update/batch", json={"bookings": many})).status_code == 200
    path, lots = "", []
    while True:
        page = await page_of(service, path)
        lots += [row["Trade"].text for row in page.table("What is left")]
        [following] = [n for n in page.all("nav") if n.attributes.get("aria-label") == "Pages of lots"]
        links = {link.text: link.attributes["href"] for link in following.all("a")}
        if "Next" not in links:
            break
        path = links["Next"].partition("#")[0]
    assert lots == [str(n) for n in range(121, 251)]
    assert links["First"] == "?#lots"
    second = await page_of(service, "?gains=g64")
    assert len(second.table("Gains of")) == 20
    beyond = await page_of(service, "?gains=g640&lots=l640")
    assert "Nothing was realized beyond these" in beyond.text
    assert "no lots beyond these" in beyond.text


async def test_empty_books_say_so(service: Service) -> None:
    page = await page_of(service)
    assert "Nothing was realized." in page.text
    assert "Nothing is left of any purchase." in page.text


async def test_what_has_no_date_and_an_assumed_cost_says_so(service: Service) -> None:
    event = {"kind": "transfer_in", "symbol": "ETH", "quantity": "3", "value": "7000"}
    assert (await service.http.post("/events", json=event)).status_code == 200
    average = await page_of(service, "?method=average")
    [row] = average.table("What is left")
    assert row["Held for"].text == "not known"
    assert row["Acquired"].text == "all together"


async def test_income_is_a_gain_without_a_sale(service: Service) -> None:
    event = {"kind": "income", "symbol": "ETH", "quantity": "2", "value": "5000", "label": "staking"}
    assert (await service.http.post("/events", json=event)).status_code == 200
    [row] = (await page_of(service)).table("Gains of")
    assert "no sale: income" in row["Acquired"].text
    assert row["Gain"].exact == ["5000"]


async def test_a_private_page_has_no_amount_in_any_byte(sold: Service) -> None:
    answers = [await of_api(sold, path) for path in ("/portfolio", "/lots", "/gains", "/trades")]
    amounts = set().union(*map(amounts_of, answers))
    amounts |= {one[name] for one in answers[1]["lots"] for name in ("quantity", "basis")}
    amounts = {amount for amount in amounts if len(amount) > 4}
    for query in ("", "?year=all", "?method=average"):
        public = (await sold.http.get(URL + query, headers=HTML)).text
        private = (await sold.http.get(URL + query, headers=PRIVATE)).text
        assert any(amount in public for amount in amounts)
        assert {amount for amount in amounts if amount in private} == set()
        assert "format=csv" not in private
    page = await page_of(sold, **PRIVATE)
    assert all("Gain" not in row for row in page.table("Gains of"))


async def test_with_the_database_away_it_says_so(sold: Service) -> None:
    await page_of(sold)
    sold.ledger.away = True
    sold.clock.advance(61)
    page = await page_of(sold)
    assert "Database away" in page.one("section", aria_label="State").text
    assert "The entries could not be read" in page.text


async def test_a_page_is_for_those_who_may_read() -> None:
    async with running(api_keys=KEYS) as service:
        assert is_problem(await service.http.get(URL), 401, "unauthorized")
