"""Weights over HTTP: the check figures, limits that never give, and plans after which nothing is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from portfolio.analytics.estimate import Matrix
from portfolio.application.errors import ComputationFailed, ComputationLate, NotInstalled
from portfolio.application.prices.fetched_closes import AGAIN_SECONDS, AT_ONCE
from portfolio.application.prices.records import Close
from portfolio.domain.categories import Categories
from portfolio.domain.symbol import Symbol
from tests.support.fakes.fake_prices import ScriptedCloses
from tests.support.histories import booking, exact, hold
from tests.support.optimisation import FOUR, MEANS, closes_of, correlated, scenarios, uncorrelated, waves
from tests.support.services.http_service import Service, fields, is_problem, running

pytestmark = pytest.mark.unmeasured

CATEGORIES = Categories({"AAA": "one", "BBB": "two", "CCC": "two", "DDD": "three", "USDC": "stablecoin"})
FREE = {
    "position_limit": 1,
    "category_limit": 1,
    "pair_limit": 1,
    "momentum_limit": 1,
    "volatility_threshold": 1000,
}
"""Limits that limit nothing."""
ALL = {"estimator": "sample", "days": 64, "cash_percent": 0, "limits": FREE}
"""Every dollar, by the plain covariance, without limits."""


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with running(categories=CATEGORIES) as service:
        yield service


async def remember(service: Service, returns: Matrix, symbols: Sequence[str] = FOUR) -> None:
    """Keep closes with these returns, of the last completed days."""
    yesterday = service.clock.now().date() - timedelta(days=1)
    await service.prices.add_closes(closes_of(returns, symbols, yesterday))


async def optimise(service: Service, objective: str, **wish: Any) -> Any:
    """What is answered."""
    answer = await service.http.post("/optimise", json={"objective": objective, **wish})
    assert answer.status_code == 200, answer.text
    return exact(answer)["optimisation"]


def weights(found: Mapping[str, Any]) -> list[float]:
    """The weights, by symbol."""
    return [float(found["weights"][symbol]) for symbol in sorted(found["weights"])]


# Of uncorrelated assets weights are as 1 / variance: 1/.04 : 1/.09 : 1/.16 : 1/.36 = 36 : 16 : 9 : 4. Capped, A has .4
# and the others share the rest in proportion; with B + C at most .4 they share that, and D has what is left. Risk
# parity is as 1 / deviation, 6 : 4 : 3 : 2; the greatest Sharpe ratio as mean / variance, .5 : .3333 : .3125 : .1667.
@pytest.mark.parametrize(
    ("objective", "limits", "means", "expected"),
    [
        ("min_variance", FREE, 0.0, [36 / 65, 16 / 65, 9 / 65, 4 / 65]),
        ("min_variance", {**FREE, "position_limit": 0.4}, 0.0, [0.4, 0.6 * 16 / 29, 0.6 * 9 / 29, 0.6 * 4 / 29]),
        ("min_variance", {**FREE, "position_limit": 0.4, "category_limit": 0.4}, 0.0, [0.4, 0.256, 0.144, 0.2]),
        ("risk_parity", FREE, 0.0, [6 / 15, 4 / 15, 3 / 15, 2 / 15]),
        ("inverse_volatility", FREE, 0.0, [6 / 15, 4 / 15, 3 / 15, 2 / 15]),
        ("equal_weight", FREE, 0.0, [0.25] * 4),
        ("max_sharpe", FREE, MEANS, [24 / 63, 16 / 63, 15 / 63, 8 / 63]),
    ],
)
async def test_the_check_figures_come_out(
    service: Service, objective: str, limits: Mapping[str, Any], means: Any, expected: list[float]
) -> None:
    await hold(service, dict.fromkeys(FOUR, "25"))
    await remember(service, uncorrelated(means))
    found = await optimise(service, objective, **{**ALL, "limits": limits})
    assert weights(found) == pytest.approx(expected, abs=1e-6)
    assert sum(found["weights"].values()) + found["cash"] == 1
    assert float(found["cash"]) == pytest.approx(0, abs=1e-6)


async def test_the_greatest_sharpe_ratio_is_over_the_risk_free_rate() -> None:
    # 3.65 % a year are 1 basis point of means of 2, 3, 5 and 6 a day: .01/.04 : .02/.09 : .04/.16 : .05/.36.
    async with running(categories=CATEGORIES, risk_free_rate=Decimal("0.0365")) as service:
        await hold(service, dict.fromkeys(FOUR, "25"))
        await remember(service, uncorrelated(MEANS))
        found = await optimise(service, "max_sharpe", **ALL)
        assert weights(found) == pytest.approx([9 / 31, 8 / 31, 9 / 31, 5 / 31], abs=1e-6)


async def test_hierarchical_risk_parity_has_the_weights_of_its_tree(service: Service) -> None:
    # Each pair by inverse variance is 9 : 4, the pairs by the inverse of theirs: backtest.md, section 6.
    await hold(service, dict.fromkeys(FOUR, "25"))
    await remember(service, correlated())
    found = await optimise(service, "hrp", **ALL)
    assert weights(found) == pytest.approx([0.540991, 0.240440, 0.151317, 0.067252], abs=1e-6)


async def test_the_least_cvar_is_that_of_the_scenarios(service: Service) -> None:
    # At .75 it is the mean of the worst quarter of the days, all of one kind. It is least where two kinds are as bad:
    # .1 w - .05 (1 - w) = -.02 w + .06 (1 - w), so w = 11/23, and the loss is 1/46.
    await hold(service, {"AAA": "25", "BBB": "25"})
    await remember(service, scenarios(), FOUR[:2])
    found = await optimise(service, "min_cvar", **ALL, confidence="0.75")
    assert weights(found) == pytest.approx([11 / 23, 12 / 23], abs=1e-6)
    assert float(found["expected"]["cvar"]["value"]) == pytest.approx(1 / 46, abs=1e-9)


async def test_by_default_all_limits_of_the_policy_hold_and_it_asks_for_nothing_more(service: Service) -> None:
    await hold(service, {"AAA": "5", "BBB": "45", "CCC": "10", "DDD": "20"}, fees="0.001")
    await remember(service, uncorrelated(MEANS))
    for objective in ("min_variance", "max_sharpe", "risk_parity", "hrp", "min_cvar", "equal_weight"):
        found = await optimise(service, objective)
        plan = found["plan"]
        # 92 % of 25 %, of 40 %, and of 25 % x 80 % / v for D, whose volatility is .06 sqrt(365 x 30/29) = 116.6 %
        assert max(weights(found)) <= 0.23
        assert found["weights"]["BBB"] + found["weights"]["CCC"] <= Decimal("0.368")
        assert plan["recommendations"]
        assert plan["projected"]["broken_limits"] == plan["remaining"] == [], objective
        assert plan["projected"]["cash_balance"] > 0


async def test_the_trades_of_the_plan_carried_out_leave_the_policy_nothing_to_ask(service: Service) -> None:
    await hold(service, {"AAA": "5", "BBB": "45", "CCC": "10", "DDD": "20"})
    await remember(service, uncorrelated(MEANS))
    plan = (await optimise(service, "risk_parity"))["plan"]
    for trade in plan["recommendations"]:
        body = booking(trade["symbol"], trade["trade_quantity"], side=trade["action"], fees="0.001")
        answer = await service.http.post("/holdings/update", json=body)
        assert answer.status_code == 200, answer.text
    asked = exact(await service.http.get("/rebalance/analysis"))["analysis"]
    assert asked["recommendations"] == asked["broken_limits"] == []
    assert asked["projected"]["total_value"] == plan["projected"]["total_value"]


async def test_where_limits_leave_too_little_room_they_are_named_and_cash_takes_the_rest(service: Service) -> None:
    await hold(service, {"AAA": "40", "BBB": "40"})
    await remember(service, uncorrelated()[:, :2], FOUR[:2])
    found = await optimise(service, "min_variance")
    assert weights(found) == pytest.approx([0.23, 0.23], abs=1e-6)
    assert float(found["cash"]) == pytest.approx(0.54, abs=1e-5)
    short = found["shortfall"]
    assert (short["wanted"], short["turnover"]) == (Decimal("0.9"), False)
    assert float(short["possible"]) == pytest.approx(0.46, abs=1e-9)
    assert [(limit["rule"], limit["symbols"], limit["most"]) for limit in short["limits"]] == [
        ("concentration_risk", ["AAA"], Decimal("0.23")),
        ("concentration_risk", ["BBB"], Decimal("0.23")),
    ]
    hard = await optimise(service, "min_variance", limits="hard")
    assert weights(hard) == pytest.approx([0.25, 0.25], abs=1e-6)
    assert hard["plan"]["remaining"] == []


async def test_a_plan_may_buy_what_is_not_held_and_sells_what_is_not_asked_for(service: Service) -> None:
    await hold(service, {"AAA": "20", "DDD": "20"})
    await remember(service, uncorrelated())
    found = await optimise(service, "equal_weight", symbols=["bbb-usd", "AAA", "CCC"], cash_percent=46)
    assert found["weights"] == dict.fromkeys(("AAA", "BBB", "CCC"), Decimal("0.18"))
    assert found["sold"] == ["DDD"]
    assert found["priced_at_close"] == ["BBB", "CCC"]
    trades = {trade["symbol"]: trade for trade in found["plan"]["recommendations"]}
    assert (trades["DDD"]["action"], trades["DDD"]["trade_quantity"]) == ("SELL", 20)
    assert (trades["BBB"]["action"], trades["CCC"]["action"]) == ("BUY", "BUY")
    # At 1,000 dollars, of what is left after a fee of 10 basis points on all that is traded.
    whole = float(found["plan"]["projected"]["total_value"])
    assert float(trades["BBB"]["trade_quantity"]) == pytest.approx(0.18 * whole / 1000, rel=1e-6)
    assert found["plan"]["recommendations"][0]["symbol"] == "DDD"


async def test_without_a_positive_mean_the_least_variance_stands_for_the_greatest_ratio(service: Service) -> None:
    await hold(service, dict.fromkeys(FOUR, "25"))
    await remember(service, uncorrelated(-0.001))
    found = await optimise(service, "max_sharpe", **ALL)
    assert found["fallback_chain"] == [
        {"objective": "max_sharpe", "reason": "no_positive_mean"},
        {"objective": "min_variance", "reason": None},
    ]
    assert weights(found) == pytest.approx([36 / 65, 16 / 65, 9 / 65, 4 / 65], abs=1e-6)


async def test_an_asset_that_does_not_move_leaves_the_weights_where_they_are(service: Service) -> None:
    await hold(service, {"AAA": "25", "BBB": "30"})
    still = uncorrelated()[:, :2] * np.array([1.0, 0.0])
    await remember(service, still, FOUR[:2])
    found = await optimise(service, "risk_parity", **ALL)
    assert [step["objective"] for step in found["fallback_chain"]] == ["risk_parity", "inverse_volatility", "current"]
    assert [step["reason"] for step in found["fallback_chain"]] == ["an_asset_does_not_move"] * 2 + [None]
    assert found["plan"]["recommendations"] == []
    assert weights(found) == [0.25, 0.3]
    assert found["cash"] == Decimal("0.45")


async def test_too_few_days_are_refused_but_for_what_does_not_look_at_them(service: Service) -> None:
    await hold(service, dict.fromkeys(FOUR, "20"))
    await remember(service, uncorrelated()[-59:])
    answer = await service.http.post("/optimise", json={"objective": "min_variance"})
    assert is_problem(answer, 422, "too-few-days")
    assert "59 days of returns in common, at least 60" in answer.json()["detail"]
    found = await optimise(service, "inverse_volatility", limits=FREE, cash_percent=0)
    deviations = uncorrelated()[-59:].std(axis=0, ddof=1)
    assert weights(found) == pytest.approx((1 / deviations / (1 / deviations).sum()).tolist(), abs=1e-9)
    assert found["expected"] is None
    assert found["reasons"] == {"expected": "too_few_common_days", "risk_contributions": "too_few_common_days"}
    assert found["honesty"]["observations"] == 59
    assert weights(await optimise(service, "equal_weight", limits=FREE, cash_percent=0)) == [0.25] * 4


async def test_what_cannot_be_sold_within_the_turnover_stays_invested(service: Service) -> None:
    await hold(service, {"AAA": "50", "BBB": "30"})
    await remember(service, uncorrelated())
    for objective in ("min_variance", "max_sharpe", "risk_parity", "hrp", "min_cvar", "equal_weight"):
        found = await optimise(service, objective, **{**ALL, "cash_percent": 99}, max_turnover_percent=10)
        # 80 % less 10; to come to 1 % would take 79
        assert sum(found["weights"].values()) == pytest.approx(Decimal("0.7"), abs=Decimal("0.0001")), objective
        assert min(found["weights"].values()) >= 0
        assert found["cash"] == 1 - sum(found["weights"].values())
        assert Decimal("9.98") < found["plan"]["turnover_percent"] <= 10, objective
        assert found["shortfall"]["turnover"] is True


async def test_a_bound_on_turnover_holds_and_one_that_is_too_low_is_refused(service: Service) -> None:
    await hold(service, {"AAA": "20", "BBB": "15", "CCC": "15", "DDD": "5"})
    await remember(service, uncorrelated())
    for objective in ("min_variance", "equal_weight", "min_cvar", "hrp"):
        found = await optimise(service, objective, max_turnover_percent=10)
        assert Decimal("9.98") < found["plan"]["turnover_percent"] <= 10, objective
        assert found["shortfall"]["turnover"] is True  # to invest 90 % of the value takes 35 % of turnover
        assert float(found["shortfall"]["possible"]) == pytest.approx(0.65, abs=1e-4)  # less the costs
    refused = await service.http.post(
        "/optimise", json={"objective": "min_variance", "symbols": ["BBB"], "max_turnover_percent": 39}
    )
    assert is_problem(refused, 422, "turnover-too-low")  # A, C and D are 40 %
    lower = {"objective": "min_variance", "limits": {"position_limit": 0.1}, "max_turnover_percent": 19}
    refused = await service.http.post("/optimise", json=lower)
    assert is_problem(refused, 422, "turnover-too-low")  # 10 + 5 + 5 over
    assert "20.0181 %" in refused.json()["detail"]  # 20 / (1 - 0.9 x 0.001) / (1 - 0.000001), rounded up


async def test_a_stablecoin_keeps_its_value_unless_it_is_asked_for(service: Service) -> None:
    await hold(service, {"AAA": "20", "BBB": "20", "USDC": "10"})
    await remember(service, waves(3) * np.array([0.02, 0.03, 0.0001]), ("AAA", "BBB", "USDC"))
    found = await optimise(service, "min_variance", limits=FREE)
    assert [(one["symbol"], one["weight"], one["reason"]) for one in found["kept"]] == [
        ("USDC", Decimal("0.1"), "stablecoin")
    ]
    assert set(found["weights"]) == {"AAA", "BBB"}
    assert sum(weights(found)) == pytest.approx(0.8, abs=1e-6)
    assert found["plan"]["projected"]["cash_balance"] >= 0
    asked = await optimise(service, "min_variance", limits=FREE, symbols=["AAA", "BBB", "USDC"], estimator="sample")
    assert asked["weights"]["USDC"] > Decimal("0.89")
    every = await optimise(service, "equal_weight", limits=FREE, cash_percent=0)
    assert every["plan"]["projected"]["cash_balance"] >= 0


async def test_it_says_how_far_it_can_be_trusted(service: Service) -> None:
    await hold(service, dict.fromkeys(FOUR, "25"))
    await remember(service, uncorrelated(MEANS))
    found = await optimise(service, "min_variance", **{**ALL, "limits": {**FREE, "position_limit": 0.4}})
    honesty, expected = found["honesty"], found["expected"]
    assert (honesty["observations"], honesty["effective_observations"]) == (64, 64)
    assert float(honesty["condition_number"]) == pytest.approx(9, rel=1e-9)  # .36 / .04
    assert honesty["optimality_gap"] < Decimal("1e-9")
    assert honesty["reasons"] == {"shrinkage": "not_shrunk"}
    assert set(honesty["weight_spread"]) == set(FOUR)
    assert all(0 <= spread < Decimal("0.2") for spread in honesty["weight_spread"].values())
    [binding] = honesty["binding_limits"]
    assert (binding["rule"], binding["symbols"], binding["most"]) == ("concentration_risk", ["AAA"], Decimal("0.4"))
    assert binding["dual"] > 0
    assert sum(float(part) for part in found["risk_contributions"].values()) == pytest.approx(1)
    vector = np.array(weights(found))
    assert float(expected["return"]["value"]) == pytest.approx(365 * float(vector @ MEANS), rel=1e-6)
    assert all(figure["standard_error"] > 0 for figure in expected.values())
    assert set(found["versus"]) == {"current", "equal_weight"}
    assert found["versus"]["current"] == found["versus"]["equal_weight"]  # a quarter of each is held
    assert expected["volatility"]["value"] < found["versus"]["equal_weight"]["volatility"]["value"]
    again = await optimise(service, "min_variance", **{**ALL, "limits": {**FREE, "position_limit": 0.4}})
    assert again == found


@pytest.mark.parametrize(
    ("body", "slug", "named"),
    [
        ({}, "malformed-request", "objective"),
        ({"objective": "luck"}, "malformed-request", "objective"),
        ({"objective": "hrp", "limits": {"position_limit": 25}}, "invalid-policy", "limits.position_limit"),
        ({"objective": "hrp", "limits": {"position_limit": "x"}}, "malformed-request", "limits.position_limit"),
        ({"objective": "hrp", "limits": {"fee_bps": 1}}, "malformed-request", "limits"),
        ({"objective": "hrp", "limits": "soft"}, "malformed-request", "limits"),
        ({"objective": "hrp", "cash_percent": 100}, "malformed-request", "cash_percent"),
        ({"objective": "hrp", "confidence": 0.4}, "malformed-request", "confidence"),
        ({"objective": "hrp", "days": 0}, "malformed-request", "days"),
        ({"objective": "hrp", "symbols": []}, "malformed-request", "symbols"),
        ({"objective": "hrp", "symbols": ["BTC", "btc"]}, "malformed-request", "symbols"),
        ({"objective": "hrp", "symbols": ["BTC", "?"]}, "malformed-request", "symbols[1]"),
    ],
)
async def test_what_cannot_be_meant_is_refused_by_its_field(
    service: Service, body: dict[str, Any], slug: str, named: str
) -> None:
    answer = await service.http.post("/optimise", json=body)
    assert is_problem(answer, 400, slug)
    assert any(field.startswith(named) for field in fields(answer)), answer.text


async def test_where_nothing_is_held_there_is_nothing_to_optimise(service: Service) -> None:
    answer = await service.http.post("/optimise", json={"objective": "equal_weight"})
    assert is_problem(answer, 422, "not-optimisable")


@pytest.mark.parametrize(
    ("failure", "status", "slug"),
    [
        (NotInstalled("clarabel", "optimise"), 501, "not-installed"),
        (ComputationFailed("it ended"), 503, "computation-failed"),
        (ComputationLate("it took too long"), 503, "computation-late"),
    ],
)
async def test_a_computation_that_fails_is_answered_as_what_it_is(
    service: Service, failure: Exception, status: int, slug: str
) -> None:
    await hold(service, dict.fromkeys(FOUR, "25"))
    await remember(service, uncorrelated())
    service.compute.failure = failure
    answer = await service.http.post("/optimise", json={"objective": "min_variance"})
    assert is_problem(answer, status, slug)
    service.compute.failure = None
    assert (await service.http.post("/optimise", json={"objective": "min_variance"})).status_code == 200


async def test_closes_whose_turn_has_not_come_are_no_reason_against_their_assets() -> None:
    class Gated(ScriptedCloses):
        """Gives closes when it is told to."""

        opens = asyncio.Event()

        async def daily_closes(self, symbol: Symbol, start: date, end: date) -> Sequence[Close]:
            await self.opens.wait()
            return await super().daily_closes(symbol, start, end)

    exchange = Gated(at=1000)
    async with running(closes=exchange, request_deadline_seconds=1.0) as service:
        names = [f"N{place}" for place in range(AT_ONCE + 2)]
        body = {"objective": "equal_weight", "symbols": names}
        answer = await service.http.post("/optimise", json=body)
        assert is_problem(answer, 503, "closes-pending")
        assert answer.headers["Retry-After"] == "5"
        detail = answer.json()["detail"]  # whether the first four are late already is a matter of milliseconds
        assert "N4" in detail
        assert "still being fetched" in detail
        exchange.opens.set()
        # Those of the first four that took too long rest for a minute, from when they were given up: perhaps only now.
        async with asyncio.timeout(30):
            while (await service.http.post("/optimise", json=body)).status_code != 200:
                service.clock.advance(AGAIN_SECONDS + 1)
        assert (await optimise(service, "equal_weight", symbols=names))["priced_at_close"] == names
