"""Which limits there are, and which of them are broken."""

from decimal import Decimal

import pytest
from hypothesis import given

from portfolio.domain.rebalancing.limits import LimitName, Limits, limit_of, share_of
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.reason import Reason
from portfolio.domain.rebalancing.view import MarketView
from tests.support.rebalancing import FREE, asset, broken_limits, market_view, view_of, views

VIEW = view_of(
    asset("A", "26", category="x", volatility="1"),
    asset("B", "15", category="x", momentum="-0.6"),
    correlations={("A", "B"): "0.8"},
)


def test_broken_limits_are_in_the_order_of_the_rules() -> None:
    names = broken_limits(VIEW, FREE)
    assert [(name.reason, name.subject) for name in names] == [
        (Reason.CONCENTRATION_RISK, ("A",)),
        (Reason.HIGH_VOLATILITY, ("A",)),
        (Reason.NEGATIVE_MOMENTUM, ("B",)),
        (Reason.CATEGORY_CONCENTRATION, ("x",)),
        (Reason.HIGH_CORRELATION, ("A", "B")),
    ]
    limits = Limits.of(VIEW, FREE)
    assert [limits.members(name) for name in names] == [("A",), ("A",), ("B",), ("A", "B"), ("A", "B")]
    assert [limit_of(name, limits) for name in names] == [Decimal(n) for n in ("0.25", "0.2", "0.08", "0.4", "0.3")]
    assert [share_of(name, limits, VIEW.values) / 1000 for name in names] == [26, 26, 15, 41, 41]


def test_exactly_at_its_limit_nothing_is_broken() -> None:
    at_limit = view_of(asset("A", "25", category="x"), asset("B", "15", category="x"))
    assert broken_limits(at_limit, FREE) == []
    for sizes in (("15", "15"), ("25", "5")):
        pair = view_of(*(asset(s, p) for s, p in zip("AB", sizes, strict=True)), correlations={("A", "B"): "0.8"})
        assert broken_limits(pair, FREE) == []
    over_floor_alone = view_of(asset("A", "25"), asset("B", "5"), asset("C", "5"), correlations={("A", "B"): "0.8"})
    low = RebalancePolicy(pair_limit=Decimal("0.2"), fee_bps=Decimal(0))
    assert broken_limits(over_floor_alone, low) == []


def test_where_nothing_is_worth_anything_no_limit_is_broken() -> None:
    assert broken_limits(market_view([asset("A", "1")], cash=Decimal(-1000)), FREE) == []


def test_a_limit_over_a_position_that_cannot_be_traded_is_stuck() -> None:
    limits = Limits.of(view_of(asset("A", "26", category="x", tradable=False), asset("B", "26", category="x")), FREE)
    assert limits.is_stuck(limits.members(LimitName(Reason.CONCENTRATION_RISK, ("A",))))
    assert not limits.is_stuck(limits.members(LimitName(Reason.CONCENTRATION_RISK, ("B",))))
    assert limits.is_stuck(limits.members(LimitName(Reason.CATEGORY_CONCENTRATION, ("x",))))


@pytest.mark.parametrize(("rest", "is_stuck"), [("1e-16", False), ("2", False), ("2.01", True)])
def test_a_rest_of_at_most_5_percent_does_not_keep_its_category_from_being_judged(rest: str, is_stuck: bool) -> None:
    view = view_of(asset("A", "38", category="x"), asset("B", rest, category="x", tradable=False))
    assert Limits.of(view, FREE).is_stuck(("A", "B")) is is_stuck


@given(views(least=1_000, most=1_000_000))
def test_the_pairs_at_their_limit_are_found_without_the_table_of_all_pairs(view: MarketView) -> None:
    values, whole = view.values, view.total_value
    limits = Limits.of(view, FREE)
    over = [
        (-value, pair)
        for pair, value in view.correlations.above(FREE.pair_correlation).items()
        if limits.positions.keys() >= set(pair)
        and min(values[symbol] for symbol in pair) > FREE.pair_floor * whole
        and sum(values[symbol] for symbol in pair) > FREE.pair_limit * whole
    ]
    assert limits.pairs_at_limit(values, whole) == [pair for _, pair in sorted(over)]
