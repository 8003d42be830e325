"""How it went: the API's own figures of every timeframe, and why some are not defined."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from portfolio.application.errors import LedgerUnavailable
from tests.contract.http.performance.test_basis import buy, late
from tests.support.html_pages import HTML, PRIVATE, amounts_of, of_api
from tests.support.pages import figure, page, spelt_in, words
from tests.support.services.http_service import Service, running

__all__ = ["late"]

URL = "/pages/performance"
DAY = 86_400.0
FIGURES = (
    "total_return", "total_return_percent", "money_weighted_return_percent", "annualized_return",
    "annualized_volatility", "sharpe_ratio", "sharpe_standard_error", "sortino_ratio", "max_drawdown",
    "current_drawdown", "calmar_ratio", "benchmark_return_percent", "excess_return_percent",
    "annualized_excess_return", "beta", "up_capture", "down_capture", "win_rate", "profit_factor", "expectancy",
    "average_win", "average_loss", "largest_win", "largest_loss", "average_holding_days",
)  # fmt: skip


@pytest.fixture
async def grown(service: Service) -> Service:
    """A service that was refreshed on each of 40 days, with two purchases, a sale and a deposit."""
    for n in range(40):
        service.feed.prices |= {
            "BTC": f"{45000 + 731 * (n % 7) - 97 * n}.25",
            "ETH": f"{2500 + 83 * (n % 5) + 11 * n}.5",
        }
        if n == 0:
            await book(service, "BTC", "BUY", "0.7313", "45000.25")
            await book(service, "ETH", "BUY", "7.1731", "2500.5")
        if n == 20:
            await book(service, "ETH", "SELL", "1.1371", "2731.5")
            moved = {"kind": "deposit", "amount": "12345.67"}
            assert (await service.http.post("/cash/transactions", json=moved)).status_code == 200
        assert (await service.http.post("/portfolio/refresh")).status_code == 200
        service.clock.advance(DAY)
    assert (await service.http.post("/portfolio/refresh")).status_code == 200
    return service


async def book(service: Service, symbol: str, side: str, quantity: str, price: str) -> None:
    """Book one trade."""
    money = str(Decimal(quantity) * Decimal(price))
    body = {"symbol": symbol, "side": side, "quantity": quantity, "price": price, "net_amount": money, "fees": "3.25"}
    answer = await service.http.post("/holdings/update", json=body)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("period", ["7d", "30d", "all"])
async def test_its_figures_are_those_of_the_api_to_the_last_digit(grown: Service, period: str) -> None:
    text = await page(grown, f"{URL}?period={period}")
    timeframe = (await of_api(grown, "/performance/timeframes"))["timeframes"][period]
    for name in FIGURES:
        assert figure(text, name) == timeframe[name], name
    assert sum(timeframe[name] is not None for name in FIGURES) >= 5


@pytest.mark.parametrize("period", ["7d", "all"])
async def test_each_figure_says_beside_its_label_how_many_days_it_is_of(grown: Service, period: str) -> None:
    text = await page(grown, f"{URL}?period={period}")
    days = (await of_api(grown, "/performance/timeframes"))["timeframes"][period]["days_covered"]
    for name in FIGURES:
        label = re.search(rf'data-figure="{name}">.*?<span class="value">', text, re.DOTALL)
        assert label is not None
        assert f"{days} days" in label[0], name


async def test_a_money_weighted_return_says_whether_it_is_of_the_period_or_of_a_year(grown: Service) -> None:
    text = await page(grown, f"{URL}?period=30d")
    for name, of in (("money_weighted_return_percent", "over the period,"), ("money_weighted_return", "a year,")):
        tile = text[text.index(f'data-figure="{name}">') :]
        assert f">{of} by when deposits came" in tile[: tile.index("</details>")], name


async def test_every_timeframe_is_in_one_table(grown: Service) -> None:
    text = await page(grown, URL)
    table = text[text.index('data-part="timeframes"') : text.index('data-part="months"')]
    answer = await of_api(grown, "/performance/timeframes")
    assert re.findall(r'<th scope="row">([^<]+)</th>', table) == list(answer["timeframes"])
    for name, timeframe in answer["timeframes"].items():
        row = re.search(rf'<th scope="row">{name}</th>.*?</tr>', table)
        assert row is not None
        for field in ("total_return", "total_return_percent", "max_drawdown", "win_rate"):
            assert timeframe[field] is None or f'data-exact="{timeframe[field]}"' in row[0], (name, field)
        now = answer["to_now"][name]["total_return_percent"]
        assert now is None or f'data-exact="{now}"' in row[0]


async def test_what_is_not_defined_says_why_in_words(grown: Service) -> None:
    text = words(await page(grown, f"{URL}?period=7d"))
    assert "the period is shorter than 90 days" in text
    assert "there are too few daily returns" in text
    assert "the history does not reach that far back" in words(await page(grown, f"{URL}?period=1y"))


async def test_months_falls_days_and_contributions_are_those_of_the_api(grown: Service) -> None:
    text = await page(grown, f"{URL}?period=all")
    history = (await of_api(grown, "/performance/history?days=3650"))["history"]
    months = text[text.index('data-part="months"') : text.index('data-part="falls"')]
    for month in history["months"]:
        assert month["return_percent"] is None or f'data-exact="{month["return_percent"]}"' in months
    frame = (await of_api(grown, "/performance/timeframes"))["timeframes"]["all"]
    falls = text[text.index('data-part="falls"') : text.index('data-part="days"')]
    for fall in frame["worst_drawdowns"]:
        assert f'data-exact="{fall["depth"]}"' in falls
        assert fall["peak"] in falls
    contributions = text[text.index('data-part="contributions"') :]
    assert len(frame["contributions"]) == 2
    for one in frame["contributions"]:
        assert f'data-exact="{one["money"]}"' in contributions
    drawn = text[text.index('data-chart="distribution"') : text.index('data-part="rolling"')]
    assert re.search(r">≥ −?[0-9.]+ %<", drawn), "a column is named by where it begins, and says so"
    days = text[text.index('data-part="over-time"') : text.index('data-part="figures"')]
    for day in history["days"]:
        assert f'data-exact="{day["unit_index"]}"' in days
        assert f'data-exact="{day["drawdown"]}"' in days


async def test_the_best_and_the_worst_month_are_those_of_the_table_and_whole(grown: Service) -> None:
    for _ in range(30):
        grown.feed.prices["BTC"] = str(Decimal(grown.feed.prices["BTC"]) - 211)
        assert (await grown.http.post("/portfolio/refresh")).status_code == 200
        grown.clock.advance(DAY)
    history = (await of_api(grown, "/performance/history?days=3650"))["history"]
    whole = {month["name"]: month["return_percent"] for month in history["months"] if month["is_whole"]}
    assert 1 <= len(whole) < len(history["months"])
    for period in ("7d", "all"):
        text = await page(grown, f"{URL}?period={period}")
        for name, extreme in (("best_month", max), ("worst_month", min)):
            assert figure(text, name) == extreme(whole.values(), key=Decimal)


async def test_without_a_whole_month_none_is_the_worst(service: Service) -> None:
    text = await page(service, URL)
    assert figure(text, "worst_month") is None
    assert "the days reach over no whole month yet" in words(text)


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    ("query", "sheet"), [("", "days=365"), ("?period=30d&benchmark=eth", "days=30&amp;benchmark=ETH")]
)
async def test_it_leads_to_the_tear_sheet_of_its_period(service: Service, query: str, sheet: str) -> None:
    text = await page(service, f"/pages/performance{query}")
    assert f'<a href="/reports/tearsheet?{sheet}">' in text


@pytest.mark.parametrize("query", ["", "?period=7d", "?period=all&scale=log", "?period=30d&benchmark=ETH"])
async def test_a_private_page_has_no_amount_of_the_books_in_any_byte(grown: Service, query: str) -> None:
    paths = ("/portfolio", "/trades", "/cash/transactions", "/performance/timeframes", "/performance/history?days=60")
    amounts = {amount for path in paths for amount in amounts_of(await of_api(grown, path))}
    assert len(amounts) > 50
    text = await page(grown, URL + query, PRIVATE)
    assert spelt_in(text, amounts) == []
    assert 'data-chart="index"' in text
    assert "Contributions" in text


async def test_empty_books_have_a_page_of_performance(service: Service) -> None:
    for period in ("7d", "30d", "90d", "ytd", "1y", "all"):
        text = words(await page(service, f"{URL}?period={period}"))
        assert "There is no completed day yet" in text or "there is no history yet" in text
    assert "nothing was sold yet" in words(await page(service, URL))


async def test_with_the_database_away_it_shows_the_days_last_seen(grown: Service) -> None:
    before = figure(await page(grown, f"{URL}?period=30d"), "total_return")
    grown.ledger.away = True
    text = await page(grown, f"{URL}?period=30d")
    assert figure(text, "total_return") == before
    assert 'data-state="database-away"' in text
    assert "the database is away" in words(text[text.index('data-part="contributions"') :])


async def test_with_the_database_away_from_the_first_moment_the_page_says_so() -> None:
    async with running() as service:
        service.ledger.away = True
        answer = await service.http.get(URL, headers=HTML)
    assert answer.status_code == 503
    assert "The database is away" in answer.text


@pytest.mark.parametrize("basis", ["restated", "recorded", None])
async def test_it_shows_the_days_of_a_basis_and_says_which(late: Service, basis: str | None) -> None:
    query = f"&basis={basis}" if basis else ""
    shown = basis or "restated"  # as a purchase is of before the opening
    frame = (await of_api(late, f"/performance/timeframes?basis={shown}"))["timeframes"]["all"]
    text = await page(late, f"{URL}?period=all{query}")
    for name in FIGURES:
        assert figure(text, name) == frame[name], name
    assert figure(text, "total_return") == {"restated": "200", "recorded": "300"}[shown]
    days = (await of_api(late, f"/performance/history?days=3650&basis={shown}"))["history"]["days"]
    drawn = text[text.index('data-part="over-time"') : text.index('data-part="figures"')]
    assert re.findall(r'<th scope="row">(2025[^< ]+)<', drawn.partition("Drawdown")[0]) == [day["day"] for day in days]
    assert re.findall(r'data-basis="(\w+)"', text) == [shown]
    assert f"<option selected>{shown}</option>" in text
    said = "by all that is known by now" if shown == "restated" else "as they were recorded"
    assert said in words(text)


@pytest.mark.parametrize("basis", ["restated", "recorded", None])
async def test_the_overview_shows_the_same_days(late: Service, basis: str | None) -> None:
    query, shown = f"&basis={basis}" if basis else "", basis or "restated"
    text = await page(late, f"/?period=all{query}")
    measured = (await of_api(late, f"/performance?days=30&basis={shown}"))["performance"]
    for name in ("daily_return", "daily_return_percent"):
        assert figure(text, name) == measured[name], name
    for day in (await of_api(late, f"/performance/history?days=3650&basis={shown}"))["history"]["days"]:
        assert f'<th scope="row">{day["day"]}</th>' in text
    assert re.findall(r'data-basis="(\w+)"', text) == [shown]


async def test_the_change_of_the_day_is_of_the_days_that_are_shown(late: Service) -> None:
    await buy(late, "2025-06-13")  # on the 16th, of which the recorded days take its gain
    await late.cases.performance.usual.prepare()
    shown = {}
    for basis in ("restated", "recorded"):
        measured = (await of_api(late, f"/performance?days=30&basis={basis}"))["performance"]
        text = await page(late, f"/?period=all&basis={basis}")
        assert figure(text, "daily_return") == measured["daily_return"]
        shown[basis] = measured["daily_return"]
    assert shown["restated"] != shown["recorded"]


async def test_where_restated_days_cannot_be_read_the_recorded_ones_stand_there(
    late: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = figure(await page(late, f"{URL}?period=all&basis=recorded"), "total_return")
    late.ledger.away = True

    async def away(*_: Any, **__: Any) -> Any:
        raise LedgerUnavailable("away")

    monkeypatch.setattr(late.prices, "closes", away)
    text = await page(late, f"{URL}?period=all")
    assert figure(text, "total_return") == recorded
    assert "restated days cannot be read while the database is away" in words(text)
    asked = await late.http.get(f"{URL}?basis=restated", headers=HTML)
    assert asked.status_code == 503
