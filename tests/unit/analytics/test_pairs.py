"""The coefficients of all pairs as exact numbers."""

from decimal import Decimal
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from portfolio.analytics.decimals import to_decimals
from portfolio.analytics.figure import Matrix
from portfolio.analytics.pairs import PairMatrix
from portfolio.entrypoints.http.numbers import coefficients, ratio

STEP = 1e-12
COEFFICIENTS = st.one_of(
    st.floats(-1.0, 1.0),
    st.just(float("nan")),
    st.integers(-(2**13), 2**13).map(lambda part: part / 2**13),  # exactly in the middle of two steps, now and then
    st.integers(-50, 50).map(lambda steps: (steps + 0.5) * STEP),
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 1e-5, 9.9e-6, -1e-12, 4e-13]),
)


def symmetric(values: list[float], n_assets: int) -> Matrix:
    matrix = np.ones((n_assets, n_assets))
    matrix[np.triu_indices(n_assets, 1)] = values
    return np.triu(matrix) + np.triu(matrix, 1).T


@st.composite
def matrices(draw: st.DrawFn) -> Matrix:
    n_assets = draw(st.integers(0, 6))
    size = n_assets * (n_assets - 1) // 2
    return symmetric(draw(st.lists(COEFFICIENTS, min_size=size, max_size=size)), n_assets)


def every_pair(matrix: Matrix) -> dict[tuple[str, str], Decimal]:
    """What the table stands for: each defined pair, made exact one by one."""
    names = "ABCDEF"[: len(matrix)]
    found = {(names[i], names[j]): to_decimals([matrix[i, j]])[0] for i, j in combinations(range(len(matrix)), 2)}
    return {pair: value for pair, value in found.items() if value is not None}


@given(matrices())
def test_it_holds_what_exact_rounding_makes_of_each_defined_pair(matrix: Matrix) -> None:
    table = PairMatrix("ABCDEF"[: len(matrix)], matrix)
    assert dict(table) == every_pair(matrix)
    assert len(table) == len(every_pair(matrix))
    assert table == every_pair(matrix)
    assert table == PairMatrix("ABCDEF"[: len(matrix)], matrix.copy())


@given(matrices(), st.one_of(st.decimals(-1, 1, places=12), st.just(Decimal("0.5"))))
def test_the_pairs_above_a_bound_are_those_whose_exact_number_is(matrix: Matrix, bound: Decimal) -> None:
    table = PairMatrix("ABCDEF"[: len(matrix)], matrix)
    assert table.above(bound) == {pair: value for pair, value in every_pair(matrix).items() if value > bound}


def test_a_coefficient_at_the_bound_is_not_above_it() -> None:
    table = PairMatrix("ABC", symmetric([0.7, 0.7000000000004, 0.700000000001], 3))
    assert table.above(Decimal("0.7")) == {("B", "C"): Decimal("0.700000000001")}


@pytest.mark.parametrize("pair", [("B", "A"), ("A", "A"), ("A", "Z"), ("B", "C")])
def test_there_is_nothing_of_a_pair_out_of_order_unknown_or_undefined(pair: tuple[str, str]) -> None:
    table = PairMatrix("ABC", symmetric([0.1, 0.2, float("nan")], 3))
    assert table.get(pair) is None
    assert table["A", "B"] == Decimal("0.1")
    assert table != PairMatrix("ABC", symmetric([0.1, 0.3, float("nan")], 3))


@given(matrices())
def test_a_row_is_written_as_the_exact_numbers_are(matrix: Matrix) -> None:
    rows = PairMatrix("ABCDEF"[: len(matrix)], matrix).rows()
    written = [bytes(coefficients(row)) for row in rows]
    one_by_one = [[ratio(value) or Raw(b"null") for value in to_decimals(row)] for row in matrix]
    assert written == [b"[" + b",".join(map(bytes, row)) + b"]" for row in one_by_one]
