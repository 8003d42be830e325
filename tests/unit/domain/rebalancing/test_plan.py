"""One plan out of all rules: one trade a symbol, costs counted, dust dropped, harm refused, gaps named."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from portfolio.domain.ledger.trade import Side
from portfolio.domain.rebalancing.limits import Limits
from portfolio.domain.rebalancing.plan import Plan, make_plan
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.projection import project
from portfolio.domain.rebalancing.reason import Priority, Reason
from portfolio.domain.rebalancing.recommendation import recommendations_of
from portfolio.domain.rebalancing.settlement import Settlement
from portfolio.domain.rebalancing.strategies.targets import Proposal
from portfolio.domain.rebalancing.summary import Summary
from portfolio.domain.rebalancing.unresolved import Obstacle
from portfolio.domain.rebalancing.view import Holding, MarketView
from tests.support.rebalancing import FREE, Correlations, asset, considered, market_view, plan_for, view_of

DEFAULT = RebalancePolicy()


def trades(plan: Plan) -> dict[str, tuple[Side, Decimal]]:
    """Side and value to the cent, by symbol."""
    return {trade.symbol: (trade.action, round(trade.trade_value, 2)) for trade in plan.recommendations}


def obstacles(plan: Plan) -> dict[tuple[str, ...], list[Obstacle]]:
    """What is named as unresolved, by symbols."""
    found: dict[tuple[str, ...], list[Obstacle]] = {}
    for item in plan.unresolved:
        found.setdefault(tuple(item.symbols), []).append(item.reason)
    return found


def test_of_a_pair_that_was_sold_down_to_the_same_size_the_first_is_reduced_whatever_the_last_digit() -> None:
    """Both are brought to 23 % by rule 1: as sums of 80 digits they differ in the last one."""
    for first, other in (("58.3935", "29.7946"), ("60.1874", "29.1537"), ("58", "30")):
        view = view_of(asset("A", first), asset("B", other), correlations={("A", "B"): "0.9"}, scale="0.3")
        trades = make_plan(Summary.of(view, DEFAULT)).recommendations
        rules = {trade.symbol: [proposal.rule for proposal in trade.evidence] for trade in trades}
        assert rules == {"A": [Reason.CONCENTRATION_RISK, Reason.HIGH_CORRELATION], "B": [Reason.CONCENTRATION_RISK]}


# --- figures ---


def test_the_check_figure_of_the_conventions_comes_out_without_fees() -> None:
    whole, value = Decimal("7019.14"), Decimal("7019.14") * Decimal("0.285")
    btc = Holding(symbol="BTC", quantity=value / 45000, value=value, price=Decimal(45000), momentum=Decimal(0))
    plan = plan_for(market_view([btc], cash=whole - value), FREE)
    assert trades(plan) == {"BTC": (Side.SELL, Decimal("386.05"))}


def test_a_portfolio_worth_less_than_a_dollar_has_a_plan_as_any_other() -> None:
    # 57 % of 0.50 dollars is held, and 23 % of them is where a sale ends: 34 % of them are sold.
    held = Decimal("0.285")
    btc = Holding(symbol="BTC", quantity=held, value=held, price=Decimal(1), momentum=Decimal(0))
    plan = plan_for(market_view([btc], cash=Decimal("0.215")), replace(FREE, dust_value=Decimal("0.01")))
    assert trades(plan) == {"BTC": (Side.SELL, Decimal("0.17"))}
    assert plan.turnover_percent == pytest.approx(Decimal(34), abs=Decimal("1e-6"))


def test_limits_count_on_the_total_value_after_the_plans_own_costs() -> None:
    # x sold leaves 28,500 - x = 23 % of (100,000 - 0.001 x): x = 5,500 / (1 - 0.00023).
    plan = plan_for(view_of(asset("BTC", "28.5")), DEFAULT)
    trade = plan.recommendations[0]
    expected = Decimal(5500) / (1 - Decimal("0.00023"))
    # ... less a billionth of a dollar of total value, so that nothing is over its limit by a last digit.
    assert 0 <= trade.trade_value - expected < Decimal("1e-9")
    assert 0 <= 23 - trade.target_allocation < Decimal("1e-11")
    assert abs(plan.estimated_cost - expected / 1000) < Decimal("1e-12")
    assert abs(plan.projected.total_value - (100_000 - expected / 1000)) < Decimal("1e-12")
    assert plan.turnover == trade.trade_value
    assert plan.turnover_percent == pytest.approx(Decimal("5.5012652"), abs=Decimal("1e-6"))


def test_a_recommendation_says_everything_about_its_trade() -> None:
    plan = plan_for(view_of(asset("BTC", "28.5", price="3")), FREE)
    trade = plan.recommendations[0]
    assert (trade.symbol, trade.action, trade.reason, trade.also) == (
        "BTC",
        Side.SELL,
        Reason.CONCENTRATION_RISK,
        (),
    )
    assert (trade.current_allocation, trade.target_allocation) == (Decimal("28.5"), Decimal(23))
    assert (trade.trade_value, trade.estimated_fee) == (Decimal(5500), Decimal(0))
    assert trade.trade_quantity == Decimal("1833.333333333333333334")
    assert (trade.priority, trade.confidence) == (Priority.HIGH, Decimal("0.85"))
    assert [proposal.rule for proposal in trade.evidence] == [Reason.CONCENTRATION_RISK]


def test_a_purchase_is_rounded_down_so_that_its_cash_is_there() -> None:
    plan = plan_for(view_of(asset("A", "5", momentum="0.1", price="7")), FREE)
    # 18,000 / 7 = 2571.4285714285714285714...
    assert plan.recommendations[0].trade_quantity == Decimal("2571.428571428571428571")


def test_all_of_a_position_is_its_quantity_to_the_last_digit() -> None:
    # 40 / 120 rounds up to ...334: more than the first holds, and less than the second.
    for held_quantity, change in (("332", "-39.9999999999999999999"), ("332", "-40"), ("336", "-40")):
        quantity = Decimal("0.333333333333333" + held_quantity)
        held = Holding(symbol="B", quantity=quantity, value=Decimal(40), price=Decimal(120))
        sold = Settlement(
            limits=Limits.of(market_view([held], cash=Decimal(60)), FREE),
            proposals=[Proposal(symbol="B", rule=Reason.CATEGORY_CONCENTRATION, change=Decimal(change), figures={})],
            changes={"B": Decimal(change)},
            cost=Decimal(0),
            whole=Decimal(100),
            fixed=frozenset(),
        )
        assert recommendations_of(sold)[0].trade_quantity == quantity


# --- netting ---


def test_rules_that_sell_the_same_are_one_trade_for_the_rule_that_took_most() -> None:
    # 30 % -> 23 % by rule 1, then at v = 200 % a limit of 10 %: 23 % -> 9.2 %, the larger part.
    plan = plan_for(view_of(asset("A", "30", volatility="2")), FREE)
    trade = plan.recommendations[0]
    assert (trade.reason, trade.also) == (Reason.HIGH_VOLATILITY, (Reason.CONCENTRATION_RISK,))
    assert trade.trade_value == Decimal(20_800)
    assert (trade.priority, trade.confidence) == (Priority.HIGH, Decimal("0.75"))
    assert [proposal.change for proposal in trade.evidence] == [Decimal(-7000), Decimal(-13_800)]


def test_where_rules_took_the_same_the_first_is_the_reason() -> None:
    # 37 % -> 23 % by rule 1, 14 points; then v = 20.444...: 25 % x 80 % / v x 92 % = 9 %, 14 points.
    policy = replace(FREE, volatility_threshold=Decimal("0.9"))
    plan = plan_for(view_of(asset("A", "37", volatility="2.3")), policy)
    trade = plan.recommendations[0]
    assert [proposal.change for proposal in trade.evidence] == [Decimal(-14_000), Decimal(-14_000)]
    assert (trade.reason, trade.also) == (Reason.CONCENTRATION_RISK, (Reason.HIGH_VOLATILITY,))


def test_three_rules_are_named_in_their_order() -> None:
    # 30 -> 23 by rule 1; 23 -> 18.4 at v = 100 %; 18.4 -> 7.36 by rule 3.
    plan = plan_for(view_of(asset("A", "30", volatility="1", momentum="-0.9")), FREE)
    trade = plan.recommendations[0]
    assert trade.reason is Reason.NEGATIVE_MOMENTUM
    assert trade.also == (Reason.CONCENTRATION_RISK, Reason.HIGH_VOLATILITY)
    assert trade.trade_value == Decimal(22_640)


def test_what_cash_deployment_gives_back_is_netted_against_what_was_taken() -> None:
    # Category x, 44 %: A and B give 3.6 each by rule 4. The pair B, C is 32.4 %: B gives 4.8 more by rule 5. That
    # makes room of 4.8 in x, which goes to A, as it alone is rising: 4.8 - 3.6 = 1.2 to buy.
    view = view_of(
        asset("A", "18", category="x", momentum="0.5"),
        asset("B", "26", category="x", momentum="-0.1"),
        asset("C", "14"),
        correlations={("B", "C"): "0.9"},
    )
    plan = plan_for(view, replace(FREE, position_limit=Decimal("0.5")))
    by_symbol = {trade.symbol: trade for trade in plan.recommendations}
    bought = by_symbol["A"]
    assert (bought.action, bought.reason, bought.also) == (Side.BUY, Reason.CASH_DEPLOYMENT, ())
    assert [proposal.rule for proposal in bought.evidence] == [
        Reason.CATEGORY_CONCENTRATION,
        Reason.CASH_DEPLOYMENT,
    ]
    assert bought.trade_value == sum(proposal.change for proposal in bought.evidence)
    assert plan.projected.broken == ()
    assert plan.projected.cash > plan.current.cash


def test_recommendations_are_by_priority_then_the_largest_then_by_symbol() -> None:
    plan = plan_for(
        view_of(
            asset("D", "9", momentum="-0.9"),
            asset("C", "28"),
            asset("B", "27"),
            asset("A", "28"),
        ),
        FREE,
    )
    assert [trade.symbol for trade in plan.recommendations] == ["A", "C", "B", "D"]


# --- dust ---


def test_a_trade_under_10_dollars_is_dropped_and_named() -> None:
    # At a total of 400 dollars 25.1 % down to 23 % is 8.40.
    plan = plan_for(view_of(asset("A", "25.1"), scale="0.004"), FREE)
    assert plan.recommendations == ()
    assert obstacles(plan) == {("A",): [Obstacle.TRADE_TOO_SMALL]}
    assert trades(plan_for(view_of(asset("A", "25.1"), scale="0.005"), FREE)) == {"A": (Side.SELL, Decimal("10.50"))}


def test_dust_is_dropped_by_halves_so_that_the_rest_may_be_worth_a_trade() -> None:
    # At 800 dollars a category of 40.2 % is 27.20 over its goal: 9.07 each of three. Two are dropped, one gives all.
    view = view_of(*(asset(s, "13.4", category="x") for s in "ABC"), scale="0.008")
    assert trades(plan_for(view, FREE)) == {"C": (Side.SELL, Decimal("27.20"))}


def test_what_a_dropped_trade_leaves_falls_to_the_others() -> None:
    # A category 3.3 % over, 33 dollars: A would give 8.25 and B, C 12.375 each; without A they give 16.5 each.
    view = view_of(
        asset("A", "10", category="x"),
        asset("B", "15.05", category="x"),
        asset("C", "15.05", category="x"),
        scale="0.01",
    )
    assert trades(plan_for(view, FREE)) == {"B": (Side.SELL, Decimal("16.50")), "C": (Side.SELL, Decimal("16.50"))}


def test_what_was_sold_down_to_the_floor_of_a_pair_is_not_over_it_by_a_last_digit() -> None:
    # B is left with 5 % of what costs leave. Over that by any digit, the pair would trigger again; as momentum does not
    # tell, for A then, the larger.
    view = view_of(
        asset("A", "31", price="0.000123"), asset("B", "31.5", price="64123.45"), correlations={("A", "B"): "0.9"}
    )
    for fee in ("0", "7", "10", "33.33", "50"):
        policy = RebalancePolicy(
            position_limit=Decimal("0.4"), pair_limit=Decimal("0.3"), pair_floor=Decimal("0.05"), fee_bps=Decimal(fee)
        )
        plan = plan_for(view, policy)
        assert [trade.symbol for trade in plan.recommendations] == ["B"]
        trades = [considered(view, policy, t.action, t.symbol, t.trade_quantity) for t in plan.recommendations]
        assert plan_for(project(view, trades), policy).recommendations == ()


# --- harm ---


def test_a_plan_that_would_lower_health_is_made_again_without_cash_deployment_and_says_so() -> None:
    # S is under 1 %: its correlation with A counts only once it is bought.
    view = view_of(
        asset("A", "23"), asset("S", "0.5", momentum="0.5"), asset("B", "26"), correlations={("A", "S"): "0.6"}
    )
    plan = plan_for(view, FREE)
    assert trades(plan) == {"B": (Side.SELL, Decimal(3000))}
    assert plan.withheld == (Reason.CASH_DEPLOYMENT,)
    assert plan.withheld_because == "health would fall from 85 to 82"
    again = plan_for(plan.projected.view, FREE)
    assert again.recommendations == ()
    assert again.withheld_because == "health would fall from 100 to 82"


def test_a_plan_that_would_lower_health_even_so_is_made_without_one_more_rule() -> None:
    # Sold down to 0.92 %, C no longer counts in the average correlation, and A and B are 0.65 alone.
    view = view_of(
        asset("A", "20"),
        asset("B", "10"),
        asset("C", "5", volatility="20"),
        asset("USDC", "65", category="stablecoin"),
        correlations={("A", "B"): "0.65", ("A", "C"): "0", ("B", "C"): "0"},
    )
    plan = plan_for(view, FREE)
    assert plan.recommendations == ()
    assert plan.withheld == (Reason.HIGH_VOLATILITY, Reason.CASH_DEPLOYMENT)
    assert plan.withheld_because == "health would fall from 93.5 to 80.5"
    assert obstacles(plan) == {("C",): [Obstacle.RULE_WITHHELD]}


def test_a_plan_whose_costs_would_break_a_limit_that_nobody_can_remedy_is_not_made() -> None:
    view = view_of(asset("A", "30"), asset("B", "24.9999", tradable=False))
    plan = plan_for(view, DEFAULT)
    assert plan.recommendations == ()
    assert plan.withheld == (Reason.CONCENTRATION_RISK, Reason.CASH_DEPLOYMENT)
    assert plan.withheld_because == "it would newly break the limit of concentration_risk of B"


def test_where_giving_up_one_rule_is_not_enough_nothing_is_asked() -> None:
    view = view_of(asset("A", "30"), asset("B", "24.99999", tradable=False), asset("C", "20", momentum="-0.9"))
    plan = plan_for(view, DEFAULT)
    assert plan.recommendations == ()
    assert plan.withheld == tuple(Reason)
    assert plan.projected == plan.current


def test_a_plan_that_would_cost_more_than_there_is_is_not_made() -> None:
    # 100,000 dollars of A on 99,500 of debt: to sell them costs 995.
    view = market_view([replace(asset("A", "100"))], cash=Decimal(-99_500))
    plan = plan_for(view, replace(DEFAULT, fee_bps=Decimal(100)))
    assert plan.recommendations == ()
    assert plan.withheld_because == "its costs would be more than the portfolio is worth"


# --- unresolved ---


def test_what_cannot_be_traded_is_named_with_what_it_holds_up() -> None:
    view = view_of(
        asset("A", "27", tradable=False, category="x"),
        asset("B", "14", category="x"),
        asset("C", "1", tradable=False, price=None),
        correlations={("A", "B"): "0.9"},
    )
    plan = plan_for(view, FREE)
    assert plan.recommendations == ()
    assert obstacles(plan) == {
        ("A",): [Obstacle.PRICE_NOT_LIVE, Obstacle.PRICE_NOT_LIVE],
        ("C",): [Obstacle.PRICE_NOT_LIVE],
        ("A", "B"): [Obstacle.MEMBER_NOT_TRADED, Obstacle.MEMBER_NOT_TRADED],
    }
    categories = [item for item in plan.unresolved if item.category]
    assert [(item.category, item.limit) for item in categories] == [("x", Reason.CATEGORY_CONCENTRATION)]


@pytest.mark.parametrize("price", ["1e-15", "1.000000000000001e-15"])
def test_what_is_so_cheap_that_the_books_could_not_hold_a_portfolio_of_it_is_not_bought(price: str) -> None:
    # 100,000 dollars are 1e20 units at 1e-15, and a little fewer at the next price.
    view = view_of(asset("A", "10", momentum="0.5", price=price), asset("B", "10", momentum="0.5"))
    view = replace(view, correlations=Correlations({("A", "B"): Decimal(0)}))
    plan = plan_for(view, FREE)
    bought = {trade.symbol for trade in plan.recommendations}
    assert bought == ({"B"} if price == "1e-15" else {"A", "B"})
    assert obstacles(plan) == ({("A",): [Obstacle.PRICE_TOO_LOW]} if price == "1e-15" else {})
    # It is sold as any other is.
    assert trades(plan_for(view_of(asset("A", "30", price=price)), FREE)) == {"A": (Side.SELL, Decimal(7000))}


def test_an_undefined_statistic_is_named_where_a_limit_depends_on_it() -> None:
    view = view_of(
        asset("A", "20", volatility=None),
        asset("B", "20", momentum=None),
        asset("C", "0", momentum=None),
        asset("D", "5"),
        asset("USDC", "20", category="stablecoin", volatility=None, momentum=None),
    )
    assert obstacles(plan_for(view, FREE)) == {
        ("A",): [Obstacle.UNDEFINED_VOLATILITY],
        ("B",): [Obstacle.UNDEFINED_MOMENTUM],
        ("A", "B"): [Obstacle.UNDEFINED_CORRELATION],
    }


# --- edges ---


def _short() -> MarketView:
    return market_view(
        [asset("A", "60"), Holding(symbol="S", quantity=Decimal(-10), value=Decimal(-1000), price=Decimal(100))],
        cash=Decimal(41_000),
    )


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (view_of(), {}),
        (market_view([], cash=Decimal(0)), {}),
        (market_view([], cash=Decimal(-5)), {}),
        (market_view([asset("A", "1")], cash=Decimal(-1000)), {}),
        (view_of(asset("A", "100")), {"A": (Side.SELL, Decimal(77_000))}),
        (view_of(asset("USDC", "60", category="stablecoin"), asset("DAI", "40", category="stablecoin")), {}),
        (_short(), {"A": (Side.SELL, Decimal(37_000))}),
        (market_view([asset("A", "150")], cash=Decimal(-50_000)), {"A": (Side.SELL, Decimal(127_000))}),
    ],
    ids=["only cash", "nothing", "only debt", "worth zero", "one position", "stable", "a short", "borrowed"],
)
def test_a_plan_is_made_of_anything(view: MarketView, expected: Mapping[str, tuple[Side, Decimal]]) -> None:
    plan = plan_for(view, FREE)
    assert trades(plan) == expected
    if view.total_value <= 0:
        assert plan.turnover_percent is None
        assert plan.projected == plan.current


def test_a_short_position_is_named_and_left_alone() -> None:
    named = obstacles(plan_for(_short(), FREE))
    assert named[("S",)][0] is Obstacle.SHORT_POSITION


# --- some of the rules ---


def alone(view: MarketView, *rules: Reason) -> Plan:
    """What these rules alone ask of a view."""
    return make_plan(Summary.of(view, FREE), rules)


def test_a_rule_alone_asks_for_its_own_trades() -> None:
    view = view_of(asset("A", "30"), asset("B", "10", momentum="-0.9"), asset("C", "10", momentum="0.5"))
    assert trades(alone(view, Reason.CONCENTRATION_RISK)) == {"A": (Side.SELL, Decimal(7000))}
    assert trades(alone(view, Reason.NEGATIVE_MOMENTUM)) == {"B": (Side.SELL, Decimal(2640))}  # to 92 % of 8 %
    # Of 50 % cash 40 % is invested, but there is room for 13 % in C alone: up to 92 % of 25 %.
    assert trades(alone(view, Reason.CASH_DEPLOYMENT)) == {"C": (Side.BUY, Decimal(13000))}
    assert not trades(alone(view))


def test_rules_that_would_do_harm_are_withheld_of_those_that_count() -> None:
    view = view_of(asset("A", "23"), asset("S", "0.5", momentum="0.5"), correlations={("A", "S"): "0.6"})
    plan = alone(view, Reason.CASH_DEPLOYMENT)
    assert (trades(plan), plan.withheld) == ({}, (Reason.CASH_DEPLOYMENT,))
    stuck = view_of(asset("A", "30"), asset("B", "24.9999", tradable=False))
    costly = make_plan(Summary.of(stuck, DEFAULT), [Reason.CONCENTRATION_RISK])
    assert (trades(costly), costly.withheld) == ({}, (Reason.CONCENTRATION_RISK,))
