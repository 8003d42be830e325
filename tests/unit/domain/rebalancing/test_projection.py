"""What a trade would lead to, and how large it may be."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from portfolio.domain.errors import InsufficientCash, InsufficientQuantity
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import EXACT, STEP
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.projection import largest_quantity, project
from portfolio.domain.rebalancing.summary import Summary
from portfolio.domain.rebalancing.view import Holding, MarketView
from tests.support.rebalancing import FREE, asset, broken_limits, considered, market_view, view_of, views

DEFAULT = RebalancePolicy()


def after(
    view: MarketView,
    *trades: tuple[str, str, str] | tuple[str, str, str, str] | tuple[str, str, str, str, str],
    policy: RebalancePolicy = FREE,
    allow_negative_cash: bool = False,
) -> MarketView:
    """The view after trades, each of a side, a symbol and a quantity, then its money and its fee."""
    wanted = []
    for side, symbol, *numbers in trades:
        quantity, *money = map(Decimal, numbers)
        given = dict(zip(("value", "fee"), money, strict=False))
        wanted.append(considered(view, policy, Side(side), symbol, quantity, **given))
    return project(view, wanted, allow_negative_cash=allow_negative_cash)


def largest(view: MarketView, side: Side, symbol: str, policy: RebalancePolicy = FREE) -> Decimal | None:
    """The largest quantity at the view's price and the policy's fee."""
    return largest_quantity(Summary.of(view, policy), side, symbol, cost_rate=policy.fee_rate)


# --- project ---


def test_a_purchase_moves_cash_into_the_asset_and_costs_its_fee() -> None:
    made = after(view_of(asset("A", "10")), ("BUY", "A", "50"), policy=DEFAULT)
    assert (made.holdings["A"].quantity, made.holdings["A"].value) == (Decimal(150), Decimal(15_000))
    assert made.cash == 90_000 - 5000 - 5


def test_a_sale_brings_its_value_less_the_fee() -> None:
    made = after(view_of(asset("A", "10")), ("SELL", "A", "50"), policy=DEFAULT)
    assert (made.holdings["A"].quantity, made.holdings["A"].value) == (Decimal(50), Decimal(5000))
    assert made.cash == 90_000 + 5000 - 5


def test_money_and_fee_are_the_trades_own() -> None:
    made = after(view_of(asset("A", "10")), ("BUY", "A", "50", "5100", "7"))
    assert (made.holdings["A"].value, made.cash) == (Decimal(15_000), Decimal(84_893))


def test_trades_follow_one_another() -> None:
    sale, purchase = ("SELL", "A", "1000"), ("BUY", "B", "1000")
    view = view_of(asset("A", "100"), asset("B", "0"))
    made = after(view, sale, purchase)
    assert [made.holdings["A"].value, made.holdings["B"].value, made.cash] == [0, 100_000, 0]
    with pytest.raises(InsufficientCash):
        after(view, purchase, sale)
    assert after(view, purchase, sale, allow_negative_cash=True) == made


def test_all_of_a_position_leaves_nothing_whatever_the_last_digit() -> None:
    held = Holding(symbol="A", quantity=Decimal(3), value=Decimal("10.01"), price=Decimal("3.33"))
    made = after(market_view([held], cash=Decimal(0)), ("SELL", "A", "3"))
    assert made.holdings["A"].value == 0
    assert made.cash == Decimal("9.99")


def test_without_a_price_a_position_moves_at_what_it_is_carried_at() -> None:
    held = asset("A", "10", price=None, tradable=False)
    made = after(view_of(held), ("SELL", "A", "2500", "4000"))
    assert (made.holdings["A"].value, made.cash) == (Decimal(7500), Decimal(94_000))
    made = after(view_of(held), ("BUY", "A", "10", "4000"))
    assert (made.holdings["A"].value, made.cash) == (Decimal(14_000), Decimal(86_000))


def test_what_cannot_be_is_refused() -> None:
    view = view_of(asset("A", "10"))
    with pytest.raises(InsufficientQuantity):
        after(view, ("SELL", "A", "100.01"))
    with pytest.raises(InsufficientCash):
        after(view, ("BUY", "A", "900"), policy=DEFAULT)
    assert after(view, ("BUY", "A", "900")).cash == 0


@pytest.mark.parametrize("numbers", [("0", "1", "0"), ("1", "0", "0"), ("1", "1", "-1")])
def test_what_is_no_trade_is_the_callers_mistake(numbers: tuple[str, str, str]) -> None:
    with pytest.raises(AssertionError):
        after(view_of(asset("A", "10")), ("BUY", "A", *numbers))


# --- largest quantity ---


@pytest.mark.parametrize(
    ("holding", "dollars"),
    [
        (asset("A", "10"), "15000"),
        (asset("A", "25"), "0"),
        (asset("A", "26"), "0"),
        (asset("A", "10", volatility="1"), "10000"),
        (asset("A", "5", momentum="-0.6"), "3000"),
        (asset("A", "10", category="stablecoin"), "90000"),
    ],
    ids=["25 %", "at it", "over it", "volatile", "falling", "stable"],
)
def test_a_purchase_goes_up_to_the_assets_own_limit(holding: Holding, dollars: str) -> None:
    assert largest(view_of(holding), Side.BUY, "A") == Decimal(dollars) / 100


def test_a_purchase_goes_up_to_the_limit_of_its_category_and_its_pairs() -> None:
    view = view_of(asset("A", "10", category="x"), asset("B", "20", category="x"))
    assert largest(view, Side.BUY, "A") == 100
    pair = view_of(asset("A", "10"), asset("B", "15"), correlations={("A", "B"): "0.8"})
    assert largest(pair, Side.BUY, "A") == 50
    # A pair of which one is 5 % or less has no limit, and 5 % of A are allowed beside anything.
    pair = view_of(asset("A", "10"), asset("B", "5"), correlations={("A", "B"): "0.8"})
    assert largest(pair, Side.BUY, "A") == 150
    pair = view_of(asset("A", "1"), asset("B", "40"), correlations={("A", "B"): "0.8"})
    assert largest(pair, Side.BUY, "A") == 40


def test_a_purchase_leaves_cash_for_its_fee() -> None:
    view = view_of(asset("A", "10"), asset("B", "85"))
    # 5,000 / 1.001 / 100, rounded down at 18 decimals.
    assert largest(view, Side.BUY, "A", DEFAULT) == Decimal("49.950049950049950049")


def test_costs_lower_the_total_that_the_limit_counts_on() -> None:
    # 10,000 + x = 25 % of (100,000 - 0.001 x)
    expected = Decimal(15_000) / (1 + Decimal("0.00025")) / 100
    found = largest(view_of(asset("A", "10")), Side.BUY, "A", DEFAULT)
    assert found is not None
    assert 0 <= expected - found < Decimal("1e-18")


@pytest.mark.parametrize("side", list(Side))
def test_what_the_fee_would_push_over_its_limit_bounds_any_trade(side: Side) -> None:
    # 25 % of (100,000 - 0.001 x) is 24,999 at x = 4,000.
    view = view_of(asset("A", "10"), asset("B", "24.999"))
    assert largest(view, side, "A", DEFAULT) == 40
    category = view_of(asset("A", "10"), asset("B", "19.9992", category="x"), asset("C", "20", category="x"))
    # 40 % of (100,000 - 0.001 x) is 39,999.2 at x = 2,000.
    assert largest(category, side, "A", DEFAULT) == 20
    pair = view_of(
        asset("A", "10"),
        asset("B", "14.9997"),
        asset("C", "15"),
        asset("D", "4"),
        correlations={("B", "C"): "0.9", ("C", "D"): "0.9"},
    )
    # 30 % of (100,000 - 0.001 x) is 29,999.7 at x = 1,000.
    assert largest(pair, side, "A", DEFAULT) == 10


@pytest.mark.parametrize("side", list(Side))
def test_what_is_over_elsewhere_already_bounds_nothing(side: Side) -> None:
    view = view_of(
        asset("A", "10"),
        asset("B", "40", category="x"),
        asset("C", "20", category="x"),
        correlations={("B", "C"): "0.9"},
    )
    assert largest(view, side, "A") == (150 if side is Side.BUY else 100)


def test_a_sale_takes_no_more_than_is_held() -> None:
    assert largest(view_of(asset("A", "60")), Side.SELL, "A", DEFAULT) == 600
    odd = replace(asset("A", "60"), quantity=Decimal("600.000000000000000001"))
    assert largest(view_of(odd), Side.SELL, "A", DEFAULT) == odd.quantity
    short = Holding(symbol="S", quantity=Decimal(-1), value=Decimal(-100), price=Decimal(100))
    assert largest(view_of(short), Side.SELL, "S", DEFAULT) == 0


def test_where_shares_or_prices_are_undefined_so_is_the_quantity() -> None:
    broke = market_view([asset("A", "1")], cash=Decimal(-1000))
    assert largest(broke, Side.BUY, "A") is None
    assert largest(broke, Side.SELL, "A") == 10
    assert largest(view_of(asset("A", "1", price=None, tradable=False)), Side.SELL, "A") is None


@pytest.mark.unmeasured
@pytest.mark.parametrize("fee_bps", [0, 10, 50])
@settings(max_examples=100)
@given(view=views(least=1000, most=1_000_000), side=st.sampled_from(Side), number=st.integers(0, 7))
def test_the_largest_quantity_breaks_nothing_and_more_of_it_does(
    fee_bps: int, view: MarketView, side: Side, number: int
) -> None:
    symbol, policy = f"A{number}", RebalancePolicy(fee_bps=Decimal(fee_bps))
    assume(symbol in view.holdings)
    quantity = largest(view, side, symbol, policy)
    assert quantity is not None
    before = set(broken_limits(view, policy))
    if quantity:
        assert set(broken_limits(after(view, (side, symbol, str(quantity)), policy=policy), policy)) <= before
    more = quantity * Decimal("1.001") + Decimal("1e-9")
    try:
        made = after(view, (side, symbol, str(more)), policy=policy)
    except (InsufficientCash, InsufficientQuantity):
        return
    own: Mapping[str, str] = {symbol: "", view.holdings[symbol].category: ""}
    broken = set(broken_limits(made, policy))
    assert broken - before or any(not own.keys().isdisjoint(name.subject) for name in broken)


# --- largest_quantity at another price than the view's ---


@pytest.mark.parametrize(
    ("cost_rate", "expected"),
    [
        # 10,000 + x = 0.25 (100,000 - 0.05 x): 15,000 / 1.0125; and bought below the view's price, which is a gain.
        ("0.05", "148.148148148148148148"),
        ("-0.05", "151.898734177215189873"),
        ("0", "150"),
    ],
)
def test_what_a_trade_loses_by_its_price_and_fee_counts(cost_rate: str, expected: str) -> None:
    view = view_of(asset("A", "10"))
    found = largest_quantity(Summary.of(view, DEFAULT), Side.BUY, "A", cost_rate=Decimal(cost_rate))
    assert found == Decimal(expected)


def test_a_sale_below_the_views_price_may_push_others_over_their_limit() -> None:
    # 25,000 of 100,000 in B: whatever a sale of A loses, B is over its 25 %; what it gains is no harm.
    view = view_of(asset("A", "20"), asset("B", "25"))
    assert largest_quantity(Summary.of(view, DEFAULT), Side.SELL, "A", cost_rate=Decimal("0.5")) == 0
    assert largest_quantity(Summary.of(view, DEFAULT), Side.SELL, "A", cost_rate=Decimal("-0.5")) == 200


def test_no_more_can_be_bought_than_the_books_hold() -> None:
    # 5e19 units are held, and up to 25 % of 100,000 dollars would be 7.5e19 more.
    view = view_of(asset("A", "10", price="2e-16"))
    assert largest(view, Side.BUY, "A") == EXACT.subtract(Decimal("5e19"), STEP)
    assert largest(view_of(asset("A", "20", price="2e-16")), Side.BUY, "A") == 0
