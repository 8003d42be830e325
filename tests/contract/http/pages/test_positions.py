"""What is held: as a table that can be sorted, and one asset with its closes and its trades."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from tests.support.html_pages import HTML, PRIVATE, amounts_of, of_api
from tests.support.pages import figure, page, spelt_in, words
from tests.support.services.http_service import Service, running

URL = "/pages/positions"
MANY = 1_000


def buy(symbol: str, quantity: str = "1", price: str = "10", fees: str = "0.25") -> dict[str, Any]:
    """A purchase."""
    money = str(Decimal(quantity) * Decimal(price))
    return {"symbol": symbol, "side": "BUY", "quantity": quantity, "price": price, "net_amount": money, "fees": fees}


async def book(service: Service, *bodies: dict[str, Any]) -> None:
    """Book trades that have to be taken."""
    for first in range(0, len(bodies), 100):
        answer = await service.http.post("/holdings/update/batch", json={"bookings": bodies[first : first + 100]})
        assert answer.json()["booked"] == len(bodies[first : first + 100])


@pytest.fixture
async def held(service: Service) -> Service:
    """A service with three positions at other prices than they were bought at, and two of dust."""
    await book(
        service, buy("BTC", "0.1373", "45010.5"), buy("ETH", "3.7219", "2500.25"), buy("SOL", "51.7531", "141.3")
    )
    await book(service, buy("LTC", "0.0371", "80.1", "0"), buy("XRP", "1.7", "0.53", "0"))
    service.feed.prices |= {"BTC": "51234.5678", "ETH": "2411.09", "SOL": "151.07"}
    assert (await service.http.post("/portfolio/refresh")).status_code == 200
    return service


def symbols(text: str) -> list[str]:
    """The assets of the table in the order of its rows."""
    return re.findall(r'<tr data-symbol="([^"]+)"', text)


async def test_its_numbers_are_those_of_the_api_to_the_last_digit(held: Service) -> None:
    text = await page(held, f"{URL}?dust=all")
    positions = (await of_api(held, "/positions"))["positions"]
    assert set(symbols(text)) == {position["symbol"] for position in positions}
    for position in positions:
        row = re.search(rf'<tr data-symbol="{position["symbol"]}">.*?</tr>', text, re.DOTALL)
        assert row is not None
        assert re.findall(r'data-exact="([^"]*)"', row[0]) == [
            position[name]
            for name in (
                "quantity", "current_price", "market_value", "allocation_percent", "cost_basis", "unrealized_pnl",
                "unrealized_pnl_percent", "realized_pnl",
            )
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("", ["SOL", "ETH", "BTC"]),  # worth 7818, 8921, 5123
        ("?sort=value&order=asc", ["BTC", "SOL", "ETH"]),
        ("?sort=symbol", ["BTC", "ETH", "SOL"]),
        ("?sort=symbol&order=desc", ["SOL", "ETH", "BTC"]),
        ("?sort=price", ["BTC", "ETH", "SOL"]),
        ("?sort=quantity", ["SOL", "ETH", "BTC"]),
        ("?sort=result", ["BTC", "SOL", "ETH"]),  # +601, +506, -330
        ("?sort=result_percent&order=asc", ["ETH", "SOL", "BTC"]),
        ("?sort=category&order=asc", ["SOL", "ETH", "BTC"]),  # other, smart_contracts, store_of_value
    ],
)
async def test_it_is_sorted_by_any_column_either_way(held: Service, query: str, order: list[str]) -> None:
    if not query:
        order = ["ETH", "SOL", "BTC"]
    text = await page(held, URL + query)
    assert symbols(text) == order
    assert len(re.findall(r'aria-sort="(?:ascending|descending)"', text)) == 1


async def test_every_column_can_be_sorted_by_its_own_heading(held: Service) -> None:
    text = await page(held, URL)
    links = re.findall(r'<th scope="col"[^>]*><a href="([^"]+)"', text)
    assert len(links) == 11
    for link in links:
        assert symbols(await page(held, URL + link.replace("&amp;", "&"))), link


async def test_small_positions_are_one_row_that_can_be_unfolded(held: Service) -> None:
    folded = await page(held, URL)
    assert "2 small positions" in folded
    positions = {p["symbol"]: p for p in (await of_api(held, "/positions"))["positions"]}
    worth = Decimal(positions["LTC"]["market_value"]) + Decimal(positions["XRP"]["market_value"])
    dust = folded[folded.index("data-dust") :]
    assert f'data-exact="{worth.normalize():f}"' in dust
    assert not {"LTC", "XRP"} & set(symbols(folded))
    unfolded = await page(held, f"{URL}?dust=all&sort=symbol")
    assert symbols(unfolded) == ["BTC", "ETH", "LTC", "SOL", "XRP"]
    assert "data-dust" not in unfolded


async def test_the_realized_results_of_its_rows_add_up_to_that_of_the_portfolio(held: Service) -> None:
    sold = {"side": "SELL", "fees": "0"}
    for symbol, quantity, price in (("SOL", "51.7531", "151.07"), ("BTC", "0.0311", "51234.5"), ("XRP", "0.5", "0.61")):
        money = str(Decimal(quantity) * Decimal(price))
        body = {**sold, "symbol": symbol, "quantity": quantity, "price": price, "net_amount": money}
        assert (await held.http.post("/holdings/update", json=body)).status_code == 200
    realized = (await of_api(held, "/portfolio"))["portfolio"]["realized_pnl"]
    text = await page(held, URL)
    rows = re.findall(r"<tr.*?</tr>", text[text.index("<tbody>") :], re.DOTALL)
    last = [re.findall(r'data-exact="([^"]*)"', row)[-1] for row in rows]
    assert "1 closed position" in words(text)
    assert [word for word in ("dust", "beside", "sum") if word in "".join(rows)] == ["dust", "beside", "sum"]
    assert last[-1] == realized
    assert sum(map(Decimal, last[:-1])) == Decimal(realized) != 0


async def test_a_price_that_cannot_be_believed_is_marked_in_words(held: Service) -> None:
    held.clock.advance(900)
    text = words(await page(held, URL))
    assert "15 min, stale" in text


async def test_with_nothing_held_it_says_so(service: Service) -> None:
    assert "Nothing is held. Trades are booked over the API" in words(await page(service, URL))
    assert "Nothing is held." in await page(service, URL, PRIVATE)


@pytest.mark.parametrize("path", [URL, f"{URL}?dust=all&sort=result", f"{URL}/BTC", f"{URL}/ETH?period=30d&scale=log"])
async def test_a_private_page_has_no_amount_of_the_books_in_any_byte(held: Service, path: str) -> None:
    known = await of_api(held, "/portfolio"), await of_api(held, "/trades"), await of_api(held, "/cash/transactions")
    amounts = {amount for answer in known for amount in amounts_of(answer)}
    text = await page(held, path, PRIVATE)
    assert len(amounts) > 20
    assert spelt_in(text, amounts) == []
    assert "%" in text


async def test_one_position_has_the_figures_of_the_api(held: Service) -> None:
    text = await page(held, f"{URL}/ETH")
    [position] = [p for p in (await of_api(held, "/positions"))["positions"] if p["symbol"] == "ETH"]
    for name in (
        "market_value", "allocation_percent", "unrealized_pnl", "unrealized_pnl_percent", "realized_pnl", "quantity",
        "current_price", "cost_basis", "avg_entry_price", "break_even_price",
    ):  # fmt: skip
        assert figure(text, name) == position[name], name
    assert "from coinbase, 0 s old: live" in words(text)


async def test_one_position_shows_its_closes_with_the_own_trades_and_the_break_even(held: Service) -> None:
    text = await page(held, f"{URL}/ETH")
    chart = re.search(r'<figure class="drawn" data-chart="closes">.*?</figure>', text, re.DOTALL)
    assert chart is not None
    assert "break-even" in chart[0]
    assert "BUY" in chart[0]
    assert 'data-exact="2411.09"' in chart[0], "the price of now is its last row"
    private = await page(held, f"{URL}/ETH", PRIVATE)
    assert "break-even" not in re.sub(r"Break-even", "", private)


async def test_its_trades_have_the_words_of_the_page_of_trades_and_cash_is_no_gain(held: Service) -> None:
    text = await page(held, f"{URL}/BTC")
    trades = text[text.index('data-part="trades"') :]
    headings = re.findall(r"<th scope=\"col\"[^>]*>([^<]*)</th>", trades)
    assert headings == ["Executed", "Side", "Quantity", "Price", "Fees", "Change of cash", "Realized"]
    [trade] = (await of_api(held, "/trades?symbol=BTC"))["trades"]
    assert re.search(rf'<td class="n" data-exact="{trade["cash_delta"]}">', trades)
    assert "<td>buy</td>" in trades
    assert "opens" in trades


async def test_what_was_sold_wholly_has_a_page_and_what_never_was_there_has_none(held: Service) -> None:
    sold = {**buy("ETH", "3.7219", "2400"), "side": "SELL"}
    await book(held, sold)
    text = words(await page(held, f"{URL}/ETH"))
    assert "nothing is held" in text
    assert "SELL" in text
    for path in (f"{URL}/DOGE", f"{URL}/usd", f"{URL}/USD", f"{URL}/%3Cb%3E", f"{URL}/{'A' * 99}"):
        answer = await held.http.get(path, headers=HTML)
        assert answer.status_code == 404, path
        assert "<b>" not in answer.text


async def test_a_position_is_found_in_any_case(held: Service) -> None:
    assert "<h1>ETH</h1>" in await page(held, f"{URL}/eth")


async def test_with_the_database_away_a_position_is_shown_without_its_trades(held: Service) -> None:
    await page(held, f"{URL}/ETH")
    held.ledger.away = True
    text = await page(held, f"{URL}/ETH")
    assert "the trades cannot be read" in text
    assert figure(text, "quantity") == "3.7219"


@pytest.mark.unmeasured
async def test_a_thousand_positions_are_a_page_of_under_a_megabyte() -> None:
    async with running() as service:
        await book(
            service, *(buy(f"A{n}", str(Decimal("1.7") + n % 7), f"{1 + n / 50:.6f}", "0.01") for n in range(MANY // 2))
        )
        await book(service, *(buy(f"B{n}", "0.5", f"{20 + n / 3:.6f}", "0.01") for n in range(MANY // 2)))
        text = await page(service, f"{URL}?dust=all")
        assert len(symbols(text)) == MANY
        assert len(text.encode()) < 1_000_000
        assert len(await page(service, URL)) < 1_000_000
