"""The page of backtests: its numbers are those of GET /backtests, and what a person has to bear in mind is said."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from portfolio.entrypoints.http.pages.backtests.content import REMARKS, TRADES_SHOWN
from tests.contract.http.backtest.test_backtests import ask, compute, hold_a_fall, remember
from tests.contract.http.pages.test_risk_page import cells
from tests.support.histories import booking
from tests.support.html_pages import HTML, PRIVATE, Element, of_api, sound_page
from tests.support.services.http_service import Service, is_problem, running

PATH = "/pages/backtests"
LONG = {"from": "2025-03-01", "to": "2025-06-14", "policy": {}, "slippage_bps": 10}
FIGURES = {
    "Result": "total_return",
    "Return": "total_return_percent",
    "Return a year": "annualized_return",
    "Volatility a year": "annualized_volatility",
    "Sharpe ratio": "sharpe_ratio",
    "Its standard error": "sharpe_standard_error",
    "Sortino ratio": "sortino_ratio",
    "Calmar ratio": "calmar_ratio",
    "Deepest fall": "max_drawdown",
    "Daily returns": "observations",
}
SERIES = {"Backtest": "figures", "Doing nothing": "do_nothing", "1/N": "equal_weight", "BTC": "btc"}
COSTS = ("trades", "traded", "fees", "slippage", "turnover", "cost_drag", "break_even_bps")
TRADE = {"Price": "price", "Quantity": "quantity", "Value": "value", "Fee": "fee", "Slippage": "slippage"}


@pytest.fixture
async def held() -> AsyncIterator[Service]:
    """Two assets that swing against each other for 160 days, and a third of the value in cash."""
    async with running() as service:
        for place, symbol in enumerate(("AAA", "BBB")):
            swings = [1000 + round(120 * math.sin(n / 5 + 3 * place)) + n * place for n in range(160)]
            await remember(service, symbol, swings)
            body = booking(symbol, Decimal("33.125"))
            assert (await service.http.post("/holdings/update", json=body)).status_code == 200
        yield service


async def page_of(service: Service, query: str = "", headers: dict[str, str] = HTML) -> Element:
    return await sound_page(service, PATH + query, headers)


async def done(service: Service, **body: Any) -> Any:
    """A backtest that is done, as the API answers it, digit by digit."""
    found = await ask(service, **body)
    await compute(service)
    answer = (await of_api(service, f"/backtests/{found['backtest']['id']}"))["backtest"]
    assert answer["state"] == "done", answer
    return answer


async def test_the_list_and_the_newest_that_is_done(held: Service) -> None:
    first = await done(held, **LONG)
    second = (await ask(held, **LONG, every_days=7))["backtest"]
    page = await page_of(held)
    rows = page.table("Backtests, newest first")
    assert [(row["Backtest"].text, row["State"].text) for row in rows] == [
        (second["id"], "queued"),
        (first["id"], "done"),
    ]
    assert [cells(row, "Progress") for row in rows] == [["0"], ["1"]]
    assert rows[0]["What"].text == "the policy, every 7 days, with what is held today"
    assert first["id"] in page.one("section", data_part="one").text
    waiting = await page_of(held, f"?backtest={second['id']}")
    assert "There is no result yet" in waiting.text
    assert "Figures, beside" not in waiting.text
    assert (await held.http.delete(f"/backtests/{second['id']}")).status_code == 200
    assert "There is no result, and none will come" in (await page_of(held, f"?backtest={second['id']}")).text


async def test_what_came_of_it_is_that_of_the_api(held: Service) -> None:
    found = await done(held, **LONG)
    result, page = found["result"], await page_of(held)
    rows = {row["Figure"].text: cells(row, *SERIES) for row in page.table("Figures, beside doing nothing")}
    assert rows == {label: [result[one][name] for one in SERIES.values()] for label, name in FIGURES.items()}
    assert rows["Sharpe ratio"][0] is not None
    costs = [next(iter(row["Value"].exact), None) for row in page.table("What trading cost")]
    assert costs == [result["costs"][name] for name in COSTS]
    equity = (await of_api(held, f"/backtests/{found['id']}/equity"))["equity"]
    values = page.table("Value beside doing nothing and 1/N")
    assert [[row["Day (UTC)"].text, *cells(row, *list(SERIES)[:3])] for row in values] == [
        [one["day"], one["value"], one["do_nothing"], one["equal_weight"]] for one in equity
    ]
    beside_btc = page.table("Value beside BTC")
    assert [cells(row, "Backtest", "BTC") for row in beside_btc] == [[one["value"], one["btc"]] for one in equity]
    trades = (await of_api(held, f"/backtests/{found['id']}/trades"))["trades"]
    shown = page.table("Trades of the backtest")
    assert [cells(row, *TRADE) for row in shown] == [[one[name] for name in TRADE.values()] for one in trades]
    assert 3 < len(shown) <= TRADES_SHOWN
    assert REMARKS["hindsight"] in page.text


async def test_the_difference_comes_from_the_rules_to_the_last_digit(held: Service) -> None:
    result = (await done(held, **LONG))["result"]
    rows = (await page_of(held)).table("What each rule brought")
    names = {"Price effect": "price_effect", "Fees": "fees", "Slippage": "slippage", "In all": "total"}
    assert [cells(row, *names) for row in rows][: len(result["attribution"])] == [
        [one[name] for name in names.values()] for one in result["attribution"]
    ]
    *parts, difference = (Decimal(row["In all"].exact[0]) for row in rows)
    assert sum(parts) == difference == Decimal(result["difference"])
    assert rows[-1]["Rule"].text == "Difference"


async def test_how_sure_it_is_stands_as_an_interval(held: Service) -> None:
    result = (await done(held, **LONG))["result"]
    rows = (await page_of(held)).table("By how much it was better")
    sure = [result["against_do_nothing"], result["against_equal_weight"]]
    assert [cells(row, "A year", "From", "To", "Draws above zero") for row in rows] == [
        [one[name] for name in ("mean", "low", "high", "share_above")] for one in sure
    ]


async def test_a_short_one_says_what_it_cannot_say(service: Service) -> None:
    await hold_a_fall(service)
    await done(service, fill="same_close")
    page = await page_of(service)
    assert "Under 30 daily returns nothing is said" in page.text
    assert REMARKS["same_close"] in page.text
    assert page.table("Backtests, newest first")[0]["Filled"].text == "at the same close"
    assert "filled at the same close" in page.one("section", data_part="one").text


async def test_write_downs_are_shown_by_what_they_bring(held: Service) -> None:
    # The closes of AAA end 40 days before the last day of the backtest.
    await remember(held, "CCC", [1000] * 160)
    ends = [one for one in held.ledger.books.closes if one[0].code == "BBB" and str(one[1]) > "2025-05-05"]
    for one in ends:
        del held.ledger.books.closes[one]
    result = (await done(held, **LONG))["result"]
    page = await page_of(held)
    rows = page.table("Values at the end, by what write-downs bring")
    assert [row["Of the last price"].text for row in rows] == ["0 %", "50 %", "100 %"]
    assert [cells(row, "Backtest", "Doing nothing", "1/N") for row in rows] == [
        [one[name] for name in ("value", "do_nothing", "equal_weight")] for one in result["recoveries"]
    ]
    assert REMARKS["write_downs"] in page.text
    assert page.table("Trades of the backtest")[-1]["Trade"].text.startswith(("write down", "buy", "sell"))
    private = await page_of(held, headers=PRIVATE)
    assert "%" in private.table("Values at the end")[0]["Backtest"].text


async def test_a_private_page_has_an_index_and_no_amount(held: Service) -> None:
    found = await done(held, **LONG)
    result = found["result"]
    equity = (await of_api(held, f"/backtests/{found['id']}/equity"))["equity"]
    trades = (await of_api(held, f"/backtests/{found['id']}/trades"))["trades"]
    amounts = {
        one[name].lstrip("-") for one in equity for name in ("value", "cash", "do_nothing", "equal_weight", "btc")
    }
    amounts |= {one[name] for one in trades for name in ("quantity", "value", "fee", "slippage")}
    amounts |= {one["total"].lstrip("-") for one in result["attribution"]} | {result["costs"]["traded"]}
    amounts = {one for one in amounts if len(one) > 6}
    assert len(amounts) > 100
    for headers in (HTML, PRIVATE):
        body = (await held.http.get(PATH, headers=headers)).text
        assert bool({one for one in amounts if one in body}) is (headers is HTML)
    private = await page_of(held, headers=PRIVATE)
    rows = private.table("Value beside doing nothing and 1/N")
    assert cells(rows[0], *list(SERIES)[:3]) == ["100", "100", "100"]
    last = float(equity[-1]["value"]) / float(equity[0]["value"]) * 100
    assert float(rows[-1]["Backtest"].exact[0]) == pytest.approx(last)
    total = private.table("What each rule brought")[-1]["In all"].exact[0]
    assert float(total) == pytest.approx(float(result["difference"]) / float(result["start_value"]) * 100, abs=1e-6)


async def test_of_a_private_page_100_is_what_there_was_before_anything_was_traded(service: Service) -> None:
    await hold_a_fall(service)
    await done(service, fill="same_close")
    rows = (await page_of(service, headers=PRIVATE)).table("Value beside doing nothing and 1/N")
    shown = [[float(each.exact[0]) for each in (row[name] for name in list(SERIES)[:3])] for row in rows]
    # Of 110,000: the fee of a sale is 4.701081, those of purchases at equal weights are 69.930070; at the end there are
    # 104,935.515169, 104,000 and 98,935.064935.
    assert shown[0] == pytest.approx([109_995.298919 / 1100, 100, 109_930.069930 / 1100])
    assert shown[-1] == pytest.approx([104_935.515169 / 1100, 104_000 / 1100, 98_935.064935 / 1100])


async def test_one_that_failed_says_why(held: Service) -> None:
    asked = (await ask(held, **LONG))["backtest"]
    held.cases.backtests.stored.rows[-1].given = b"{}"  # type: ignore[attr-defined]  # the fake's
    await compute(held)
    page = await page_of(held, f"?backtest={asked['id']}")
    assert "failed" in page.table("Backtests, newest first")[0]["State"].text
    assert "none will come" in page.text


async def test_without_a_backtest_the_page_says_so(service: Service) -> None:
    page = await page_of(service)
    assert "None was asked for yet" in page.text
    answer = await service.http.get(f"{PATH}?backtest=bt-nothing", headers=HTML)
    assert answer.status_code == 404
    assert is_problem(await service.http.get(f"{PATH}?backtest=bt-nothing"), 404, "not-found")
    assert (await service.http.get(f"{PATH}?cursor=x", headers=HTML)).status_code == 400


async def test_older_ones_are_on_other_pages(held: Service) -> None:
    asked = [(await ask(held, **LONG, seed=n))["backtest"]["id"] for n in range(22)]
    page = await page_of(held)
    assert [row["Backtest"].text for row in page.table("Backtests, newest first")] == asked[:1:-1]
    [older] = [one.attributes["href"] for one in page.all("a") if one.text == "Older"]
    rest = await page_of(held, older.removeprefix(PATH))
    assert [row["Backtest"].text for row in rest.table("Backtests, newest first")] == asked[1::-1]
    assert [one.text for one in rest.all("a") if one.text in {"Newest", "Older"}] == ["Newest"]


async def test_with_the_database_away_it_says_so(held: Service) -> None:
    found = await done(held, **LONG)
    assert (await held.http.get("/portfolio")).status_code == 200
    held.ledger.away = True
    page = await page_of(held, f"?backtest={found['id']}")
    assert "The backtests cannot be read while the database is away" in page.text
    assert "It cannot be read while the database is away" in page.text
