"""How much of each limit is used."""

from decimal import Decimal

from hypothesis import given

from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.reason import Reason
from portfolio.domain.rebalancing.summary import LimitUse, Summary
from portfolio.domain.rebalancing.view import MarketView
from tests.support.rebalancing import FREE, asset, market_view, view_of, views


def uses_of(view: MarketView, policy: RebalancePolicy = FREE) -> list[LimitUse]:
    return list(Summary.of(view, policy).uses)


def test_the_most_used_limit_is_first_and_says_how_much_of_it_is_used() -> None:
    uses = uses_of(view_of(asset("A", "20", category="x"), asset("B", "15", category="x"), asset("C", "1")))
    # x: 35 of 40 %; A: 20, B: 15 and C: 1 of 25 %. C's category, other, has no limit.
    assert [(use.rule, *use.name.subject, float(use.used_percent), use.is_broken) for use in uses] == [
        (Reason.CATEGORY_CONCENTRATION, "x", 87.5, False),
        (Reason.CONCENTRATION_RISK, "A", 80, False),
        (Reason.CONCENTRATION_RISK, "B", 60, False),
        (Reason.CONCENTRATION_RISK, "C", 4, False),
    ]
    assert [(float(use.allocation), float(use.limit_allocation)) for use in uses[:2]] == [(35, 40), (20, 25)]


def test_of_a_position_the_lowest_limit_counts_and_each_that_is_broken() -> None:
    # At a volatility of 100 % the limit is 25 x 80 / 100 = 20 %; a falling price makes it 8 %.
    calm = uses_of(view_of(asset("A", "10", volatility="1"), asset("B", "6", volatility="1", momentum="-0.6")))
    assert [(use.rule, *use.name.subject, float(use.limit_allocation)) for use in calm] == [
        (Reason.NEGATIVE_MOMENTUM, "B", 8),
        (Reason.HIGH_VOLATILITY, "A", 20),
    ]
    broken = uses_of(view_of(asset("A", "26", volatility="1")))
    assert [(use.rule, use.is_broken) for use in broken] == [
        (Reason.HIGH_VOLATILITY, True),
        (Reason.CONCENTRATION_RISK, True),
    ]


def test_a_pair_counts_where_both_are_over_the_floor_and_correlated_over_the_bound() -> None:
    holdings = [asset("A", "15"), asset("B", "12"), asset("C", "4"), asset("D", "10")]
    pairs = {("A", "B"): "0.8", ("A", "C"): "0.9", ("B", "D"): "0.7"}
    found = [use for use in uses_of(view_of(*holdings, correlations=pairs)) if use.rule is Reason.HIGH_CORRELATION]
    # 15 + 12 of 30 %. C is under 5 %, and B and D are correlated by no more than 0.7; of A and D nothing is known.
    assert [(*use.name.subject, float(use.used_percent)) for use in found] == [("A", "B", 90)]


def test_what_is_sold_short_uses_no_limit_and_without_a_value_there_are_no_shares() -> None:
    assert uses_of(view_of(asset("A", "-5", category="x"))) == []
    assert uses_of(market_view([asset("A", "1")], cash=Decimal(-1000))) == []


@given(views(least=100, most=1_000_000))
def test_those_above_100_percent_are_the_broken_limits(view: MarketView) -> None:
    summary = Summary.of(view, FREE)
    uses = summary.uses
    assert {use.name for use in uses if use.is_broken} == set(summary.broken)
    assert all(use.is_broken is (use.used_percent > 100) for use in uses)
    assert [use.used_percent for use in uses] == sorted((use.used_percent for use in uses), reverse=True)
