"""The page of risk: its numbers are the API's, what is not defined says why, and a private page has shares only."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from portfolio.domain.categories import Categories
from portfolio.entrypoints.http.pages.frame.humanized import humanized
from tests.contract.http.risk.test_risk import EIGHT, buy, load, walks, with_gaps
from tests.support.html_pages import HTML, PRIVATE, Element, amounts_of, of_api, read_page, sound_page
from tests.support.services.http_service import Service, running, running_on_sqlite

pytestmark = pytest.mark.unmeasured

MONEY = ("28123.45", "20456.78", "9234.56", "7345.67", "1456.78", "567.89", "345.67", "234.56")
CATEGORIES = Categories({"AAA": "defi", "BBB": "defi", "CCC": "oracle", "DDD": "stablecoin"})
WAYS = ("historical", "cornish_fisher", "normal")


@pytest.fixture
async def held() -> AsyncIterator[Service]:
    """Eight positions with a year of closes, a few days missing."""
    async with running(categories=CATEGORIES) as service:
        await load(service, with_gaps(walks(365)))
        for symbol, money in zip(EIGHT, MONEY, strict=True):
            await buy(service, symbol, money)
        yield service


async def page_of(service: Service, **headers: str) -> Element:
    return await sound_page(service, "/pages/risk", headers)


def cells(row: dict[str, Element], *columns: str) -> list[str | None]:
    """The exact numbers of a row; None where there is none."""
    return [next(iter(row[column].exact), None) for column in columns]


async def test_shares_that_nobody_knows_do_not_sum_to_anything(service: Service) -> None:
    assert "The shares sum to 100 %." in (await page_of(service)).text
    taken = {"kind": "withdrawal", "amount": 300_000, "override": True}
    assert (await service.http.post("/cash/transactions", json=taken)).status_code == 200
    text = (await page_of(service)).text
    assert "The shares sum to 100 %." not in text
    assert "the portfolio is worth nothing, or less" in text


async def test_its_figures_are_those_of_the_api(held: Service) -> None:
    page = await page_of(held)
    concentration = (await of_api(held, "/risk/concentration"))["concentration_analysis"]
    volatility = (await of_api(held, "/risk/volatility-analysis"))["volatility"]
    correlation = (await of_api(held, "/risk/correlation-matrix"))["correlation"]
    tail = (await of_api(held, "/risk/value-at-risk"))["value_at_risk"]
    health = (await of_api(held, "/risk/portfolio-health"))["health"]
    expected = {
        **{name: concentration[name] for name in ("hhi", "hhi_with_cash", "effective_positions", "num_positions")},
        **{name: volatility[name] for name in ("portfolio_volatility", "diversification_ratio", "portfolio_heat")},
        "common_days": volatility["common_days"],
        "volatility_covered_percent": volatility["covered_percent"],
        "average_correlation": correlation["average_correlation"],
        "observations": tail["observations"],
        "tail_covered_percent": tail["covered_percent"],
        "health_score": health["score"],
        "backtest_95_beyond": tail["backtest_95"]["beyond"],
        "backtest_99_p_value": tail["backtest_99"]["kupiec_p_value"],
    }
    for share in ("95", "99"):
        for way in WAYS:
            for kind in ("value_at_risk", "conditional_value_at_risk"):
                expected[f"{way}_{share}_{kind}"] = tail[f"confidence_{share}"][way][kind]
    assert None not in expected.values()
    assert {name: page.value(name) for name in expected} == expected


async def test_the_tables_under_its_charts_are_those_of_the_api(held: Service) -> None:
    page = await page_of(held)
    sectors = (await of_api(held, "/risk/sector-allocation"))["sectors"]
    rows = page.table("Categories and cash")
    assert [row["Category"].text for row in rows] == [one["category"].replace("_", " ") for one in sectors]
    for row, one in zip(rows, sectors, strict=True):
        assert cells(row, "Share", "Limit", "Value") == [one["allocation_percent"], one["limit_percent"], one["value"]]
        assert row["State"].text == ("over" if one["over_limit"] else "within")
    assets = {a["symbol"]: a for a in (await of_api(held, "/risk/volatility-analysis"))["volatility"]["assets"]}
    shares = page.table("Weight beside risk contribution")
    assert len(shares) == len(assets)
    for row in shares:
        one = assets[row["Asset"].text]
        assert cells(row, "Share of the total value", "Share of the risk", "Volatility a year") == [
            one["allocation_percent"], one["risk_contribution_percent"], one["annualized_volatility"],
        ]  # fmt: skip
        assert row["Level"].text == one["level"]
    tail = (await of_api(held, "/risk/value-at-risk"))["value_at_risk"]
    for row in page.table("What a day may lose"):
        label, _, words = row["Estimate"].text.partition(", ")
        way = label.lower().replace("-", "_")
        kind = "value_at_risk" if words == "value at risk" else "conditional_value_at_risk"
        losses = [tail[f"confidence_{share}"][way] for share in ("95", "99")]
        assert cells(row, "At 95 %", "At 99 %") == [loss[kind] for loss in losses]
        assert cells(row, "At 95 %, in dollars", "At 99 %, in dollars") == [loss[f"{kind}_amount"] for loss in losses]


async def test_broken_limits_are_those_of_the_plan_and_come_first(held: Service) -> None:
    broken = (await of_api(held, "/rebalance/analysis"))["analysis"]["broken_limits"]
    rows = (await page_of(held)).table("How much of each limit is used")
    over = [row for row in rows if row["State"].text == "broken"]
    assert len(over) == len(broken) >= 2
    assert rows[: len(over)] == over
    expected = {
        (one["category"] or " and ".join(one["symbols"]), one["allocation"], one["limit_allocation"]) for one in broken
    }
    assert {(row["Limit"].text, *cells(row, "Share", "Limit of it")) for row in over} == expected
    used = [float(str(cells(row, "Used")[0])) for row in rows]
    assert used == sorted(used, reverse=True)
    assert all((use > 100) is (row in over) for use, row in zip(used, rows, strict=True))


async def test_the_heat_map_is_the_matrix_of_the_api_with_the_largest_first(held: Service) -> None:
    correlation = (await of_api(held, "/risk/correlation-matrix"))["correlation"]
    place = {symbol: n for n, symbol in enumerate(correlation["symbols"])}
    rows = (await page_of(held)).table("Correlation of the largest positions")
    assert [row["Asset"].text for row in rows] == list(EIGHT)
    for row in rows:
        for symbol in EIGHT:
            value = correlation["matrix"][place[row["Asset"].text]][place[symbol]]
            assert row[symbol].exact == [value]
            assert row[symbol].attributes["class"].startswith("heat ")


async def test_no_text_has_names_of_machines_or_twelve_digits() -> None:
    async with running(categories=Categories(dict.fromkeys(EIGHT, "smart_contracts"))) as service:
        await load(service, walks(60), EIGHT)
        for symbol, money in zip(EIGHT, MONEY, strict=True):
            await buy(service, symbol, money)
        assert (await of_api(service, "/risk/portfolio-health"))["health"]["deductions"]
        for path in ("/", "/pages/risk", "/pages/rebalancing", "/pages/positions"):
            answer = await service.http.get(path, headers=HTML)
            text = read_page(answer.text).one("main").text
            assert "smart contracts" in text
            assert "smart_contracts" not in text
            assert re.findall(r"[0-9]\.0*[1-9][0-9]{5,}", text) == [], path


async def test_the_way_to_70_is_that_of_the_api(held: Service) -> None:
    way = (await of_api(held, "/risk/portfolio-health"))["health"]["to_reach_target"]
    assert way["trades"]
    page = await page_of(held)
    rows = page.table("The cheapest way to the target")
    for row, trade in zip(rows, way["trades"], strict=True):
        assert row["Trade"].text == f"{trade['action'].lower()} {trade['symbol']}"
        assert cells(row, "Share now", "Share after", "Value", "Quantity", "Estimated fee") == [
            trade["current_allocation"], trade["target_allocation"], trade["trade_value"], trade["trade_quantity"],
            trade["estimated_fee"],
        ]  # fmt: skip
    section = page.one("section", aria_labelledby="health")
    assert way["projected_score"] in section.exact


async def test_limits_that_are_broken_are_named_beside_a_score_that_asks_for_nothing(service: Service) -> None:
    await load(service, walks(60), EIGHT)
    await buy(service, "AAA", "28123.45")
    health = (await of_api(service, "/risk/portfolio-health"))["health"]
    plan = (await of_api(service, "/rebalance/analysis"))["analysis"]
    assert health["healthy"]
    assert plan["broken_limits"]
    assert plan["recommendations"]
    for path in ("/pages/risk", "/"):
        answer = await service.http.get(path, headers=HTML)
        health_part = read_page(answer.text).one("section", data_part="health")
        assert "nothing is to be done" not in health_part.text
        assert "limit is broken, AAA (position limit)" in health_part.text
        assert 'href="/pages/rebalancing">the plan' in answer.text


async def test_a_way_that_is_barred_says_what_stands_in_it(held: Service) -> None:
    held.clock.advance(301)
    way = (await of_api(held, "/risk/portfolio-health"))["health"]["to_reach_target"]
    assert way["reachable"] is False
    text = (await page_of(held)).one("section", aria_labelledby="health").text
    assert "In the way" in text
    for one in way["in_the_way"]:
        assert read_page(f"<p>{humanized(one['deduction']['detail'])}</p>").text in text
    assert "its price is not live, so it is not traded" in text


@pytest.mark.parametrize(
    ("name", "sign"), [("health_score", "−"), ("hhi", "+"), ("hhi_with_cash", "+"), ("portfolio_heat", "+")]
)
async def test_the_terms_of_a_sum_add_up_to_its_figure(held: Service, name: str, sign: str) -> None:
    shown = (await page_of(held)).figure(name)
    [table] = shown.all("table")
    rows = [[cell for cell in row.all() if cell.tag in {"td", "th"}] for row in table.all("tr")]
    signs = [row[0].text for row in rows[:-1]]
    terms = [float(row[2].exact[0]) * (-1 if row[0].text == "−" else 1) for row in rows[:-1]]
    assert sign in signs
    assert sum(terms) == pytest.approx(float(rows[-1][2].exact[0]), abs=1e-9)


async def test_figures_of_history_say_of_which_days(held: Service) -> None:
    page = await page_of(held)
    for name, days in (("portfolio_volatility", 30), ("portfolio_heat", 30), ("average_correlation", 30),
                       ("historical_95_value_at_risk", 365)):  # fmt: skip
        assert f"last {days} days" in page.figure(name).text.partition("Convention")[0]


async def test_empty_books_have_no_risk_and_each_figure_says_why(service: Service) -> None:
    page = await page_of(service)
    assert "Nothing is held" in page.text
    assert page.value("health_score") == "100"
    for name in ("hhi", "portfolio_volatility", "average_correlation", "historical_95_value_at_risk"):
        assert page.value(name) is None
        assert "nothing is held" in page.figure(name).text
    assert "No data." in page.text


async def test_what_has_too_short_a_past_is_left_out_by_name_and_in_words(service: Service) -> None:
    table = walks(40)
    table[:25, 2] = np.nan  # CCC: 15 returns
    await load(service, table[:, :3], EIGHT[:3])
    for symbol, money in zip(EIGHT, MONEY[:3], strict=False):
        await buy(service, symbol, money)
    page = await page_of(service)
    assert "CCC: there are too few daily returns" in page.one("section", aria_labelledby="moves").text
    together = page.one("section", aria_labelledby="together")
    assert "CCC: there are too few daily returns" in together.text
    assert [row["CCC"].text for row in page.table("Correlation of the largest positions")] == ["–"] * 3
    volatility = (await of_api(service, "/risk/volatility-analysis"))["volatility"]
    assert page.value("volatility_covered_percent") == volatility["covered_percent"]


async def test_of_what_is_left_out_the_largest_stand_first(service: Service) -> None:
    for symbol, money in (("AAA", "100"), ("BBB", "1000"), ("CCC", "9000")):
        await buy(service, symbol, money)
    page = await page_of(service)
    for part in ("moves", "tail"):
        left_out = page.one("section", aria_labelledby=part).all("li")
        assert [one.text.partition(":")[0] for one in left_out] == ["CCC", "BBB", "AAA"], part


async def test_where_no_day_was_compared_no_number_of_days_lost_more(service: Service) -> None:
    await buy(service, "NEW", "1000")
    page = await page_of(service)
    assert [page.value(f"backtest_{share}_beyond") for share in ("95", "99")] == [None, None]


async def test_without_closes_nothing_of_history_is_defined_and_it_says_so(service: Service) -> None:
    await buy(service, "AAA", "28123.45")
    page = await page_of(service)
    assert page.value("portfolio_volatility") is None
    assert "too few" in page.figure("portfolio_volatility").text
    assert page.value("hhi") == "1"


async def test_a_private_page_has_shares_only(held: Service) -> None:
    amounts: set[str] = set()
    for path in ("/portfolio", "/risk/portfolio-health", "/risk/value-at-risk", "/risk/sector-allocation",
                 "/risk/concentration"):  # fmt: skip
        amounts |= amounts_of(await of_api(held, path))
    assert len(amounts) > 30
    for headers in (HTML, PRIVATE):
        body = (await held.http.get("/pages/risk", headers=headers)).text
        shown = {amount for amount in amounts if amount in body}
        assert bool(shown) is (headers is HTML), shown
    private = await page_of(held, **PRIVATE)
    assert cells(private.table("Categories and cash")[0], "Share", "Value")[1] is None
    assert private.value("health_score")


async def test_with_the_database_away_the_last_state_is_shown_and_marked(held: Service) -> None:
    before = await page_of(held)
    held.ledger.away = True
    page = await page_of(held)
    assert "Database away" in page.one("section", aria_label="State").text
    for name in ("hhi", "portfolio_volatility", "historical_99_value_at_risk", "health_score"):
        assert page.value(name) == before.value(name) is not None


async def test_stale_prices_are_told_at_the_top(held: Service) -> None:
    held.clock.advance(301)
    page = await page_of(held)
    assert "Stale" in page.one("section", aria_label="State").text


async def test_a_thousand_positions_are_shown_by_the_largest_and_the_rest_is_counted(tmp_path: Path) -> None:
    symbols = [f"S{n:03}" for n in range(1_000)]
    async with running_on_sqlite(tmp_path, request_deadline_seconds=60) as service:
        await load(service, walks(30, 1_000), symbols)
        bookings = [
            {"symbol": s, "side": "BUY", "quantity": 90 - n / 20, "price": 1, "net_amount": 90 - n / 20}
            for n, s in enumerate(symbols)
        ]  # fmt: skip
        answer = await service.http.post("/holdings/update/batch", json={"bookings": bookings})
        assert answer.json()["booked"] == 1_000
        page = await page_of(service)
        body = (await service.http.get("/pages/risk", headers=HTML)).content
    assert len(body) < 1_000_000
    assert len(page.table("Correlation of the largest positions")) == 30
    assert "970 smaller positions are not in it" in page.text
    assert "980 limits more" in page.text
    rows = page.table("Weight beside risk contribution")
    assert (len(rows), rows[-1]["Asset"].text) == (13, "988 others")
    parts = [float(str(cells(row, "Share of the risk")[0])) for row in rows]
    assert sum(parts) == pytest.approx(100, abs=1e-6)
