"""The plan to weights: it buys what is not held, pays its costs, keeps to limits, and asks for nothing after it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.domain.ledger.trade import Side
from portfolio.domain.optimisation.headroom import Headroom, headrooms_of
from portfolio.domain.optimisation.plan import TargetPlan, is_reachable, plan_to
from portfolio.domain.rebalancing.limits import LimitName, Limits
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.reason import Reason
from portfolio.domain.rebalancing.summary import Summary
from portfolio.domain.rebalancing.view import Holding, MarketView
from tests.support.rebalancing import asset, view_of

POLICY = RebalancePolicy()
LOOSE = RebalancePolicy(position_limit=Decimal(1), category_limit=Decimal(1), cash_trigger=Decimal(1))


def planned(view: MarketView, policy: RebalancePolicy = POLICY, **weights: str) -> TargetPlan:
    """The plan to these weights."""
    found = plan_to(Summary.of(view, policy), {symbol: Decimal(weight) for symbol, weight in weights.items()})
    assert found is not None
    return found


def test_weights_are_of_what_is_left_after_the_costs() -> None:
    # Of 100,000: A from 40,000 to 20 % and B from nothing to 30 % of W = 100,000 - .001 x (40,000 - .2 W + .3 W), so
    # W = 99,960 / 1.0001.
    plan = planned(view_of(asset("A", "40"), asset("B", "0")), LOOSE, A="0.2", B="0.3")
    whole = Decimal(99_960) / Decimal("1.0001")
    assert plan.projected.total_value == pytest.approx(whole, abs=Decimal("1e-8"))
    assert [(trade.symbol, trade.action) for trade in plan.trades] == [("A", Side.SELL), ("B", Side.BUY)]
    assert plan.projected.view.values["B"] == pytest.approx(whole * 3 / 10, abs=Decimal("1e-8"))
    assert plan.estimated_cost == pytest.approx(100_000 - whole, abs=Decimal("1e-8"))
    assert plan.trades[0].after == ()
    assert plan.trades[1].target_allocation == pytest.approx(30, abs=Decimal("1e-12"))
    assert plan.remaining.recommendations == ()


def test_a_purchase_names_the_sale_that_pays_for_it() -> None:
    plan = planned(view_of(asset("A", "90"), asset("B", "0")), LOOSE, A="0.4", B="0.5")
    assert [(trade.symbol, trade.after) for trade in plan.trades] == [("A", ()), ("B", ("A",))]


def test_what_has_weight_zero_is_sold_to_the_last_unit() -> None:
    plan = planned(view_of(asset("A", "40", price="3")), LOOSE, A="0")
    [trade] = plan.trades
    assert trade.trade_quantity == plan.current.view.holdings["A"].quantity
    assert plan.projected.view.values["A"] == 0


def test_where_all_is_invested_and_something_is_kept_cash_is_never_short() -> None:
    # K keeps its 30,000; of the rest all is A: what costs take, A has less.
    view = view_of(asset("A", "20"), asset("K", "30", tradable=False))
    plan = planned(view, LOOSE, A="0.7")
    assert plan.projected.cash == pytest.approx(0, abs=Decimal("1e-8"))
    assert plan.projected.cash >= 0
    assert plan.projected.view.values["K"] == 30_000


def test_a_trade_under_the_dust_limit_is_left_and_named() -> None:
    plan = planned(view_of(asset("A", "20"), asset("B", "20")), LOOSE, A="0.20005", B="0.3")
    assert plan.too_small == ("A",)
    assert [trade.symbol for trade in plan.trades] == ["B"]
    nothing = planned(view_of(asset("A", "20")), LOOSE, A="0.2")
    assert not nothing.trades
    assert nothing.turnover_percent == 0


def test_what_is_kept_or_too_small_to_trade_takes_no_other_over_a_limit() -> None:
    # The category is full at 40 % of what costs leave: K is 20,000 of it, and B, 5 dollars over, is not traded.
    policy = RebalancePolicy(position_limit=Decimal(1))
    view = view_of(
        asset("A", "30", category="x"),
        asset("B", "10.005", category="x"),
        asset("C", "2", category="x"),
        asset("K", "20", category="x", tradable=False),
    )
    current = Summary.of(view, policy)
    headrooms = headrooms_of(current.limits, ["A", "B", "C"], {"K"}, Decimal(1))
    weights = {"A": Decimal("0.07"), "B": Decimal("0.1"), "C": Decimal("0.03")}
    plan = plan_to(current, weights, headrooms)
    assert plan is not None
    assert plan.too_small == ("B",)
    together = sum(plan.projected.view.values.values())
    assert together == pytest.approx(plan.projected.total_value * 2 / 5, abs=Decimal("1e-8"))
    assert plan.projected.broken == ()
    full = headrooms_of(current.limits, ["A"], {"B", "C", "K"}, Decimal("0.5"))  # 20 % are taken by K alone
    sold = plan_to(current, {"A": Decimal("0.1")}, full)
    assert sold is not None
    assert sold.projected.view.values["A"] == 0


@pytest.mark.parametrize("order", [1, -1])
def test_of_several_limits_of_one_asset_the_tightest_holds(order: int) -> None:
    # What the costs leave, W = 100,000 - .001 x .2 W, is A to a fifth, and nothing to half.
    policy = RebalancePolicy(position_limit=Decimal(1), category_limit=Decimal(1))
    current = Summary.of(view_of(asset("A", "0")), policy)
    names = (LimitName(Reason.CONCENTRATION_RISK, ("A",)), LimitName(Reason.CATEGORY_CONCENTRATION, ("x",)))
    headrooms = [
        Headroom(name=name, symbols=("A",), kept=(), limit=Decimal(limit), most=Decimal(limit))
        for name, limit in zip(names, ("0.5", "0.2"), strict=True)
    ]
    plan = plan_to(current, {"A": Decimal("0.9")}, headrooms[::order])
    assert plan is not None
    assert plan.projected.view.values["A"] == pytest.approx(Decimal(20_000) / Decimal("1.0002"), abs=Decimal("1e-8"))


def test_of_a_portfolio_that_is_worth_nothing_there_are_no_fractions() -> None:
    nothing = Summary.of(
        view_of(asset("A", "100"), asset("S", "-100")).changed({"A": Decimal(-100_000)}, cash=Decimal(0)), POLICY
    )
    assert nothing.total_value <= 0
    assert plan_to(nothing, {}) is None
    tiny = RebalancePolicy(fee_bps=Decimal(1000), position_limit=Decimal(1), dust_value=Decimal("0.01"))
    owing = view_of(asset("A", "100"), asset("S", "-99.9", price=None, tradable=False))
    poor = Summary.of(owing.changed({}, cash=Decimal(0)), tiny)
    assert plan_to(poor, {"A": Decimal(0)}) is None  # 10,000 dollars of fees, of 100


@pytest.mark.parametrize(
    ("percent", "tradable", "expected"),
    [("1", True, True), ("0", True, True), ("1", False, False), ("-1", True, False)],
)
def test_what_is_short_or_has_no_live_price_is_not_reachable(percent: str, tradable: bool, expected: bool) -> None:
    assert is_reachable(asset("A", percent, tradable=tradable)) is expected


def test_rooms_are_the_limits_of_the_rules_less_what_is_kept() -> None:
    view = view_of(
        asset("A", "10", category="x", volatility="1.6"),
        asset("B", "10", category="x", momentum="-0.6"),
        asset("K", "6", category="x"),
        asset("U", "10", category="stablecoin"),
        asset("W", "5", category="x"),
        correlations={("A", "B"): "0.8", ("A", "K"): "0.9", ("B", "U"): "0.9"},
    )
    headrooms = headrooms_of(Limits.of(view, POLICY), ["A", "B", "U"], {"K"}, Decimal("0.92"))
    assert [(headroom.name.reason, headroom.symbols, headroom.most) for headroom in headrooms] == [
        (Reason.HIGH_VOLATILITY, ("A",), Decimal("0.115")),  # 25 % x 80/160, of it 92 %
        (Reason.NEGATIVE_MOMENTUM, ("B",), Decimal("0.0736")),  # 8 %
        (Reason.CATEGORY_CONCENTRATION, ("A", "B"), Decimal("0.308")),  # 36.8 % less K's 6; W is sold
        (Reason.HIGH_CORRELATION, ("A", "B"), Decimal("0.276")),
        (Reason.HIGH_CORRELATION, ("A",), Decimal("0.216")),  # with K
    ]
    hard = headrooms_of(Limits.of(view, POLICY), ["B"], set(), Decimal(1))
    assert hard[0].most == Decimal("0.08")


@st.composite
def books(draw: st.DrawFn) -> tuple[MarketView, Mapping[str, Decimal]]:
    """Holdings of up to ten assets, and weights within the headrooms of the policy."""
    holdings: list[Holding] = []
    percents = draw(st.lists(st.integers(0, 30), min_size=2, max_size=10))
    for place, percent in enumerate(percents):
        share = percent if sum(percents) <= 100 else percent * 100 // sum(percents)
        category = draw(st.sampled_from(["x", "y", "other"]))
        volatility = draw(st.sampled_from(["0.5", "1.2"]))
        holdings.append(asset(f"S{place}", str(share), category=category, volatility=volatility))
    view = view_of(*holdings)
    wanted = {holding.symbol: Decimal(draw(st.integers(0, 100))) for holding in holdings}
    whole = sum(wanted.values()) or Decimal(1)
    weights = {symbol: value * Decimal("0.9") / whole for symbol, value in wanted.items()}
    for headroom in headrooms_of(Limits.of(view, POLICY), weights, set(), POLICY.sell_down_share):
        over = sum((weights[symbol] for symbol in headroom.symbols), Decimal(0))
        if over > headroom.most:
            weights |= {symbol: weights[symbol] * headroom.most / over for symbol in headroom.symbols}
    return view, weights


@given(books())
def test_after_the_plan_no_limit_is_broken_and_no_sale_is_asked_for(
    given: tuple[MarketView, Mapping[str, Decimal]],
) -> None:
    view, weights = given
    plan = plan_to(Summary.of(view, POLICY), weights)
    assert plan is not None
    assert plan.projected.cash >= 0
    assert plan.projected.broken == ()
    assert [trade for trade in plan.remaining.recommendations if trade.action is Side.SELL] == []
    assert {trade.symbol for trade in plan.trades}.isdisjoint(plan.too_small)
