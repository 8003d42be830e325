"""Value at risk and conditional value at risk."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.analytics.estimate import Estimate, Matrix, Undefined, Vector
from portfolio.analytics.tail_risk import (
    Loss,
    LossEstimates,
    Moments,
    cornish_fisher_loss,
    historical_loss,
    losses_of,
    moments_of,
    normal_loss,
    tail_risk,
)
from tests.unit.analytics.series import daily_return, gappy_returns, matrices, random_returns, weights_of

pytestmark = pytest.mark.unmeasured

P90, P95, P99 = Decimal("0.9"), Decimal("0.95"), Decimal("0.99")
Z95, Z99 = 1.6448536269514722, 2.3263478740408408  # quantiles of the standard normal, as in any table

losses_of_days = st.lists(daily_return.map(lambda r: -r), min_size=30, max_size=80).map(
    lambda losses: np.sort(np.array(losses))[::-1]
)
confidences = st.integers(1, 999).map(lambda thousandths: Decimal(thousandths) / 1000)


def value_of(figure: Estimate) -> float:
    assert figure.value is not None
    return figure.value


def both(loss: Loss) -> tuple[float, float]:
    return value_of(loss.value_at_risk), value_of(loss.conditional_value_at_risk)


def reasons(estimates: LossEstimates) -> set[Undefined | None]:
    every = (estimates.historical, estimates.normal, estimates.cornish_fisher)
    return {figure.reason for loss in every for figure in (loss.value_at_risk, loss.conditional_value_at_risk)}


# --- historical -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "confidence", "value_at_risk", "conditional"),
    [
        # Losses n, n - 1, ... 1, in percent. k = 5, exactly (in floats (1 - 0.95) x 100 is above 5): the fifth worst,
        # and the mean of 100 to 96.
        (100, P95, 96.0, 98.0),
        (100, P99, 100.0, 100.0),  # k = 1
        (30, P95, 29.0, (30 + 0.5 * 29) / 1.5),  # k = 1.5: the second worst
        (30, P99, 30.0, 30.0),  # k = 0.3: 0.3 x the worst / 0.3
        (50, P95, 48.0, (50 + 49 + 0.5 * 48) / 2.5),  # k = 2.5
        (365, P95, 347.0, (sum(range(348, 366)) + 0.25 * 347) / 18.25),  # k = 18.25: the 19th worst
        (365, P99, 362.0, (365 + 364 + 363 + 0.65 * 362) / 3.65),  # k = 3.65
        (40, P90, 37.0, 38.5),  # k = 4: the mean of 40 to 37
    ],
)
def test_historical_figures_with_whole_and_broken_k(
    n: int, confidence: Decimal, value_at_risk: float, conditional: float
) -> None:
    found = historical_loss(np.arange(n, 0.0, -1.0) / 100, confidence)
    assert both(found) == pytest.approx((value_at_risk / 100, conditional / 100), abs=1e-14)


def test_a_figure_below_zero_is_a_gain() -> None:
    found = historical_loss(-np.arange(1.0, 101.0), P95)  # the five worst days gained 1 to 5
    assert both(found) == pytest.approx((-5.0, -3.0), abs=1e-14)


@given(losses_of_days, confidences)
def test_historical_figures_are_those_of_the_convention_word_by_word(worst_first: Vector, confidence: Decimal) -> None:
    exact = [Fraction(float(loss)) for loss in worst_first]
    k = (1 - Fraction(confidence)) * len(exact)
    whole = math.floor(k)
    next_one = exact[whole] if whole < len(exact) else Fraction(0)
    conditional = (sum(exact[:whole], Fraction(0)) + (k - whole) * next_one) / k
    found = historical_loss(worst_first, confidence)
    assert value_of(found.value_at_risk) == exact[math.ceil(k) - 1]
    assert value_of(found.conditional_value_at_risk) == pytest.approx(float(conditional), abs=1e-12)


@given(losses_of_days, confidences)
def test_the_conditional_figure_is_never_the_smaller(worst_first: Vector, confidence: Decimal) -> None:
    value_at_risk, conditional = both(historical_loss(worst_first, confidence))
    assert conditional >= value_at_risk


@given(losses_of_days, confidences, confidences)
def test_historical_and_normal_losses_grow_with_the_confidence(worst_first: Vector, one: Decimal, two: Decimal) -> None:
    low, high = sorted((one, two))
    lower, higher = both(historical_loss(worst_first, low)), both(historical_loss(worst_first, high))
    assert lower[0] <= higher[0]
    assert lower[1] <= higher[1] + 1e-12
    moments = moments_of(worst_first)
    if moments:
        lower, higher = both(normal_loss(moments, low)), both(normal_loss(moments, high))
        assert lower[0] <= higher[0]
        assert lower[1] <= higher[1]
        assert lower[0] <= lower[1]


# --- moments ----------------------------------------------------------------------------------------------------------


def test_moments_are_those_of_a_spreadsheet() -> None:
    # The example in the reference of Microsoft Excel: SKEW gives 0.359543071, KURT -0.151799637.
    found = moments_of(np.array([3.0, 4.0, 5.0, 2.0, 3.0, 4.0, 5.0, 6.0, 4.0, 7.0]))
    assert found is not None
    assert found.skewness == pytest.approx(0.359543071, abs=1e-9)
    assert found.excess_kurtosis == pytest.approx(-0.151799637, abs=1e-9)
    # Sum 43, sum of squares 205: variance (205 - 43^2 / 10) / 9.
    assert (found.mean, found.deviation) == pytest.approx((4.3, math.sqrt(20.1 / 9)), abs=1e-14)


def test_moments_worked_out_by_hand() -> None:
    # 0, 0, 0, 4: mean 1, deviations -1, -1, -1, 3, squares 12, s^2 = 4, s = 2. Cubes -3 + 27 = 24, over s^3: 3;
    # G1 = 4 / (3 x 2) x 3 = 2. Fourth powers 3 + 81 = 84, over s^4: 5.25; G2 = 20/6 x 5.25 - 27/2 = 4.
    found = moments_of(np.array([0.0, 0.0, 0.0, 4.0]))
    assert found is not None
    assert (found.mean, found.deviation) == (1.0, 2.0)
    assert (found.skewness, found.excess_kurtosis) == pytest.approx((2.0, 4.0), abs=1e-13)


def test_losses_that_do_not_vary_have_no_moments() -> None:
    assert moments_of(np.full(30, 0.01)) is None


# --- normal -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    # Density over tail of the standard normal: 2.0627 at 95 % and 2.6652 at 99 %, as in any textbook.
    ("confidence", "z", "beyond"),
    [(P95, Z95, 2.062712807507101), (P99, Z99, 2.665214220345806)],
)
def test_normal_figures(confidence: Decimal, z: float, beyond: float) -> None:
    found = normal_loss(Moments(-0.001, 0.04, 9.0, 9.0), confidence)
    assert both(found) == pytest.approx((-0.001 + 0.04 * z, -0.001 + 0.04 * beyond), abs=1e-12)


# --- Cornish-Fisher ---------------------------------------------------------------------------------------------------


def quantile(z: Vector, skewness: float, kurtosis: float) -> Vector:
    """The expansion as it is printed everywhere."""
    return z + (z**2 - 1) * skewness / 6 + (z**3 - 3 * z) * kurtosis / 24 - (2 * z**3 - 5 * z) * skewness**2 / 36


def test_a_cornish_fisher_figure_worked_out_by_hand() -> None:
    # At the 0.8413 quantile z = 1, with S = 0.6 and K = 2.4: 1 + 0 - 2 x 0.1 + 3 x 0.01 = 0.83.
    confidence = Decimal("0.841344746068542948585232545632")
    found = cornish_fisher_loss(Moments(0.0, 1.0, 0.6, 2.4), confidence, highest=confidence)
    assert value_of(found.value_at_risk) == pytest.approx(0.83, abs=1e-12)


@pytest.mark.parametrize("confidence", [P90, P95, P99])
@pytest.mark.parametrize(("skewness", "kurtosis"), [(0.0, 0.0), (0.5, 1.0), (-0.5, 1.0), (0.8, 4.0), (0.0, -0.2)])
def test_cornish_fisher_figures_agree_with_the_expansion_and_its_integral(
    confidence: Decimal, skewness: float, kurtosis: float
) -> None:
    found = cornish_fisher_loss(Moments(0.002, 0.03, skewness, kurtosis), confidence, highest=P99)
    z = {P90: 1.2815515655446004, P95: Z95, P99: Z99}[confidence]
    at_risk = 0.002 + 0.03 * float(quantile(np.array(z), skewness, kurtosis))
    assert value_of(found.value_at_risk) == pytest.approx(at_risk, abs=1e-12)
    # CVaR: the quantiles beyond z weighted by the normal density, by Simpson's rule up to 12 deviations.
    grid = np.linspace(z, 12.0, 20_001)
    heights = quantile(grid, skewness, kurtosis) * np.exp(-(grid**2) / 2) / math.sqrt(2 * math.pi)
    step = grid[1] - grid[0]
    area = step / 3 * (heights[0] + heights[-1] + 4 * heights[1:-1:2].sum() + 2 * heights[2:-1:2].sum())
    conditional = 0.002 + 0.03 * area / float(1 - confidence)
    assert value_of(found.conditional_value_at_risk) == pytest.approx(conditional, abs=1e-9)


def test_without_skewness_and_kurtosis_it_is_the_normal_figure() -> None:
    moments = Moments(-0.002, 0.03, 0.0, 0.0)
    for confidence in (P95, P99):
        expected = both(normal_loss(moments, confidence))
        assert both(cornish_fisher_loss(moments, confidence, highest=P99)) == pytest.approx(expected, abs=1e-15)


def test_fat_tails_and_skewed_losses_cost_more() -> None:
    plain, fat, skewed = (
        both(cornish_fisher_loss(Moments(0.0, 1.0, *shape), P99, highest=P99))
        for shape in ((0.0, 0.0), (0.0, 2.0), (0.5, 0.0))
    )
    assert plain[0] < fat[0] < fat[1]
    assert plain[1] < skewed[1]


@pytest.mark.parametrize(
    ("skewness", "kurtosis", "defined"),
    [
        # The slope of the quantile by z is (1 - K/8 + 5 S^2/36) + S/3 z + (K/8 - S^2/6) z^2.
        (0.0, 7.0, True),
        (0.0, 20.0, True),  # it bends back about z = 0 alone: -1.5 + 2.5 z^2
        (-3.0, 15.0, False),  # 0.375 - z + 0.375 z^2 is -0.25 at 95 %
        (0.0, -2.0, False),  # 1.25 - 0.25 z^2 is -0.10 at 99 %
        (0.0, -1.2, True),  # 1.15 - 0.15 z^2 is 0.34 there
    ],
)
def test_where_the_expansion_bends_back_before_99_percent_nothing_is_defined(
    skewness: float, kurtosis: float, *, defined: bool
) -> None:
    found = cornish_fisher_loss(Moments(0.0, 1.0, skewness, kurtosis), P95, highest=P99)
    reason = None if defined else Undefined.EXPANSION_NOT_MONOTONE
    assert {found.value_at_risk.reason, found.conditional_value_at_risk.reason} == {reason}


def test_an_expansion_that_bends_back_between_two_confidences_is_undefined_at_the_lower() -> None:
    # S = -2.2, K = 12: the slope by z is 0.1722 - 0.7333 z + 0.6933 z^2, least at z = 0.53: -0.022. At the 60 % asked
    # for (z = 0.25) it is still 0.03, at 99 % 2.2.
    moments = Moments(0.0, 1.0, -2.2, 12.0)
    low, high = (cornish_fisher_loss(moments, level, highest=P99) for level in (Decimal("0.6"), P99))
    assert low == Loss.undefined(Undefined.EXPANSION_NOT_MONOTONE)
    assert high.value_at_risk.reason is None


@given(st.floats(-3.0, 3.0), st.floats(-2.0, 20.0))
def test_where_it_is_defined_a_rarer_day_costs_more_and_beyond_it_more_still(skewness: float, kurtosis: float) -> None:
    moments = Moments(0.0, 1.0, skewness, kurtosis)
    levels = [Decimal(thousandths) / 1000 for thousandths in range(950, 991, 5)]
    found = [cornish_fisher_loss(moments, level, highest=P99) for level in levels]
    defined = [both(loss) for loss in found if loss.value_at_risk.value is not None]
    assert all(conditional >= at_risk for at_risk, conditional in defined)
    assert [at_risk for at_risk, _ in defined] == sorted(at_risk for at_risk, _ in defined)


# --- of a portfolio ---------------------------------------------------------------------------------------------------


def portfolio_losses(returns: Matrix, weights: list[float]) -> Vector:
    kept = (~np.isnan(returns)).sum(axis=0) >= 30
    complete = returns[~np.isnan(returns[:, kept]).any(axis=1)][:, kept]
    losses: Vector = -(complete * np.array(weights)[kept]).sum(axis=1)
    return losses


@pytest.mark.parametrize("gaps", [False, True])
def test_a_portfolio_loses_what_todays_weights_would_have_lost(*, gaps: bool) -> None:
    columns = [1, 2, 3, 8, 9, 10]  # of the last but one there is one return, of the one before 20: both are out
    returns = gappy_returns()[:, columns] if gaps else random_returns(100, 6, seed=7)
    weights = [0.1, 0.2, 0.05, 0.1, 0.15, 0.3]
    losses = portfolio_losses(returns, weights)
    past = losses_of(returns, weights)
    assert past.observations == len(losses) == (64 if gaps else 100)
    assert past.excluded == ((None,) * 3 + (Undefined.TOO_FEW_OBSERVATIONS,) * 2 + (None,) if gaps else (None,) * 6)
    assert past.covered_weight == pytest.approx(0.65 if gaps else 0.9, abs=1e-15)
    found = tail_risk(past)
    assert [estimates.confidence for estimates in found.estimates] == [P95, P99]
    for estimates in found.estimates:
        # Beside numpy: the inverted empirical distribution function takes the same order statistic.
        level = float(estimates.confidence)
        assert value_of(estimates.historical.value_at_risk) == pytest.approx(
            np.quantile(losses, level, method="inverted_cdf")
            if len(losses) == 64
            else np.sort(losses)[round(level * 100)],
            abs=1e-12,
        )
        z = {P95: Z95, P99: Z99}[estimates.confidence]
        assert value_of(estimates.normal.value_at_risk) == pytest.approx(
            losses.mean() + z * losses.std(ddof=1), abs=1e-12
        )


def test_cash_halves_every_loss() -> None:
    returns = random_returns(100, 2, seed=2)
    all_in, half = tail_risk(losses_of(returns, [0.6, 0.4])), tail_risk(losses_of(returns, [0.3, 0.2]))
    for whole, part in zip(all_in.estimates, half.estimates, strict=True):
        for name in ("historical", "normal", "cornish_fisher"):
            expected = [value / 2 for value in both(getattr(whole, name))]
            assert both(getattr(part, name)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("n_days", [0, 1, 29])
def test_under_thirty_returns_nothing_is_defined(n_days: int) -> None:
    past = losses_of(random_returns(n_days, 2, seed=1), [0.5, 0.4])
    for estimates in tail_risk(past).estimates:
        assert reasons(estimates) == {Undefined.TOO_FEW_OBSERVATIONS}
    assert (past.observations, past.covered_weight) == (0, 0.0)


def test_thirty_returns_are_enough() -> None:
    past = losses_of(random_returns(30, 2, seed=1), [0.5, 0.4])
    assert past.observations == 30
    assert reasons(tail_risk(past).estimates[0]) == {None}


@pytest.mark.parametrize(
    ("end", "reason", "days"), [(40, Undefined.NO_COMMON_DAYS, 0), (69, Undefined.TOO_FEW_COMMON_DAYS, 29)]
)
def test_under_thirty_common_days_nothing_is_defined(end: int, reason: Undefined, days: int) -> None:
    returns = random_returns(80, 2, seed=1)
    returns[:40, 0] = returns[end:, 1] = np.nan
    past = losses_of(returns, [0.5, 0.4])
    assert [reasons(estimates) for estimates in tail_risk(past).estimates] == [{reason}, {reason}]
    assert past.observations == days


def test_losses_that_are_all_alike_have_historical_figures_alone() -> None:
    found = tail_risk(losses_of(np.full((40, 1), 0.01), [0.5]))
    for estimates in found.estimates:
        assert both(estimates.historical) == (-0.005, -0.005)
        for loss in (estimates.normal, estimates.cornish_fisher):
            assert loss == Loss.undefined(Undefined.CONSTANT_SERIES)


def test_without_positions_nothing_is_defined() -> None:
    for estimates in tail_risk(losses_of(np.empty((40, 0)), [])).estimates:
        assert reasons(estimates) == {Undefined.NO_POSITIONS}


@pytest.mark.parametrize("confidence", ["0", "1", "95"])
def test_a_confidence_is_a_fraction(confidence: str) -> None:
    with pytest.raises(AssertionError):
        tail_risk(losses_of(random_returns(40, 1, seed=1), [1.0]), [Decimal(confidence)])


@given(matrices(), st.data())
def test_whatever_is_defined_is_in_order(returns: Matrix, data: st.DataObject) -> None:
    found = tail_risk(losses_of(returns, data.draw(weights_of(returns.shape[1]))))
    for name in ("historical", "normal", "cornish_fisher"):
        losses = [getattr(estimates, name) for estimates in found.estimates]
        defined = [both(loss) for loss in losses if loss.value_at_risk.value is not None]
        assert all(conditional >= at_risk for at_risk, conditional in defined)
        assert [at_risk for at_risk, _ in defined] == sorted(at_risk for at_risk, _ in defined)


@given(matrices(), st.data())
def test_history_alone_says_what_it_says_among_the_estimates(returns: Matrix, data: st.DataObject) -> None:
    past = losses_of(returns, data.draw(weights_of(returns.shape[1])))
    for estimates in tail_risk(past).estimates:
        assert past.historical(estimates.confidence) == estimates.historical
