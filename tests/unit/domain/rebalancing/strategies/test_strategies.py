"""Each rule triggers on a portfolio made for it, and not on its neighbour just inside the limit."""

from decimal import Decimal
from typing import Any

import pytest

from portfolio.domain.rebalancing.reason import Reason
from portfolio.domain.rebalancing.strategies.categories import category_concentration
from portfolio.domain.rebalancing.strategies.pairs import high_correlation
from portfolio.domain.rebalancing.strategies.positions import concentration_risk, high_volatility, negative_momentum
from tests.support.rebalancing import asset, changes, targets_of, view_of

# --- rule 1 ---


def test_a_position_over_a_quarter_is_sold_down_to_23_percent() -> None:
    targets = targets_of(view_of(asset("BTC", "25.000001"), asset("ETH", "20")))
    # 92 % of 25 % is 23 %.
    assert changes(concentration_risk(targets)) == {"BTC": Decimal("-2.000001")}


def test_a_position_of_exactly_a_quarter_stays() -> None:
    assert concentration_risk(targets_of(view_of(asset("BTC", "25")))) == []


@pytest.mark.parametrize(
    "holding", [asset("X", "60", category="stablecoin"), asset("X", "60", tradable=False)], ids=["stable", "stale"]
)
def test_neither_a_stablecoin_nor_a_position_without_a_live_price_is_sold_for_its_size(holding: Any) -> None:
    assert concentration_risk(targets_of(view_of(holding))) == []


def test_a_sale_carries_the_figures_that_triggered_it() -> None:
    proposal = concentration_risk(targets_of(view_of(asset("BTC", "28.5"))))[0]
    assert proposal.rule is Reason.CONCENTRATION_RISK
    assert proposal.figures == {"position_allocation": Decimal("28.5"), "limit_allocation": Decimal(25)}


# --- rule 2 ---


def test_a_volatile_position_has_a_limit_that_falls_as_it_swings_more() -> None:
    # At a volatility of 100 % the limit is 25 % x 80 % / 100 % = 20 %, and 92 % of it 18.4 %.
    targets = targets_of(view_of(asset("SOL", "20.01", volatility="1.00")))
    proposals = high_volatility(targets)
    assert changes(proposals) == {"SOL": Decimal("-1.61")}
    assert proposals[0].figures == {
        "position_allocation": Decimal("20.01"),
        "limit_allocation": Decimal(20),
        "volatility": Decimal("1.00"),
        "volatility_threshold": Decimal("0.80"),
    }


@pytest.mark.parametrize(("percent", "volatility"), [("20", "1.00"), ("40", "0.80"), ("40", None)])
def test_a_position_within_its_volatility_limit_stays(percent: str, volatility: str | None) -> None:
    # 40 % at exactly the threshold is rule 1's business; an undefined volatility triggers nothing.
    assert high_volatility(targets_of(view_of(asset("SOL", percent, volatility=volatility)))) == []


# --- rule 3 ---


def test_a_falling_position_over_8_percent_is_sold_down_to_7_36() -> None:
    proposals = negative_momentum(targets_of(view_of(asset("UNI", "8.01", momentum="-0.51"))))
    assert changes(proposals) == {"UNI": Decimal("-0.65")}
    assert proposals[0].figures["momentum"] == Decimal("-0.51")
    assert proposals[0].figures["momentum_threshold"] == Decimal("-0.5")


@pytest.mark.parametrize(("percent", "momentum"), [("8", "-0.51"), ("8.01", "-0.5"), ("8.01", None)])
def test_a_position_that_is_small_or_does_not_fall_enough_stays(percent: str, momentum: str | None) -> None:
    assert negative_momentum(targets_of(view_of(asset("UNI", percent, momentum=momentum)))) == []


# --- rule 4 ---


def test_a_category_over_40_percent_is_sold_down_to_36_8_pro_rata() -> None:
    targets = targets_of(view_of(asset("A", "20.1", category="x"), asset("B", "20.1", category="x")))
    proposals = category_concentration(targets)
    # 40.2 - 36.8 = 3.4, halved.
    assert changes(proposals) == {"A": Decimal("-1.7"), "B": Decimal("-1.7")}
    assert proposals[0].figures == {
        "category": "x",
        "category_allocation": Decimal("40.2"),
        "limit_allocation": Decimal(40),
        "position_allocation": Decimal("20.1"),
    }


@pytest.mark.parametrize("category", ["other", "stablecoin"])
def test_some_categories_have_no_limit(category: str) -> None:
    view = view_of(asset("A", "30", category=category), asset("B", "30", category=category))
    assert category_concentration(targets_of(view)) == []


def test_a_category_of_exactly_40_percent_stays() -> None:
    view = view_of(asset("A", "20", category="x"), asset("B", "20", category="x"))
    assert category_concentration(targets_of(view)) == []


def test_a_category_with_a_position_that_cannot_be_traded_stays() -> None:
    view = view_of(asset("A", "30", category="x"), asset("B", "20", category="x", tradable=False))
    assert category_concentration(targets_of(view)) == []


def test_a_position_that_keeps_its_value_leaves_its_part_to_the_others() -> None:
    view = view_of(asset("A", "30", category="x"), asset("B", "20", category="x"))
    assert changes(category_concentration(targets_of(view, fixed="A"))) == {"B": Decimal("-13.2")}
    assert category_concentration(targets_of(view, fixed="AB")) == []


def test_a_category_takes_no_more_from_a_position_than_it_has() -> None:
    view = view_of(asset("A", "39", category="x"), asset("B", "2", category="x"))
    assert changes(category_concentration(targets_of(view, fixed="A"))) == {"B": Decimal(-2)}


def test_a_category_that_is_not_named_stays() -> None:
    view = view_of(asset("A", "41", category="x"), asset("B", "42", category="y"))
    assert changes(category_concentration(targets_of(view), only={"y"})) == {"B": Decimal("-5.2")}


# --- rule 5 ---

PAIR = {("A", "B"): "0.71"}


def test_of_a_correlated_pair_over_30_percent_the_weaker_is_sold_until_27_6() -> None:
    view = view_of(asset("A", "15.1", momentum="0.2"), asset("B", "15", momentum="0.1"), correlations=PAIR)
    proposals = high_correlation(targets_of(view))
    assert changes(proposals) == {"B": Decimal("-2.5")}
    assert proposals[0].figures == {
        "correlated_with": "A",
        "correlation": Decimal("0.71"),
        "correlation_threshold": Decimal("0.7"),
        "position_allocation": Decimal(15),
        "pair_allocation": Decimal("30.1"),
        "limit_allocation": Decimal(30),
        "momentum": Decimal("0.1"),
    }


def test_the_first_of_a_pair_is_sold_where_it_is_the_weaker() -> None:
    view = view_of(asset("A", "15.1", momentum="-0.2"), asset("B", "15", momentum="0.1"), correlations=PAIR)
    assert changes(high_correlation(targets_of(view))) == {"A": Decimal("-2.5")}


def test_the_weaker_of_a_pair_keeps_5_percent() -> None:
    view = view_of(asset("A", "25"), asset("B", "6", momentum="-0.1"), correlations=PAIR)
    assert {symbol: round(sold, 12) for symbol, sold in changes(high_correlation(targets_of(view))).items()} == {
        "B": -1
    }


@pytest.mark.parametrize(
    ("first", "second", "correlation"),
    [("15", "15", "0.71"), ("15.1", "15", "0.7"), ("26", "5", "0.71")],
    ids=["30 % together", "a correlation of 0.7", "one of 5 %"],
)
def test_a_pair_just_inside_stays(first: str, second: str, correlation: str) -> None:
    view = view_of(asset("A", first), asset("B", second), correlations={("A", "B"): correlation})
    assert high_correlation(targets_of(view)) == []


def test_a_pair_of_undefined_correlation_stays() -> None:
    assert high_correlation(targets_of(view_of(asset("A", "20"), asset("B", "20")))) == []


@pytest.mark.parametrize("momentum", ["0.1", None])
def test_where_momentum_does_not_tell_the_larger_is_sold(momentum: str | None) -> None:
    for sizes, sold in ((("16", "15"), "A"), (("15", "16"), "B"), (("16", "16"), "A")):
        view = view_of(asset("A", sizes[0], momentum=momentum), asset("B", sizes[1]), correlations=PAIR)
        if momentum is not None:
            view = view_of(
                *(asset(s, p, momentum=momentum) for s, p in zip("AB", sizes, strict=True)), correlations=PAIR
            )
        assert list(changes(high_correlation(targets_of(view)))) == [sold]


@pytest.mark.parametrize("other", [asset("B", "16", tradable=False), asset("B", "16", category="stablecoin")])
def test_a_pair_with_a_stablecoin_or_a_position_that_cannot_be_traded_stays(other: Any) -> None:
    view = view_of(asset("A", "16"), other, correlations=PAIR)
    assert high_correlation(targets_of(view)) == []


def test_a_pair_stays_where_the_weaker_keeps_its_value() -> None:
    view = view_of(asset("A", "16"), asset("B", "16", momentum="-0.1"), correlations=PAIR)
    assert high_correlation(targets_of(view, fixed="B")) == []


def test_pairs_are_relieved_by_falling_correlation_each_on_what_is_left() -> None:
    view = view_of(
        asset("A", "20", momentum="0.3"),
        asset("B", "20", momentum="0.2"),
        asset("C", "20", momentum="0.1"),
        correlations={("A", "B"): "0.8", ("B", "C"): "0.9", ("A", "C"): "0.8"},
    )
    # B and C first: C by 12.4 to 7.6. Then A and B: B by 12.4 to 7.6. A and C are 27.6 by then.
    proposals = high_correlation(targets_of(view))
    assert changes(proposals) == {"C": Decimal("-12.4"), "B": Decimal("-12.4")}
    assert [proposal.symbol for proposal in proposals] == ["C", "B"]
