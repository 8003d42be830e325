"""Intervals: a bar from the low end to the high one, a line at the figure, and one at what it is compared with."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.entrypoints.charts import FRACTION, Frame, Interval, interval_chart
from tests.unit.entrypoints.charts.reading import of_class, said, texts

FRAME = Frame(id="sure", title="How sure", unit=FRACTION)
VALUE = st.floats(-10, 10).map(lambda value: round(value, 3))


def places(svg: str, kind: str) -> list[float]:
    """Where the lines of a class stand, in percent of the width, from the top down."""
    found = sorted(of_class(svg, kind), key=lambda one: float(one.attrib["y1"]))
    return [float(one.attrib["x1"].rstrip("%")) for one in found]


def ranges(svg: str) -> list[tuple[float, float]]:
    """From where to where the bars reach, likewise."""
    found = sorted(of_class(svg, "chart-range"), key=lambda one: float(one.attrib["y"]))
    ends = [(float(one.attrib["x"].rstrip("%")), float(one.attrib["width"].rstrip("%"))) for one in found]
    return [(left, left + width) for left, width in ends]


def test_a_figure_stands_in_its_range_on_an_axis_that_shows_zero() -> None:
    # The axis goes from 0 to 100 %, in steps of 20 %: each value is where its percentage says.
    svg = interval_chart(
        FRAME,
        [
            Interval(label="AAA", value=0.5, low=0.4, high=0.7, beside=0.6),
            Interval(label="BBB", value=1.0, low=0.9, high=1.0, beside=None),
        ],
        ("hit rate", "base rate"),
    )
    assert ranges(svg) == [pytest.approx((40, 70)), pytest.approx((90, 100))]
    assert places(svg, "chart-point") == [50, 100]
    assert places(svg, "chart-beside") == [60]
    assert places(svg, "chart-zero") == [0]
    assert texts(svg, "chart-legend") == ["■ hit rate┆ base rate"]
    assert texts(svg, "chart-value") == ["50% (40% to 70%)", "100% (90% to 100%)"]
    assert said(svg) == "AAA: 50% (40% to 70%), base rate 60%. BBB: 100% (90% to 100%), base rate unknown."


def test_what_is_not_known_is_said_and_not_drawn() -> None:
    svg = interval_chart(
        FRAME,
        [
            Interval(label="AAA", value=None, low=None, high=None),
            Interval(label="BBB", value=0.5, low=None, high=None),
        ],
    )
    assert texts(svg, "chart-value") == ["unknown", "50%"]
    assert (ranges(svg), len(places(svg, "chart-point")), texts(svg, "chart-legend")) == ([], 1, [])
    assert said(svg) == "AAA: unknown. BBB: 50%."


def test_without_any_value_there_is_no_data() -> None:
    assert said(interval_chart(FRAME, [Interval(label="AAA", value=None, low=None, high=None)])) == "No data."
    assert said(interval_chart(FRAME, [])) == "No data."


@given(st.lists(st.tuples(VALUE, VALUE, VALUE).map(sorted), min_size=1, max_size=8))
def test_order_on_the_axis_is_the_order_of_the_values(rows: list[list[float]]) -> None:
    svg = interval_chart(
        FRAME, [Interval(label=f"{n}", value=row[1], low=row[0], high=row[2]) for n, row in enumerate(rows)]
    )
    points, bars = places(svg, "chart-point"), ranges(svg)
    [zero] = places(svg, "chart-zero")
    for (low, value, high), point, (left, right) in zip(rows, points, bars, strict=True):
        assert left - 0.02 <= point <= right + 0.02
        for at, of in ((left, low), (point, value), (right, high)):
            assert (at - zero) * of >= -0.02 * abs(of)
