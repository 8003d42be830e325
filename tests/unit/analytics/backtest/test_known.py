"""What is known of closes on each day, and marks as integers."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from portfolio.analytics.backtest.known import LEAST_CLOSES, days_since_close, entered, in_units, newest

NAN = float("nan")


def column(*closes: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.array(closes, dtype=np.float64).reshape(-1, 1)


def test_the_age_of_a_close_counts_days_and_is_unknown_before_the_first() -> None:
    assert days_since_close(column(NAN, 2, NAN, NAN, 3))[:, 0].tolist() == [-1, 0, 1, 2, 0]


def test_the_newest_close_is_carried_on() -> None:
    assert newest(column(NAN, 2, NAN, NAN, 3))[:, 0].tolist() == [0, 2, 2, 2, 3]


def test_an_asset_enters_with_its_thirty_first_close() -> None:
    there = entered(column(NAN, *[1.0] * 40))[:, 0]
    assert there.tolist() == [False] * LEAST_CLOSES + [True] * 10


def test_after_seven_days_without_a_close_it_enters_anew() -> None:
    six, seven = ([1.0] * 31 + [NAN] * gap + [1.0] * 31 for gap in (6, 7))
    assert entered(column(*six))[-31:, 0].all()
    there = entered(column(*seven))[:, 0].tolist()
    assert there[30:38] == [True] * 7 + [False]  # gone with the seventh day
    assert there[38:] == [False] * 30 + [True]


@given(st.lists(st.one_of(st.just(NAN), st.floats(0.1, 9.0)), min_size=2, max_size=60), st.integers(1, 50))
def test_nothing_that_is_known_of_a_day_depends_on_a_later_one(closes: list[float], cut: int) -> None:
    whole, past = column(*closes), column(*closes[:cut])
    for known in (days_since_close, entered, newest):
        assert np.array_equal(known(whole)[:cut], known(past))


def test_units_are_the_closes_as_they_were_written() -> None:
    marks = np.array([[94000.5, 0.0000212, 2.0], [1.25, 0.0, 3.0]])
    units, decimals = in_units(marks)
    assert decimals == (2, 7, 0)
    assert units == [[9400050, 212, 2], [125, 0, 3]]


def test_a_close_of_more_digits_than_a_float_is_sure_of_has_eighteen_decimals() -> None:
    units, decimals = in_units(np.array([[0.1234567890123456789, 1.5]]))
    assert decimals == (18, 1)
    assert units == [[123456789012345680, 15]]  # repr: 0.12345678901234568


def test_a_close_that_is_less_than_the_last_decimal_is_that_and_not_none() -> None:
    assert in_units(np.array([[1e-20, 1.5], [0.0, 2.0], [3e-18, 2.0]])) == ([[1, 15], [0, 20], [3, 20]], (18, 1))


@given(st.decimals("0.00000001", 1_000_000, places=8))
def test_units_are_exact(price: Decimal) -> None:
    [[unit]], [decimals] = in_units(np.array([[float(price)]]))
    assert Decimal(unit).scaleb(-decimals) == price
