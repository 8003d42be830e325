"""What an engine reports: the money of the asset, the fees, and how far they may be off."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.domain.errors import AmountMismatch, FeesTooHigh, InvalidAmount
from portfolio.domain.ledger.trade import EARLIEST, Execution, Side, why_not_then
from portfolio.domain.money import Money, Price, Quantity
from portfolio.domain.symbol import Symbol
from tests.unit.domain.ledger.ledger_model import Wish, exact
from tests.unit.examples import NOON, bought, execution, money, sold

FIVE = Decimal(5)


def test_fees_come_on_top_of_the_net_amount() -> None:
    buy = bought("BTC", "0.1", 45_000, fees="22.5")
    assert (buy.notional, buy.cash_delta) == (money(4_500), money("-4522.5"))
    sale = sold("BTC", "0.1", 45_000, fees="22.5")
    assert (sale.notional, sale.cash_delta) == (money(4_500), money("4477.5"))


def test_with_fees_included_cash_moves_by_the_net_amount() -> None:
    buy = execution(Side.BUY, "BTC", "0.1", 45_000, net="4522.5", fees="22.5", fees_included=True)
    assert (buy.notional, buy.cash_delta) == (money(4_500), money("-4522.5"))
    sale = execution(Side.SELL, "BTC", "0.1", 45_000, net="4477.5", fees="22.5", fees_included=True)
    assert (sale.notional, sale.cash_delta) == (money(4_500), money("4477.5"))


@pytest.mark.parametrize(
    ("quantity", "at", "net", "field"),
    [("0", 1, 1, "quantity"), ("-1", 1, 1, "quantity"), (1, "0", 1, "price"), (1, 1, "0", "net_amount")],
)
def test_quantity_price_and_net_amount_are_above_zero(quantity: str, at: str, net: str, field: str) -> None:
    with pytest.raises(InvalidAmount, match="above zero") as refusal:
        bought("BTC", quantity, at, net=net).check_signs()
    assert refusal.value.field == field


def test_fees_are_not_below_zero() -> None:
    with pytest.raises(InvalidAmount, match="fees have to be at least zero") as refusal:
        bought("BTC", 2, 500, fees="-0.01").check_signs()
    assert refusal.value.field == "fees"


def test_fees_are_at_most_ten_percent_of_the_notional() -> None:
    bought("BTC", 2, 500, fees=100).check_amounts(FIVE)  # 10 % of 2 x 500
    over = bought("BTC", 2, 500, fees="100.000000000000000001")
    said = "fees of 100.000000000000000001 are more than 10 % of quantity x price, 1000"
    with pytest.raises(FeesTooHigh, match=said):
        over.check_amounts(FIVE)
    over.check_amounts(FIVE, Decimal(1))  # as in the files of exchanges


def test_included_fees_leave_something_for_the_asset() -> None:
    with pytest.raises(FeesTooHigh, match="nothing for the asset of 10"):
        execution(Side.BUY, "BTC", 1, 100, net=10, fees=10, fees_included=True).check_amounts(FIVE)


def test_a_sale_never_costs_money() -> None:
    assert not sold("BTC", 1, 100, net=10, fees=10).cash_delta
    with pytest.raises(FeesTooHigh, match="more than the sale brought"):
        sold("BTC", 1, 100, net="9.99", fees=10).check_amounts(FIVE)


@pytest.mark.parametrize("net", ["95", "105", "100"])
def test_asset_money_exactly_at_the_tolerance_is_accepted(net: str) -> None:
    bought("BTC", 1, 100, net=net).check_amounts(FIVE)


@pytest.mark.parametrize("net", ["94.999999999999999999", "105.000000000000000001", "1000", "10"])
def test_asset_money_beyond_the_tolerance_is_a_slipped_decimal_point(net: str) -> None:
    said = f"the asset is {net} but quantity x price is 100: more than 5 % apart"
    with pytest.raises(AmountMismatch, match=said):
        bought("BTC", 1, 100, net=net).check_amounts(FIVE)


def test_the_tolerance_is_exact_with_amounts_longer_than_28_digits() -> None:
    # 1e12 x 1e6 = 1e18; 5 % of it is 5e16, met exactly and missed by 1e-18: 35 digits.
    bought("BTC", 10**12, 10**6, net="1050000000000000000").check_amounts(FIVE)
    with pytest.raises(AmountMismatch):
        bought("BTC", 10**12, 10**6, net="1050000000000000000.000000000000000001").check_amounts(FIVE)


def test_the_tolerance_counts_the_money_without_included_fees() -> None:
    execution(Side.BUY, "BTC", 1, 100, net=115, fees=10, fees_included=True).check_amounts(FIVE)
    with pytest.raises(AmountMismatch):
        execution(Side.BUY, "BTC", 1, 100, net=116, fees=10, fees_included=True).check_amounts(FIVE)


def test_quantity_x_price_of_1e20_is_compared_like_any_other() -> None:
    with pytest.raises(AmountMismatch):
        bought("BTC", 10**10, 10**10, net=1).check_amounts(FIVE)  # 1e20 itself is no amount


@given(
    st.booleans(),
    st.booleans(),
    st.integers(-5, 10**24),
    st.integers(1, 10**24),
    st.integers(-5, 10**30),
    st.integers(-5, 10**29),
)
def test_an_execution_is_taken_exactly_where_the_contract_takes_it(
    buys: bool, included: bool, quantity: int, at: int, net: int, fees: int
) -> None:
    wish = Wish("BTC", buys, quantity, at, net, fees, included)

    def made() -> Execution:
        return Execution(
            symbol=Symbol("BTC"),
            side=Side.BUY if buys else Side.SELL,
            quantity=Quantity(exact(quantity)),
            price=Price(exact(at)),
            net_amount=Money(exact(net)),
            fees=Money(exact(fees)),
            executed_at=NOON,
            fees_included=included,
        )

    if wish.malformed:
        with pytest.raises(InvalidAmount):
            made().check_signs()
    else:
        taken = made()
        assert (taken.notional.value, taken.cash_delta.value) == (exact(wish.asset), exact(wish.cash))
        if wish.too_much_fees:
            with pytest.raises(FeesTooHigh):
                taken.check_amounts(FIVE)
        elif wish.mismatched:
            with pytest.raises(AmountMismatch):
                taken.check_amounts(FIVE)
        else:
            taken.check_amounts(FIVE)


def test_sides_have_opposites() -> None:
    assert (Side.BUY.opposite, Side.SELL.opposite) == (Side.SELL, Side.BUY)


def test_nothing_has_happened_over_a_minute_ahead_or_before_1970() -> None:
    minute, moment = timedelta(seconds=60), timedelta(microseconds=1)
    assert why_not_then(NOON + minute, NOON) is why_not_then(EARLIEST, NOON) is None
    assert why_not_then(NOON + minute + moment, NOON) == "is more than 60 seconds ahead"
    assert why_not_then(EARLIEST - moment, NOON) == "is before 1970-01-01"
