"""The health score: what is deducted, row by row, always adding up."""

from decimal import Decimal

import pytest

from portfolio.domain.rebalancing.health import Factor, HealthScore
from portfolio.domain.rebalancing.summary import Summary
from portfolio.domain.rebalancing.view import Holding, MarketView
from tests.support.rebalancing import FREE, asset, market_view, view_of


def rows(health: HealthScore) -> list[tuple[Factor, str | None, Decimal]]:
    """Factor, subject and points of each deduction."""
    return [(deduction.factor, deduction.subject, deduction.points) for deduction in health.deductions]


def test_deductions_are_itemised_by_position_category_and_correlation() -> None:
    view = view_of(asset("A", "25.5", category="x"), asset("B", "25.5", category="x"), correlations={("A", "B"): "0.5"})
    health = Summary.of(view, FREE).health
    # 100 - 15 - 15 - 10 - 30 x 0.5 = 45
    assert health.score == 45
    assert health.is_healthy is False
    assert rows(health) == [
        (Factor.POSITION, "A", Decimal(15)),
        (Factor.POSITION, "B", Decimal(15)),
        (Factor.CATEGORY, "x", Decimal(10)),
        (Factor.CORRELATION, None, Decimal("15.0")),
    ]
    assert [deduction.detail for deduction in health.deductions] == [
        "A is 25.5 % of the total value, over the position limit of 25 %",
        "B is 25.5 % of the total value, over the position limit of 25 %",
        "x is 51 % of the total value, over the category limit of 40 %",
        "the average correlation is 0.5, and 1 would take 30 points",
    ]


def test_exactly_at_the_limits_nothing_is_deducted() -> None:
    view = view_of(asset("A", "25", category="x"), asset("B", "15", category="x"), correlations={("A", "B"): "0"})
    assert Summary.of(view, FREE).health == HealthScore(score=Decimal(100), average_correlation=Decimal(0))


@pytest.mark.parametrize(
    ("correlation", "score"),
    [("-0.4", "100"), ("1", "70"), ("0.333333333333", "90"), ("0.005", "99.8"), ("0.015", "99.6"), ("0.001", "100")],
)
def test_the_average_correlation_costs_up_to_30_points_rounded_half_even(correlation: str, score: str) -> None:
    # 30 x 0.005 = 0.15 leaves 99.85, to the even 99.8; 30 x 0.015 = 0.45 leaves 99.55, to the even 99.6.
    view = view_of(asset("A", "10"), asset("B", "10"), correlations={("A", "B"): correlation})
    health = Summary.of(view, FREE).health
    assert health.score == Decimal(score)
    assert sum(points for _, _, points in rows(health)) == 100 - Decimal(score)
    assert health.is_healthy is True


def test_below_zero_the_floor_gives_back() -> None:
    view = market_view([asset(s, "30", category=s) for s in "ABCDEFGH"], cash=Decimal(-140_000))
    health = Summary.of(view, FREE).health
    assert health.score == 0
    # 8 x 15 = 120
    assert rows(health)[-1] == (Factor.FLOOR, None, Decimal(-20))
    assert sum(points for _, _, points in rows(health)) == 100


def test_a_stablecoin_and_the_category_other_cost_nothing() -> None:
    stable = asset("USDC", "41", category="stablecoin")
    assert Summary.of(view_of(stable, asset("A", "21"), asset("B", "21")), FREE).health.score == 100


def test_the_average_is_of_distinct_pairs_of_positions_of_1_percent_or_more() -> None:
    view = view_of(
        asset("A", "10"),
        asset("B", "1"),
        asset("C", "0.999999"),
        asset("D", "10", category="stablecoin"),
        asset("E", "10"),
        correlations={("A", "B"): "0.4", ("E", "A"): "0.1", ("A", "C"): "1", ("A", "D"): "1"},
    )
    assert Summary.of(view, FREE).average_correlation == Decimal("0.25")


def test_the_average_has_12_decimals_and_is_undefined_without_a_pair() -> None:
    view = view_of(
        asset("A", "10"),
        asset("B", "10"),
        asset("C", "10"),
        correlations={("A", "B"): "0.1", ("A", "C"): "0.1", ("B", "C"): "0"},
    )
    assert Summary.of(view, FREE).average_correlation == Decimal("0.066666666667")
    assert Summary.of(view_of(asset("A", "50")), FREE).average_correlation is None


def test_an_empty_portfolio_is_healthy() -> None:
    for view in (view_of(), market_view([], cash=Decimal(0))):
        assert Summary.of(view, FREE).health == HealthScore(score=Decimal(100), average_correlation=None)


@pytest.mark.parametrize(
    "view",
    [market_view([], cash=Decimal(-1)), market_view([asset("A", "1")], cash=Decimal(-1000))],
    ids=["debt", "worth zero"],
)
def test_without_a_total_value_there_is_no_score(view: MarketView) -> None:
    health = Summary.of(view, FREE).health
    assert (health.score, health.is_healthy, health.deductions) == (None, None, ())


def test_a_short_position_is_over_no_limit() -> None:
    short = Holding(symbol="S", quantity=Decimal(-1), value=Decimal(-50_000), price=Decimal(50_000))
    assert Summary.of(market_view([short], cash=Decimal(100_000)), FREE).health.score == 100
