"""Numbers on the wire."""

import json
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from portfolio.domain.money import Money
from portfolio.entrypoints.http.shell.numbers import Number, number_or_null, parse_number, ratio


class Body(msgspec.Struct):
    value: Number | None


def written(value: Decimal | Money | None) -> str:
    """The text of the number in a body."""
    return msgspec.json.encode(Body(number_or_null(value))).decode().removeprefix('{"value":').removesuffix("}")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1E-8", "0.00000001"),
        ("1E+5", "100000"),
        ("-0", "0"),
        ("-0.000", "0"),
        ("0.10", "0.1"),
        ("-0.10", "-0.1"),
        ("4500.00", "4500"),
        ("99999999999999999999.999999999999999999", "99999999999999999999.999999999999999999"),
    ],
)
def test_a_number_has_no_exponent_no_trailing_zeros_and_no_negative_zero(value: str, text: str) -> None:
    assert written(Decimal(value)) == text


def test_what_is_undefined_is_null() -> None:
    assert written(None) == "null"
    assert ratio(None) is None
    assert ratio(float("nan")) is None
    assert ratio(Decimal("Infinity")) is None


def test_an_amount_is_written_as_its_value() -> None:
    assert written(Money(Decimal("22.50"))) == "22.5"


@given(st.decimals(min_value=Decimal("-1e19"), max_value=Decimal("1e19"), places=18))
def test_what_is_written_is_read_back_exactly(value: Decimal) -> None:
    text = written(value)
    assert json.loads(text, parse_float=Decimal, parse_int=Decimal) == value
    assert parse_number(Raw(text.encode())) == value
    assert parse_number(Raw(f'"{text}"'.encode())) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1 + 0.2, "0.3"), (1 / 3, "0.333333333333"), (2 / 3, "0.666666666667"), (1e-9, "0.000000001"), (-0.0, "0")],
)
def test_a_ratio_has_twelve_significant_digits(value: float, text: str) -> None:
    found = ratio(value)
    assert found is not None
    assert bytes(found).decode() == text


@pytest.mark.parametrize(
    "text",
    ["NaN", '"NaN"', '"Infinity"', '"1_0"', '"1 0"', '"."', '"\u0661"', '""', "true", "[1]", "1" * 10**5 + "x"],
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="has"):
        parse_number(Raw(text.encode()))


def test_a_zero_is_a_zero_whatever_its_exponent() -> None:
    assert str(parse_number(Raw(b"0E+999999"))) == "0"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_whatever_a_double_is_is_read_to_its_last_digit(value: float) -> None:
    for text in (repr(value), f'"{value!r}"', f"{value:.400f}", f'" {value:.17e} "'):
        assert parse_number(Raw(text.encode())) == Decimal(text.strip('" '))


@pytest.mark.parametrize("digits", ["1", "0." + "3" * 10**6, "7" * 10**6])
@pytest.mark.parametrize("exponent", ["", "e5", "E-5"])
def test_a_number_of_any_length_is_read_to_its_last_digit(digits: str, exponent: str) -> None:
    assert parse_number(Raw((digits + exponent).encode())) == Decimal(digits + exponent)


@pytest.mark.parametrize("exponent", [f"e{10**20}", f"e-{10**20}", f"e+{'9' * 10**5}", f"e-0{'9' * 10**5}"])
def test_an_exponent_of_any_length_is_out_of_range_or_nothing_at_18_decimals(exponent: str) -> None:
    found = parse_number(Raw(f"123{exponent}".encode()))
    assert (found.adjusted() > 10**6) is ("-" not in exponent)
    assert (found.adjusted() < -(10**6)) is ("-" in exponent)
