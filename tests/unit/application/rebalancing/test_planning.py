"""The plan of the state, what-if and the check before a trade, on books in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from portfolio.application.errors import LedgerUnavailable
from portfolio.application.ledger.records import BookTrade
from portfolio.application.ledger.snapshots import Snapshots
from portfolio.application.prices.exchange_rules import ReadExchangeRules
from portfolio.application.prices.fetched_closes import FetchCloses
from portfolio.application.rebalancing.planning import ImaginedTrade, ReadPlan, WhatIf, plan_of
from portfolio.application.rebalancing.pretrade import CheckTrade, TradeCheck
from portfolio.application.risk.state import ReadMarket, summary_of
from portfolio.domain.categories import Categories
from portfolio.domain.errors import InsufficientCash, InvalidAmount, InvalidPolicy
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.ledger.trade import Side
from portfolio.domain.mark import Mark
from portfolio.domain.money import Money, Price, Quantity
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.symbol import Symbol
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_books import Books
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_prices import ScriptedCloses
from tests.support.fakes.fake_rules import FakeExchangeRules
from tests.support.fakes.fake_stores import FakeLeases, FakePriceStore
from tests.support.fakes.joined_closes import joined_closes
from tests.unit.application.ledger.booking_examples import wish
from tests.unit.examples import execution

BTC, ETH = Symbol("BTC"), Symbol("ETH")
FREE = RebalancePolicy(fee_bps=Decimal(0))


class Desk:
    """The use cases on a portfolio of these quantities, each of 1,000 dollars; None where no price is known."""

    def __init__(
        self, held: dict[str, str], *, unpriced: str = "", cash: str = "70000", negative: bool = False
    ) -> None:
        self.clock = FakeClock()
        positions = {
            Symbol(code): Position(
                symbol=Symbol(code),
                quantity=Quantity(Decimal(quantity)),
                cost_basis=Money(Decimal(quantity) * 1000),
                mark=None if code == unpriced else Mark(Price(Decimal(1000)), "coinbase", self.clock.now()),
            )
            for code, quantity in held.items()
        }
        self.ledger = FakeLedger(Books(portfolio=Portfolio(id=1, cash=Money(Decimal(cash)), positions=positions)))
        self.snapshots = Snapshots(self.ledger, self.clock, 1)
        prices = FakePriceStore(self.ledger, FakeLeases())
        market = ReadMarket(
            self.snapshots,
            joined_closes(prices, self.clock, self.ledger),
            self.clock,
            categories=Categories(),
            policy=FREE,
            max_price_age=timedelta(seconds=300),
            rules=ReadExchangeRules(FakeExchangeRules(), self.clock, ()),
        )
        rules = BookingRules(allow_negative_cash=negative)
        self.plan, self.what_if = ReadPlan(market), WhatIf(market, rules)
        closes = FetchCloses(prices, ScriptedCloses(at=1000), self.clock, 1.0)
        self.check = CheckTrade(market, closes, rules)

    async def checked(self, command: BookTrade) -> TradeCheck:
        """What the check says of the newest state."""
        return await self.check(await self.snapshots.newest(), command)


async def test_the_plan_is_made_once_for_what_stands() -> None:
    desk = Desk({"BTC": "30"})
    first = await desk.plan()
    assert [trade.symbol for trade in plan_of(first).recommendations] == ["BTC"]
    assert plan_of(await desk.plan()) is plan_of(first)
    desk.clock.advance(seconds=301)
    assert plan_of(await desk.plan()).recommendations == ()


async def test_a_long_plan_is_the_same_in_a_thread() -> None:
    desk = Desk({"BTC": "30", **{f"A{n}": "1" for n in range(12)}}, cash="58000")
    [trade] = plan_of(await desk.plan()).recommendations
    assert (trade.symbol, trade.trade_value) == ("BTC", Decimal(7000))
    checked = await desk.checked(wish(execution(Side.SELL, "BTC", 1, 1000)))
    assert checked.after is not None
    assert (checked.after.allocation, checked.largest_quantity) == (Decimal(29), Decimal(30))


async def test_an_asset_without_a_price_needs_one_of_the_trade() -> None:
    desk = Desk({"BTC": "10", "ETH": "20"}, unpriced="ETH")
    snapshot = await desk.snapshots.newest()
    sale = ImaginedTrade(symbol=ETH, side=Side.SELL, quantity=Quantity(Decimal(5)))
    with pytest.raises(InvalidAmount, match="ETH has no price here") as caught:
        await desk.what_if(snapshot, [sale])
    assert caught.value.field == "trades[0].price"
    # Carried at cost: a quarter of it goes for what the trade brings.
    found = await desk.what_if(snapshot, [replace(sale, price=Price(Decimal(900)))])
    assert (found.projected.view.cash, found.projected.view.holdings["ETH"].value) == (Decimal(74_500), Decimal(15_000))
    checked = await desk.checked(wish(execution(Side.BUY, "ETH", 1, 1000)))
    # What is held counts at the booking's price: 20,000 of 100,000, and 25,000 is the limit.
    assert (checked.is_accepted, checked.largest_quantity) == (True, Decimal(5))


async def test_the_first_price_given_stands_for_an_asset_that_is_new() -> None:
    desk = Desk({})
    buys = [
        ImaginedTrade(symbol=ETH, side=Side.BUY, quantity=Quantity(Decimal(1)), price=Price(Decimal(price)), fees=fees)
        for price, fees in ((1000, None), (2000, Money(Decimal(7))))
    ]
    found = await desk.what_if(await desk.snapshots.newest(), buys, changes={"fee_bps": Decimal(100)})
    assert [trade.estimated_fee for trade in found.trades] == [10, 7]
    assert (found.estimated_cost, sum(trade.trade_value for trade in found.trades), found.projected.view.cash) == (
        Decimal(17),
        Decimal(3000),
        Decimal(66_983),
    )
    assert found.projected.view.holdings["ETH"].value == 2000


async def test_cash_below_zero_is_projected_where_it_is_allowed() -> None:
    buy = ImaginedTrade(symbol=BTC, side=Side.BUY, quantity=Quantity(Decimal(80)), price=Price(Decimal(1000)))
    for negative in (False, True):
        desk = Desk({"BTC": "1"}, negative=negative)
        snapshot = await desk.snapshots.newest()
        if negative:
            assert (await desk.what_if(snapshot, [buy])).projected.view.cash == -10_000
        else:
            with pytest.raises(InsufficientCash):
                await desk.what_if(snapshot, [buy])


async def test_a_policy_that_cannot_be_is_refused() -> None:
    desk = Desk({"BTC": "30"})
    with pytest.raises(InvalidPolicy, match="position_limit"):
        await desk.what_if(await desk.snapshots.newest(), changes={"position_limit": Decimal(25)})


async def test_a_check_is_not_made_on_what_was_known_last() -> None:
    desk = Desk({"BTC": "30"})
    trade = wish(execution(Side.BUY, "BTC", 1, 1000))
    assert (await desk.checked(trade)).breaks_limits is True
    desk.ledger.away = True
    with pytest.raises(LedgerUnavailable, match="cannot be checked"):
        await desk.checked(trade)
    planned = await desk.plan()
    assert planned.stale
    assert plan_of(planned).recommendations


async def test_what_is_over_a_limit_is_counted_to_the_last_digit() -> None:
    desk = Desk({"BTC": "30"})
    state = await desk.plan()
    [over] = summary_of(state).over
    assert (over.allocation, over.limit_allocation, over.category, over.symbols) == (
        Decimal(30),
        Decimal(25),
        None,
        ("BTC",),
    )
    assert (over.excess_allocation, over.excess_value) == (Decimal(5), Decimal(5000))
