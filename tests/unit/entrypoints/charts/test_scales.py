"""Axes: round values around the data, and days, months or years below."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portfolio.entrypoints.charts.scales import date_ticks, linear_axis, log_axis

POSITIVE = st.lists(st.floats(1e-9, 1e12), min_size=1, max_size=20)


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=20))
@example([5e-324])
def test_all_values_are_on_the_axis_which_has_a_few_round_ticks(values: list[float]) -> None:
    axis = linear_axis(values)
    assert all(-1e-9 <= axis.place(value) <= 1 + 1e-9 for value in values)
    assert (2 if any(abs(value) >= 1e-300 for value in values) else 1) <= len(axis.ticks) <= 8
    assert axis.step is not None
    mantissa = axis.step
    while mantissa < 0.95:
        mantissa *= 10
    while mantissa >= 9.5:
        mantissa /= 10
    assert min(abs(mantissa - one) for one in (1, 2, 5)) < 1e-6


@given(POSITIVE)
def test_on_a_log_axis_all_values_and_ticks_are_within(values: list[float]) -> None:
    axis = log_axis(values)
    assert all(-1e-9 <= axis.place(value) <= 1 + 1e-9 for value in (*values, *axis.ticks))
    assert 2 <= len(axis.ticks) <= 8


@pytest.mark.parametrize(
    ("first", "last", "labels"),
    [
        (date(2026, 1, 1), date(2026, 1, 1), ["1 Jan"]),
        (date(2026, 1, 30), date(2026, 2, 2), ["30 Jan", "31 Jan", "1 Feb", "2 Feb"]),
        (date(2026, 1, 1), date(2026, 3, 1), ["1 Jan", "21 Jan", "10 Feb"]),
        (date(2025, 11, 28), date(2026, 11, 27), ["Jan 2026", "Apr 2026", "Jul 2026", "Oct 2026"]),
        (date(2016, 6, 1), date(2026, 6, 1), ["2018", "2020", "2022", "2024", "2026"]),
    ],
)
def test_days_months_or_years_are_named_by_the_length(first: date, last: date, labels: list[str]) -> None:
    assert [label for _, label in date_ticks(float(first.toordinal()), float(last.toordinal()))] == labels


@given(st.dates(date(2009, 1, 1), date(2100, 1, 1)), st.integers(0, 20_000))
def test_a_few_labels_within_the_days(first: date, n_days: int) -> None:
    start, end = float(first.toordinal()), float(first.toordinal() + n_days)
    found = date_ticks(start, end)
    assert len(found) <= 8
    assert all(start <= place <= end for place, _ in found)
    assert n_days > 31 or found
