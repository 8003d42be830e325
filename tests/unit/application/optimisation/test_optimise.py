"""Optimisation on books in memory: what is fetched, how long it looks back, how long it may take, what stays."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

from portfolio.analytics.optimisation.problem import Objective
from portfolio.application.errors import ClosesPending, NotOptimisable, TurnoverBoundTooLow
from portfolio.application.ledger.snapshots import Snapshots
from portfolio.application.optimisation.optimise import Optimise
from portfolio.application.optimisation.records import LimitMode, OptimisationRequest, Optimised, Targets, WhyKept
from portfolio.application.prices.exchange_rules import ReadExchangeRules
from portfolio.application.prices.fetched_closes import FetchCloses
from portfolio.application.prices.records import Close
from portfolio.application.risk.state import ReadMarket
from portfolio.domain.categories import Categories
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.mark import Mark
from portfolio.domain.money import Money, Price, Quantity
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.http.pages.optimiser.drawings import shares_of
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.compute import InThisProcess
from tests.support.fakes.fake_books import Books
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_prices import ScriptedCloses
from tests.support.fakes.fake_rules import FakeExchangeRules
from tests.support.fakes.fake_stores import FakeLeases, FakePriceStore
from tests.support.fakes.joined_closes import joined_closes
from tests.support.optimisation import closes_of, waves

AAA, BBB, NEW = Symbol("AAA"), Symbol("BBB"), Symbol("NEW")
OLD = timedelta(hours=1)
CHEAP = Decimal("1e-16")


class Desk:
    """The use case on a portfolio of these quantities, each of 1,000 dollars; one that is ``cheap`` is worth as
    much, in units of 1e-16 dollars.
    """

    def __init__(
        self, held: dict[str, str], *, cash: str = "50000", stale: str = "", cheap: str = "", **policy: Any
    ) -> None:
        self.clock = FakeClock()
        now, price = self.clock.now(), {code: CHEAP if code == cheap else Decimal(1000) for code in held}
        positions = {
            Symbol(code): Position(
                symbol=Symbol(code),
                quantity=Quantity(Decimal(quantity) * 1000 / price[code]),
                cost_basis=Money(Decimal(quantity) * 1000),
                mark=Mark(Price(price[code]), "coinbase", now - OLD if code == stale else now),
            )
            for code, quantity in held.items()
        }
        ledger = FakeLedger(Books(portfolio=Portfolio(id=1, cash=Money(Decimal(cash)), positions=positions)))
        self.prices = FakePriceStore(ledger, FakeLeases())
        self.market = ReadMarket(
            Snapshots(ledger, self.clock, 1),
            joined_closes(self.prices, self.clock, ledger),
            self.clock,
            categories=Categories({"USDC": "stablecoin"}),
            policy=RebalancePolicy(**policy),
            max_price_age=timedelta(seconds=300),
            rules=ReadExchangeRules(FakeExchangeRules(), self.clock, ()),
        )
        self.feed, self.compute = ScriptedCloses(failing=[Symbol("NONE")], at=500), InThisProcess()
        fetch = FetchCloses(self.prices, self.feed, self.clock, 1.0)
        self.optimise = Optimise(self.market, fetch, self.compute, self.clock, seconds=9.0)

    async def remember(self, *symbols: str, n_days: int = 64) -> None:
        """Keep closes of these assets."""
        yesterday = self.clock.now().date() - timedelta(days=1)
        await self.prices.add_closes(closes_of(waves(len(symbols), n_days) * 0.02, symbols, yesterday))

    async def asked(
        self,
        objective: Objective = Objective.EQUAL_WEIGHT,
        *,
        symbols: Sequence[Symbol] | None = None,
        changes: Mapping[str, object] = MappingProxyType({}),
        **wanted: Any,
    ) -> Optimised:
        """The answer to a request."""
        named = None if symbols is None else tuple(symbol.code for symbol in symbols)
        targets = Targets(objective=objective, symbols=named, **wanted)
        return await self.optimise(await self.market.newest(), OptimisationRequest(targets=targets, changes=changes))


async def test_closes_of_an_asset_that_was_never_held_are_fetched_and_give_its_price() -> None:
    desk = Desk({"AAA": "20"})
    await desk.remember("AAA")
    found = await desk.asked(symbols=[AAA, NEW])
    assert [symbol for symbol, _, _ in desk.feed.asked] == [NEW]
    assert found.priced_at_close == ["NEW"]
    trade = next(trade for trade in found.plan.trades if trade.symbol == "NEW")
    assert trade.trade_value / 500 == pytest.approx(trade.trade_quantity, abs=Decimal("1e-15"))
    await desk.asked(symbols=[AAA, NEW])
    assert len(desk.feed.asked) == 1


async def test_an_asset_without_any_price_is_refused_by_name() -> None:
    desk = Desk({"AAA": "20"})
    with pytest.raises(NotOptimisable, match="NONE"):
        await desk.asked(symbols=[AAA, Symbol("NONE")])


async def test_a_feed_that_does_not_answer_takes_a_third_of_the_time_and_no_more() -> None:
    desk = Desk({"AAA": "20"})

    class Silent(ScriptedCloses):
        async def daily_closes(self, symbol: Symbol, start: date, end: date) -> Sequence[Close]:
            await asyncio.Event().wait()
            raise AssertionError

    silent = FetchCloses(desk.prices, Silent(), desk.clock, 60.0)
    optimise = Optimise(desk.market, silent, desk.compute, desk.clock, seconds=0.03)
    request = OptimisationRequest(targets=Targets(objective=Objective.EQUAL_WEIGHT, symbols=(AAA.code, NEW.code)))
    with pytest.raises(ClosesPending, match="NEW are still being fetched: ask again"):
        await optimise(await desk.market.newest(), request)
    await silent.close()


async def test_more_than_a_year_is_looked_at_where_it_is_asked_for() -> None:
    desk = Desk({"AAA": "20", "BBB": "20"})
    await desk.remember("AAA", "BBB", n_days=512)
    assert (await desk.asked(Objective.MIN_VARIANCE)).honesty.observations == 180
    assert (await desk.asked(Objective.MIN_VARIANCE, days=500)).honesty.observations == 500


async def test_what_cannot_be_traded_keeps_its_value_and_what_is_left_is_divided() -> None:
    desk = Desk({"AAA": "20", "BBB": "20", "USDC": "10"}, stale="BBB")
    found = await desk.asked(
        limits=LimitMode.HARD, changes={"position_limit": Decimal("0.9")}, cash_percent=Decimal(10)
    )
    assert {one.symbol: (one.weight, one.reason) for one in found.kept} == {
        "BBB": (Decimal("0.2"), WhyKept.PRICE_NOT_LIVE),
        "USDC": (Decimal("0.1"), WhyKept.STABLECOIN),
    }
    assert found.weights == {"AAA": Decimal("0.6")}
    assert found.cash == Decimal("0.1")
    with pytest.raises(NotOptimisable, match="BBB"):
        await desk.asked(symbols=[BBB])
    with pytest.raises(NotOptimisable, match="leave nothing"):
        await desk.asked(cash_percent=Decimal(70))


@pytest.mark.parametrize("young", [0, 32, 64, 128])
async def test_what_is_held_a_little_and_for_a_short_time_costs_the_others_no_day(young: int) -> None:
    desk = Desk({"AAA": "20", "BBB": "29", "NEW": "1"})
    await desk.remember("AAA", "BBB", n_days=256)
    if young:
        await desk.remember("NEW", n_days=young)
    found = await desk.asked(Objective.MIN_VARIANCE)
    assert [(one.symbol, one.weight, one.reason) for one in found.kept] == [
        ("NEW", Decimal("0.01"), WhyKept.TOO_SHORT_FOR_ITS_WEIGHT)
    ]
    assert found.honesty.observations == 180
    assert "NEW" not in found.weights
    # Objectives that look at each asset alone take it in, and so does who names it.
    assert (await desk.asked(Objective.EQUAL_WEIGHT)).kept == []
    if young >= 64:
        assert (await desk.asked(Objective.MIN_VARIANCE, symbols=[AAA, NEW])).honesty.observations == young
    else:
        with pytest.raises(NotOptimisable):
            await desk.asked(Objective.MIN_VARIANCE, symbols=[AAA, NEW])


async def test_what_costs_few_days_or_is_more_than_a_little_has_its_weight() -> None:
    desk = Desk({"AAA": "20", "BBB": "29", "NEW": "1"})
    await desk.remember("AAA", "BBB", n_days=256)
    await desk.remember("NEW", n_days=128)
    found = await desk.asked(Objective.MIN_VARIANCE, days=150)  # 128 are more than four fifths
    assert (found.kept, found.honesty.observations) == ([], 128)
    desk = Desk({"AAA": "20", "BBB": "20", "NEW": "3"})
    await desk.remember("AAA", "BBB", n_days=256)
    await desk.remember("NEW", n_days=128)
    assert (await desk.asked(Objective.MIN_VARIANCE)).honesty.observations == 128
    many = Desk({"AAA": "41", **{f"N{n}": "1" for n in range(9)}})
    await many.remember("AAA", n_days=256)
    await many.remember(*(f"N{n}" for n in range(9)), n_days=128)
    assert (await many.asked(Objective.MIN_VARIANCE)).kept == []  # nine of fifty are no rest


async def test_what_is_so_cheap_that_the_books_could_not_hold_enough_of_it_keeps_its_value_and_cannot_be_named() -> (
    None
):
    desk = Desk({"AAA": "20", "BBB": "5"}, cheap="BBB")  # 75,000 dollars in all would be 7.5e20 units of BBB
    found = await desk.asked()
    assert [(one.symbol, one.reason) for one in found.kept] == [("BBB", WhyKept.PRICE_TOO_LOW)]
    assert list(found.weights) == ["AAA"]
    with pytest.raises(NotOptimisable, match=r"so low a price .* BBB"):
        await desk.asked(symbols=[AAA, BBB])


async def test_a_short_position_keeps_its_value_and_gives_no_money() -> None:
    desk = Desk({"AAA": "20", "BBB": "-10"})
    found = await desk.asked(limits=LimitMode.HARD, changes={"position_limit": Decimal(1)}, cash_percent=Decimal(0))
    assert [(one.symbol, one.reason) for one in found.kept] == [("BBB", WhyKept.SHORT_POSITION)]
    assert found.weights == {"AAA": 1}


async def test_where_all_is_short_or_stale_there_is_nothing_to_optimise() -> None:
    with pytest.raises(NotOptimisable, match=r"could be traded \(no live price, .* runs: AAA\); name assets"):
        await Desk({"AAA": "20"}, stale="AAA").asked()
    with pytest.raises(NotOptimisable, match=r"^nothing is held that could be traded; name assets"):
        await Desk({"AAA": "-20"}).asked()
    with pytest.raises(NotOptimisable, match="not above zero"):
        await Desk({"AAA": "-50"}).asked()


async def test_what_cannot_be_traded_is_named_with_its_own_reason() -> None:
    desk = Desk({"AAA": "20", "BBB": "-10"}, stale="AAA")
    with pytest.raises(NotOptimisable) as refused:
        await desk.asked(symbols=[AAA, BBB, Symbol("NONE")])
    said = (
        "no live price, which the service refreshes while it runs: AAA; a short position: BBB; no close is known: NONE"
    )
    assert str(refused.value) == f"these cannot be traded: {said}"


async def test_costs_that_are_more_than_there_is_are_refused() -> None:
    desk = Desk({"AAA": "100", "BBB": "-99.9"}, cash="0", stale="BBB", fee_bps=Decimal(1000))
    await desk.remember("AAA")
    with pytest.raises(NotOptimisable, match="costs"):
        await desk.asked(symbols=[NEW])


async def test_what_was_looked_up_before_counts_against_the_time_there_is() -> None:
    desk = Desk({"AAA": "20"})

    class Slow(FetchCloses):
        async def __call__(self, symbol: Symbol) -> bool:
            desk.clock.advance(2.0)
            return await super().__call__(symbol)

    slow = Slow(desk.prices, desk.feed, desk.clock, 1.0)
    optimise = Optimise(desk.market, slow, desk.compute, desk.clock, seconds=9.0)
    targets = Targets(objective=Objective.EQUAL_WEIGHT, symbols=(NEW.code,))
    await optimise(await desk.market.newest(), OptimisationRequest(targets=targets))
    assert desk.compute.seconds == [7.0]


async def test_the_weights_of_now_stay_where_nothing_leads_to_others() -> None:
    desk = Desk({"AAA": "20", "BBB": "30"})
    found = await desk.asked(Objective.INVERSE_VOLATILITY, symbols=[AAA])
    assert [(step.objective, step.reason) for step in found.steps] == [
        ("inverse_volatility", "a_volatility_is_unknown"),
        ("current", None),
    ]
    assert (found.weights, found.sold, found.plan.trades) == ({"AAA": Decimal("0.2")}, (), ())
    # B, which was not asked for, stays too: all that there is adds up to one.
    assert [(one.symbol, one.weight, one.reason) for one in found.kept] == [("BBB", Decimal("0.3"), WhyKept.STAYS)]
    assert found.cash == Decimal("0.5")
    shown = shares_of(found)  # as the page draws them: nothing twice
    assert [sum(one.weight for one in shown), sum(one.today for one in shown)] == [1, 1]


async def test_the_weights_of_now_have_no_more_digits_than_others() -> None:
    desk = Desk({"AAA": "20", "BBB": "30"}, cash="7000")
    found = await desk.asked(Objective.INVERSE_VOLATILITY, symbols=[AAA])
    # 20, 30 and 7 of 57, at 12 decimals and not above; cash is what is left, so that the three add up to one
    assert found.weights == {"AAA": Decimal("0.350877192982")}
    assert [one.weight for one in found.kept] == [Decimal("0.526315789473")]
    assert found.cash == Decimal("0.122807017545")
    beside = Desk({"AAA": "20", "USDC": "30"}, cash="7000")
    held = await beside.asked()
    assert [(one.weight, one.reason) for one in held.kept] == [(Decimal("0.526315789473"), WhyKept.STABLECOIN)]
    assert held.weights["AAA"] + held.kept[0].weight + held.cash == 1
    assert held.cash == round(held.cash, 12)


async def test_selling_what_is_not_asked_for_is_a_part_of_the_turnover() -> None:
    # Trades t cost 0.001 t, of which 90 % is what the weights, that are to be 0.9 in all, are smaller by: of a bound on
    # trades 0.9991 is one on changes of weights, and a millionth of it is left to the last digits.
    desk = Desk({"AAA": "20", "BBB": "30"})
    with pytest.raises(TurnoverBoundTooLow) as refused:
        await desk.asked(symbols=[AAA], max_turnover_percent=Decimal(29))
    assert refused.value.least_percent == Decimal("30.0271")  # 30 / 0.9991 / 0.999999, rounded up
    tight = {"position_limit": Decimal("0.1")}
    for most in (29, 35):  # it is the whole that is named, also where what is sold alone is too much
        request: dict[str, Any] = {"symbols": [AAA], "limits": LimitMode.HARD, "changes": tight}
        with pytest.raises(TurnoverBoundTooLow) as refused:
            await desk.asked(**request, max_turnover_percent=Decimal(most))
        assert refused.value.least_percent == Decimal("40.0361")  # 30 of B, 10 of A


@pytest.mark.parametrize("fee_bps", ["0", "10", "1000"])
@pytest.mark.parametrize("objective", [Objective.EQUAL_WEIGHT, Objective.MIN_VARIANCE, Objective.HRP])
async def test_a_bound_on_turnover_is_kept_with_the_costs_and_the_one_that_is_named_will_do(
    objective: Objective, fee_bps: str
) -> None:
    """Weights are fractions of what the costs leave, so that what is sold is more than the weights alone say."""
    desk = Desk({"AAA": "21.3", "BBB": "17.7", "NEW": "3"}, cash="29000", fee_bps=Decimal(fee_bps))
    await desk.remember("AAA", "BBB", "NEW")
    request: dict[str, Any] = {
        "symbols": [AAA, NEW],
        "limits": LimitMode.HARD,
        "changes": {"position_limit": Decimal("0.123456789")},
    }
    with pytest.raises(TurnoverBoundTooLow) as refused:
        await desk.asked(objective, **request, max_turnover_percent=Decimal(0))
    least = refused.value.least_percent
    for most in (least, least + 1, Decimal(60)):
        found = await desk.asked(objective, **request, max_turnover_percent=most)
        assert found.plan.turnover_percent <= most
    with pytest.raises(TurnoverBoundTooLow):
        await desk.asked(objective, **request, max_turnover_percent=least - Decimal("0.0002"))


async def test_weights_are_rounded_without_passing_a_limit() -> None:
    limit = Decimal("0.2000000000006")  # at 12 decimals it would be more
    desk = Desk(dict.fromkeys(("AAA", "BBB", "CCC"), "10"), position_limit=limit)
    found = await desk.asked(limits=LimitMode.HARD, cash_percent=Decimal(0))
    assert found.weights == dict.fromkeys(("AAA", "BBB", "CCC"), Decimal("0.2"))
    assert found.cash == Decimal("0.4")
