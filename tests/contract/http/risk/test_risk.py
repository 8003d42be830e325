"""Risk over HTTP: trades booked through the routes, closes loaded through the price store's port."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portfolio.analytics.estimate import Matrix
from portfolio.application.prices.records import Close
from portfolio.domain.categories import Categories
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol
from tests.support.services.http_service import Service, is_problem, running, running_on_sqlite

EIGHT = ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG", "HHH")
ROUTES = (
    "/risk/concentration", "/risk/correlation-matrix", "/risk/volatility-analysis", "/risk/value-at-risk",
    "/risk/sector-allocation", "/risk/portfolio-health",
)  # fmt: skip
YEAR = 365**0.5


@pytest.fixture(params=["memory", "sqlite"])
async def any_service(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Service]:
    opened = running() if request.param == "memory" else running_on_sqlite(tmp_path)
    async with opened as service:
        yield service


async def buy(service: Service, symbol: str, money: str, *, price: str = "1", side: str = "BUY") -> None:
    """Book a trade of so many dollars, without fees."""
    quantity = Decimal(money) / Decimal(price)
    body = {"symbol": symbol, "side": side, "quantity": str(quantity), "price": price, "net_amount": money}
    answer = await service.http.post("/holdings/update", json=body)
    assert answer.status_code == 200, answer.text


async def withdraw_to(service: Service, cash: str) -> None:
    """Take out what is over ``cash``."""
    amount = str(100_000 - Decimal(cash))
    answer = await service.http.post("/cash/transactions", json={"kind": "withdrawal", "amount": amount})
    assert answer.status_code == 200, answer.text


async def load(service: Service, table: Matrix, symbols: Sequence[str] = EIGHT, *, source: str = "candles") -> None:
    """Keep the closes ``(n_days + 1, n_assets)``, the last row yesterday's; NaN is none."""
    yesterday: date = service.clock.now().date() - timedelta(days=1)
    closes = [
        Close(
            symbol=Symbol(symbol),
            day=yesterday - timedelta(days=len(table) - 1 - row),
            price=Price(Decimal(repr(float(table[row, column])))),
            source=source,
        )
        for row in range(len(table))
        for column, symbol in enumerate(symbols)
        if not np.isnan(table[row, column])
    ]
    await service.prices.add_closes(closes)


def walks(n_days: int, n_assets: int = 8, *, seed: int = 3) -> Matrix:
    """Closes of assets that share a market, to 8 decimals, as a source has them."""
    generator = np.random.default_rng(seed)
    moves = generator.normal(0, 0.02, (n_days, 1)) + generator.normal(0, 0.03, (n_days, n_assets))
    return np.round(100 * np.cumprod(np.vstack([np.ones(n_assets), 1 + moves]), axis=0), 8)


def with_gaps(table: Matrix) -> Matrix:
    """The same with a late listing, a missing day, and a stretch missing."""
    gappy = table.copy()
    gappy[:4, 0] = np.nan
    gappy[12, 1] = np.nan
    gappy[20:22, 2] = np.nan
    return gappy


async def read(service: Service, path: str) -> dict[str, Any]:
    """A success, whose numbers are all finite and exact decimals without exponent."""
    answer = await service.http.get(path)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = json.loads(answer.text, parse_constant=pytest.fail, parse_float=_without_exponent)
    return body


def _without_exponent(number: str) -> float:
    assert "e" not in number.lower()
    return float(number)


async def test_the_check_figures_of_the_conventions(any_service: Service) -> None:
    await withdraw_to(any_service, "7019.14")
    await buy(any_service, "BTC", "2000.4549", price="2000.4549")
    body = await read(any_service, "/risk/concentration")
    [over] = body["concentration_analysis"]["over_concentrated_positions"]
    assert over == {
        "symbol": "BTC", "current_allocation": 28.5, "limit_allocation": 25, "excess_allocation": 3.5,
        "excess_value": 245.67,
    }  # fmt: skip
    assert body["concentration_analysis"]["recommended_action"] == "reduce_concentration"


async def test_invested_shares_of_30_25_20_15_and_10_percent_give_an_index_of_0225(any_service: Service) -> None:
    for symbol, money in zip(EIGHT, ("300", "250", "200", "150", "100"), strict=False):
        await buy(any_service, symbol, money)
    analysis = (await read(any_service, "/risk/concentration"))["concentration_analysis"]
    # 0.3^2 + 0.25^2 + 0.2^2 + 0.15^2 + 0.1^2 = 0.225; with cash 0.225 x 0.01^2 + 0.99^2
    assert (analysis["hhi"], analysis["hhi_with_cash"]) == (0.225, 0.9801225)
    assert analysis["effective_positions"] == 4.44444444444
    assert (analysis["concentration_level"], analysis["num_positions"]) == ("medium", 5)
    assert (analysis["recommended_action"], analysis["reasons"]) == ("maintain", {})
    assert (analysis["convention"], analysis["stale"]) == ("crypto-365-v1", False)


@pytest.mark.parametrize("gaps", [False, True])
async def test_correlation_volatility_and_contributions_are_numpys(any_service: Service, gaps: bool) -> None:
    table = with_gaps(walks(30)) if gaps else walks(30)
    await load(any_service, table)
    money = [3000, 5000, 7000, 11_000, 13_000, 2000, 900, 17_000]
    for symbol, amount in zip(EIGHT, money, strict=True):
        await buy(any_service, symbol, str(amount))
    returns = table[1:] / table[:-1] - 1
    weights = np.array(money) / 100_000
    correlation = (await read(any_service, "/risk/correlation-matrix?days=30"))["correlation"]
    pairs = []
    for one in range(8):
        for other in range(8):
            both = ~np.isnan(returns[:, one]) & ~np.isnan(returns[:, other])
            expected = np.corrcoef(returns[both, one], returns[both, other])[0, 1]
            assert correlation["matrix"][one][other] == pytest.approx(expected, abs=1e-9)
            # GGG is 0.9 % of the total value: under 1 % it does not count.
            if one < other and 6 not in {one, other}:
                pairs.append(expected)
    assert correlation["average_correlation"] == pytest.approx(np.mean(pairs), abs=1e-9)
    assert (correlation["symbols"], correlation["excluded"]) == (list(EIGHT), [])
    found = (await read(any_service, "/risk/volatility-analysis?days=30"))["volatility"]
    common = returns[~np.isnan(returns).any(axis=1)]
    # The gaps take 4, 2 and 3 returns away.
    assert found["common_days"] == len(common) == (21 if gaps else 30)
    for place, asset in enumerate(found["assets"]):
        own = returns[~np.isnan(returns[:, place]), place]
        assert asset["daily_volatility"] == pytest.approx(own.std(ddof=1), abs=1e-9)
        assert asset["annualized_volatility"] == pytest.approx(own.std(ddof=1) * YEAR, abs=1e-9)
        assert asset["allocation_percent"] == money[place] / 1000
    heat = sum(w * a["daily_volatility"] for w, a in zip(weights, found["assets"], strict=True))
    assert found["portfolio_heat"] == pytest.approx(heat, abs=1e-9)
    check_parts(found, common, weights)


def check_parts(found: Mapping[str, Any], common: Matrix, weights: Matrix) -> None:
    """Whether the portfolio's volatility and its parts are those of the covariance matrix."""
    covariance = np.cov(common, rowvar=False)
    variance = weights @ covariance @ weights
    assert found["portfolio_volatility"] == pytest.approx(variance**0.5 * YEAR, abs=1e-9)
    ratio = weights @ np.sqrt(np.diag(covariance)) / variance**0.5
    assert found["diversification_ratio"] == pytest.approx(ratio, abs=1e-9)
    parts = [asset["risk_contribution"] for asset in found["assets"]]
    assert parts == pytest.approx(list(weights * (covariance @ weights) / variance), abs=1e-9)
    percents = [Decimal(str(asset["risk_contribution_percent"])) for asset in found["assets"]]
    assert sum(percents) == 100
    assert [float(p) for p in percents] == pytest.approx([part * 100 for part in parts], abs=1e-6)


async def test_under_20_days_common_to_all_the_portfolio_has_no_volatility(any_service: Service) -> None:
    table = walks(30)
    table[:8, 0], table[20:24, 2] = np.nan, np.nan
    await load(any_service, table)
    for symbol in EIGHT:
        await buy(any_service, symbol, "1000")
    found = (await read(any_service, "/risk/volatility-analysis"))["volatility"]
    assert (found["portfolio_volatility"], found["common_days"]) == (None, 17)
    assert found["reasons"]["portfolio_volatility"] == "too_few_common_days"
    assert {asset["reasons"]["risk_contribution"] for asset in found["assets"]} == {"too_few_common_days"}


async def test_value_at_risk_is_of_todays_weights_over_each_day_of_the_year(any_service: Service) -> None:
    table = walks(365, 3)
    await load(any_service, table, EIGHT[:3])
    for symbol, money in zip(EIGHT, ("20000", "30000", "10000"), strict=False):
        await buy(any_service, symbol, money)
    found = (await read(any_service, "/risk/value-at-risk"))["value_at_risk"]
    losses = np.sort(-(table[1:] / table[:-1] - 1) @ [0.2, 0.3, 0.1])[::-1]
    # k = 0.05 x 365 = 18.25: the 19th worst, and the mean of the 18 worst and a quarter of the next
    at_risk, beyond = losses[18], (losses[:18].sum() + 0.25 * losses[18]) / 18.25
    historical = found["confidence_95"]["historical"]
    assert historical["value_at_risk"] == pytest.approx(at_risk, abs=1e-9)
    assert historical["conditional_value_at_risk"] == pytest.approx(beyond, abs=1e-9)
    assert historical["value_at_risk_amount"] == pytest.approx(at_risk * 100_000, abs=0.005)
    assert historical["conditional_value_at_risk_amount"] == pytest.approx(beyond * 100_000, abs=0.005)
    # 1.6448536 and 2.3263479: the normal quantiles at 95 and 99 %
    for name, z in (("confidence_95", 1.6448536269514722), ("confidence_99", 2.3263478740408408)):
        normal = losses.mean() + z * losses.std(ddof=1)
        assert found[name]["normal"]["value_at_risk"] == pytest.approx(normal, abs=1e-9)
        assert found[name]["cornish_fisher"]["value_at_risk"] is not None
    assert (found["observations"], found["covered_percent"], found["lookback_days"]) == (365, 60, 365)
    metrics = (await read(any_service, "/portfolio"))["portfolio"]["risk_metrics"]
    assert metrics["value_at_risk_95"] == historical["value_at_risk"]
    short = (await read(any_service, "/risk/value-at-risk?days=40"))["value_at_risk"]
    assert (short["observations"], short["lookback_days"]) == (40, 40)


async def test_sectors_are_categories_and_cash_and_sum_to_100(any_service: Service) -> None:
    for symbol, money in (("BTC", "45000"), ("ETH", "7000.01"), ("XYZ", "1234.567"), ("ABC", "1000")):
        await buy(any_service, symbol, money)
    body = await read(any_service, "/risk/sector-allocation")
    rows = {row["category"]: row for row in body["sectors"]}
    assert list(rows) == ["store_of_value", "smart_contracts", "other", "cash"]
    assert sum(Decimal(str(row["allocation_percent"])) for row in rows.values()) == 100
    assert rows["store_of_value"] == {
        "category": "store_of_value", "value": 45000, "allocation_percent": 45, "limit_percent": 40, "over_limit": True,
        "symbols": ["BTC"], "reasons": {},
    }  # fmt: skip
    assert (rows["other"]["symbols"], rows["other"]["limit_percent"]) == (["ABC", "XYZ"], None)
    assert rows["cash"]["reasons"] == {"limit_percent": "no_limit"}
    assert rows["cash"]["value"] == 45765.42  # 100000 - 45000 - 7000.01 - 1234.567 - 1000 = 45765.423
    [over] = (await read(any_service, "/risk/concentration"))["concentration_analysis"]["over_concentrated_categories"]
    assert (over["category"], over["symbols"], over["excess_allocation"]) == ("store_of_value", ["BTC"], 5)


async def test_deductions_add_up_and_the_way_back_reaches_the_target(any_service: Service) -> None:
    await load(any_service, walks(30, 3), EIGHT[:3])
    for symbol, money in zip(EIGHT, ("30000", "30000", "26000"), strict=False):
        await buy(any_service, symbol, money)
    health = (await read(any_service, "/risk/portfolio-health"))["health"]
    points = sum(Decimal(str(deduction["points"])) for deduction in health["deductions"])
    assert points == 100 - Decimal(str(health["score"]))
    assert (health["target"], health["healthy"]) == (70, False)
    assert [d["subject"] for d in health["deductions"]] == ["AAA", "BBB", "CCC", None]
    way = health["to_reach_target"]
    assert way["reachable"]
    assert way["projected_score"] >= 70
    assert way["trades"][0]["action"] == "SELL"
    metrics = (await read(any_service, "/portfolio"))["portfolio"]["risk_metrics"]
    assert metrics["health_score"] == health["score"]
    assert metrics["average_correlation"] == health["average_correlation"]
    assert (metrics["reasons"], health["reasons"]) == ({}, {})


async def test_the_portfolios_metrics_are_those_of_the_risk_routes(any_service: Service) -> None:
    await load(any_service, walks(400, 2), EIGHT[:2])
    await buy(any_service, "AAA", "10000")
    await buy(any_service, "BBB", "20000")
    metrics = (await read(any_service, "/portfolio"))["portfolio"]["risk_metrics"]
    found = (await read(any_service, "/risk/volatility-analysis"))["volatility"]
    assert metrics["portfolio_volatility"] == found["portfolio_volatility"]
    assert metrics["portfolio_heat"] == found["portfolio_heat"]
    concentration = (await read(any_service, "/risk/concentration"))["concentration_analysis"]
    assert (metrics["hhi"], metrics["concentration_level"]) == (concentration["hhi"], "high")
    refreshed = await any_service.http.post("/portfolio/refresh", json={})
    assert refreshed.status_code in {200, 503}


async def test_closes_written_after_an_answer_are_in_the_next(any_service: Service) -> None:
    await buy(any_service, "AAA", "10000")
    before = await any_service.http.get("/portfolio")
    assert before.json()["portfolio"]["risk_metrics"]["reasons"]["portfolio_volatility"] == "too_few_observations"
    table = walks(30, 1)
    await load(any_service, table, ["AAA"])
    after = await any_service.http.get("/portfolio", headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert after.json()["portfolio"]["risk_metrics"]["portfolio_volatility"] > 0
    table[5] *= 2
    await load(any_service, table, ["AAA"])
    again = await any_service.http.get("/portfolio")
    first, second = (a.json()["portfolio"]["risk_metrics"]["portfolio_volatility"] for a in (after, again))
    assert second > first * 1.5


async def test_an_empty_portfolio_is_all_reasons_and_no_risk(any_service: Service) -> None:
    bodies = [await read(any_service, route) for route in ROUTES]
    analysis, correlation, volatility, tail, _, health = bodies
    assert analysis["concentration_analysis"]["reasons"] == dict.fromkeys(
        ("hhi", "effective_positions", "concentration_level"), "no_positions"
    )
    assert correlation["correlation"]["reasons"] == {"average_correlation": "no_positions"}
    assert set(volatility["volatility"]["reasons"].values()) == {"no_positions"}
    assert set(tail["value_at_risk"]["confidence_95"]["historical"]["reasons"].values()) == {"no_positions"}
    assert [row["category"] for row in bodies[4]["sectors"]] == ["cash"]
    assert (health["health"]["score"], health["health"]["deductions"]) == (100, [])


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (np.full((1, 2), 50.0), "too_few_observations"),
        (np.full((19, 2), 50.0), "too_few_observations"),
        (np.full((31, 2), 50.0), "constant_series"),
    ],
    ids=["one close", "eighteen returns", "flat"],
)
async def test_thin_and_flat_series_give_nulls_with_their_reason(any_service: Service, table: Matrix, why: str) -> None:
    await load(any_service, table, EIGHT[:2])
    await buy(any_service, "AAA", "10000")
    await buy(any_service, "BBB", "20000")
    correlation = (await read(any_service, "/risk/correlation-matrix"))["correlation"]
    assert correlation["matrix"] == [[None, None], [None, None]]
    assert correlation["excluded"] == [{"symbol": "AAA", "reason": why}, {"symbol": "BBB", "reason": why}]
    assert (correlation["average_correlation"], correlation["high_pairs"]) == (None, [])
    volatility = (await read(any_service, "/risk/volatility-analysis"))["volatility"]
    flat = why == "constant_series"
    assert volatility["portfolio_volatility"] == (0 if flat else None)
    assert volatility["reasons"]["diversification_ratio"] == why
    assert [asset["level"] for asset in volatility["assets"]] == ["low" if flat else None] * 2
    assert [asset["risk_contribution_percent"] for asset in volatility["assets"]] == [None, None]
    tail = (await read(any_service, "/risk/value-at-risk"))["value_at_risk"]
    assert (tail["confidence_99"]["historical"]["value_at_risk"] == 0) is flat
    assert set(tail["confidence_99"]["normal"]["reasons"].values()) == {why}
    health = (await read(any_service, "/risk/portfolio-health"))["health"]
    assert health["score"] == 100
    assert health["reasons"]["average_correlation"] == "too_few_observations"


async def test_pairs_without_days_in_common_are_named(any_service: Service) -> None:
    table = walks(61, 3)
    table[:30, 0], table[31:, 1] = np.nan, np.nan
    await load(any_service, table, EIGHT[:3])
    for symbol in EIGHT[:3]:
        await buy(any_service, symbol, "10000")
    found = (await read(any_service, "/risk/correlation-matrix?days=61"))["correlation"]
    assert found["undefined_pairs"] == [{"symbols": ["AAA", "BBB"], "reason": "no_common_days"}]
    assert found["matrix"][0][1] is None
    assert found["average_correlation"] is not None


async def test_pairs_that_move_together_are_listed_the_highest_first(any_service: Service) -> None:
    table = walks(30, 3)
    noise = np.random.default_rng(5).normal(0, 1, 31)
    table[:, 1], table[:, 2] = table[:, 0] * (1 + noise * 1e-4), table[:, 0] * (1 + noise[::-1] * 1e-3)
    await load(any_service, np.round(table, 8), EIGHT[:3])
    for symbol in EIGHT[:3]:
        await buy(any_service, symbol, "10000")
    pairs = (await read(any_service, "/risk/correlation-matrix"))["correlation"]["high_pairs"]
    assert pairs[0]["symbols"] == ["AAA", "BBB"]
    assert pairs[0]["common_days"] == 30
    assert [p["correlation"] for p in pairs] == sorted((p["correlation"] for p in pairs), reverse=True)


async def test_a_stablecoin_is_in_the_matrix_but_neither_in_the_average_nor_in_a_high_pair(tmp_path: Path) -> None:
    categories = Categories({"USDT": "stablecoin", "DAI": "stablecoin"})
    async with running_on_sqlite(tmp_path, categories=categories) as service:
        table = np.repeat(walks(30, 1), 3, axis=1)
        await load(service, table, ["DAI", "USDT", "AAA"])
        for symbol in ("DAI", "USDT", "AAA"):
            await buy(service, symbol, "10000")
        found = (await read(service, "/risk/correlation-matrix"))["correlation"]
        assert found["matrix"][1] == pytest.approx([1, 1, 1], abs=1e-9)
        assert (found["high_pairs"], found["average_correlation"]) == ([], None)
        assert found["reasons"] == {"average_correlation": "too_few_positions"}


async def test_real_and_simulated_closes_are_never_mixed(any_service: Service) -> None:
    table = walks(30, 2)
    await load(any_service, table[:, :1], ["AAA"])
    await load(any_service, table[:, 1:], ["BBB"], source="simulated")
    await buy(any_service, "AAA", "10000")
    await buy(any_service, "BBB", "10000")
    found = (await read(any_service, "/risk/correlation-matrix"))["correlation"]
    assert (found["simulated_history"], found["mixed_history"]) == (False, ["BBB"])
    assert found["excluded"] == [{"symbol": "BBB", "reason": "too_few_observations"}]


async def test_simulated_closes_alone_are_used_and_labelled(any_service: Service) -> None:
    await load(any_service, walks(30, 1), ["AAA"], source="simulated")
    await buy(any_service, "AAA", "10000")
    found = (await read(any_service, "/risk/volatility-analysis"))["volatility"]
    assert (found["simulated_history"], found["mixed_history"]) == (True, [])
    assert found["portfolio_volatility"] > 0


async def test_stale_prices_are_said_so_and_the_figures_stay(service: Service) -> None:
    await load(service, walks(30, 1), ["AAA"])
    await buy(service, "AAA", "10000")
    service.clock.advance(301)
    for route in ROUTES:
        body = await read(service, route)
        parts = [part for part in body.values() if isinstance(part, dict)] or [body]
        assert parts[0]["stale"] is True, route


async def test_with_the_database_away_the_last_figures_are_served_stale(service: Service) -> None:
    await load(service, walks(30, 2), EIGHT[:2])
    await buy(service, "AAA", "10000")
    await buy(service, "BBB", "10000")
    before = {route: await read(service, route) for route in (*ROUTES, "/portfolio")}
    service.ledger.away = True
    for route in ROUTES:
        body = await read(service, route)
        for name, part in body.items():
            if isinstance(part, dict):
                assert part == {**before[route][name], "stale": True}, route
    metrics = (await read(service, "/portfolio"))["portfolio"]["risk_metrics"]
    assert metrics == before["/portfolio"]["portfolio"]["risk_metrics"]


async def test_history_that_was_never_read_is_said_to_be_unavailable(service: Service) -> None:
    await load(service, walks(30, 2), EIGHT[:2])
    await buy(service, "AAA", "10000")
    await buy(service, "BBB", "10000")
    await service.cases.ledger.snapshots.newest()
    service.ledger.away = True
    found = (await read(service, "/risk/volatility-analysis"))["volatility"]
    assert found["stale"] is True
    assert found["reasons"]["portfolio_volatility"] == "history_unavailable"
    assert found["excluded"][0] == {"symbol": "AAA", "reason": "history_unavailable"}
    assert (await read(service, "/risk/concentration"))["concentration_analysis"]["hhi"] == 0.5


async def test_without_a_total_value_shares_are_undefined(service: Service) -> None:
    await withdraw_to(service, "0")
    found = {route: await read(service, route) for route in ROUTES}
    concentration = found["/risk/concentration"]["concentration_analysis"]
    assert (concentration["hhi_with_cash"], concentration["reasons"]["hhi_with_cash"]) == (None, "no_total_value")
    for route, name in (("/risk/volatility-analysis", "volatility"), ("/risk/value-at-risk", "value_at_risk")):
        measured = found[route][name]
        assert (measured["covered_percent"], measured["reasons"]["covered_percent"]) == (None, "no_total_value")
    [cash] = found["/risk/sector-allocation"]["sectors"]
    assert (cash["allocation_percent"], cash["reasons"]["allocation_percent"]) == (None, "no_total_value")


@pytest.mark.parametrize("route", ROUTES[1:4])
@pytest.mark.parametrize("days", ["0", "3651", "x", "-1", "1.5"])
async def test_days_are_1_to_3650(service: Service, route: str, days: str) -> None:
    assert is_problem(await service.http.get(f"{route}?days={days}"), 400, "malformed-request")


@pytest.mark.parametrize("days", [1, 2, 13, 3650])
async def test_every_lookback_gives_finite_answers(service: Service, days: int) -> None:
    await load(service, walks(30, 2), EIGHT[:2])
    await buy(service, "AAA", "10000")
    await buy(service, "BBB", "10000")
    for route in ROUTES[1:4]:
        await read(service, f"{route}?days={days}")


async def test_a_price_that_a_split_leaves_nothing_of_is_none(service: Service) -> None:
    """1e-9 dollars a unit, split into 1e12: less than the last of 18 decimals."""
    penny = {"symbol": "PENNY", "side": "BUY", "quantity": 1000, "price": "0.000000001", "net_amount": "0.000001"}
    split = {"kind": "split", "symbol": "PENNY", "ratio": 10**12}
    for path, body in (("/holdings/update", penny), ("/events", split)):
        assert (await service.http.post(path, json=body)).status_code == 200
    [position] = (await service.http.get("/positions")).json()["positions"]
    assert (position["current_price"], position["market_value"]) == (0, 0)
    for path in ("/portfolio", "/rebalance/analysis", "/risk/portfolio-health", "/risk/volatility-analysis"):
        assert (await service.http.get(path)).status_code == 200, path
