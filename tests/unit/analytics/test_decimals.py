"""From floats to exact numbers."""

from decimal import ROUND_HALF_EVEN, Context, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.analytics.decimals import to_decimals

CONTEXT = Context(prec=60, rounding=ROUND_HALF_EVEN)


def one_by_one(value: float) -> Decimal | None:
    """What the function stands for, said with Python's own decimals."""
    if not abs(value) < 1e20:
        return None
    return Decimal(value).quantize(Decimal("1E-12"), context=CONTEXT)


@given(
    st.lists(
        st.one_of(
            st.floats(),
            st.floats(-1.0, 1.0),
            st.integers(-(10**15), 10**15).map(lambda half: (half + 0.5) / 1e12),  # near the middle of two steps
            st.integers(-(2**40), 2**40).map(lambda part: part / 2**13),  # exactly on it, now and then
        )
    )
)
def test_every_element_is_what_exact_rounding_makes_of_its_binary_value(values: list[float]) -> None:
    assert to_decimals(values) == [one_by_one(value) for value in values]


def test_a_tie_goes_to_the_even_neighbour() -> None:
    # 2^-13 = 0.0001220703125: 13 decimals, the last a 5. 3 x 2^-13 = 0.0003662109375.
    assert to_decimals([2**-13, 3 * 2**-13]) == [Decimal("0.000122070312"), Decimal("0.000366210938")]


def test_twelve_decimals_are_there_even_where_they_are_zero() -> None:
    assert [str(value) for value in to_decimals([0.5, 3.0, 1e13])] == [
        "0.500000000000",
        "3.000000000000",
        "10000000000000.000000000000",
    ]


def test_the_largest_numbers_keep_every_digit() -> None:
    # The largest float below 1e20: the step between floats is 16384 there.
    assert to_decimals([np.nextafter(1e20, 0.0)]) == [Decimal("99999999999999983616")]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e20, -1e20, 1e308])
def test_what_is_not_finite_or_too_large_is_none_and_its_neighbours_are_not(value: float) -> None:
    assert to_decimals([1.0, value, 2.0]) == [Decimal(1), None, Decimal(2)]


def test_nothing_is_negative_zero() -> None:
    # As a binary number the last is a hair above -5e-13: so close to the middle that it is rounded the exact way.
    tiny = [-0.0, -1e-20, -4.9e-13, -5e-324, -5e-13]
    assert not any(value is None or value.is_signed() for value in to_decimals(tiny))


def test_a_matrix_is_read_row_by_row_whatever_its_memory_looks_like() -> None:
    matrix = np.asfortranarray([[1.0, 2.0], [3.0, 4.0]])
    assert to_decimals(matrix) == [1, 2, 3, 4]
    assert to_decimals(matrix[:, 1]) == [2, 4]
    assert to_decimals(np.empty((0, 3))) == []
