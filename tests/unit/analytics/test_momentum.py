"""Momentum."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.analytics.estimate import Undefined
from portfolio.analytics.momentum import momentum

NAN = float("nan")


def closes_of(earlier: float, later: float, *, between: float = 1.0, before: float = 1.0) -> np.ndarray:
    return np.array([before, earlier, *[between] * 13, later])[:, None]


@pytest.mark.parametrize(
    ("earlier", "later", "expected"),
    [
        (100.0, 110.0, 0.2),  # +10 % of 50 %
        (100.0, 75.0, -0.5),
        (100.0, 100.0, 0.0),
        (100.0, 150.0, 1.0),
        (100.0, 500.0, 1.0),  # cut
        (100.0, 10.0, -1.0),  # -90 % would be -1.8
    ],
)
def test_momentum_is_the_change_over_fourteen_days_in_halves(earlier: float, later: float, expected: float) -> None:
    found = momentum(closes_of(earlier, later, between=7.0, before=3.0))
    assert found.values[0] == pytest.approx(expected, abs=1e-12)
    assert found.reasons == (None,)


@pytest.mark.parametrize(("earlier", "later"), [(NAN, 1.0), (1.0, NAN), (NAN, NAN)])
def test_a_missing_end_leaves_it_undefined(earlier: float, later: float) -> None:
    found = momentum(closes_of(earlier, later))
    assert np.isnan(found.values).all()
    assert found.reasons == (Undefined.MISSING_CLOSE,)


def test_what_is_missing_between_the_ends_or_before_does_not_matter() -> None:
    found = momentum(closes_of(100.0, 110.0, between=NAN, before=NAN))
    assert found.values[0] == pytest.approx(0.2, abs=1e-12)


@pytest.mark.parametrize("n_closes", [0, 1, 14])
def test_under_fifteen_closes_there_is_no_earlier_end(n_closes: int) -> None:
    found = momentum(np.ones((n_closes, 2)))
    assert np.isnan(found.values).all()
    assert found.reasons == (Undefined.MISSING_CLOSE,) * 2


def test_fifteen_closes_are_enough() -> None:
    assert momentum(np.arange(1.0, 16.0)[:, None]).values.tolist() == [1.0]  # 1 to 15, cut


def test_no_assets_have_no_momentum() -> None:
    assert momentum(np.empty((15, 0))).reasons == ()


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6), st.sampled_from([0.25, 2.0, 1024.0]))
def test_it_stays_within_one_and_does_not_depend_on_the_unit_of_price(
    earlier: float, later: float, factor: float
) -> None:
    value = momentum(closes_of(earlier, later)).values[0]
    assert -1.0 <= value <= 1.0
    assert np.sign(value) in (0.0, np.sign(later - earlier))
    assert momentum(closes_of(earlier * factor, later * factor)).values[0] == value
