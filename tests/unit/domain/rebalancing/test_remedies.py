"""The shortest way back to a score of 70."""

from dataclasses import replace
from decimal import Decimal

from portfolio.domain.rebalancing.health import Factor
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.remedies import way_to_target
from portfolio.domain.rebalancing.summary import Summary
from portfolio.domain.rebalancing.unresolved import Obstacle
from tests.support.rebalancing import FREE, Correlations, asset, market_view, view_of


def test_a_healthy_portfolio_needs_nothing() -> None:
    way = way_to_target(Summary.of(view_of(asset("A", "30"), asset("B", "30")), FREE))
    assert (way.reachable, way.projected_score, way.trades) == (True, Decimal(70), ())


def test_the_remedy_of_least_value_is_chosen() -> None:
    # 100 - 3 x 15 = 55: any one remedy gives 70, and B's is the smallest.
    view = view_of(asset("A", "35"), asset("B", "28"), asset("C", "30"))
    way = way_to_target(Summary.of(view, FREE))
    assert [(trade.symbol, trade.trade_value) for trade in way.trades] == [("B", Decimal(5000))]
    assert (way.reachable, way.projected_score, way.trade_value) == (True, Decimal(70), Decimal(5000))


def test_of_equal_remedies_the_first_by_symbol_is_chosen() -> None:
    way = way_to_target(Summary.of(view_of(asset("C", "30"), asset("B", "30"), asset("A", "30")), FREE))
    assert [trade.symbol for trade in way.trades] == ["A"]


def test_of_equal_values_the_fewest_trades_are_chosen() -> None:
    # Score 60. Position P costs 5.2 points of value for 15; category x (40.2 % - 36.8 %) 3.4 for 10, in two trades.
    view = view_of(
        asset("A", "26.4"), asset("B", "20.1", category="x"), asset("C", "20.1", category="x"), asset("D", "26.4")
    )
    correlated = replace(view, correlations=Correlations({("A", "D"): Decimal(0), ("B", "C"): Decimal("0.1")}))
    # 100 - 30 - 10 - 30 x 0.05 = 58.5: one position gives 73.5 for 3.4, the category only 68.5 for 3.4.
    way = way_to_target(Summary.of(correlated, FREE))
    assert [trade.symbol for trade in way.trades] == ["A"]
    # 100 - 30 - 10 = 60: A, D or the category give 70 for the same 3.4; the category takes two trades.
    way = way_to_target(Summary.of(view, FREE))
    assert [trade.symbol for trade in way.trades] == ["A"]


def test_of_equal_values_the_fewest_remedies_are_chosen() -> None:
    # 100 - 3 x 15 - 10 = 45 is 25 points short. Category x, 43.4 %, down to 36.8 % for 6.6 takes A below 25 %, too.
    # Two positions, A and D among them, cost 3.3 each, and A's own remedy leaves x at 40.1 %.
    view = view_of(
        asset("A", "26.3", category="x"), asset("Z", "17.1", category="x"), asset("D", "26.3"), asset("E", "26.3")
    )
    way = way_to_target(Summary.of(view, FREE))
    assert {trade.symbol for trade in way.trades} == {"A", "Z"}
    assert (way.trade_value, way.projected_score) == (Decimal(6600), Decimal(70))


def test_values_that_are_equal_to_a_cent_are_equal() -> None:
    # B's remedy is 0.001 dollars cheaper than A's, which is the first by symbol.
    view = view_of(asset("A", "30"), asset("B", "29.999999"), asset("C", "30"))
    assert [trade.symbol for trade in way_to_target(Summary.of(view, FREE)).trades] == ["A"]
    view = view_of(asset("A", "30"), asset("B", "29.99"), asset("C", "30"))
    assert [trade.symbol for trade in way_to_target(Summary.of(view, FREE)).trades] == ["B"]


def test_the_remedy_of_a_position_may_remedy_its_category_too() -> None:
    # 100 - 15 - 10 - 15 - 15 = 45 is 25 points short. A down to 23 % leaves 39.2 % of x: both are cured, for 3 %.
    view = view_of(
        asset("A", "26", category="x"), asset("B", "16.2", category="x"), asset("C", "28"), asset("D", "29.8")
    )
    way = way_to_target(Summary.of(view, FREE))
    assert {trade.symbol: trade.trade_value for trade in way.trades} == {"A": Decimal(3000)}
    assert way.projected_score == 70


def test_the_remedy_of_a_category_may_remedy_its_position_too() -> None:
    # x is 45.5 %: down to 36.8 % of the total A is 20.6 %. A's own remedy would leave x at 43 %, and a score of 60.
    view = view_of(
        asset("A", "25.5", category="x"),
        asset("B", "20", category="x"),
        asset("C", "26", tradable=False),
        asset("D", "28", tradable=False),
    )
    way = way_to_target(Summary.of(view, FREE))
    assert {trade.symbol for trade in way.trades} == {"A", "B"}
    assert (round(way.trade_value, 9), way.projected_score) == (Decimal(8700), Decimal(70))


def test_limits_and_costs_are_counted_as_the_policy_does() -> None:
    view = view_of(asset("A", "35"), asset("B", "28"), asset("C", "30"))
    way = way_to_target(Summary.of(view, RebalancePolicy()))
    # 5,000 / (1 - 0.001 x 0.23), as in the plan.
    assert abs(way.trade_value - Decimal(5000) / (1 - Decimal("0.00023"))) < Decimal("1e-9")
    assert abs(way.estimated_cost - way.trade_value / 1000) < Decimal("1e-15")


def test_what_stands_in_the_way_is_named() -> None:
    view = view_of(
        asset("A", "26", tradable=False),
        asset("B", "26", tradable=False),
        asset("C", "26"),
        asset("D", "5"),
        correlations={("A", "B"): "0.5"},
    )
    way = way_to_target(Summary.of(view, FREE))
    # 100 - 45 - 15 = 40; with C cured 55.
    assert (way.reachable, way.projected_score, way.trades) == (False, Decimal(55), ())
    assert [(item.deduction.factor, item.deduction.subject, item.obstacle) for item in way.in_the_way] == [
        (Factor.POSITION, "A", Obstacle.PRICE_NOT_LIVE),
        (Factor.POSITION, "B", Obstacle.PRICE_NOT_LIVE),
        (Factor.CORRELATION, None, None),
    ]


def test_a_remedy_that_is_too_small_to_trade_stands_in_the_way() -> None:
    # At 400 dollars 27 % down to 23 % is 16, and 25.1 % down to 23 % is 8.40.
    small = view_of(*(asset(s, "25.1") for s in "ABC"), scale="0.004")
    way = way_to_target(Summary.of(small, FREE))
    assert [item.obstacle for item in way.in_the_way] == [Obstacle.TRADE_TOO_SMALL] * 3


def test_remedies_that_cost_more_than_there_is_stand_in_the_way() -> None:
    view = market_view([asset(s, "34") for s in "ABC"], cash=Decimal(-101_800))
    way = way_to_target(Summary.of(view, replace(FREE, fee_bps=Decimal(1000))))
    assert (way.reachable, way.projected_score) == (False, Decimal(55))
    assert [item.deduction.subject for item in way.in_the_way] == ["A", "B", "C"]


def test_beyond_ten_remedies_only_all_of_them_are_tried() -> None:
    strict = replace(FREE, position_limit=Decimal("0.05"))
    way = way_to_target(Summary.of(view_of(*(asset(s, "6") for s in "ABCDEFGHIJKL")), strict))
    assert (way.reachable, len(way.trades)) == (True, 12)
    # With ten of them two may stay: 8 remedies are enough.
    way = way_to_target(Summary.of(view_of(*(asset(s, "6") for s in "ABCDEFGHIJ")), strict))
    assert [trade.symbol for trade in way.trades] == list("ABCDEFGH")


def test_without_a_score_there_is_no_way() -> None:
    way = way_to_target(Summary.of(market_view([], cash=Decimal(-1)), FREE))
    assert (way.reachable, way.projected_score, way.in_the_way) == (False, None, ())
