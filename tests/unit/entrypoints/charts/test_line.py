"""Lines: the coordinates are the data, gaps are gaps, and a chart of much is as small as one of little."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portfolio.entrypoints.charts import (
    DOLLARS,
    FRACTION,
    STYLESHEET,
    Frame,
    Level,
    Marker,
    Scale,
    Series,
    Side,
    Svg,
    Tone,
    line_chart,
)
from portfolio.entrypoints.charts.elements import PIXELS, SHOWN_FROM
from tests.unit.entrypoints.charts.reading import of_class, runs, said, texts, values_by_ticks

FIRST = date(2026, 1, 1)
FRAME = Frame(id="value", title="Value", unit=DOLLARS)
VALUE = st.floats(-1e9, 1e9).map(lambda value: value if abs(value) > 1e-99 else 0.0)
VALUES = st.lists(st.none() | VALUE, min_size=1, max_size=300)


def days(values: Sequence[float | Decimal | None], first: date = FIRST) -> list[tuple[date, float | Decimal | None]]:
    return [(first + timedelta(days=n), value) for n, value in enumerate(values)]


def chart(values: Sequence[float | Decimal | None], **options: Any) -> Svg:
    return line_chart(FRAME, [Series(name="Value", points=days(values))], **options)


def read_back(svg: str, n_days: int, *, is_log: bool = False) -> list[list[tuple[int, float]]]:
    """The runs of a chart as numbers of days and values."""
    value = values_by_ticks(svg, is_log=is_log)
    found = sorted(runs(svg) + runs(svg, "chart-dots"))
    return [[(round(x * (n_days - 1)), value(y)) for x, y in run[: 1 if run[0] == run[-1] else None]] for run in found]


def test_coordinates_are_the_data() -> None:
    values = [100.0, 120.0, 90.0, 95.5, 130.0]
    [line] = read_back(chart(values), 5)
    assert [day for day, _ in line] == [0, 1, 2, 3, 4]
    assert [value for _, value in line] == pytest.approx(values, abs=0.05)


def test_no_label_hides_a_line() -> None:
    # A label has a rim in the colour of the paper: a thick and opaque one over a line would be a gap that is none.
    [rim] = re.findall(r"stroke: var\(--chart-paper\); stroke-width: (\d)px; stroke-opacity: (\.\d+);", STYLESHEET)
    assert (int(rim[0]) <= 3, float(rim[1]) <= 0.75) == (True, True)


def test_the_labels_of_an_axis_differ_on_either_scale() -> None:
    # Values near to each other: to three digits all of them would be $233k.
    for scale in Scale:
        shown = [one for one in texts(chart([233_085.0, 233_300.0, 233_450.0], scale=scale)) if one.startswith("$")]
        assert len(set(shown)) == len(shown) > 1, (scale, shown)


def test_on_a_log_scale_equal_ratios_are_equal_distances() -> None:
    values = [10.0, 100.0, 1000.0, 50.0]
    svg = chart(values, scale=Scale.LOG)
    [line] = read_back(svg, 4, is_log=True)
    assert [value for _, value in line] == pytest.approx(values, rel=0.01)
    [drawn] = runs(svg)
    assert drawn[0][1] - drawn[1][1] == pytest.approx(drawn[1][1] - drawn[2][1], abs=0.2)


@given(VALUES, st.sampled_from(Scale))
def test_any_series_reads_back_with_its_gaps(values: list[float | None], scale: Scale) -> None:
    svg = chart(values, scale=scale)
    kept = [value if value is None or scale is Scale.LINEAR or value > 0 else None for value in values]
    expected = [list(run) for run in _runs_of(kept)]
    if not expected:
        assert "No data." in said(svg)
        return
    value = values_by_ticks(svg, is_log=scale is Scale.LOG)
    found = sorted(runs(svg) + runs(svg, "chart-dots"))
    span = len(values) - 1
    assert [round(run[0][0] * span) if span else 0 for run in found] == [run[0][0] for run in expected]
    assert len(found) == len(expected)
    grid = [value(y) for run in found for _, y in run]
    known = [y for run in expected for _, y in run]
    spread = max(known) - min(known) or max(abs(known[0]) * 0.2, 1.0)
    if scale is Scale.LINEAR:
        assert max(grid) == pytest.approx(max(known), abs=spread / 100)
        assert min(grid) == pytest.approx(min(known), abs=spread / 100)


def _runs_of(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    found: list[list[tuple[int, float]]] = [[]]
    for day, value in enumerate(values):
        if value is None:
            found.append([])
        else:
            found[-1].append((day, value))
    return [run for run in found if run]


def test_a_gap_is_also_where_a_day_is_left_out() -> None:
    points = [one for n, one in enumerate(days([1.0, 2.0, 3.0, 4.0, 5.0])) if n != 2]
    svg = line_chart(FRAME, [Series(name="Value", points=points)])
    assert [[day for day, _ in run] for run in read_back(svg, 5)] == [[0, 1], [3, 4]]
    weekly = line_chart(FRAME, [Series(name="Value", points=points, joined_days=7)])
    assert len(runs(weekly)) == 1


def test_a_value_that_is_none_is_drawn_nowhere_near_zero() -> None:
    for nothing in (math.nan, math.inf, -math.inf, 1e101):
        assert runs(chart([1.0, 2.0, nothing, 3.0, 4.0])) == runs(chart([1.0, 2.0, None, 3.0, 4.0]))


@pytest.mark.parametrize("values", [[], [None], [None, None]])
def test_nothing_to_draw_is_said(values: list[None]) -> None:
    svg = chart(values)
    assert texts(svg) == ["No data."]
    assert of_class(svg, "chart-plot") == []


def test_one_point_is_a_dot_in_the_middle() -> None:
    svg = chart([5.0])
    assert runs(svg) == []
    [[(x, y), *_]] = runs(svg, "chart-dots")
    assert x == 0.5
    assert values_by_ticks(svg)(y) == pytest.approx(5.0, abs=0.01)


@pytest.mark.parametrize("value", [0.0, 7.0, -7.0, 1e12, 1e-9])
def test_equal_values_are_a_line_amid_the_chart(value: float) -> None:
    svg = chart([value] * 4)
    [line] = runs(svg)
    assert len({y for _, y in line}) == 1
    assert values_by_ticks(svg)(line[0][1]) == pytest.approx(value, rel=0.01, abs=0.01)


def test_what_never_leaves_zero_has_no_other_value_beside_it() -> None:
    fall = Series(name="Fall", points=days([0.0] * 4), filled=True)
    assert texts(line_chart(Frame(id="fall", title="Fall", unit=FRACTION), [fall]))[:2] == ["0%", "1 Jan"]


def test_what_is_not_above_zero_is_a_gap_on_a_log_scale_and_counted() -> None:
    svg = chart([10.0, 20.0, -5.0, 0.0, 30.0, 40.0], scale=Scale.LOG)
    assert [len(run) for run in runs(svg)] == [2, 2]
    assert "2 values at or below zero not drawn: the scale is logarithmic." in said(svg)
    alone = chart([-1.0, 0.0], scale=Scale.LOG)
    assert said(alone) == "No data. 2 values at or below zero not drawn: the scale is logarithmic."


def test_10_000_points_are_small_and_at_most_two_a_pixel() -> None:
    dice = random.Random(1)
    value, values = 1000.0, []
    for _ in range(10_000):
        value *= 1 + dice.gauss(0, 0.02)
        values.append(value)
    svg = line_chart(FRAME, [Series(name="Value", points=days(values, date(1990, 1, 1)))])
    [line] = runs(svg)
    assert len(line) <= 2 * PIXELS
    assert len(svg) < 16_000
    drawn = values_by_ticks(svg)
    highest, lowest = (choose(drawn(y) for _, y in line) for choose in (max, min))
    assert highest == pytest.approx(max(values), rel=0.01)
    assert lowest == pytest.approx(min(values), abs=max(values) / 100)


def test_the_words_are_the_data() -> None:
    svg = chart([100.0, None, 80.0, 120.0, 110.0])
    assert said(svg) == (
        "Value: $100 on 2026-01-01, $110 on 2026-01-05 (UTC), lowest $80 on 2026-01-03, "
        "highest $120 on 2026-01-04, 1 gap."
    )


def test_several_series_share_the_axes_and_are_told_apart_without_colours() -> None:
    own, other = (
        Series(name="Own", points=days([1.0, 2.0])),
        Series(name="BTC", points=days([4.0, 3.0]), tone=Tone.OTHER),
    )
    svg = line_chart(FRAME, [own, other])
    value = values_by_ticks(svg)
    assert [[round(value(y), 1) for _, y in run] for run in runs(svg)] == [[1, 2], [4, 3]]
    [legend] = texts(svg, "chart-legend")
    assert legend == "━ Own╍ BTC"
    assert [one.attrib["class"] for one in of_class(svg, "chart-stroke")] == [
        "chart-stroke chart-own", "chart-stroke chart-other",
    ]  # fmt: skip


def test_a_series_without_values_is_named_beside_one_that_has_some() -> None:
    svg = line_chart(FRAME, [Series(name="Own", points=days([1.0])), Series(name="BTC", points=[])])
    assert "BTC: no data." in said(svg)


def test_an_area_reaches_from_the_line_to_zero() -> None:
    falls = Series(name="Drawdown", points=days([0.0, -0.2, -0.1]), filled=True)
    svg = line_chart(Frame(id="d", title="Drawdown", unit=FRACTION), [falls])
    value = values_by_ticks(svg)
    [shape] = runs(svg, "chart-area")
    assert [round(value(y), 1) for _, y in shape] == [0.0, 0.0, -20.0, -10.0, 0.0]
    high = line_chart(FRAME, [Series(name="Value", points=days([500.0, 510.0]), filled=True)])
    assert "$0" in texts(high)


def marker(hours: float, price: float, side: Side = Side.BUY, note: str = "") -> Marker:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
    return Marker(when=at, value=price, side=side, note=note)


def test_a_trade_stands_at_its_time_and_price() -> None:
    # 36 hours after the beginning of day 0 is noon of day 1: half a day before its end, so 0.5 of 4 days
    svg = chart([10.0, 10.0, 10.0, 10.0, 20.0], markers=[marker(36, 15, note="bought 1 BTC")])
    [sign] = of_class(svg, "chart-marker")
    assert sign.attrib["x"] == "12.5%"
    assert values_by_ticks(svg)(float(sign.attrib["y"]) - 4) == pytest.approx(15, abs=0.05)
    assert "".join(sign.itertext()) == "▲bought 1 BTC"
    assert "1 own trade marked." in said(svg)


def test_a_trade_of_the_first_day_stands_at_its_end_and_others_before_or_after_are_left_out() -> None:
    svg = chart([10.0, 10.0], markers=[marker(-1, 10), marker(12, 10), marker(49, 10)])
    assert [one.attrib["x"] for one in of_class(svg, "chart-marker")] == ["0%"]


def test_the_price_of_a_trade_is_within_the_axis() -> None:
    svg = chart([10.0, 11.0], markers=[marker(36, 50, Side.SELL)])
    [sign] = of_class(svg, "chart-marker")
    assert values_by_ticks(svg)(float(sign.attrib["y"]) - 4) == pytest.approx(50, abs=0.5)
    assert (sign.text, "chart-sell" in sign.attrib["class"]) == ("▼", True)


def test_trades_of_one_side_near_to_each_other_are_one_sign_that_counts_them() -> None:
    many = [marker(24 + n / 100, 10, Side.BUY if n % 2 else Side.SELL) for n in range(5_000)]
    svg = chart([10.0] * 365, markers=many)
    signs = of_class(svg, "chart-marker")
    assert len(signs) <= 2 * PIXELS / 8
    counts = [int("".join(one.itertext())[1:].split()[0].replace(",", "")) for one in signs]
    assert sum(counts) == 5_000
    assert len(svg) < 20_000


def test_a_level_across_is_at_its_value_and_named() -> None:
    svg = chart([10.0, 20.0], levels=[Level("break-even", Decimal(15))])
    [line] = of_class(svg, "chart-level")
    assert values_by_ticks(svg)(float(line.attrib["y1"])) == pytest.approx(15, abs=0.02)
    assert "break-even" in texts(svg)
    assert of_class(chart([1.0, 2.0], scale=Scale.LOG, levels=[Level("nothing", 0)]), "chart-level") == []


def test_times_are_those_of_utc_wherever_they_are_told() -> None:
    east = datetime(2026, 1, 2, 1, tzinfo=timezone(timedelta(hours=9)))  # 16:00 UTC of 1 January
    same = datetime(2026, 1, 1, 16, tzinfo=UTC)
    one, two = (chart([1.0, 2.0, 3.0], markers=[Marker(when=at, value=1, side=Side.BUY)]) for at in (east, same))
    assert one == two


def test_points_out_of_order_and_times_without_a_zone_are_errors_of_the_program() -> None:
    with pytest.raises(AssertionError):
        line_chart(FRAME, [Series(name="v", points=days([1.0, 2.0])[::-1])])
    with pytest.raises(AssertionError):
        chart([1.0], markers=[Marker(when=datetime(2026, 1, 1), value=1, side=Side.BUY)])  # noqa: DTZ001  that is the case


def test_the_same_data_are_the_same_text() -> None:
    assert chart([1.0, None, 2.0]) == chart([1.0, None, 2.0])


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(1, 4_000), st.sampled_from((304, *SHOWN_FROM[3:])))
@example(date(2026, 1, 1), 333, 304)
def test_no_day_month_or_year_stands_in_another_or_beyond_the_chart(first: date, n_days: int, width: int) -> None:
    ends = [(first, 1.0), (first + timedelta(days=n_days), 2.0)]
    svg = line_chart(FRAME, [Series(name="Value", points=ends)])
    free_from = -2.0
    for one in of_class(svg, "chart-label"):
        *_, least = one.attrib["class"].rpartition("chart-from-")
        if float(one.attrib["y"]) < FRAME.height - 10 or (least.isdigit() and int(least) > width):
            continue
        room = len(one.text or "") * 6.7  # pixels of a character, as they come in Chromium
        before = {"start": 0.0, "middle": 0.5, "end": 1.0}[one.attrib.get("text-anchor", "start")]
        start = float(one.attrib["x"].rstrip("%")) / 100 * width - before * room
        assert free_from <= start
        free_from = start + room
    assert free_from <= width + 2
