"""Idle cash is spent on what is held and rising, as far as there is room."""

from decimal import Decimal

import pytest

from portfolio.domain.rebalancing.strategies.deployment import spend
from portfolio.domain.rebalancing.view import Holding
from tests.support.rebalancing import asset, cash_deployment, changes, targets_of, view_of


def test_cash_over_30_percent_is_spent_down_to_10_by_inverse_volatility() -> None:
    view = view_of(
        asset("A", "2", momentum="0.1", volatility="0.2"),
        asset("B", "2", momentum="0.1", volatility="0.8"),
        asset("USDC", "65", category="stablecoin"),
    )
    proposals = cash_deployment(targets_of(view))
    # Cash is 31 %: 21 % to spend, in parts of 1 / 0.2 = 5 and 1 / 0.8 = 1.25.
    assert changes(proposals) == {"A": Decimal("16.8"), "B": Decimal("4.2")}
    assert proposals[0].figures == {
        "cash_allocation": Decimal(31),
        "cash_trigger_allocation": Decimal(30),
        "cash_target_allocation": Decimal(10),
        "position_allocation": Decimal(2),
        "momentum": Decimal("0.1"),
        "volatility": Decimal("0.2"),
    }


def test_cash_of_exactly_30_percent_stays() -> None:
    view = view_of(asset("A", "5", momentum="0.1"), asset("USDC", "65", category="stablecoin"))
    assert cash_deployment(targets_of(view)) == []


@pytest.mark.parametrize(
    "holding",
    [
        asset("A", "5", momentum="0"),
        asset("A", "5", momentum=None),
        asset("A", "5", momentum="0.1", volatility=None),
        asset("A", "5", momentum="0.1", volatility="0"),
        asset("A", "5", momentum="0.1", category="stablecoin"),
        asset("A", "5", momentum="0.1", tradable=False),
        asset("A", "0", momentum="0.1"),
        asset("A", "23", momentum="0.1"),
        asset("A", "24", momentum="0.1"),
    ],
    ids=["flat", "unknown", "no volatility", "never moves", "stable", "stale", "not held", "full", "over"],
)
def test_what_is_not_rising_not_known_or_full_is_not_bought(holding: Holding) -> None:
    assert cash_deployment(targets_of(view_of(holding))) == []


def test_a_position_is_filled_up_to_92_percent_of_its_tightest_limit() -> None:
    view = view_of(asset("A", "5", momentum="0.1"), asset("B", "5", momentum="0.1", volatility="1.6"))
    # A up to 23 %; B has a limit of 25 % x 80 % / 160 % = 12.5 %, of which 92 % are 11.5.
    assert changes(cash_deployment(targets_of(view))) == {"A": Decimal(18), "B": Decimal("6.5")}


def test_what_a_full_position_leaves_goes_to_the_others() -> None:
    view = view_of(
        asset("A", "22", momentum="0.1"),
        asset("B", "5", momentum="0.1"),
        asset("USDC", "40", category="stablecoin"),
    )
    # 23 % to spend: A takes 1, B the rest that it has room for.
    assert changes(cash_deployment(targets_of(view))) == {"A": Decimal(1), "B": Decimal(18)}
    # 5 % to spend, of which A alone would take half.
    view = view_of(asset("A", "22", momentum="0.1"), asset("B", "5", momentum="0.1"), asset("C", "58"))
    assert changes(spend(targets_of(view))) == {"A": Decimal(1), "B": Decimal(4)}


def test_a_category_is_filled_up_to_92_percent_of_its_limit() -> None:
    view = view_of(
        asset("A", "15", momentum="0.1", category="x"),
        asset("B", "15", momentum="0.1", category="x"),
        asset("C", "1", momentum="0.1"),
    )
    # 36.8 - 30 = 6.8 for A and B together; C has its own 22.
    assert changes(cash_deployment(targets_of(view))) == {"A": Decimal("3.4"), "B": Decimal("3.4"), "C": Decimal(22)}


def test_a_pair_is_filled_up_to_92_percent_of_its_limit_whatever_its_parts() -> None:
    # A has room for 27.6 - 4 = 23.6 beside B: less than its own limit only once B is 4.6 or more.
    for size, bought in (("4", "13"), ("6", "11.6"), ("20", None)):
        view = view_of(
            asset("A", "10", momentum="0.1"), asset("B", size, momentum="-0.1"), correlations={("A", "B"): "0.8"}
        )
        expected = {} if bought is None else {"A": Decimal(bought)}
        assert changes(cash_deployment(targets_of(view))) == expected


def test_both_of_a_pair_stop_when_it_is_full() -> None:
    view = view_of(
        asset("A", "10", momentum="0.1"),
        asset("B", "10", momentum="0.1"),
        asset("C", "1", momentum="0.1"),
        correlations={("A", "B"): "0.8"},
    )
    assert changes(cash_deployment(targets_of(view))) == {"A": Decimal("3.8"), "B": Decimal("3.8"), "C": Decimal(22)}


@pytest.mark.parametrize(
    ("correlation", "other", "is_bought"), [("0.8", "6", False), ("0.8", "5", True), ("0.7", "6", True)]
)
def test_nothing_is_bought_beside_a_position_over_the_floor_that_cannot_be_traded(
    correlation: str, other: str, is_bought: bool
) -> None:
    view = view_of(
        asset("A", "5", momentum="0.1"), asset("B", other, tradable=False), correlations={("A", "B"): correlation}
    )
    assert list(changes(cash_deployment(targets_of(view)))) == (["A"] if is_bought else [])


@pytest.mark.parametrize(("rest", "is_bought"), [("1", False), ("0.25", True), ("1e-16", True)])
def test_nothing_is_bought_in_a_category_of_which_more_than_5_percent_cannot_be_traded(
    rest: str, is_bought: bool
) -> None:
    view = view_of(asset("A", "5", momentum="0.1", category="x"), asset("B", rest, tradable=False, category="x"))
    assert list(changes(cash_deployment(targets_of(view)))) == (["A"] if is_bought else [])


def test_what_keeps_its_value_is_not_bought() -> None:
    view = view_of(asset("A", "5", momentum="0.1"))
    assert cash_deployment(targets_of(view, fixed="A")) == []


def test_nothing_is_bought_without_money() -> None:
    assert spend(targets_of(view_of(asset("A", "5", momentum="0.1"), asset("B", "85")))) == []
