"""Correlation."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.analytics.correlation import Correlation, correlation
from portfolio.analytics.estimate import Estimate, Matrix, Undefined
from tests.unit.analytics.series import (
    common_columns,
    gappy_returns,
    matrices,
    random_returns,
    slow_correlation,
    with_holes,
)

pytestmark = pytest.mark.unmeasured

NAN = float("nan")
FEW, CONSTANT = Undefined.TOO_FEW_OBSERVATIONS, Undefined.CONSTANT_SERIES


def value_of(figure: Estimate) -> float:
    assert figure.value is not None
    return figure.value


def off_diagonal(found: Correlation) -> Matrix:
    return found.matrix[~np.eye(len(found.matrix), dtype=bool)]


# --- by hand ----------------------------------------------------------------------------------------------------------


def test_a_coefficient_worked_out_by_hand() -> None:
    # Five times x = 1, 2, 3, 4 percent beside y = 1, 3, 2, 4. About their means of 2.5: x is -1.5, -.5, .5, 1.5 and y
    # -1.5, .5, -.5, 1.5; products 2.25 - .25 - .25 + 2.25 = 4, squares 5 and 5. r = 4 / 5.
    returns = np.array([[1, 1], [2, 3], [3, 2], [4, 4]] * 5) / 100
    found = correlation(returns)
    np.testing.assert_allclose(found.matrix, [[1.0, 0.8], [0.8, 1.0]], atol=1e-14)


def test_a_coefficient_with_a_gap_is_that_of_the_common_days() -> None:
    # As above, and a 21st day on which x jumps while y is not there.
    returns = np.array([[1, 1], [2, 3], [3, 2], [4, 4]] * 5 + [[90, NAN]]) / 100
    found = correlation(returns)
    assert found.matrix[0, 1] == pytest.approx(0.8, abs=1e-13)
    assert found.common_days.tolist() == [[21, 20], [20, 20]]


def test_what_moves_alike_has_one_and_what_moves_against_it_minus_one() -> None:
    x = random_returns(40, 1, seed=3)[:, 0]
    matrix = correlation(np.column_stack([x, 0.001 + 2 * x, -x / 3])).matrix
    np.testing.assert_allclose(matrix, [[1, 1, -1], [1, 1, -1], [-1, -1, 1]], atol=1e-14)


@pytest.mark.parametrize("hole", [[], [(slice(0, 1), column) for column in range(200)]], ids=["full", "gaps"])
def test_rounding_never_carries_a_coefficient_beyond_one(hole: list[tuple[slice, int]]) -> None:
    # Of 200 multiples of one series some pairs come out as 1 + 4e-16 or more.
    returns = with_holes(random_returns(40, 1, seed=3) * np.arange(1.0, 201.0), hole)
    assert np.abs(correlation(returns).matrix).max() == 1.0


# --- against numpy ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n_days", "n_assets"), [(20, 2), (30, 8), (365, 40)])
def test_without_gaps_it_agrees_with_numpy(n_days: int, n_assets: int) -> None:
    returns = random_returns(n_days, n_assets, seed=n_days)
    found = correlation(returns)
    reference = np.atleast_2d(np.corrcoef(returns, rowvar=False))
    np.testing.assert_allclose(found.matrix, reference, atol=1e-12)
    assert found.excluded == (None,) * n_assets
    assert (found.common_days == n_days).all()
    assert found.undefined_pairs() == []


def test_with_gaps_of_every_shape_it_agrees_with_numpy_pair_by_pair() -> None:
    returns = gappy_returns()
    found = correlation(returns)
    np.testing.assert_allclose(found.matrix, slow_correlation(returns), atol=1e-12)
    for one in range(12):
        for other in range(12):
            assert found.common_days[one, other] == len(common_columns(returns, one, other))


def test_the_coefficients_of_assets_without_gaps_do_not_see_the_gaps_of_others() -> None:
    returns = random_returns(60, 4, seed=5)
    gappy = with_holes(returns, [(slice(0, 35), 2)])
    kept = np.ix_([0, 1, 3], [0, 1, 3])
    np.testing.assert_allclose(correlation(gappy).matrix[kept], correlation(returns).matrix[kept], atol=1e-14)


@given(matrices())
def test_it_agrees_with_numpy_whatever_the_gaps(returns: Matrix) -> None:
    np.testing.assert_allclose(correlation(returns).matrix, slow_correlation(returns), atol=1e-9)


@pytest.mark.parametrize("jump", [1e3, 1e6, 1e12])
def test_a_wild_day_that_is_not_in_common_costs_no_digits(jump: float) -> None:
    # Sums about the mean of all days would lose them: the jump moves that mean far from the common days.
    returns = with_holes(random_returns(60, 3, seed=11), [(slice(0, 5), 1), (slice(50, 60), 2)])
    returns[2, 0] = jump
    returns[55, 1] = -0.99 * jump
    np.testing.assert_allclose(correlation(returns).matrix, slow_correlation(returns), atol=1e-10)


def test_more_hard_pairs_than_are_computed_at_once() -> None:
    returns = with_holes(random_returns(40, 50, seed=2), [(slice(0, 1), column) for column in range(25)])
    returns[0, 25:] = 1e9  # 25 x 25 pairs, each seen from both sides where both have gaps
    returns[39, :25] = np.nan
    returns[1, :25] = 1e9
    returns[1, 25:] = np.nan
    np.testing.assert_allclose(correlation(returns).matrix, slow_correlation(returns), atol=1e-10)


# --- undefined --------------------------------------------------------------------------------------------------------


def test_nineteen_common_days_are_too_few_and_twenty_are_enough() -> None:
    returns = random_returns(40, 3, seed=1)
    returns[:21, 1] = np.nan  # 19 left
    returns[:20, 2] = np.nan  # 20 left
    found = correlation(returns)
    assert np.isnan(found.matrix[1]).all()
    assert np.isnan(found.matrix[:, 1]).all()
    assert not np.isnan(found.matrix[0, 2])
    assert found.excluded == (None, FEW, None)
    assert found.pair_reason(0, 1) is FEW
    assert found.pair_reason(0, 2) is None


@pytest.mark.parametrize("n_days", [0, 1, 19])
def test_a_history_that_is_too_short_defines_nothing(n_days: int) -> None:
    found = correlation(random_returns(n_days, 3, seed=1))
    assert np.isnan(found.matrix).all()
    assert found.excluded == (FEW,) * 3


@pytest.mark.parametrize("level", [0.0, 0.01, -0.3])
def test_a_constant_series_is_undefined_with_or_without_gaps(level: float) -> None:
    returns = random_returns(40, 3, seed=1)
    returns[:, 1] = level
    for holes in ([], [(slice(0, 5), 1)], [(slice(0, 5), 0)]):
        found = correlation(with_holes(returns, holes))
        assert np.isnan(found.matrix[1]).all()
        assert found.excluded == (None, CONSTANT, None)


def test_a_series_that_varies_by_rounding_alone_is_constant() -> None:
    closes = 100 * 1.01 ** np.arange(41.0)
    returns = random_returns(40, 2, seed=1)
    returns[:, 1] = closes[1:] / closes[:-1] - 1
    assert 0 < returns[:, 1].std() < 1e-15
    assert correlation(returns).excluded == (None, CONSTANT)


@pytest.mark.parametrize("level", [0.0, 0.02])
def test_a_series_constant_on_the_common_days_is_undefined_there_alone(level: float) -> None:
    returns = random_returns(60, 3, seed=1)
    returns[30:, 0] = level  # moves on the first 30 days only, where the second asset is not there
    returns[:30, 1] = np.nan
    found = correlation(returns)
    assert np.isnan(found.matrix[0, 1])
    assert not np.isnan(found.matrix[0, 2])
    assert found.excluded == (None, None, None)
    assert found.undefined_pairs() == [(0, 1, CONSTANT)]


def test_a_constant_series_stays_undefined_where_its_noise_gathers_on_the_common_days() -> None:
    # +-5.5e-13 on 20 of 40 days: a deviation of 3.9e-13 over all of them, none at 12 decimals, but 5.6e-13 over those
    # that the other asset has.
    returns = random_returns(40, 3, seed=1)
    returns[:, 0] = [5.5e-13, -5.5e-13] * 10 + [0.0] * 20
    returns[20:, 1] = np.nan
    found = correlation(returns)
    assert np.isnan(found.matrix[0]).all()
    assert np.isnan(found.matrix[:, 0]).all()
    assert found.excluded == (CONSTANT, None, None)


def test_assets_without_a_day_in_common_are_undefined_as_a_pair_alone() -> None:
    returns = random_returns(60, 3, seed=1)
    returns[:30, 0] = returns[30:, 1] = np.nan
    found = correlation(returns)
    assert found.excluded == (None, None, None)
    assert found.undefined_pairs() == [(0, 1, Undefined.NO_COMMON_DAYS)]


@pytest.mark.parametrize(
    ("end", "reason"),
    [(30, Undefined.NO_COMMON_DAYS), (31, Undefined.TOO_FEW_COMMON_DAYS), (49, Undefined.TOO_FEW_COMMON_DAYS)],
)
def test_an_asset_with_too_little_in_common_with_every_other_is_excluded(end: int, reason: Undefined) -> None:
    returns = random_returns(60, 2, seed=1)
    returns[:30, 0] = returns[end:, 1] = np.nan
    found = correlation(returns)
    assert found.excluded == (reason, reason)


def test_an_asset_is_not_excluded_for_the_faults_of_the_only_other() -> None:
    returns = random_returns(60, 2, seed=1)
    returns[:, 1] = np.nan
    assert correlation(returns).excluded == (None, FEW)


def test_one_asset_is_like_itself() -> None:
    found = correlation(random_returns(60, 1, seed=1))
    assert found.matrix.tolist() == [[1.0]]
    assert found.excluded == (None,)


@pytest.mark.parametrize("n_days", [0, 40])
def test_no_assets_have_an_empty_matrix(n_days: int) -> None:
    found = correlation(np.empty((n_days, 0)))
    assert found.matrix.shape == (0, 0)
    assert found.excluded == ()


def test_one_observation_among_complete_series_is_excluded() -> None:
    returns = random_returns(60, 3, seed=1)
    returns[1:, 1] = np.nan
    assert correlation(returns).excluded == (None, FEW, None)


# --- properties -------------------------------------------------------------------------------------------------------


@given(matrices())
def test_the_matrix_is_symmetric_to_the_last_bit_within_one_and_has_a_diagonal_of_ones(returns: Matrix) -> None:
    found = correlation(returns)
    np.testing.assert_array_equal(found.matrix, found.matrix.T)
    np.testing.assert_array_equal(found.common_days, found.common_days.T)
    diagonal = np.diagonal(found.matrix)
    defined = found.matrix[~np.isnan(found.matrix)]
    assert (np.abs(defined) <= 1.0).all()
    assert (diagonal[~np.isnan(diagonal)] == 1.0).all()
    assert np.isnan(found.matrix[np.isnan(diagonal)]).all()


@given(matrices())
def test_every_undefined_coefficient_has_a_reason_and_no_other_has_one(returns: Matrix) -> None:
    found = correlation(returns)
    n_assets = returns.shape[1]
    named = {(one, other) for one, other, _ in found.undefined_pairs()}
    for one in range(n_assets):
        for other in range(n_assets):
            undefined = np.isnan(found.matrix[one, other])
            assert (found.pair_reason(one, other) is not None) == undefined
            kept = found.excluded[one] is None and found.excluded[other] is None
            assert ((one, other) in named) == (undefined and kept and one < other)


def test_a_matrix_of_hundreds_is_symmetric_to_the_last_bit() -> None:
    matrix = correlation(random_returns(365, 300, seed=4)).matrix
    np.testing.assert_array_equal(matrix, matrix.T)


@given(matrices(), st.randoms(use_true_random=False))
def test_neither_the_order_of_assets_nor_that_of_days_changes_it(returns: Matrix, random: Random) -> None:
    days, assets = list(range(returns.shape[0])), list(range(returns.shape[1]))
    random.shuffle(days)
    random.shuffle(assets)
    shuffled = correlation(returns[np.ix_(days, assets)]).matrix
    np.testing.assert_allclose(shuffled, correlation(returns).matrix[np.ix_(assets, assets)], atol=1e-9)


@given(matrices(), st.sampled_from([0.25, 3.0]), st.sampled_from([-0.5, 0.0, 0.125]))
def test_scale_and_offset_of_a_series_do_not_change_it(returns: Matrix, scale: float, offset: float) -> None:
    moved = correlation(returns * scale + offset).matrix
    before = correlation(returns).matrix
    both = ~np.isnan(moved) & ~np.isnan(before)
    np.testing.assert_allclose(moved[both], before[both], atol=1e-6)


@given(matrices())
def test_days_without_any_return_change_nothing(returns: Matrix) -> None:
    nothing = np.full((2, returns.shape[1]), np.nan)
    longer = correlation(np.vstack([nothing, returns, nothing]))
    np.testing.assert_allclose(longer.matrix, correlation(returns).matrix, atol=1e-9)


def test_nobody_can_write_into_the_result_and_the_input_stays_as_it_was() -> None:
    for returns in (random_returns(40, 3, seed=1), gappy_returns()):
        before = returns.copy()
        found = correlation(returns)
        np.testing.assert_array_equal(returns, before)
        with pytest.raises(ValueError, match="read-only"):
            found.matrix[0, 0] = 0.0
        with pytest.raises(ValueError, match="read-only"):
            found.common_days[0, 0] = 0


def test_off_diagonal_coefficients_of_independent_series_are_small() -> None:
    generator = np.random.default_rng(9)
    # The standard error is 1 / sqrt(10000) = 0.01: five of them.
    assert np.abs(off_diagonal(correlation(generator.normal(size=(10_000, 5))))).max() < 0.05
