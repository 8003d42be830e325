from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.domain.errors import DomainError, InvalidAmount, OutOfRange
from portfolio.domain.money import Price
from portfolio.domain.prices.quote import Quote, decimal_of, price_of
from portfolio.domain.symbol import Symbol
from tests.support.fakes.clock import NOON


@pytest.mark.parametrize("text", ["0", "-1", "1e308", "1e-19", "100000000000000000000", "0.0000000000000000004"])
def test_a_number_that_is_no_price_is_refused(text: str) -> None:
    with pytest.raises(DomainError):
        price_of(decimal_of(text))


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-Infinity", "1e999999999", "-1e999999999"])
def test_a_decimal_that_is_no_finite_price_is_refused_at_once(value: str) -> None:
    with pytest.raises(DomainError):
        price_of(Decimal(value))


@pytest.mark.parametrize("value", ["1e-999999999", "1e-400"])
def test_what_vanishes_at_18_decimals_is_no_price(value: str) -> None:
    with pytest.raises(InvalidAmount):
        price_of(Decimal(value))


def test_the_largest_price_is_just_below_1e20() -> None:
    assert price_of(Decimal("99999999999999999999.9")).value == Decimal("99999999999999999999.9")
    with pytest.raises(OutOfRange):
        price_of(Decimal("1e20"))


def test_digits_beyond_18_decimals_are_rounded_half_even() -> None:
    # 0.0000000000000000025 lies between ...2 and ...3: the even one; 35 between 3 and 4: the even one
    assert price_of(Decimal("0.0000000000000000025")).value == Decimal("2e-18")
    assert price_of(Decimal("0.0000000000000000035")).value == Decimal("4e-18")


@pytest.mark.parametrize("text", ["NaN", "Infinity", "", " 1", "1 ", "1_000", "1,5", "0x10", "١", "1.", ".5", "1e9999"])
def test_what_is_not_written_as_a_plain_number_is_none(text: str) -> None:
    with pytest.raises(InvalidAmount):
        decimal_of(text)


def test_an_endless_number_is_refused_without_counting_it() -> None:
    with pytest.raises(InvalidAmount):
        decimal_of("1" * 1_000_000)


def test_a_quote_of_zero_does_not_exist() -> None:
    with pytest.raises(InvalidAmount):
        Quote(symbol=Symbol("BTC"), price=Price(Decimal(0)), source="coinbase", observed_at=NOON)


@given(st.decimals(min_value=Decimal("1e-17"), max_value=Decimal("1e19"), places=18))
def test_what_fits_the_ledger_is_kept_to_the_last_digit(value: Decimal) -> None:
    assert price_of(decimal_of(format(value, "f"))).value == value


@given(st.text(max_size=40))
def test_any_text_is_a_number_or_a_domain_error(text: str) -> None:
    with suppress(DomainError):
        assert price_of(decimal_of(text)).value > 0
