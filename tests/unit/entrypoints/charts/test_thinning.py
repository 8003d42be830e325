"""Two points a pixel: the least and the greatest stay, and so does every gap."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.entrypoints.charts.thinning import runs, thinned

pytestmark = pytest.mark.unmeasured

PIXELS = 20
VALUE = st.none() | st.floats(-1e6, 1e6) | st.sampled_from([0.0, 1.0])
SERIES = st.lists(VALUE, max_size=30) | st.integers(0, 400).flatmap(lambda n: st.lists(VALUE, min_size=n, max_size=n))


@given(SERIES)
def test_the_least_and_the_greatest_of_each_pixel_stay_and_no_more_than_two(values: list[float | None]) -> None:
    points = runs(enumerate(values), 1.0)
    last = max(len(values) - 1, 0)
    kept = thinned(points, 0, last, PIXELS)
    assert set(kept) <= set(points)
    assert kept == sorted(kept)

    def pixel(x: float) -> int:
        """A time between two pixels is in the one before."""
        return max(-(-int(x) * PIXELS // last) - 1, 0) if last else 0

    for column in range(PIXELS):
        of_points = [y for x, y, _ in points if pixel(x) == column]
        of_kept = [y for x, y, _ in kept if pixel(x) == column]
        assert len(of_kept) <= 2
        assert (min(of_points, default=None), max(of_points, default=None)) == (
            min(of_kept, default=None), max(of_kept, default=None),
        )  # fmt: skip
        if len(of_points) <= 2:
            assert of_kept == of_points


@given(SERIES)
def test_no_line_goes_over_a_gap(values: list[float | None]) -> None:
    kept = thinned(runs(enumerate(values), 1.0), 0, max(len(values) - 1, 0), PIXELS)
    for (start, _, run), (end, _, next_run) in pairwise(kept):
        if run == next_run:
            assert None not in values[int(start) : int(end) + 1]


@given(SERIES)
def test_runs_are_what_lies_between_gaps(values: list[float | None]) -> None:
    found = runs(enumerate(values), 1.0)
    assert [(int(x), y) for x, y, _ in found] == [(n, value) for n, value in enumerate(values) if value is not None]
    for (one, _, run), (two, _, next_run) in pairwise(found):
        assert next_run - run == (1 if two - one > 1 else 0)


def test_a_pixel_of_many_points_keeps_its_least_and_its_greatest_in_the_order_of_time() -> None:
    points = runs(enumerate([5.0, 9.0, 1.0, 7.0, 3.0, 3.0, 2.0, 8.0]), 1.0)
    assert thinned(points, 0, 7, 2) == [(1, 9.0, 0), (2, 1.0, 0), (6, 2.0, 0), (7, 8.0, 0)]
    assert thinned(runs(enumerate([4.0] * 8), 1.0), 0, 7, 2) == [(0, 4.0, 0), (4, 4.0, 0)]


def test_a_day_without_a_value_is_a_gap_however_far_points_may_be_joined() -> None:
    assert [run for _, _, run in runs(enumerate([1.0, None, 2.0, 3.0]), 9.0)] == [0, 1, 1]
