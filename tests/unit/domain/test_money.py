"""Amounts are exact, bounded, and keep their units apart."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from portfolio.domain.decimal_text import plain
from portfolio.domain.errors import InvalidAmount, OutOfRange
from portfolio.domain.money import Money, Price, Quantity, added, round_to_step, subtracted, sum_of
from tests.unit.domain.ledger.ledger_model import ONE, exact, share
from tests.unit.examples import money, price, units

LARGEST = "99999999999999999999.999999999999999999"
COUNTS = st.integers(-(10**38) + 1, 10**38 - 1)


def of(count: int) -> Money:
    return Money(exact(count))


@pytest.mark.parametrize("value", [0.1, 1, "1.0", None, True])
def test_only_a_decimal_is_an_amount(value: object) -> None:
    with pytest.raises(InvalidAmount, match="only an exact decimal"):
        Money(value)  # type: ignore[arg-type] # that it is refused is the point


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_an_amount_is_finite(text: str) -> None:
    with pytest.raises(InvalidAmount, match="not a finite number"):
        Money(Decimal(text))


@pytest.mark.parametrize("text", ["1e20", "-1e20", "1e999999", "1E+999999999999", "100000000000000000000.5"])
def test_an_amount_is_below_1e20(text: str) -> None:
    with pytest.raises(OutOfRange):
        money(text)


@pytest.mark.parametrize("text", [LARGEST, "-" + LARGEST, "0.000000000000000001", "0e999999", "1.50e19"])
def test_an_amount_may_use_every_digit_of_its_column(text: str) -> None:
    assert money(text).value == Decimal(text)


def test_an_amount_finer_than_18_decimals_is_refused_and_not_rounded() -> None:
    with pytest.raises(InvalidAmount, match="finer than 18 decimals"):
        money("0.0000000000000000001")
    assert money("1.5000000000000000000000") == money("1.5")


def test_a_price_is_not_below_zero() -> None:
    with pytest.raises(InvalidAmount, match="not below zero"):
        price("-0.01")
    assert not price(0)


def test_units_are_kept_apart() -> None:
    with pytest.raises(TypeError, match="Money and Quantity do not add up"):
        money(1) + units(1)  # type: ignore[operator] # that it is refused is the point
    with pytest.raises(TypeError, match="Quantity and Money"):
        units(1) - money(1)  # type: ignore[operator] # that it is refused is the point
    assert len({money(1), units(1)}) == 2


def test_a_sum_of_1e20_is_out_of_range() -> None:
    with pytest.raises(OutOfRange):
        money(LARGEST) + money("0.000000000000000001")


@given(COUNTS, COUNTS)
def test_sums_and_differences_are_exact(one: int, other: int) -> None:
    assume(abs(one + other) < 10**38 and abs(one - other) < 10**38)
    assert (of(one) + of(other)).value == exact(one + other)
    assert (of(one) - of(other)).value == exact(one - other)


@given(COUNTS)
def test_sign_changes_keep_every_digit_whatever_the_current_context(count: int) -> None:
    with localcontext() as context:
        context.prec = 5
        assert (-of(count)).value == exact(-count)
        assert abs(of(count)).value == exact(abs(count))
        assert Money.zero() - of(count) == -of(count)


@given(COUNTS, st.integers(1, 10**38 - 1), st.integers(1, 10**38 - 1))
def test_a_portion_is_half_even_at_18_decimals(total: int, part: int, whole: int) -> None:
    expected = share(total, part, whole)
    assume(abs(expected) < 10**38)
    assert of(total).portion(Quantity(exact(part)), Quantity(exact(whole))).value == exact(expected)


def test_a_portion_of_all_is_all_of_it() -> None:
    assert money("0.1").portion(units(3), units(3)) == money("0.1")
    # A third of 1e-18 is nothing at 18 decimals; half of 1e-18 goes to the even neighbour, zero; half of 3e-18 to
    # 2e-18.
    assert not money("1e-18").portion(units(1), units(3))
    assert not money("1e-18").portion(units(1), units(2))
    assert money("3e-18").portion(units(1), units(2)) == money("2e-18")


def test_a_portion_of_nothing_at_all_is_no_number() -> None:
    with pytest.raises(ZeroDivisionError):
        money(1).portion(units(1), units(0))


@given(st.integers(0, 10**38 - 1), st.integers(0, 10**38 - 1))
def test_quantity_times_price_is_half_even(quantity: int, at: int) -> None:
    expected = round(Fraction(quantity * at, ONE))
    if expected >= 10**38:
        with pytest.raises(OutOfRange):
            Quantity(exact(quantity)).at(Price(exact(at)))
    else:
        assert Quantity(exact(quantity)).at(Price(exact(at))).value == exact(expected)


@given(st.integers(0, 10**38 - 1), st.integers(1, 10**38 - 1))
def test_a_price_per_unit_is_half_even(paid: int, quantity: int) -> None:
    expected = round(Fraction(paid * ONE, quantity))
    if expected >= 10**38:
        with pytest.raises(OutOfRange):
            of(paid).per(Quantity(exact(quantity)))
    else:
        assert of(paid).per(Quantity(exact(quantity))).value == exact(expected)


def test_rounding_does_not_leave_the_range_either_way() -> None:
    assert round_to_step(Decimal(LARGEST)) == Decimal(LARGEST)
    assert round_to_step(Decimal("-" + LARGEST)) == Decimal("-" + LARGEST)
    with pytest.raises(OutOfRange):
        round_to_step(Decimal(LARGEST + "6"))  # half even makes it 1e20
    with pytest.raises(OutOfRange):
        round_to_step(Decimal("1e20"))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("4.500E+3", "4500"),
        ("-0.00", "0"),
        ("0E+5", "0"),
        ("0E-20", "0"),
        ("100", "100"),
        ("1E-18", "0.000000000000000001"),
        ("-0.10", "-0.1"),
        (LARGEST, LARGEST),
    ],
)
def test_a_number_is_written_without_exponent_and_trailing_zeros(text: str, written: str) -> None:
    assert plain(Decimal(text)) == written
    if "E-20" not in text:
        assert str(money(text)) == written


def test_amounts_are_compared_by_value() -> None:
    assert money("1.0") == money("1")
    assert hash(money("1.0")) == hash(money("1"))
    assert money("-1") < money("0.5") < money("0.50000001")
    assert bool(money("1e-18"))
    assert not bool(Money.zero())


def test_a_difference_of_prices_is_no_price_below_zero() -> None:
    with pytest.raises(InvalidAmount, match="not below zero"):
        Price(Decimal(1)) - Price(Decimal(2))


def test_what_moved_in_a_time_may_be_more_than_there_ever_was() -> None:
    half = Money(Decimal("9e19"))
    whole = added(half, half)
    assert (whole.value, sum_of([half, half, half]).value) == (Decimal("1.8e20"), Decimal("2.7e20"))
    assert subtracted(-half, half).value == Decimal("-1.8e20")
    assert subtracted(whole, half) == half
    assert sum_of([]) == Money.zero()
    with pytest.raises(OutOfRange):
        _ = whole + half


def test_a_quantity_that_no_books_were_worth_at_a_close_has_no_value() -> None:
    held = Quantity(Decimal("1e19"))
    assert held.worth(Price(Decimal(9))) == Money(Decimal("9e19"))
    assert held.worth(Price(Decimal(10))) is None
