"""Plans pay for themselves, trade by trade, in the quantities that an exchange takes."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import EXACT
from portfolio.domain.optimisation.plan import plan_to
from portfolio.domain.prices.exchange_rules import NEVER_FETCHED, ExchangeRules, Rules, UnknownRules
from portfolio.domain.rebalancing.funding import PlannedTrade
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.projection import project
from portfolio.domain.rebalancing.summary import Summary
from portfolio.domain.rebalancing.view import MarketView
from tests.support.exchange_rules import ruled, rules, rules_of_exchanges
from tests.support.rebalancing import asset, considered, plan_for, view_of, views

COSTS = pytest.mark.parametrize("fee_bps", [0, 10, 50])
LOOSE = RebalancePolicy(position_limit=Decimal(1), category_limit=Decimal(1), cash_trigger=Decimal(1))
RULES: st.SearchStrategy[Rules] = st.one_of(st.just(NEVER_FETCHED), rules_of_exchanges())


def to_weights(view: MarketView, policy: RebalancePolicy = LOOSE, **weights: str) -> Sequence[PlannedTrade]:
    """The trades to these weights."""
    found = plan_to(Summary.of(view, policy), {symbol: Decimal(weight) for symbol, weight in weights.items()})
    assert found is not None
    return found.trades


def follow(view: MarketView, trades: Sequence[PlannedTrade], policy: RebalancePolicy) -> None:
    """Carry the trades out in their order: as they are asked for, and as an exchange takes them.

    More spent than there is by then, or more sold than held, raises: each beginning of the list can be paid for. How
    much is bought where the rules are unknown, after sales that are rounded down, nobody can say: nothing here.
    """
    asked = [considered(view, policy, t.action, t.symbol, t.trade_quantity) for t in trades]
    project(view, asked, allow_negative_cash=False)
    taken = [
        considered(view, policy, trade.action, trade.symbol, quantity)
        for trade in trades
        if (quantity := trade.executable_quantity or (trade.trade_quantity if is_sold_unruled(trade) else None))
    ]
    project(view, taken, allow_negative_cash=False)


def is_sold_unruled(trade: PlannedTrade) -> bool:
    """Whether it is a sale by rules that nobody knows."""
    return trade.action is Side.SELL and trade.executable_quantity is None


def fits(view: MarketView, trade: PlannedTrade) -> None:
    """The exchange takes the executable quantity, or there is a reason."""
    holding, quantity = view.holdings[trade.symbol], trade.executable_quantity
    found = holding.rules
    if isinstance(found, UnknownRules) or quantity is None:
        assert (quantity, trade.venue) == (None, None)
        assert trade.executable_reason
        return
    assert isinstance(found, ExchangeRules)
    assert trade.venue == found.venue
    assert 0 <= quantity <= trade.trade_quantity
    assert EXACT.remainder(quantity, found.step) == 0
    assert (quantity == 0) == (trade.executable_reason is not None)
    assert holding.price is not None
    assert not quantity or EXACT.multiply(quantity, holding.price) >= found.min_notional


@COSTS
@settings(max_examples=40)
@given(view=views(least=1_000, most=10_000_000), drawn=st.lists(RULES, min_size=8, max_size=8))
def test_each_beginning_of_a_plan_of_the_policy_can_be_paid_for(
    fee_bps: int, view: MarketView, drawn: Sequence[Rules]
) -> None:
    policy = RebalancePolicy(fee_bps=Decimal(fee_bps))
    view = ruled(view, dict(zip(sorted(view.holdings), drawn, strict=False)))
    trades = plan_for(view, policy).recommendations
    follow(view, trades, policy)
    for trade in trades:
        fits(view, trade)


@pytest.mark.unmeasured
@COSTS
@settings(max_examples=40)
@given(
    view=views(least=1_000, most=10_000_000),
    drawn=st.lists(RULES, min_size=8, max_size=8),
    wanted=st.lists(st.integers(0, 100), min_size=8, max_size=8),
)
def test_each_beginning_of_a_plan_that_leaves_no_cash_can_be_paid_for(
    fee_bps: int, view: MarketView, drawn: Sequence[Rules], wanted: Sequence[int]
) -> None:
    policy = RebalancePolicy(fee_bps=Decimal(fee_bps))
    view = ruled(view, dict(zip(sorted(view.holdings), drawn, strict=False)))
    movable = [symbol for symbol, holding in view.holdings.items() if holding.tradable]
    parts = dict(zip(movable, wanted, strict=False))
    whole = sum(parts.values())
    weights = {symbol: Decimal(part) / whole for symbol, part in parts.items()} if whole else {}
    plan = plan_to(Summary.of(view, policy), weights)
    assert plan is not None
    follow(view, plan.trades, policy)
    for trade in plan.trades:
        fits(view, trade)


def test_a_purchase_is_cut_to_what_the_sales_as_they_are_rounded_down_bring() -> None:
    # A goes from 60 % to 50 %: 100 units of 100 dollars, of which 99 are whole steps of 9. There is no cash, so B has
    # 9,900 dollars of the 10,000 that the plan counts on, which are 99 units.
    view = ruled(view_of(asset("A", "60"), asset("B", "40")), {"A": rules(step="9"), "B": rules("binance", step="1")})
    free = RebalancePolicy(
        fee_bps=Decimal(0), position_limit=Decimal(1), category_limit=Decimal(1), cash_trigger=Decimal(1)
    )
    sale, purchase = to_weights(view, free, A="0.5", B="0.5")
    assert (sale.symbol, sale.venue, purchase.symbol, purchase.venue) == ("A", "coinbase", "B", "binance")
    assert sale.trade_quantity == purchase.trade_quantity == 100
    assert sale.executable_quantity == purchase.executable_quantity == 99
    assert (purchase.after, purchase.executable_reason) == (("A",), None)


def test_a_purchase_that_the_rounded_sales_do_not_pay_for_is_dust() -> None:
    # The sale of 9.9 units of A, in steps of 9, brings 900 dollars of 990: B, in steps of 9.9, gets none.
    view = ruled(view_of(asset("A", "60"), asset("B", "40")), {"A": rules(step="9"), "B": rules(step="9.9")})
    free = RebalancePolicy(
        fee_bps=Decimal(0), position_limit=Decimal(1), category_limit=Decimal(1), cash_trigger=Decimal(1)
    )
    sale, purchase = to_weights(view, free, A="0.5901", B="0.4099")
    assert sale.executable_quantity == 9
    assert purchase.executable_quantity == 0
    assert purchase.executable_reason == "dust: rounded down, the sales before it do not pay for it"


def test_no_purchase_waits_for_a_sale_that_is_dust() -> None:
    # C is worth 20 dollars, under the least order; what is bought waits for A alone.
    view = ruled(view_of(asset("A", "79.98"), asset("B", "20"), asset("C", "0.02")), {"C": rules(min_notional="25")})
    trades = to_weights(view, A="0.5", B="0.4", C="0")
    assert [(t.symbol, t.action, t.after) for t in trades] == [
        ("A", Side.SELL, ()), ("C", Side.SELL, ()), ("B", Side.BUY, ("A",)),
    ]  # fmt: skip
    assert trades[1].executable_quantity == 0
    assert trades[1].executable_reason == "dust: 20 dollars are under the least order of coinbase, 25 dollars"


def test_a_purchase_waits_for_one_more_sale_where_the_first_is_rounded_down() -> None:
    # A's sale would bring the 10,000 dollars of the purchase to the dollar; in steps of 3 it brings 9,900.
    loose = RebalancePolicy(
        fee_bps=Decimal(0), position_limit=Decimal(1), category_limit=Decimal(1), cash_trigger=Decimal(1)
    )
    view = view_of(asset("A", "60"), asset("B", "30"), asset("C", "10"))
    found = [trade.after for trade in to_weights(view, loose, A="0.5", B="0.4", C="0.05")]
    assert found == [(), (), ("A",)]
    found = [
        trade.after for trade in to_weights(ruled(view, {"A": rules(step="3")}), loose, A="0.5", B="0.4", C="0.05")
    ]
    assert found == [(), (), ("A", "C")]
