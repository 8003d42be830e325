"""Columns: each as high as its value, on its side of zero, and no more than two a pixel."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.entrypoints.charts import PERCENT, Column, Frame, Svg, column_chart
from portfolio.entrypoints.charts.elements import PIXELS
from tests.unit.entrypoints.charts.reading import of_class, runs, said, texts, values_by_ticks

FRAME = Frame(id="months", title="Months", unit=PERCENT)


def chart(values: list[float | None]) -> Svg:
    return column_chart(FRAME, [Column(f"{n}", value) for n, value in enumerate(values)])


def columns(svg: str) -> dict[float, tuple[str, float]]:
    """The columns from the left: which side of zero, and their value by their height."""
    value = values_by_ticks(svg)
    found = {}
    for kind in ("gain", "loss"):
        for run in runs(svg, f"chart-{kind}"):
            (left, _), (_, end), (right, _), *_ = run
            found[(left + right) / 2] = (kind, value(end))
    return dict(sorted(found.items()))


@given(st.lists(st.floats(-1e6, 1e6).map(lambda v: round(v, 3)), min_size=1, max_size=60))
def test_each_column_is_at_its_place_and_as_high_as_its_value(values: list[float]) -> None:
    found = columns(chart(list(values)))
    spread = max(*values, 0.0) - min(*values, 0.0)
    expected = {n: value for n, value in enumerate(values) if value}
    assert [math.floor(x * len(values)) for x in found] == list(expected)
    for (kind, drawn), value in zip(found.values(), expected.values(), strict=True):
        assert kind == ("gain" if value > 0 else "loss")
        assert drawn == pytest.approx(value, abs=spread / 100)


def test_a_column_without_a_value_leaves_its_place_empty() -> None:
    svg = chart([1.0, None, 2.0])
    assert [math.floor(x * 3) for x in columns(svg)] == [0, 2]
    assert said(svg) == "2 columns, 2 above zero and 0 below: highest 2% at 2, lowest 1% at 0. 1 without a value."


@pytest.mark.parametrize("values", [[], [None]])
def test_without_a_value_there_is_no_data(values: list[float | None]) -> None:
    assert texts(chart(values)) == ["No data."]


def test_columns_of_nothing_are_no_columns() -> None:
    assert columns(chart([0.0, 0.0])) == {}


def test_of_10_000_columns_a_pixel_shows_its_highest_and_its_lowest() -> None:
    values = [math.sin(n) * n for n in range(10_000)]
    svg = chart([*values])
    found = columns(svg)
    assert len(found) <= 2 * PIXELS
    assert len(svg) < 60_000
    drawn = [value for _, value in found.values()]
    assert max(drawn) == pytest.approx(max(values), rel=0.01)
    assert min(drawn) == pytest.approx(min(values), rel=0.01)


def test_some_labels_stand_below_as_many_as_have_room() -> None:
    svg = chart([1.0] * 12)
    assert [one.text for one in of_class(svg, "chart-label") if one.attrib["y"] == "234"] == ["0", "3", "6", "9"]
