"""Volatility, risk contributions, diversification and heat."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from portfolio.analytics.estimate import Estimate, Matrix, Undefined
from portfolio.analytics.volatility import Volatility, daily_volatility, volatility
from tests.unit.analytics.series import gappy_returns, matrices, random_returns, weights_of

pytestmark = pytest.mark.unmeasured

FEW, CONSTANT = Undefined.TOO_FEW_OBSERVATIONS, Undefined.CONSTANT_SERIES
YEAR = 365**0.5


def value_of(figure: Estimate) -> float:
    assert figure.value is not None
    return figure.value


def is_undefined(found: Volatility, reason: Undefined) -> bool:
    return (
        found.portfolio == found.diversification_ratio == Estimate(reason=reason)
        and bool(np.isnan(found.contributions.values).all())
        and None not in found.contributions.reasons
    )


# --- by hand ----------------------------------------------------------------------------------------------------------

# Ten times +-: about means of zero, squares add up to 20 x 0.01^2 and 20 x 0.02^2 over 19 degrees of freedom.
ALTERNATING = np.array([[0.01, 0.02], [-0.01, -0.02]] * 10)
OPPOSITE = ALTERNATING * [1, -1]
# +x and -x in turn beside +y, +y, -y, -y: each product cancels another, so the two are uncorrelated.
CROSSED = np.array([[0.01, 0.02], [-0.01, 0.02], [0.01, -0.02], [-0.01, -0.02]] * 5)
ROOT = (20 / 19) ** 0.5


def test_volatility_worked_out_by_hand() -> None:
    found = volatility(ALTERNATING, [0.5, 0.25])
    np.testing.assert_allclose(found.daily.values, [0.01 * ROOT, 0.02 * ROOT], atol=1e-15)
    # Moving as one: 0.5 x 1 % + 0.25 x 2 % = 1 %, half of it from each, and nothing is diversified away.
    assert value_of(found.portfolio) == pytest.approx(0.01 * ROOT * YEAR, abs=1e-14)
    np.testing.assert_allclose(found.contributions.values, [0.5, 0.5], atol=1e-14)
    assert value_of(found.diversification_ratio) == pytest.approx(1.0, abs=1e-14)
    assert value_of(found.heat) == pytest.approx(0.01 * ROOT, abs=1e-15)
    assert (found.common_days, found.covered_weight) == (20, 0.75)


def test_uncorrelated_assets_worked_out_by_hand() -> None:
    found = volatility(CROSSED, [0.4, 0.4])
    # Variances 0.16 x (1, 4) in units of 20/19 x 1e-4: together 0.8, a fifth and four fifths of it.
    assert value_of(found.portfolio) == pytest.approx((0.8 * 20 / 19 * 1e-4) ** 0.5 * YEAR, abs=1e-14)
    np.testing.assert_allclose(found.contributions.values, [0.2, 0.8], atol=1e-14)
    # (0.4 x 1 + 0.4 x 2) / sqrt(0.8)
    assert value_of(found.diversification_ratio) == pytest.approx(1.2 / 0.8**0.5, abs=1e-13)


def test_a_hedge_contributes_less_than_nothing() -> None:
    found = volatility(OPPOSITE, [0.6, 0.1])
    # 0.6 x 1 % - 0.1 x 2 % = 0.4 %: the first brings 0.6 / 0.4 of it, the second takes 0.2 / 0.4 away.
    assert value_of(found.portfolio) == pytest.approx(0.004 * ROOT * YEAR, abs=1e-14)
    np.testing.assert_allclose(found.contributions.values, [1.5, -0.5], atol=1e-13)
    assert value_of(found.heat) == pytest.approx(0.008 * ROOT, abs=1e-15)


def test_cash_adds_no_risk() -> None:
    returns = random_returns(60, 3, seed=1)
    all_in, half_cash = volatility(returns, [0.5, 0.3, 0.2]), volatility(returns, [0.25, 0.15, 0.1])
    assert value_of(half_cash.portfolio) == pytest.approx(value_of(all_in.portfolio) / 2, rel=1e-13)
    assert value_of(half_cash.heat) == pytest.approx(value_of(all_in.heat) / 2, rel=1e-13)
    np.testing.assert_allclose(half_cash.contributions.values, all_in.contributions.values, atol=1e-13)


@pytest.mark.parametrize("size", [1e-12, 1e-15, 1e-30])
def test_residues_beside_cash_share_the_risk_as_they_would_alone(size: float) -> None:
    # Cash, but for a billionth of a thousandth: it moves by less than 12 decimals show, and yet it moves.
    found = volatility(CROSSED, [0.4 * size, 0.4 * size])
    np.testing.assert_allclose(found.contributions.values, [0.2, 0.8], atol=1e-12)
    assert value_of(found.diversification_ratio) == pytest.approx(1.2 / 0.8**0.5, abs=1e-12)
    assert volatility(np.full((30, 2), 0.01), [size, size]).contributions.reasons == (CONSTANT, CONSTANT)


# --- against numpy ----------------------------------------------------------------------------------------------------


def check_against_numpy(returns: Matrix, weights: Matrix) -> None:
    """Compare with figures made of numpy's covariance of the common days of the assets with 20 returns."""
    found = volatility(returns, weights)
    enough = (~np.isnan(returns)).sum(axis=0) >= 20
    complete = returns[~np.isnan(returns[:, enough]).any(axis=1)][:, enough]
    covariance = np.atleast_2d(np.cov(complete, rowvar=False, ddof=1))
    shares = weights[enough]
    variance = shares @ covariance @ shares
    assert value_of(found.portfolio) == pytest.approx(np.sqrt(variance * 365), abs=1e-9)
    np.testing.assert_allclose(found.contributions.values[enough], shares * (covariance @ shares) / variance, atol=1e-9)
    ratio = shares @ np.sqrt(np.diagonal(covariance)) / np.sqrt(variance)
    assert value_of(found.diversification_ratio) == pytest.approx(ratio, abs=1e-9)
    deviations = np.array([np.nanstd(returns[:, column], ddof=1) for column in np.flatnonzero(enough)])
    np.testing.assert_allclose(found.daily.values[enough], deviations, atol=1e-12)
    assert value_of(found.heat) == pytest.approx(shares @ deviations, abs=1e-12)
    assert found.common_days == len(complete)
    assert found.covered_weight == pytest.approx(shares.sum(), abs=1e-15)
    assert found.contributions.reasons == tuple(None if kept else FEW for kept in enough)
    assert found.daily.reasons == found.contributions.reasons


@pytest.mark.parametrize(("n_days", "n_assets"), [(20, 1), (30, 8), (365, 40)])
def test_without_gaps_it_agrees_with_numpy(n_days: int, n_assets: int) -> None:
    check_against_numpy(random_returns(n_days, n_assets, seed=n_assets), np.full(n_assets, 0.9 / n_assets))


def test_with_gaps_it_agrees_with_numpy_on_the_common_days() -> None:
    returns = gappy_returns()[:, [1, 2, 3, 6, 7, 9, 10, 11]]  # 15 + 1 + 20 days are missing somewhere; three have none
    check_against_numpy(returns, np.linspace(0.05, 0.2, 8))


def test_each_asset_keeps_all_its_own_days_whatever_the_others_miss() -> None:
    returns = gappy_returns()
    found = daily_volatility(returns)
    for column in (0, 1, 2, 3, 4, 5, 8, 10, 11):
        assert found.values[column] == pytest.approx(np.nanstd(returns[:, column], ddof=1), abs=1e-14)
    assert [column for column, reason in enumerate(found.reasons) if reason is FEW] == [6, 7, 9]


# --- undefined --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_days", [0, 1, 19])
def test_under_twenty_returns_nothing_is_defined(n_days: int) -> None:
    found = volatility(random_returns(n_days, 2, seed=1), [0.5, 0.4])
    assert is_undefined(found, FEW)
    assert found.heat == Estimate(reason=FEW)
    assert found.daily.reasons == (FEW, FEW)
    assert (found.common_days, found.covered_weight) == (0, 0.0)


def test_a_new_listing_is_left_out_and_takes_nothing_from_the_others() -> None:
    returns = random_returns(60, 3, seed=1)
    known = volatility(returns[:, :2], [0.5, 0.2])
    returns[:41, 2] = np.nan  # 19 left
    found = volatility(returns, [0.5, 0.2, 0.3])
    assert found.portfolio == known.portfolio
    assert found.contributions.reasons == (None, None, FEW)
    assert found.heat == known.heat
    assert found.covered_weight == pytest.approx(0.7, abs=1e-15)


@pytest.mark.parametrize(
    ("end", "reason", "days"), [(30, Undefined.NO_COMMON_DAYS, 0), (49, Undefined.TOO_FEW_COMMON_DAYS, 19)]
)
def test_under_twenty_common_days_the_portfolio_is_undefined_and_the_assets_are_not(
    end: int, reason: Undefined, days: int
) -> None:
    returns = random_returns(60, 2, seed=1)
    returns[:30, 0] = returns[end:, 1] = np.nan
    found = volatility(returns, [0.5, 0.5])
    assert is_undefined(found, reason)
    assert found.common_days == days
    assert found.daily.reasons == (None, None)
    assert value_of(found.heat) == pytest.approx(0.5 * found.daily.values.sum(), abs=1e-15)


def test_twenty_common_days_are_enough() -> None:
    returns = random_returns(60, 2, seed=1)
    returns[:30, 0] = returns[50:, 1] = np.nan
    assert volatility(returns, [0.5, 0.5]).common_days == 20
    check_against_numpy(returns, np.array([0.5, 0.5]))


def test_flat_series_have_no_volatility_and_nothing_to_share_out() -> None:
    found = volatility(np.full((30, 2), 0.01), [0.5, 0.4])
    assert value_of(found.portfolio) == pytest.approx(0.0, abs=1e-15)
    np.testing.assert_allclose(found.daily.values, 0.0, atol=1e-15)
    assert found.contributions.reasons == (CONSTANT, CONSTANT)
    assert found.diversification_ratio == Estimate(reason=CONSTANT)
    assert value_of(found.heat) == pytest.approx(0.0, abs=1e-15)


def test_a_flat_asset_beside_one_that_moves_contributes_nothing() -> None:
    found = volatility(ALTERNATING * [1, 0], [0.5, 0.4])
    assert found.contributions.values.tolist() == [pytest.approx(1.0, abs=1e-14), 0.0]
    assert found.daily.values[1] == 0.0


@pytest.mark.parametrize("n_days", [0, 30])
def test_without_positions_nothing_is_defined(n_days: int) -> None:
    found = volatility(np.empty((n_days, 0)), [])
    assert found.portfolio == found.heat == found.diversification_ratio == Estimate(reason=Undefined.NO_POSITIONS)
    assert found.contributions.reasons == found.daily.reasons == ()


def test_an_asset_of_no_value_beside_one_without_history_does_not_pass_for_the_portfolio() -> None:
    returns = random_returns(30, 2, seed=1)
    returns[:, 1] = np.nan
    assert is_undefined(volatility(returns, [0.0, 0.8]), FEW)


# --- properties -------------------------------------------------------------------------------------------------------


@given(matrices(least_days=20, least_assets=1), st.data())
def test_contributions_add_up_to_one_and_long_portfolios_diversify(returns: Matrix, data: st.DataObject) -> None:
    weights = data.draw(weights_of(returns.shape[1]))
    found = volatility(returns, weights)
    defined = ~np.isnan(found.contributions.values)
    assume(found.diversification_ratio.value is not None)
    assert found.contributions.values[defined].sum() == pytest.approx(1.0, abs=1e-9)
    assert value_of(found.diversification_ratio) >= 1.0 - 1e-9


@given(matrices(), st.data())
def test_no_figure_is_ever_not_finite_and_none_is_below_zero(returns: Matrix, data: st.DataObject) -> None:
    found = volatility(returns, data.draw(weights_of(returns.shape[1])))
    assert (found.daily.values[~np.isnan(found.daily.values)] >= 0.0).all()
    for figure in (found.portfolio, found.heat):
        assert figure.value is None or figure.value >= 0.0


@given(matrices(least_days=20, least_assets=1, gaps=False), st.data())
def test_heat_is_never_less_than_the_daily_volatility_of_a_long_portfolio(returns: Matrix, data: st.DataObject) -> None:
    found = volatility(returns, data.draw(weights_of(returns.shape[1])))
    assert value_of(found.heat) >= value_of(found.portfolio) / YEAR - 1e-12


@given(matrices(least_days=20, least_assets=1), st.sampled_from([0.25, 0.5, 2.0]), st.data())
def test_volatility_grows_with_the_returns_and_contributions_stay(
    returns: Matrix, factor: float, data: st.DataObject
) -> None:
    weights = data.draw(weights_of(returns.shape[1]))
    found, scaled = volatility(returns, weights), volatility(returns * factor, weights)
    np.testing.assert_allclose(scaled.daily.values, found.daily.values * factor, rtol=1e-12, atol=1e-15)
    assume(found.diversification_ratio.value is not None and scaled.diversification_ratio.value is not None)
    assert value_of(scaled.portfolio) == pytest.approx(value_of(found.portfolio) * factor, rel=1e-12)
    np.testing.assert_allclose(scaled.contributions.values, found.contributions.values, atol=1e-12)
