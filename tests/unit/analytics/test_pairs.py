"""The coefficients of all pairs as exact numbers."""

from collections.abc import Sequence
from decimal import Decimal
from functools import cached_property
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from portfolio.analytics.correlation import Correlation, correlation
from portfolio.analytics.decimals import to_decimals
from portfolio.analytics.estimate import Matrix
from portfolio.analytics.pairs import MOST_AT_ONCE, PairMatrix
from portfolio.entrypoints.http.shell.numbers import coefficients, ratio

STEP = 1e-12
COEFFICIENTS = st.one_of(
    st.floats(-1.0, 1.0),
    st.just(float("nan")),
    st.integers(-(2**13), 2**13).map(lambda part: part / 2**13),  # exactly in the middle of two steps, now and then
    st.integers(-50, 50).map(lambda steps: (steps + 0.5) * STEP),
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 1e-5, 9.9e-6, -1e-12, 4e-13]),
)


class Given(PairMatrix):
    """The table of coefficients that are given, whatever returns they may be of."""

    def __init__(self, symbols: Sequence[str], matrix: Matrix) -> None:
        self._given = matrix
        super().__init__(symbols, matrix)

    @cached_property
    def correlation(self) -> Correlation:
        days = np.zeros(self._given.shape, dtype=np.int64)
        return Correlation(self._given, days, (None,) * len(self._given))


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
    names = "ABCDEF"[: len(matrix)]
    table, exact = Given(names, matrix), every_pair(matrix)
    assert all(table.get(pair) == exact.get(pair) for pair in combinations(names, 2))


@given(matrices(), st.one_of(st.decimals(-1, 1, places=12), st.just(Decimal("0.5"))))
def test_the_pairs_above_a_bound_are_those_whose_exact_number_is(matrix: Matrix, bound: Decimal) -> None:
    table = Given("ABCDEF"[: len(matrix)], matrix)
    assert table.above(bound) == {pair: value for pair, value in every_pair(matrix).items() if value > bound}


@given(matrices(), st.one_of(st.decimals(-1, 1, places=12), st.just(Decimal("0.5"))))
def test_the_partners_of_an_asset_are_those_of_its_pairs_above_the_bound(matrix: Matrix, bound: Decimal) -> None:
    names = "ABCDEF"[: len(matrix)]
    table = Given(names, matrix)
    for name in names:
        found = [one if one != name else other for one, other in sorted(table.above(bound)) if name in (one, other)]
        assert table.partners(name, bound) == sorted(found)
    assert table.partners("UNKNOWN", bound) == []


@given(matrices())
def test_the_sum_is_that_of_the_exact_numbers(matrix: Matrix) -> None:
    exact = every_pair(matrix).values()
    assert Given("ABCDEF"[: len(matrix)], matrix).summed() == (sum(exact, Decimal(0)), len(exact))


def test_a_coefficient_at_the_bound_is_not_above_it() -> None:
    table = Given("ABC", symmetric([0.7, 0.7000000000004, 0.700000000001], 3))
    assert table.above(Decimal("0.7")) == {("B", "C"): Decimal("0.700000000001")}


@pytest.mark.parametrize("pair", [("B", "A"), ("A", "A"), ("A", "Z"), ("B", "C")])
def test_there_is_nothing_of_a_pair_out_of_order_unknown_or_undefined(pair: tuple[str, str]) -> None:
    table = Given("ABC", symmetric([0.1, 0.2, float("nan")], 3))
    assert table.get(pair) is None
    assert table.get(("A", "B")) == Decimal("0.1")


@given(matrices())
def test_a_row_is_written_as_the_exact_numbers_are(matrix: Matrix) -> None:
    rows = Given("ABCDEF"[: len(matrix)], matrix).rows()
    written = [bytes(coefficients(row)) for row in rows]
    one_by_one = [[ratio(value) or Raw(b"null") for value in to_decimals(row)] for row in matrix]
    assert written == [b"[" + b",".join(map(bytes, row)) + b"]" for row in one_by_one]


@pytest.fixture(scope="module")
def many() -> tuple[PairMatrix, Given]:
    """More assets than are correlated at once, one of them with a gap, and the whole matrix of them."""
    randomness = np.random.default_rng(5)
    returns = randomness.normal(0, 0.02, (30, 1)) + randomness.normal(0, 0.02, (30, MOST_AT_ONCE + 200))
    returns[:3, [7, 8, 900]] = np.nan
    returns[:15, 9] = np.nan  # too few are left
    returns[:, 10] = 0.01  # constant
    symbols = [f"S{number:04}" for number in range(returns.shape[1])]
    return PairMatrix(symbols, returns), Given(symbols, correlation(returns).matrix)


def test_of_many_assets_the_pairs_above_a_bound_are_found_block_by_block(many: tuple[PairMatrix, Given]) -> None:
    table, whole = many
    bound = Decimal("0.8")
    names = [f"S{number:04}" for number in range(MOST_AT_ONCE + 200)]
    values = whole.correlation.matrix
    rows, columns = np.nonzero(np.triu(values > 0.8, k=1))
    every = [(names[row], names[column]) for row, column in zip(rows.tolist(), columns.tolist(), strict=True)]
    assert len(every) > 100
    assert list(table.above(bound)) == every
    for name in ("S0003", "S0007", "S0010", "S1150"):
        assert table.partners(name, bound) == [
            one if one != name else other for one, other in every if name in (one, other)
        ]
    assert "correlation" not in vars(table), "the matrix of all is not made for this"


def test_of_many_assets_a_pair_or_a_few_are_as_in_the_whole_matrix(many: tuple[PairMatrix, Given]) -> None:
    table, whole = many
    few = ["S0007", "S0003", "S1150", "UNKNOWN"]
    values = whole.correlation.matrix
    for one, other in (("S0003", "S0007"), ("S0007", "S1150")):
        [exact] = to_decimals([values[int(one[1:]), int(other[1:])]])
        assert table.get((one, other)) == table.of(few).get((one, other)) == exact
    assert list(table.of(few).above(Decimal(-1))) == [("S0003", "S0007"), ("S0003", "S1150"), ("S0007", "S1150")]
    assert table.get(("S0007", "S0003")) is None


def test_of_all_symbols_nothing_is_computed_again() -> None:
    table = PairMatrix(["AAA", "BBB"], np.array([[0.1, 0.2], [0.3, 0.1], [0.2, 0.2]]))
    assert table.of(["BBB", "AAA", "XXX"]) is table
    assert table.of(["AAA"]) is not table


def test_of_the_symbols_asked_for_last_nothing_is_computed_again() -> None:
    table = PairMatrix(["AAA", "BBB", "CCC"], np.array([[0.1, 0.2, 0.3], [0.2, 0.1, 0.4], [0.1, 0.3, 0.1]] * 10))
    two = table.of(["AAA", "CCC"])
    assert table.of(["CCC", "XXX", "AAA"]) is two
    assert two.summed() is two.summed()
    assert table.of(["BBB", "CCC"]).above(Decimal(-1)).keys() == {("BBB", "CCC")}
    assert table.of(["AAA", "CCC"]).above(Decimal(-1)).keys() == {("AAA", "CCC")}
