"""What a command gathers for a backtest: the stored closes, and what is held."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

from portfolio.analytics.closes import Join, NotJoined
from portfolio.application.backtest.gathering import GatherCloses
from portfolio.application.ledger.snapshots import Snapshots
from portfolio.application.prices.closes import Closes
from portfolio.application.prices.exchange_rules import ReadExchangeRules
from portfolio.application.prices.joined_closes import JoinedCloses
from portfolio.application.risk.state import ReadMarket
from portfolio.domain.categories import Categories
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.money import Money, Quantity
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.symbol import Symbol
from tests.support.backtests import held
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_books import Books
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_rules import FakeExchangeRules
from tests.support.fakes.fake_stores import FakeLeases, FakePriceStore
from tests.support.fakes.joined_closes import joined_closes
from tests.support.optimisation import closes_of, waves


class Joined:
    """Closes that were joined across a split, and not across another one."""

    def __init__(self, closes: JoinedCloses, *joins: Join) -> None:
        self._closes, self._joins = closes, joins

    async def __call__(self, *asked: Any, **how: Any) -> Closes:
        found = await self._closes(*asked, **how)
        return replace(found, joined_history=self._joins[:1], unjoined_history=self._joins[1:])


async def test_stored_closes_of_what_is_held_and_of_what_is_named_are_read() -> None:
    clock, symbol = FakeClock(), Symbol("AAA")
    position = Position(symbol=symbol, quantity=Quantity(Decimal(3)), cost_basis=Money(Decimal(300)), mark=None)
    books = Books(portfolio=Portfolio(id=1, cash=Money(Decimal(50)), positions={symbol: position}))
    ledger = FakeLedger(books)
    prices = FakePriceStore(ledger, FakeLeases())
    yesterday = clock.now().date() - timedelta(days=1)
    await prices.add_closes(closes_of(waves(2, 16) * 0.02, ["AAA", "BTC"], yesterday))
    market = ReadMarket(
        Snapshots(ledger, clock, 1),
        joined_closes(prices, clock, ledger),
        clock,
        categories=Categories({"BTC": "store_of_value"}),
        policy=RebalancePolicy(),
        max_price_age=timedelta(seconds=300),
        rules=ReadExchangeRules(FakeExchangeRules(), clock, ()),
    )
    panel, holdings = await GatherCloses(market)(["BTC", "NEW"], 40)
    assert holdings == held(50, AAA=3)
    assert (panel.symbols, panel.last, len(panel.closes)) == (("AAA", "BTC", "NEW"), yesterday, 41)
    assert panel.categories == ("other", "store_of_value", "other")
    assert dict(panel.marks_on(40)) == {"AAA": 1000, "BTC": 1000}
    assert (panel.simulated, panel.joins) == (False, ())
    joins = Join("AAA", "AAA", Decimal(10), yesterday), Join("BTC", "BTC", Decimal(9), yesterday, NotJoined.NO_JUMP)
    market = replace(market, closes=cast("JoinedCloses", Joined(market.closes, *joins)))
    assert (await GatherCloses(market)(["BTC"], 40))[0].joins == joins
    named, holdings = await GatherCloses(market)(["BTC"], 40, of_held=False)
    assert (named.symbols, holdings) == (("BTC",), held(50, AAA=3))
