"""Estimates and their reasons."""

import numpy as np
import pytest

from portfolio.analytics.estimate import Estimate, Estimates, Undefined


def test_a_figure_has_a_value_or_a_reason_and_never_both_or_neither() -> None:
    assert Estimate(0.0).value == 0.0
    assert Estimate(reason=Undefined.CONSTANT_SERIES).value is None
    for value, reason in ((None, None), (1.0, Undefined.CONSTANT_SERIES)):
        with pytest.raises(AssertionError):
            Estimate(value, reason)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_figure_is_finite(value: float) -> None:
    with pytest.raises(AssertionError):
        Estimate(value)


def test_figures_are_undefined_exactly_where_there_is_a_reason() -> None:
    found = Estimates.of(np.array([1.0, 2.0]), [None, Undefined.MISSING_CLOSE])
    np.testing.assert_array_equal(found.values, [1.0, np.nan])
    with pytest.raises(AssertionError):
        Estimates.of(np.array([np.nan]), [None])
    with pytest.raises(AssertionError):
        Estimates(np.array([1.0]), (Undefined.MISSING_CLOSE,))


def test_nobody_can_write_into_figures() -> None:
    with pytest.raises(ValueError, match="read-only"):
        Estimates.none(1, Undefined.MISSING_CLOSE).values[0] = 1.0


def test_reasons_are_the_words_of_the_answers() -> None:
    assert [
        str(reason) for reason in (Undefined.TOO_FEW_OBSERVATIONS, Undefined.CONSTANT_SERIES, Undefined.NO_COMMON_DAYS)
    ] == [
        "too_few_observations",
        "constant_series",
        "no_common_days",
    ]
