"""The check before a trade: what it says comes true, and nothing is stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portfolio.application.prices.records import Close
from portfolio.domain.categories import Categories
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol
from tests.support.fakes.fake_prices import ScriptedCloses
from tests.support.histories import CALM, PRICE, WILD, Shape, booking, exact, hold, remember, rising
from tests.support.services.http_service import Service, SilentLedger, is_problem, running, running_on_sqlite

CATEGORIES = Categories({"UNI": "dex", "CAKE": "dex", "USDC": "stablecoin"})
STEP = Decimal(1).scaleb(-18)
CHECK_FIELDS = {
    "symbol", "side", "quantity", "price", "category", "accepted", "problem", "allowed", "breaks_limits",
    "broken_limits", "largest_quantity", "current", "projected",
}  # fmt: skip


@pytest.fixture
async def categorised(tmp_path: Path) -> AsyncIterator[Service]:
    """A service with categories of the tests'."""
    async with running_on_sqlite(tmp_path, categories=CATEGORIES) as service:
        yield service


async def check(service: Service, body: Mapping[str, Any]) -> Any:
    """What the check says."""
    return exact(await service.http.post("/pretrade/check", json=body))["check"]


async def test_the_figures_after_the_trade_are_those_of_the_booking(categorised: Service) -> None:
    await hold(categorised, {"UNI": "20", "SOL": "8"})
    await remember(categorised, {"UNI": CALM, "SOL": rising})
    body = booking("CAKE", Decimal(15), fees="0.001")
    said = await check(categorised, body)
    assert set(said) >= CHECK_FIELDS
    assert (said["accepted"], said["problem"], said["allowed"], said["breaks_limits"]) == (True, None, True, False)
    # 15 of 99,985 thousand; with UNI in its category 35,000.
    assert said["projected"]["allocation_percent"] == Decimal("15.00225")
    assert said["projected"]["category_allocation"] == Decimal("35.005251")
    assert said["current"]["category_allocation"] == 20
    assert (await categorised.http.post("/holdings/update", json=body)).status_code == 200
    now = (await check(categorised, body))["current"]
    assert now == said["projected"]
    health = exact(await categorised.http.get("/rebalance/analysis"))["analysis"]["portfolio_health_score"]
    assert said["projected"]["portfolio_health_score"] == health


async def test_risk_after_a_sale_of_all_is_that_of_the_rest_alone(categorised: Service) -> None:
    """SOL has a close less, which takes two days from what the two have in common."""
    await hold(categorised, {"UNI": "20", "SOL": "8"})
    await remember(categorised, {"UNI": rising, "SOL": lambda day: WILD(day) if day != 20 else Decimal(0)})
    body = booking("SOL", Decimal(8), side="SELL")
    said = await check(categorised, body)
    assert (await categorised.http.post("/holdings/update", json=body)).status_code == 200
    found = exact(await categorised.http.get("/risk/volatility-analysis"))["volatility"]
    assert said["projected"]["portfolio_volatility"] == found["portfolio_volatility"]
    assert (await check(categorised, booking("SOL", Decimal(1))))["current"]["portfolio_volatility"] == found[
        "portfolio_volatility"
    ]


async def test_risk_after_the_trade_is_that_of_the_weights_after_it(categorised: Service) -> None:
    await hold(categorised, {"UNI": "20"})
    shapes: Mapping[str, Shape] = {"UNI": CALM, "DOGE": WILD}
    await remember(categorised, shapes)
    said = await check(categorised, booking("DOGE", Decimal(10)))
    closes = np.array([[float(shape(day)) for shape in (CALM, WILD)] for day in range(31)])
    returns = closes[1:] / closes[:-1] - 1
    daily = returns @ np.array([0.2, 0.1])
    assert float(said["projected"]["portfolio_volatility"]) == pytest.approx(daily.std(ddof=1) * 365**0.5, abs=1e-9)
    # 5 % of 30 days are one and a half: the second worst loss.
    assert float(said["projected"]["value_at_risk_95"]) == pytest.approx(np.sort(-daily)[::-1][1], abs=1e-9)
    correlation = np.corrcoef(returns.T)[0, 1]
    assert float(said["projected"]["correlations"]["UNI"]) == pytest.approx(correlation, abs=1e-9)
    assert float(said["projected"]["average_correlation"]) == pytest.approx(correlation, abs=1e-9)
    assert said["projected"]["hhi"] == Decimal("0.555555555556")


LARGEST: Mapping[str, tuple[Mapping[str, str], str, str]] = {
    "a position": ({}, "BTC", "concentration_risk"),
    "more of a position": ({"BTC": "10"}, "BTC", "concentration_risk"),
    "a category": ({"UNI": "24"}, "CAKE", "category_concentration"),
    "a pair": ({"ADA": "24"}, "DOT", "high_correlation"),
    "a volatile position": ({}, "DOGE", "high_volatility"),
}


@pytest.mark.parametrize("case", LARGEST)
async def test_the_largest_quantity_is_booked_and_a_step_more_breaks_the_limit(categorised: Service, case: str) -> None:
    percents, symbol, rule = LARGEST[case]
    await hold(categorised, percents)
    await remember(categorised, {"ADA": CALM, "DOT": CALM, "DOGE": WILD})
    largest = (await check(categorised, booking(symbol, Decimal(40), fees="0.001")))["largest_quantity"]
    assert 1 < largest < 40
    more = await check(categorised, booking(symbol, largest + STEP, fees="0.001"))
    assert (more["accepted"], more["allowed"], more["breaks_limits"]) == (True, False, True)
    assert rule in {limit["rule"] for limit in more["broken_limits"] if limit["caused"]}
    body = booking(symbol, largest, fees="0.001")
    said = await check(categorised, body)
    assert (said["allowed"], said["broken_limits"], said["largest_quantity"]) == (True, [], largest)
    assert (await categorised.http.post("/holdings/update", json=body)).status_code == 200
    assert exact(await categorised.http.get("/rebalance/analysis"))["analysis"]["broken_limits"] == []


async def test_where_no_limit_holds_the_cash_is_the_limit(categorised: Service) -> None:
    largest = (await check(categorised, booking("USDC", Decimal(1), fees="0.001")))["largest_quantity"]
    # 100,000 over 1,001.
    assert largest == Decimal("99.900099900099900099")
    assert (await check(categorised, booking("USDC", largest, fees="0.001")))["allowed"] is True
    more = await check(categorised, booking("USDC", largest + STEP, fees="0.001"))
    assert (more["accepted"], more["allowed"], more["breaks_limits"], more["projected"]) == (False, False, None, None)
    assert (more["problem"]["status"], more["problem"]["type"]) == (409, "/problems/insufficient-cash")
    assert more["reasons"] == {"projected": "not_accepted", "breaks_limits": "not_accepted"}


@pytest.mark.parametrize("fed", [True, False])
async def test_the_booking_s_own_price_and_fees_count(categorised: Service, fed: bool) -> None:
    await hold(categorised, {"BTC": "10"})
    if fed:
        categorised.feed.prices["BTC"] = "1000"
        assert (await categorised.http.post("/portfolio/refresh")).status_code == 200
    dear = {"symbol": "BTC", "side": "BUY", "quantity": 1, "price": 1040, "net_amount": 1040, "fees": 10}
    largest = (await check(categorised, dear))["largest_quantity"]
    # x of 10000 + 1000 x = 0.25 (100000 - 50 x): each unit loses 40 by its price and 10 by its fee.
    # Without a price of a feed what is held counts at the booking's: 10400 + 1040 x = 0.25 (100400 - 10 x).
    assert largest == Decimal("14.814814814814814814" if fed else "14.100719424460431654")

    def of(quantity: Decimal) -> Mapping[str, Any]:
        return {**dear, "quantity": str(quantity), "net_amount": str(quantity * 1040), "fees": str(quantity * 10)}

    assert (await check(categorised, of(largest)))["breaks_limits"] is False
    assert (await check(categorised, of(largest + STEP)))["breaks_limits"] is True


async def test_a_fee_in_another_asset_is_sold_as_the_booking_would(categorised: Service) -> None:
    await hold(categorised, {"UNI": "20", "SOL": "8"})
    await remember(categorised, {"UNI": CALM, "SOL": rising})
    body = {**booking("CAKE", Decimal(15)), "fee_asset": "SOL", "fee_quantity": "0.5"}
    said = await check(categorised, body)
    assert said["accepted"] is True, said
    assert (await categorised.http.post("/holdings/update", json=body)).status_code == 200
    assert (await check(categorised, body))["current"] == said["projected"]
    too_much = await check(categorised, {**body, "fee_quantity": 9})
    assert too_much["problem"]["type"] == "/problems/insufficient-quantity"


async def test_a_sale_takes_at_most_what_is_held_and_breaks_nothing_of_its_own(categorised: Service) -> None:
    await hold(categorised, {"BTC": "40"})
    said = await check(categorised, booking("BTC", Decimal(1), side="SELL"))
    assert (said["allowed"], said["largest_quantity"]) == (True, 40)
    [limit] = said["broken_limits"]
    assert (limit["newly_broken"], limit["caused"], limit["allocation"]) == (False, False, 39)
    more = await check(categorised, booking("BTC", Decimal(41), side="SELL"))
    assert more["problem"]["type"] == "/problems/insufficient-quantity"


async def test_more_of_what_is_over_its_limit_is_the_trade_s_doing(categorised: Service) -> None:
    await hold(categorised, {"BTC": "30"})
    said = await check(categorised, booking("BTC", Decimal(1)))
    [limit] = said["broken_limits"]
    assert (limit["newly_broken"], limit["caused"], said["largest_quantity"]) == (False, True, 0)


async def test_nothing_is_stored_and_the_key_is_not_used_up(categorised: Service) -> None:
    body = {**booking("BTC", Decimal(1)), "client_trade_id": "once"}
    refused = {**body, "quantity": 2, "client_trade_id": "twice"}
    assert (await check(categorised, body))["allowed"] is True
    said = await check(categorised, refused)
    assert said["problem"]["type"] == "/problems/amount-mismatch"
    assert (said["largest_quantity"], said["reasons"]["largest_quantity"]) == (None, "amount_mismatch")
    said = await check(categorised, {**refused, "quantity": 1, "fees": 500})
    assert said["problem"]["type"] == "/problems/fees-too-high"
    assert [error["field"] for error in said["problem"]["errors"]] == ["fees"]
    assert (said["largest_quantity"], said["reasons"]["largest_quantity"]) == (None, "fees_too_high")
    assert exact(await categorised.http.get("/portfolio"))["portfolio"]["num_positions"] == 0
    assert exact(await categorised.http.get("/bookings?status=refused"))["bookings"] == []
    assert is_problem(await categorised.http.get("/bookings/once"), 404, "not-found")
    assert exact(await categorised.http.post("/holdings/update", json=body))["replayed"] is False


async def test_a_body_that_no_booking_could_be_is_refused_like_one(categorised: Service) -> None:
    for body in (
        {**booking("BTC", Decimal(1)), "leverage": 3},
        {**booking("BTC", Decimal(1)), "price": "NaN"},
        {**booking("BTC", Decimal(1)), "quantity": "1E+999999"},
    ):
        assert is_problem(await categorised.http.post("/pretrade/check", json=body), 400, "malformed-request")
    huge = {"symbol": "BTC", "side": "SELL", "quantity": "4e19", "price": 1, "net_amount": "4e19", "override": True}
    two = {**huge, "symbol": "ETH"}
    assert (await categorised.http.post("/holdings/update", json=huge)).status_code == 200
    assert (await check(categorised, two))["problem"]["type"] == "/problems/out-of-range"


async def test_what_is_worth_nothing_or_has_no_price_has_no_largest_quantity(categorised: Service) -> None:
    short = {**booking("BTC", Decimal(200), side="SELL"), "override": True}
    assert (await categorised.http.post("/holdings/update", json=short)).status_code == 200
    categorised.feed.prices["BTC"] = "3000"
    assert (await categorised.http.post("/portfolio/refresh")).status_code == 200
    said = await check(categorised, booking("ETH", Decimal(1)))
    assert (said["largest_quantity"], said["reasons"]["largest_quantity"]) == (None, "no_total_value")
    assert said["current"]["reasons"]["allocation_percent"] == "no_total_value"


async def test_read_or_trade_will_do() -> None:
    keys = "engine:trade:tttttttttttttttt,eye:read:rrrrrrrrrrrrrrrr,boss:admin:cccccccccccccccc"
    async with running(api_keys=keys) as service:
        for letter, status in (("t", 200), ("r", 200), ("c", 403)):
            headers = {"X-TRADING-API-KEY": letter * 16}
            answer = await service.http.post("/pretrade/check", json=booking("BTC", Decimal(1)), headers=headers)
            assert answer.status_code == status, answer.text
        body = {**booking("BTC", Decimal(1)), "override": True}
        answer = await service.http.post("/pretrade/check", json=body, headers={"X-TRADING-API-KEY": "t" * 16})
        assert is_problem(answer, 403, "forbidden")


async def test_with_the_database_away_there_is_no_answer_to_trade_on(service: Service) -> None:
    body = booking("BTC", Decimal(1))
    assert (await check(service, body))["accepted"] is True
    service.ledger.away = True
    assert is_problem(await service.http.post("/pretrade/check", json=body), 503, "ledger-unavailable")


async def test_a_database_that_does_not_answer_ends_the_check_and_not_the_plan() -> None:
    async with running(ledger=SilentLedger(), request_deadline_seconds=0.6) as service:
        await hold(service, {"BTC": "30"})
        before = exact(await service.http.get("/rebalance/recommendations"))["recommendations"]
        service.ledger.silent = True
        found = exact(await service.http.get("/rebalance/recommendations"))
        assert (found["stale"], found["recommendations"]) == (True, before)
        answer = await service.http.post("/pretrade/check", json=booking("BTC", Decimal(1)))
        assert is_problem(answer, 503, "ledger-unavailable")


# ------------------------------------------------------------------------------------------------ what nobody can say


async def test_the_closes_of_an_asset_that_is_not_held_are_fetched_and_kept() -> None:
    closes = ScriptedCloses(at=1000)
    async with running(closes=closes) as service:
        for _ in range(2):
            said = await check(service, booking("SOL", Decimal(1)))
            assert (said["allowed"], said["projected"]["portfolio_volatility"]) == (True, 0)
        [(symbol, start, end)] = closes.asked
        assert (symbol.code, (end - start).days, end) == ("SOL", 365, service.clock.now().date() - timedelta(days=1))
        kept = await service.prices.closes([Symbol("SOL")], since=start, until=end)
        assert len(kept) == 366


async def test_many_who_check_the_same_asset_at_once_have_its_closes_fetched_once() -> None:
    closes = ScriptedCloses(at=1000)
    async with running(closes=closes) as service:
        said = await asyncio.gather(*(check(service, booking("SOL", Decimal(1))) for _ in range(5)))
        assert [one["allowed"] for one in said] == [True] * 5
        assert len(closes.asked) == 1


async def test_without_closes_nobody_can_say_and_the_exchange_is_not_asked_again_at_once() -> None:
    closes = ScriptedCloses([Symbol("SOL"), Symbol("USDC")], at=1000)
    async with running(closes=closes, categories=CATEGORIES) as service:
        for _ in range(2):
            said = await check(service, booking("SOL", Decimal(1)))
            assert (said["allowed"], said["reasons"]) == (None, {"allowed": "history_unavailable"})
            assert said["accepted"] is True
        assert len(closes.asked) == 1
        # A stablecoin needs no past.
        assert (await check(service, booking("USDC", Decimal(1))))["allowed"] is True
        # What breaks a limit does so whatever its past is.
        assert (await check(service, booking("SOL", Decimal(26))))["allowed"] is False
        closes.failing = ()
        service.clock.advance(61)
        assert (await check(service, booking("SOL", Decimal(1))))["allowed"] is True


async def test_an_exchange_that_does_not_answer_holds_a_check_up_no_longer_than_it_may() -> None:
    class Silent(ScriptedCloses):
        async def daily_closes(self, symbol: Symbol, start: date, end: date) -> Sequence[Close]:
            await asyncio.Event().wait()
            raise AssertionError

    async with running(closes=Silent(), request_deadline_seconds=1.0) as service:
        said = await check(service, booking("SOL", Decimal(1)))
        assert (said["allowed"], said["reasons"]["allowed"]) == (None, "history_unavailable")


async def test_of_an_asset_of_a_few_days_nobody_can_say_and_a_sale_needs_no_past(service: Service) -> None:
    await hold(service, {"DOGE": "10"})
    yesterday = service.clock.now().date() - timedelta(days=1)
    await service.prices.add_closes(
        [Close(symbol=Symbol("DOGE"), day=yesterday, price=Price(Decimal(PRICE)), source="coinbase")]
    )
    said = await check(service, booking("DOGE", Decimal(1)))
    assert (said["allowed"], said["reasons"]["allowed"]) == (None, "too_few_observations")
    assert (await check(service, booking("DOGE", Decimal(1), side="SELL")))["allowed"] is True


@pytest.mark.parametrize(("factor", "allowed"), [("5", True), ("5.01", False), ("0.2", True), ("0.199", False)])
@pytest.mark.parametrize("is_held", [True, False])
async def test_a_price_a_factor_off_the_market_is_not_allowed(
    service: Service, is_held: bool, factor: str, allowed: bool
) -> None:
    if is_held:
        await hold(service, {"SOL": "1"})
    price = PRICE * Decimal(factor)
    body = {**booking("SOL", Decimal(1)), "price": str(price), "net_amount": str(price)}
    said = await check(service, body)
    assert (said["accepted"], said["allowed"]) == (True, allowed)
    assert said["reasons"] == ({} if allowed else {"allowed": "price_off_market"})


async def test_on_stale_prices_nobody_can_say(service: Service) -> None:
    await hold(service, {"BTC": "20", "ETH": "0.5"})
    await check(service, booking("BTC", Decimal(1)))
    service.clock.advance(301)
    for body in (booking("SOL", Decimal(1)), booking("BTC", Decimal(1), side="SELL")):
        said = await check(service, body)
        assert (said["accepted"], said["allowed"], said["reasons"]) == (True, None, {"allowed": "prices_stale"})
    service.feed.prices["BTC"] = str(PRICE)
    await service.http.post("/portfolio/refresh")
    # 20 of 20.5 are fresh by now, 97.6 %: ETH alone is in doubt.
    assert (await check(service, booking("SOL", Decimal(1))))["allowed"] is True
    said = await check(service, booking("ETH", Decimal("0.1")))
    assert (said["allowed"], said["reasons"]) == (None, {"allowed": "prices_stale"})
