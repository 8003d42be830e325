"""Rebalancing over HTTP: every rule on trades booked before, with the figures of the conventions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from portfolio.domain.categories import Categories
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.reason import Reason
from portfolio.entrypoints.http.rebalancing.requests import ConfidencesBody, PrioritiesBody
from tests.support.histories import CALM, FALLING, WILD, Shape, booking, exact, hold, remember, rising
from tests.support.services.http_service import Service, fields, is_problem, running, running_on_sqlite

FREE = RebalancePolicy(fee_bps=Decimal(0))
CATEGORIES = Categories({"UNI": "dex", "CAKE": "dex", "USDC": "stablecoin"})
ANALYSIS_FIELDS = {
    "portfolio_health_score", "total_positions", "total_recommendations", "concentration_analysis",
    "average_correlation", "high_priority_actions", "recommendations", "unresolved", "turnover_percent",
    "estimated_cost", "projected", "policy",
}  # fmt: skip
CONCENTRATION_FIELDS = {
    "hhi", "hhi_with_cash", "effective_positions", "concentration_level", "over_concentrated_positions",
    "over_concentrated_categories", "num_positions", "recommended_action",
}  # fmt: skip
RECOMMENDATION_FIELDS = {
    "symbol", "action", "reason", "also", "current_allocation", "target_allocation", "trade_value", "trade_quantity",
    "estimated_fee", "priority", "confidence", "evidence", "after", "executable_quantity", "venue", "executable_reason",
}  # fmt: skip


@pytest.fixture
async def free(tmp_path: Path) -> AsyncIterator[Service]:
    """A service whose policy knows no fee: its figures are those of the conventions, to the last digit."""
    async with running_on_sqlite(tmp_path, policy=FREE, categories=CATEGORIES) as service:
        yield service


async def book_check_figures(service: Service) -> None:
    """7,019.14 dollars in all, 28.5 % of it in BTC: 0.04 at 50,011.3725."""
    taken = await service.http.post("/cash/transactions", json={"kind": "withdrawal", "amount": "92980.86"})
    assert taken.status_code == 200
    trade = {"symbol": "BTC", "side": "BUY", "quantity": "0.04", "price": "50011.3725", "net_amount": "2000.4549"}
    assert (await service.http.post("/holdings/update", json=trade)).status_code == 200


async def test_the_check_figures_of_the_conventions_come_out(free: Service) -> None:
    await book_check_figures(free)
    analysis = exact(await free.http.get("/rebalance/analysis"))["analysis"]
    assert set(analysis) >= ANALYSIS_FIELDS
    assert set(analysis["concentration_analysis"]) == CONCENTRATION_FIELDS
    [over] = analysis["concentration_analysis"]["over_concentrated_positions"]
    assert (over["excess_allocation"], over["excess_value"]) == (Decimal("3.5"), Decimal("245.67"))
    [trade] = analysis["recommendations"]
    assert set(trade) == RECOMMENDATION_FIELDS
    assert (trade["action"], trade["reason"], trade["priority"]) == ("SELL", "concentration_risk", "high")
    assert (trade["current_allocation"], trade["target_allocation"]) == (Decimal("28.5"), 23)
    assert trade["trade_value"] == Decimal("386.05")
    # 5.5 % of 7,019.14 over 50,011.3725, rounded up at 18 decimals so that the limit is met.
    assert trade["trade_quantity"] == Decimal("0.007719298245614036")
    assert (trade["confidence"], trade["estimated_fee"]) == (Decimal("0.85"), 0)
    assert (analysis["portfolio_health_score"], analysis["projected"]["portfolio_health_score"]) == (85, 100)
    assert (analysis["turnover_percent"], analysis["estimated_cost"]) == (Decimal("5.5"), 0)
    assert analysis["high_priority_actions"] == analysis["total_recommendations"] == analysis["total_positions"] == 1
    assert (analysis["policy"]["position_limit"], analysis["policy"]["fee_bps"]) == (Decimal("0.25"), 0)


async def test_with_fees_the_target_counts_on_what_they_leave(tmp_path: Path) -> None:
    async with running_on_sqlite(tmp_path) as service:
        await book_check_figures(service)
        [trade] = exact(await service.http.get("/rebalance/recommendations"))["recommendations"]
        # x of 2000.4549 - x = 0.23 (7019.14 - 0.001 x), less a billionth: 386.0527 / 0.99977.
        assert (trade["trade_value"], trade["target_allocation"]) == (Decimal("386.14"), 23)
        assert trade["estimated_fee"] == Decimal("0.39")


Rule = tuple[Mapping[str, str], Mapping[str, Shape], str, str]
# Percentages held, the shapes of their closes, the symbol traded, and its target: 92 % of the limit that it is over.
RULES: Mapping[str, Rule] = {
    "concentration_risk": ({"BTC": "26"}, {}, "BTC", "23"),
    # 31 closes alternate between 1.03 and 0.97: volatility from the 30 returns, checked against evidence below.
    "high_volatility": ({"DOGE": "20"}, {"DOGE": WILD}, "DOGE", ""),
    "negative_momentum": ({"LUNA": "8.1"}, {"LUNA": FALLING}, "LUNA", "7.36"),
    "category_concentration": ({"UNI": "21", "CAKE": "21"}, {}, "UNI", "18.4"),
    # Together 36 %, and of the same momentum: the larger is reduced to 27.6 - 17.
    "high_correlation": ({"ADA": "19", "DOT": "17"}, {"ADA": CALM, "DOT": CALM}, "ADA", "10.6"),
    "cash_deployment": ({"SOL": "10"}, {"SOL": rising}, "SOL", "23"),
}
INSIDE: Mapping[str, tuple[Mapping[str, str], Mapping[str, Shape]]] = {
    "concentration_risk": ({"BTC": "25"}, {}),
    "high_volatility": ({"DOGE": "17"}, {"DOGE": WILD}),
    "negative_momentum": ({"LUNA": "8"}, {"LUNA": FALLING}),
    "category_concentration": ({"UNI": "20", "CAKE": "20"}, {}),
    "high_correlation": ({"ADA": "15", "DOT": "15"}, {"ADA": CALM, "DOT": CALM}),
    "cash_deployment": ({"SOL": "20", "USDC": "50"}, {"SOL": rising}),
}


@pytest.mark.parametrize("rule", RULES)
async def test_each_rule_asks_for_its_trade(free: Service, rule: str) -> None:
    percents, shapes, symbol, target = RULES[rule]
    await hold(free, percents)
    await remember(free, shapes)
    answer = exact(await free.http.get("/rebalance/recommendations"))
    trade = next(trade for trade in answer["recommendations"] if trade["symbol"] == symbol)
    assert (trade["reason"], trade["action"]) == (rule, "BUY" if rule == "cash_deployment" else "SELL")
    evidence = trade["evidence"][0]
    assert evidence["rule"] == rule
    if rule == "high_volatility":
        volatility = evidence["figures"]["volatility"]
        assert Decimal("1.1") < volatility < Decimal("1.2")
        target = str(round(Decimal("18.4") / volatility, 6))
    assert trade["target_allocation"] == Decimal(target)
    assert trade["trade_value"] == round(abs(trade["target_allocation"] - Decimal(percents[symbol])) * 1000, 2)


@pytest.mark.parametrize("rule", INSIDE)
async def test_just_inside_the_limit_nothing_is_asked_for(free: Service, rule: str) -> None:
    percents, shapes = INSIDE[rule]
    await hold(free, percents)
    await remember(free, shapes)
    assert exact(await free.http.get("/rebalance/recommendations"))["recommendations"] == []


async def test_a_plan_carried_out_asks_for_nothing_more_costs_included(tmp_path: Path) -> None:
    async with running_on_sqlite(tmp_path, categories=CATEGORIES) as service:
        await hold(service, {"BTC": "30", "UNI": "24", "CAKE": "20", "SOL": "5"})
        await remember(service, {"SOL": rising})
        trades = exact(await service.http.get("/rebalance/recommendations"))["recommendations"]
        assert [trade["symbol"] for trade in trades] == ["BTC", "UNI", "CAKE", "SOL"]
        for trade in trades:
            done = booking(trade["symbol"], trade["trade_quantity"], side=trade["action"], fees="0.001")
            done = {**done, "net_amount": str(round(Decimal(done["net_amount"]), 10)), "fees": done["fees"][:19]}
            assert (await service.http.post("/holdings/update", json=done)).status_code == 200
        analysis = exact(await service.http.get("/rebalance/analysis"))["analysis"]
        assert (analysis["recommendations"], analysis["broken_limits"]) == ([], [])


async def test_trades_come_by_priority_then_the_largest_then_by_symbol(free: Service) -> None:
    await hold(free, {"BTC": "26", "ETH": "26", "XRP": "27", "LUNA": "9"})
    await remember(free, {"LUNA": FALLING})
    answer = exact(await free.http.get("/rebalance/recommendations"))
    assert [trade["symbol"] for trade in answer["recommendations"]] == ["XRP", "BTC", "ETH", "LUNA"]
    assert (answer["total_recommendations"], answer["high_priority"]) == (4, 3)


async def test_what_cannot_be_judged_is_named(free: Service) -> None:
    await hold(free, {"BTC": "10", "ETH": "25"})
    unresolved = exact(await free.http.get("/rebalance/recommendations"))["unresolved"]
    assert {item["reason"] for item in unresolved} == {
        "undefined_volatility", "undefined_momentum", "undefined_correlation",
    }  # fmt: skip
    pair = next(item for item in unresolved if item["reason"] == "undefined_correlation")
    assert (pair["symbol"], pair["category"], pair["symbols"]) == (None, None, ["BTC", "ETH"])
    assert next(item for item in unresolved if item["symbol"])["symbols"] == ["BTC"]


# ------------------------------------------------------------------------------------------------------------- what if


async def what_if(service: Service, body: Mapping[str, Any]) -> Any:
    """The answer to a question."""
    return exact(await service.http.post("/rebalance/what-if", json=body))["what_if"]


async def test_trades_are_projected_beside_the_current_portfolio_and_nothing_is_stored(free: Service) -> None:
    await hold(free, {"BTC": "28"})
    before = (await free.http.get("/trades")).json()["trades"], (await free.http.get("/positions")).json()["positions"]
    found = await what_if(free, {"trades": [
        {"symbol": "BTC", "side": "SELL", "quantity": 5},
        {"symbol": "eth-usd", "side": "buy", "quantity": "30", "price": 1000, "fees": 10},
    ]})  # fmt: skip
    assert (found["basis"], found["estimated_cost"], found["turnover_percent"]) == ("trades", 10, 35)
    assert (found["current"]["cash_balance"], found["projected"]["cash_balance"]) == (72000, 46990)
    assert [limit["symbols"] for limit in found["current"]["broken_limits"]] == [["BTC"]]
    assert [limit["symbols"] for limit in found["newly_broken"]] == [["ETH"]]
    # 30,000 of 99,990.
    assert found["newly_broken"][0]["allocation"] == Decimal("30.0030")
    assert [trade["symbol"] for trade in found["recommendations"]] == ["BTC"]
    assert [trade["symbol"] for trade in found["remaining"]] == ["ETH"]
    after = (await free.http.get("/trades")).json()["trades"], (await free.http.get("/positions")).json()["positions"]
    assert [trade["id"] for trade in after[0]] == [trade["id"] for trade in before[0]]
    assert [(p["symbol"], p["quantity"]) for p in after[1]] == [(p["symbol"], p["quantity"]) for p in before[1]]


async def test_what_is_projected_where_all_is_sold_is_what_the_sale_makes_of_the_portfolio(free: Service) -> None:
    await hold(free, {"BTC": "28"})
    trade = {"symbol": "BTC", "side": "SELL", "quantity": "28", "price": 1000, "fees": 0}
    projected = (await what_if(free, {"trades": [trade]}))["projected"]
    assert projected["reasons"]["average_correlation"] == "no_positions"
    await free.http.post("/holdings/update", json=booking("BTC", Decimal(28), side="SELL"))
    assert (await what_if(free, {"trades": []}))["current"] == projected


@pytest.mark.parametrize("body", [PrioritiesBody, ConfidencesBody])
def test_each_rule_has_its_priority_and_its_confidence(body: type[msgspec.Struct]) -> None:
    assert body.__struct_fields__ == tuple(Reason)


async def test_another_policy_is_held_beside_the_service_s_own(free: Service) -> None:
    await hold(free, {"BTC": "24"})
    found = await what_if(free, {"policy": {
        "position_limit": 0.2, "fee_bps": "25", "uncapped_categories": [], "confidences": {"concentration_risk": 0.9},
        "priorities": {"concentration_risk": "low"},
    }})  # fmt: skip
    [trade] = found["trades"]
    # x of 24000 - x = 0.184 (100000 - 0.0025 x): 5600 / 0.99954.
    assert (found["basis"], trade["trade_value"]) == ("plan", Decimal("5602.58"))
    assert trade["estimated_fee"] == Decimal("14.01")
    assert (found["current"]["portfolio_health_score"], found["projected"]["portfolio_health_score"]) == (85, 100)
    [advice] = found["recommendations"]
    assert (advice["priority"], advice["confidence"]) == ("low", Decimal("0.9"))
    assert (found["remaining"], found["policy"]["position_limit"]) == ([], Decimal("0.2"))
    own = exact(await free.http.get("/rebalance/analysis"))["analysis"]
    assert (own["recommendations"], own["policy"]["id"]) == ([], FREE.id)
    assert found["policy"]["id"] != FREE.id


@pytest.mark.parametrize(
    ("body", "status", "slug", "named"),
    [
        ({"policy": {"position_limit": 25}}, 400, "invalid-policy", {"policy.position_limit"}),
        ({"policy": {"position_limit": "much"}}, 400, "malformed-request", {"policy.position_limit"}),
        ({"policy": {"confidences": {"luck": 1}}}, 400, "malformed-request", {"policy.confidences.luck"}),
        ({"policy": {"speed": 1}}, 400, "malformed-request", {"policy.speed"}),
        ({"trades": [{"symbol": "X", "side": "BUY", "quantity": 0}]}, 400, "malformed-request", {"trades[0].quantity"}),
        ({"trades": [{"symbol": "X", "side": "BUY", "quantity": 1}]}, 400, "invalid-amount", {"trades[0].price"}),
        ({"trades": [{"symbol": "BTC", "side": "SELL", "quantity": 25}]}, 409, "insufficient-quantity", set()),
        ({"trades": [{"symbol": "BTC", "side": "BUY", "quantity": 77}]}, 409, "insufficient-cash", set()),
    ],
)  # fmt: skip
async def test_a_question_that_cannot_be_is_refused_with_its_field(
    free: Service, body: Mapping[str, Any], status: int, slug: str, named: set[str]
) -> None:
    await hold(free, {"BTC": "24"})
    answer = await free.http.post("/rebalance/what-if", json=body)
    assert is_problem(answer, status, slug)
    assert fields(answer) == named


# ---------------------------------------------------------------------------------------------------------- thin states


async def test_an_empty_portfolio_has_finite_figures_and_reasons(service: Service) -> None:
    analysis = exact(await service.http.get("/rebalance/analysis"))["analysis"]
    assert (analysis["portfolio_health_score"], analysis["recommendations"]) == (100, [])
    assert analysis["concentration_analysis"]["hhi"] is None
    assert analysis["reasons"]["hhi"] == "no_positions"
    found = await what_if(service, {})
    assert (found["basis"], found["trades"], found["turnover_percent"]) == ("plan", [], 0)


async def test_a_portfolio_worth_nothing_or_less_has_no_shares(service: Service) -> None:
    short = {**booking("BTC", Decimal(200), side="SELL"), "override": True}
    for body in (short, {**booking("ETH", Decimal(1)), "override": True}):
        assert (await service.http.post("/holdings/update", json=body)).status_code == 200
    analysis = exact(await service.http.get("/rebalance/analysis"))["analysis"]
    assert analysis["reasons"]["hhi"] == "short_position"
    service.feed.prices.update(BTC="3000", ETH="1000")
    assert (await service.http.post("/portfolio/refresh")).status_code == 200
    analysis = exact(await service.http.get("/rebalance/analysis"))["analysis"]
    assert (analysis["portfolio_health_score"], analysis["turnover_percent"]) == (None, None)
    assert {"portfolio_health_score", "turnover_percent", "hhi_with_cash"} <= set(analysis["reasons"])
    assert (await what_if(service, {}))["reasons"] == {"turnover_percent": "no_total_value"}
    health = exact(await service.http.get("/risk/portfolio-health"))["health"]
    assert (health["score"], health["healthy"]) == (None, None)
    assert health["reasons"] == dict.fromkeys(("score", "healthy", "average_correlation"), "no_total_value")


async def test_borrowed_cash_is_no_share(service: Service) -> None:
    bought = {**booking("BTC", Decimal(150)), "override": True}
    assert (await service.http.post("/holdings/update", json=bought)).status_code == 200
    analysis = exact(await service.http.get("/rebalance/analysis"))["analysis"]
    assert analysis["reasons"]["hhi_with_cash"] == "negative_cash"


async def test_with_the_database_away_the_last_plan_is_served_marked(service: Service) -> None:
    await hold(service, {"BTC": "30"})
    before = exact(await service.http.get("/rebalance/analysis"))["analysis"]
    service.ledger.away = True
    for path in ("/rebalance/analysis", "/rebalance/recommendations"):
        body = exact(await service.http.get(path))
        found = body.get("analysis", body)
        assert (found["stale"], found["recommendations"]) == (True, before["recommendations"])
    assert (await what_if(service, {}))["stale"] is True


async def test_with_the_database_away_from_the_start_there_is_nothing_to_serve() -> None:
    async with running() as service:
        service.ledger.away = True
        assert is_problem(await service.http.get("/rebalance/analysis"), 503, "ledger-unavailable")
