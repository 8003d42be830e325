"""What of a plan an exchange takes: beside every trade of every plan, with the exchange, or why nobody knows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from portfolio.application.prices.records import KeptRules
from portfolio.domain.money import EXACT
from portfolio.domain.prices.exchange_rules import Rules, UnknownRules
from portfolio.domain.symbol import Symbol
from tests.support.exchange_rules import rules
from tests.support.fakes.fake_prices import BTC, SOL
from tests.support.histories import booking, exact, hold, remember, rising
from tests.support.html_pages import HTML, read_page
from tests.support.services.http_service import Service, is_problem

UNFETCHED = "coinbase: its rules were never fetched; binance: its rules were never fetched"
COARSE = rules(step="0.5")
FIELDS = ("executable_quantity", "venue", "executable_reason")


async def keep(service: Service, found: Mapping[Symbol, Rules], *, venue: str = "coinbase") -> None:
    """Keep rules that an exchange gave just now; whoever read them before reads them again in a minute."""
    await service.exchange_rules.keep(KeptRules(venue=venue, fetched_at=service.clock.now(), rules=found), None)


async def hold_too_much(service: Service) -> None:
    """60 % in BTC, which is sold, 10 % in SOL, which rises and is bought, at 1,000 dollars a unit; 10 % are cash."""
    await hold(service, {"BTC": "60", "SOL": "10", "ADA": "10", "DOT": "10"})
    await remember(service, {"SOL": rising})


async def recommended(service: Service) -> list[Any]:
    """The trades of the plan."""
    found: list[Any] = exact(await service.http.get("/rebalance/recommendations"))["recommendations"]
    return found


def executable(trade: Mapping[str, Any]) -> tuple[Any, ...]:
    """What is said of a trade."""
    return tuple(trade[name] for name in FIELDS)


async def test_before_the_rules_were_ever_fetched_all_is_as_it_was_and_they_are_unknown(service: Service) -> None:
    await hold_too_much(service)
    sale, purchase = await recommended(service)
    assert executable(sale) == executable(purchase) == (None, None, UNFETCHED)
    assert purchase["after"] == ["BTC"]
    signals = exact(await service.http.post("/rebalance/generate-signals"))["signals"]
    assert [executable(one) for one in signals] == [(None, None, UNFETCHED)] * 2
    assert [one["after"] for one in signals] == [[], ["BTC"]]


async def test_every_plan_says_what_the_exchange_takes_of_each_trade(service: Service) -> None:
    await hold_too_much(service)
    await keep(service, {BTC: COARSE, SOL: UnknownRules("coinbase: base_increment 0: has to be above zero")})
    await keep(service, {SOL: rules("binance", step="0.01")}, venue="binance")
    trades = await recommended(service)
    sale, purchase = trades
    assert executable(sale) == (EXACT.divide_int(sale["trade_quantity"], Decimal("0.5")) / 2, "coinbase", None)
    assert purchase["executable_quantity"] == purchase["trade_quantity"].quantize(
        Decimal("0.01"), rounding="ROUND_DOWN"
    )
    assert executable(purchase)[1:] == ("binance", None)
    analysis = exact(await service.http.get("/rebalance/analysis"))["analysis"]
    assert analysis["recommendations"] == trades
    imagined = exact(await service.http.post("/rebalance/what-if", json={"policy": {"position_limit": 0.3}}))["what_if"]
    assert imagined["recommendations"][0]["venue"] == "coinbase"
    signals = exact(await service.http.post("/rebalance/generate-signals"))["signals"]
    assert [executable(one) for one in signals] == [executable(one) for one in trades]
    kept = exact(await service.http.get("/rebalance/signals"))["signals"]
    assert [(executable(one), one["after"]) for one in kept] == [(executable(t), t["after"]) for t in reversed(trades)]


async def test_the_plan_to_weights_says_it_of_what_is_not_held_yet_too(service: Service) -> None:
    await hold(service, {"BTC": "60"})
    await keep(service, {BTC: COARSE, SOL: rules(step="0.3")})
    wish = {"objective": "equal_weight", "symbols": ["BTC", "SOL"], "cash_percent": 0, "limits": {"position_limit": 1}}
    found = exact(await service.http.post("/optimise", json=wish))["optimisation"]
    sale, purchase = found["plan"]["recommendations"]
    assert (sale["symbol"], purchase["symbol"]) == ("BTC", "SOL")
    assert EXACT.remainder(sale["executable_quantity"], Decimal("0.5")) == 0
    assert EXACT.remainder(purchase["executable_quantity"], Decimal("0.3")) == 0
    assert 0 < purchase["executable_quantity"] <= purchase["trade_quantity"]


async def test_the_way_to_the_target_score_says_it_too(service: Service) -> None:
    await hold(service, {"BTC": "40", "SOL": "30", "ADA": "30"})
    await keep(service, dict.fromkeys((BTC, SOL, Symbol("ADA")), COARSE))
    health = exact(await service.http.get("/risk/portfolio-health"))["health"]
    assert {trade["venue"] for trade in health["to_reach_target"]["trades"]} == {"coinbase"}


async def test_what_is_too_little_for_the_exchange_is_named_as_dust(service: Service) -> None:
    # Of 10,000 dollars 2,600 are BTC. They go down to 23 %: 300 / (1 - 0.23 x 0.001) = 300.07 dollars are sold, which
    # in whole steps of a dollar are 300.
    await service.http.post("/cash/transactions", json={"kind": "withdrawal", "amount": 90_000})
    await hold(service, {"BTC": "2.6"})
    await keep(service, {BTC: rules(min_notional="500")})
    [sale] = await recommended(service)
    assert sale["trade_value"] == Decimal("300.07")
    dust = "dust: 300 dollars are under the least order of coinbase, 500 dollars"
    assert executable(sale) == (0, "coinbase", dust)


async def test_rules_that_come_later_are_in_the_plan_a_minute_later_and_rules_of_a_week_ago_are_not(
    service: Service,
) -> None:
    await hold_too_much(service)
    assert executable((await recommended(service))[0])[2] == UNFETCHED
    await keep(service, {BTC: COARSE})
    assert executable((await recommended(service))[0])[2] == UNFETCHED
    service.clock.advance(61)
    assert (await recommended(service))[0]["venue"] == "coinbase"
    service.feed.prices = dict.fromkeys(("BTC", "SOL", "ADA", "DOT"), "1000")
    service.clock.advance(timedelta(days=8).total_seconds())
    assert (await service.http.post("/portfolio/refresh")).status_code == 200
    quantity, venue, reason = executable((await recommended(service))[0])
    assert (quantity, venue) == (None, None)
    assert reason == "coinbase: its rules were last fetched on 2025-06-15; binance: its rules were never fetched"


async def test_a_purchase_is_claimed_where_the_cash_covers_what_the_exchange_takes_of_it(service: Service) -> None:
    await hold_too_much(service)
    await keep(service, {BTC: rules(step="0.5"), SOL: rules(step="0.9")})
    sale, purchase = exact(await service.http.post("/rebalance/generate-signals"))["signals"]
    refused = await service.http.post(f"/rebalance/signals/{purchase['id']}/acknowledge")
    assert is_problem(refused, 409, "signal-outdated")
    assert (await service.http.post(f"/rebalance/signals/{sale['id']}/acknowledge")).status_code == 200
    sold = {**booking("BTC", sale["executable_quantity"], side="SELL"), "signal_id": sale["id"]}
    assert (await service.http.post("/holdings/update", json=sold)).status_code == 200
    [again] = exact(await service.http.post("/rebalance/generate-signals"))["signals"]
    assert (await service.http.post(f"/rebalance/signals/{again['id']}/acknowledge")).status_code == 200


async def test_the_page_shows_what_is_executable_and_where_or_why_not(service: Service) -> None:
    await hold_too_much(service)
    await keep(service, {BTC: COARSE})
    await service.http.post("/rebalance/generate-signals")
    page = read_page((await service.http.get("/pages/rebalancing", headers=HTML)).text)
    sale, purchase = await recommended(service)
    for title in ("Trades that the plan asks for", "Open signals, and those that are being carried out"):
        rows = {row["Trade"].text: row["Executable"] for row in page.table(title)}
        assert rows["sell BTC"].text == f"{sale['executable_quantity']} coinbase"
        assert rows["buy SOL"].text == purchase["executable_reason"]
