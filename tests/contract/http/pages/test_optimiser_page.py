"""The page of the optimiser: its numbers are those of POST /optimise, and what stands in the way is said in it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest

from portfolio.application.errors import ClosesPending, ComputationFailed, ComputationLate, NotInstalled
from portfolio.domain.categories import Categories
from portfolio.entrypoints.charts import FRACTION
from tests.contract.http.optimisation.test_optimise import CATEGORIES, FREE, remember
from tests.contract.http.pages.test_rebalancing_page import assert_advice, assert_standing
from tests.contract.http.pages.test_risk_page import cells
from tests.support.histories import hold
from tests.support.html_pages import HTML, PRIVATE, Element, amounts_of, sound_page
from tests.support.optimisation import FOUR, MEANS, uncorrelated, waves
from tests.support.services.http_service import Service, running

PATH = "/pages/optimiser"
HELD = {"AAA": "5.25", "BBB": "45.5", "CCC": "10.125", "DDD": "20.75"}
FIGURES = {
    "Return a year": "return",
    "Volatility a year": "volatility",
    "Sharpe ratio": "sharpe",
    "CVaR of a day": "cvar",
}
NO_LIMITS = "\n".join(f"{name} = {limit}" for name, limit in FREE.items())


@pytest.fixture
async def held() -> AsyncIterator[Service]:
    """Four positions with 64 days of closes: some limits are broken, and some bind."""
    async with running(categories=CATEGORIES) as service:
        await hold(service, HELD, fees="0.001")
        await remember(service, uncorrelated(MEANS))
        yield service


async def page_of(service: Service, headers: dict[str, str] = HTML, /, **typed: str) -> Element:
    return await sound_page(service, f"{PATH}?{urlencode(typed)}", headers)


async def optimised(service: Service, **body: Any) -> Any:
    """What POST /optimise answers, digit by digit."""
    answer = await service.http.post("/optimise", json=body)
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text, parse_float=str, parse_int=str)["optimisation"]


def by_name(rows: list[dict[str, Element]], first: str, *columns: str) -> dict[str, list[str | None]]:
    return {row[first].text: cells(row, *columns) for row in rows}


async def test_weights_stand_beside_those_of_today_and_equal_ones(held: Service) -> None:
    found = await optimised(held, objective="min_variance")
    page = await page_of(held, objective="min_variance")
    rows = by_name(page.table("Weights beside those of today"), "Asset", "These weights", "Today", "1/N")
    assert {name: row[0] for name, row in rows.items()} == {**found["weights"], "Cash": found["cash"]}
    portfolio = json.loads((await held.http.get("/portfolio")).text, parse_float=Decimal)["portfolio"]
    for position in portfolio["positions"]:
        assert float(rows[position["symbol"]][1] or 0) == pytest.approx(float(position["allocation_percent"]) / 100)
    # The policy keeps 10 % in cash, and the rest is divided by four.
    assert {name: row[2] for name, row in rows.items()} == {**dict.fromkeys(FOUR, "0.225"), "Cash": "0.1"}
    for column in range(3):
        assert sum(Decimal(row[column] or 0) for row in rows.values()) == pytest.approx(
            Decimal(1), abs=Decimal("1e-10")
        )


async def test_what_they_promise_has_its_standard_errors_and_those_of_others(held: Service) -> None:
    found = await optimised(held, objective="max_sharpe", estimator="sample", limits=FREE, cash_percent=0)
    typed = {"objective": "max_sharpe", "estimator": "sample", "own_limits": NO_LIMITS, "cash_percent": "0"}
    page = await page_of(held, **typed)
    columns = ("These weights", "Standard error", "Today", "Standard error of today", "1/N", "Standard error of 1/N")
    rows = by_name(page.table("What may be expected of the weights, beside"), "Figure", *columns)
    every = (found["expected"], found["versus"]["current"], found["versus"]["equal_weight"])
    for label, name in FIGURES.items():
        assert rows[label] == [one[name][part] for one in every for part in ("value", "standard_error")]
        assert page.value(f"expected_{name}") == found["expected"][name]["value"]
    ratios = by_name(page.table("Sharpe ratios"), "Weights", "Sharpe ratio", "Standard error")
    assert list(ratios.values()) == [list(one["sharpe"].values()) for one in every]
    # Each formula leads to its figure: means of a day x 365 = mean of a year, and so on.
    for name in FIGURES.values():
        terms = page.figure(f"expected_{name}").one("tbody").all("tr")
        exact = [Decimal(row.exact[0]) for row in terms]
        made = {"return": lambda a, b: a * b, "volatility": lambda a, b: a * b.sqrt(), "sharpe": lambda a, b: a / b}
        if name in made:
            assert made[name](exact[0], exact[1]) == pytest.approx(exact[2], rel=Decimal("1e-9"))
    parts = by_name(page.table("Weight beside risk contribution"), "Asset", "Weight", "Part in the variance")
    assert parts == {symbol: [found["weights"][symbol], part] for symbol, part in found["risk_contributions"].items()}
    assert page.one("textarea", id="own_limits").text == NO_LIMITS.replace("\n", " ")
    [chosen] = [one.text for one in page.one("select", id="estimator").all("option") if "selected" in one.attributes]
    assert chosen == "sample"


async def test_how_far_they_can_be_trusted_is_that_of_the_api(held: Service) -> None:
    found = await optimised(held, objective="min_variance")
    honesty = found["honesty"]
    page = await page_of(held, objective="min_variance")
    known = [next(iter(row["Value"].exact), None) for row in page.table("What is known of the estimate")]
    names = ("observations", "effective_observations", "condition_number", "shrinkage", "optimality_gap")
    assert known == [honesty[name] for name in names]
    spread = by_name(page.table("How far the weights move"), "Asset", "Weight", "Deviation")
    assert spread == {symbol: [found["weights"][symbol], off] for symbol, off in honesty["weight_spread"].items()}
    drawn = page.one("figure", data_chart="spread").one("svg").text
    for symbol, off in honesty["weight_spread"].items():
        weight, deviation = Decimal(found["weights"][symbol]), Decimal(off)
        ends = [FRACTION.text(one) for one in (weight, weight - deviation, weight + deviation)]
        assert f"{symbol}: {ends[0]} ({ends[1]} to {ends[2]})." in drawn
    reached = [cells(row, "At most", "Dual") for row in page.table("Limits that are reached")]
    assert reached == [[one["most"], one["dual"]] for one in honesty["binding_limits"]]
    assert len(reached) > 2
    assert [row["What"].text for row in page.table("Limits that are reached")][-1] == "two"
    scarce = [cells(row, "At most") for row in page.table("Limits that leave too little room")]
    assert scarce == [[one["most"]] for one in found["shortfall"]["limits"]]
    words = " ".join(one.text for one in page.all("p"))
    assert "Cash takes the rest" in words
    assert found["shortfall"]["possible"] in page.exact


async def test_the_plan_is_that_of_the_api(held: Service) -> None:
    # A bound on turnover leaves limits broken, so that the policy asks for more after it.
    found = (await optimised(held, objective="hrp", max_turnover_percent=60, limits="hard"))["plan"]
    page = await page_of(held, objective="hrp", max_turnover_percent="60", limits="hard")
    rows = page.table("Trades that lead to the weights")
    columns = {
        "Share now": "current_allocation",
        "Share after": "target_allocation",
        "Value": "trade_value",
        "Quantity": "trade_quantity",
        "Estimated fee": "estimated_fee",
    }
    assert [cells(row, *columns) for row in rows] == [
        [trade[name] for name in columns.values()] for trade in found["recommendations"]
    ]
    assert [row["Trade"].text for row in rows] == [
        f"{trade['action'].lower()} {trade['symbol']}" for trade in found["recommendations"]
    ]
    assert [row["Executable"].text for row in rows] == [one["executable_reason"] for one in found["recommendations"]]
    assert {name: page.value(name) for name in ("turnover_percent", "estimated_cost")} == {
        name: found[name] for name in ("turnover_percent", "estimated_cost")
    }
    what_if = await held.http.post("/rebalance/what-if", json={})
    now = json.loads(what_if.text, parse_float=str, parse_int=str)["what_if"]["current"]
    assert_standing(page.table("The portfolio before and after these trades"), now, found["projected"], "After")
    if found["remaining"]:
        assert_advice(page.table("What the policy asks for after these trades"), found["remaining"])


async def test_other_assets_are_bought_and_what_is_not_named_is_sold(held: Service) -> None:
    await remember(held, waves(5)[:, 4:] * 0.03, ("EEE",))
    page = await page_of(held, objective="equal_weight", symbols="AAA EEE")
    rows = by_name(page.table("Weights beside those of today"), "Asset", "These weights", "Today", "1/N")
    assert [rows["BBB"][0], rows["BBB"][2], rows["EEE"][1]] == ["0", "0", "0"]
    assert rows["EEE"][2] == rows["AAA"][2] == "0.45"
    assert "Sold, as not asked for: BBB, CCC, DDD." in page.text
    assert "priced at the last daily close: EEE." in page.text


async def test_what_keeps_its_value_is_named_with_the_reason(held: Service) -> None:
    await hold(held, {"USDC": "8"})
    page = await page_of(held, objective="equal_weight", own_limits=NO_LIMITS)
    [row] = page.table("What keeps its value")
    assert (row["Asset"].text, row["Why"].text) == ("USDC", "it is a stablecoin, which stands for money")
    rows = by_name(page.table("Weights beside those of today"), "Asset", "These weights", "Today", "1/N")
    assert [round(Decimal(one or 0), 12) for one in rows["USDC, kept"]] == [
        round(Decimal(row["Share"].exact[0]), 12)
    ] * 3


async def test_the_ways_that_were_tried_are_said_in_words(held: Service) -> None:
    await remember(held, uncorrelated(-0.001))
    page = await page_of(held, objective="max_sharpe")
    steps = [(row["Way"].text, row["What came of it"].text) for row in page.table("Ways that were tried")]
    assert steps == [
        ("greatest Sharpe ratio", "no weights have a mean return above the risk-free rate"),
        ("least variance", "taken"),
    ]
    assert "Greatest Sharpe ratio: there is none, so these are least variance" in page.text


async def test_weights_that_stay_need_no_trade() -> None:
    async with running(categories=CATEGORIES) as service:
        await hold(service, {"AAA": "15", "BBB": "15", "CCC": "12"})
        await remember(service, uncorrelated()[:, :3] * [1.0, 0.0, 1.0], FOUR[:3])
        page = await page_of(service, objective="risk_parity", symbols="AAA BBB", own_limits=NO_LIMITS)
    assert "No trade is needed" in page.text
    rows = by_name(page.table("Weights beside those of today"), "Asset", "These weights", "Today")
    assert [rows[symbol] for symbol in FOUR[:3]] == [["0.15", "0.15"], ["0.15", "0.15"], ["0.12", "0.12"]]


async def test_of_many_assets_the_largest_are_drawn_and_the_others_stand_together() -> None:
    symbols = [f"C{n:02}" for n in range(25)]
    async with running() as service:
        await hold(service, dict.fromkeys(symbols, "3.5"))
        await remember(service, waves(25) * 0.02, symbols)
        found = await optimised(service, objective="equal_weight")
        page = await page_of(service, objective="equal_weight")
    rows = by_name(page.table("Weights beside those of today"), "Asset", "These weights", "Today", "1/N")
    assert list(rows) == [*symbols[:20], "5 others", "Cash"]
    others = sum(Decimal(found["weights"][symbol]) for symbol in symbols[20:])
    assert [Decimal(one or 0) for one in rows["5 others"]] == [others, Decimal("0.175"), Decimal("0.18")]
    assert "5 assets more have one" in page.text


async def test_of_many_assets_that_are_kept_the_largest_are_drawn_too() -> None:
    kept = [f"K{n:02}" for n in range(25)]
    async with running(categories=Categories(dict.fromkeys(kept, "stablecoin"))) as service:
        await hold(service, {"AAA": "10", "BBB": "10", **dict.fromkeys(kept, "2")})
        await remember(service, waves(2) * 0.02, ["AAA", "BBB"])
        page = await page_of(service, objective="equal_weight", own_limits=NO_LIMITS)
    rows = by_name(page.table("Weights beside those of today"), "Asset", "These weights", "Today", "1/N")
    assert list(rows) == ["AAA", "BBB", *(f"{symbol}, kept" for symbol in kept[:18]), "7 others", "Cash"]
    assert [Decimal(one or 0) for one in rows["7 others"]] == [Decimal("0.14")] * 3


async def test_without_an_objective_there_is_the_form_alone(held: Service) -> None:
    page = await page_of(held)
    assert [one.attributes["action"] for one in page.one("main").all("form")] == [PATH]
    assert not list(page.one("main").all("table"))
    assert not held.compute.seconds


async def test_too_few_days_are_said_with_what_needs_fewer(held: Service) -> None:
    page = await page_of(held, objective="min_variance", days="59")
    assert "too few days in common: the assets have 59 days of returns in common" in page.text
    assert "Equal weights and inverse volatility need fewer days" in page.text
    fewer = await page_of(held, objective="inverse_volatility", days="59")
    assert "there are too few common days" in fewer.figure("expected").text
    assert [row["These weights"].text for row in fewer.table("What may be expected of the weights, beside")] == [
        "there are too few common days"
    ] * 4
    assert not [one for one in fewer.all("figure") if one.attributes.get("data-chart") in {"sharpe", "contributions"}]


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (NotInstalled("clarabel", "optimise"), "install the extra portfolio[optimise]"),
        (ClosesPending(["NEW"]), "the closes of NEW are still being fetched: ask again"),
        (ComputationFailed("the process ended"), "The computation ended without a result: the process ended"),
        (ComputationLate("it took over 9 s"), "The computation took too long: it took over 9 s"),
    ],
)
async def test_what_cannot_be_computed_is_said_in_the_page(held: Service, failure: Exception, said: str) -> None:
    held.compute.failure = failure
    page = await page_of(held, objective="hrp")
    [section] = [one for one in page.all("section") if one.attributes.get("data-part") == "problem"]
    assert said in section.text
    assert "need fewer days" not in section.text
    held.compute.failure = None
    assert (await page_of(held, objective="hrp")).table("Ways that were tried")


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({"own_limits": "position_limit = 25"}, "own_limits", "position_limit"),
        ({"symbols": "BBB", "max_turnover_percent": "3"}, "max_turnover_percent", "less turnover than"),
        ({"days": "</p><b>"}, "days", "a whole number"),
        ({"objective": "luck"}, "objective", "takes min_variance"),
    ],
)
async def test_what_is_wrong_is_said_beside_what_was_typed(
    held: Service, typed: dict[str, str], field: str, said: str
) -> None:
    page = await page_of(held, **{"objective": "min_variance"} | typed)
    assert said in page.one("span", id=f"{field}-mistake").text
    [alert] = [found for found in page.all("div") if found.attributes.get("role") == "alert"]
    assert said in alert.text
    assert "What may be expected of these weights" not in page.text


async def test_where_nothing_is_held_there_is_nothing_to_weigh(service: Service) -> None:
    page = await page_of(service, objective="equal_weight")
    assert "nothing is held that could be traded" in page.text


async def test_a_private_page_has_no_amount(held: Service) -> None:
    typed = {"objective": "hrp", "max_turnover_percent": "60"}
    amounts = amounts_of((await optimised(held, objective="hrp", max_turnover_percent=60))["plan"])
    amounts |= amounts_of(json.loads((await held.http.get("/portfolio")).text, parse_float=str, parse_int=str))
    assert len(amounts) > 10
    for headers in (HTML, PRIVATE):
        body = (await held.http.get(f"{PATH}?{urlencode(typed)}", headers=headers)).text
        shown = {amount for amount in amounts if amount in body}
        assert bool(shown) is (headers is HTML), shown
    private = await page_of(held, PRIVATE, **typed)
    assert list(private.table("Trades that lead to the weights")[0]) == ["Trade", "Share now", "Share after", "After"]


async def test_it_is_computed_once_and_follows_nothing(held: Service) -> None:
    body = (await held.http.get(f"{PATH}?objective=hrp", headers=HTML)).text
    assert "data-still" in body
    assert "data-stream" not in body
    assert "ask again for what is newer" in body
    assert "data-still" not in (await held.http.get("/pages/risk", headers=HTML)).text


async def test_with_the_database_away_it_is_of_the_last_state(held: Service) -> None:
    before = await page_of(held, objective="hrp")
    held.ledger.away = True
    page = await page_of(held, objective="hrp")
    assert "Database away" in page.one("section", aria_label="State").text
    assert page.value("turnover_percent") == before.value("turnover_percent") is not None
