"""Lines over time: several series, own trades on them, gaps that stay gaps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby, pairwise
from operator import itemgetter, le
from typing import Final

from portfolio.entrypoints.charts.elements import (
    FINENESS,
    PIXELS,
    across_at,
    below,
    counted,
    label,
    legend,
    percent,
    plot,
    short,
    text,
)
from portfolio.entrypoints.charts.figure import Frame, Svg, Tone, drawn, empty
from portfolio.entrypoints.charts.scales import Axis, Scale, When, date_ticks, day_of, in_days, linear_axis, log_axis
from portfolio.entrypoints.charts.thinning import Point, runs, thinned
from portfolio.entrypoints.charts.units import Number, number

_TOP: Final = 40  # the legend, and the label of the highest value
_BOTTOM: Final = 22  # the dates
_MARKER_PIXELS: Final = 8


class Side(StrEnum):
    """Which way a trade went."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> str:
        """What stands for it on a chart."""
        return "▲" if self is Side.BUY else "▼"


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A line: values by time, in order; None where there is a gap, as where two are over ``joined_days`` apart.

    A ``filled`` one is drawn as an area from zero, and on a log scale from the lowest value.
    """

    name: str
    points: Sequence[tuple[When, Number | None]]
    tone: Tone = Tone.OWN
    filled: bool = False
    joined_days: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """A trade on the line, at its price. ``note`` is what is shown of it where it stands alone."""

    when: When
    value: Number
    side: Side
    note: str = ""


@dataclass(frozen=True, slots=True)
class Level:
    """A value that is drawn across, as a break-even price."""

    name: str
    value: Number


@dataclass(frozen=True, slots=True)
class _Line:
    """A series as it can be drawn: the ``points`` that have a place, of how many ``days`` that were given."""

    series: Series
    points: Sequence[Point]
    days: Sequence[float]
    not_positive: int

    @property
    def extremes(self) -> tuple[Point, Point]:
        """Return the least and the greatest of its points, of which there is one at least."""
        return min(self.points, key=itemgetter(1)), max(self.points, key=itemgetter(1))


@dataclass(frozen=True, slots=True)
class _Dot:
    """A marker with its place."""

    x: float
    value: float
    marker: Marker


@dataclass(frozen=True, slots=True)
class _Area:
    """Where times and values stand."""

    first: float
    last: float
    axis: Axis
    height: int

    def x(self, days: float) -> float:
        """Return the fraction of the width."""
        return (days - self.first) / (self.last - self.first) if self.last > self.first else 0.5

    def column(self, days: float) -> int:
        """Return the pixel from the left."""
        return min(int(self.x(days) * PIXELS), PIXELS - 1)

    def y(self, value: float) -> float:
        """Return the pixel below the top of the area."""
        return (1.0 - self.axis.place(value)) * self.height

    def top(self, value: float) -> float:
        """Return the pixel below the top of the chart."""
        return _TOP + self.y(value)


def line_chart(
    frame: Frame,
    series: Sequence[Series],
    *,
    markers: Sequence[Marker] = (),
    levels: Sequence[Level] = (),
    scale: Scale = Scale.LINEAR,
) -> Svg:
    """Return the lines over one axis of days (UTC) and one of values.

    On a log scale what is not above zero is not drawn, and the chart says how many values that are. Trades nearer than
    8 pixels are one marker. With no value at all the chart says that there is no data.
    """
    lines = [_line(one, scale) for one in series]
    if not any(line.points for line in lines):
        return empty(frame, "line", " ".join(("No data.", *_not_drawn(lines))))
    first, last = min(line.days[0] for line in lines if line.days), max(line.days[-1] for line in lines if line.days)
    dots = list(_dots(markers, scale, first, last))
    across = [(one.name, value) for one in levels if (value := _drawable(one.value, scale)) is not None]
    values = [y for line in lines if line.points for _, y, _ in line.extremes]
    values += [dot.value for dot in dots] + [value for _, value in across]
    if scale is Scale.LINEAR and any(one.filled for one in series):
        values.append(0.0)
    axis = log_axis(values) if scale is Scale.LOG else linear_axis(values)
    area = _Area(first, last, axis, frame.height - _TOP - _BOTTOM)
    parts = [
        _keys(series, dots),
        *(across_at("chart-grid" if value else "chart-grid chart-zero", area.top(value)) for value in axis.ticks),
        *(across_at("chart-level", area.top(value)) for _, value in across),
        _plot(lines, area),
        *_drawn(dots, area),
        *_labels(frame, area, across),
    ]
    return drawn(frame, "line", _words(frame, lines, len(dots)), parts)


def _line(series: Series, scale: Scale) -> _Line:
    days = [in_days(when) for when, _ in series.points]
    assert all(map(le, days, days[1:])), "points are in the order of time"
    values = [number(value) for _, value in series.points]
    not_positive = 0
    if scale is Scale.LOG:
        not_positive = sum(value is not None and value <= 0 for value in values)
        values = [value if value is not None and value > 0 else None for value in values]
    return _Line(series, runs(zip(days, values, strict=True), series.joined_days), days, not_positive)


def _drawable(value: Number, scale: Scale) -> float | None:
    drawn_at = number(value)
    return None if drawn_at is None or (scale is Scale.LOG and drawn_at <= 0) else drawn_at


def _dots(markers: Sequence[Marker], scale: Scale, first: float, last: float) -> Iterator[_Dot]:
    """Yield the markers of the days that are shown: one of the first day stands at its end, where the line begins."""
    for marker in markers:
        value, x = _drawable(marker.value, scale), in_days(marker.when)
        if value is not None and first - 1 < x <= last:
            yield _Dot(max(x, first), value, marker)


def _keys(series: Sequence[Series], dots: Sequence[_Dot]) -> str:
    lines = [(f"chart-key chart-{one.tone}", one.tone.key, one.name) for one in series]
    sides = sorted({dot.marker.side for dot in dots})
    return legend([*lines, *((f"chart-key chart-{side}", side.sign, str(side)) for side in sides)])


def _labels(frame: Frame, area: _Area, levels: Sequence[tuple[str, float]]) -> Iterator[str]:
    """Yield the labels of the values, of the levels across, and of the days."""
    for value in area.axis.ticks:
        yield label(frame.unit.text(value, area.axis.step), x="0", y=area.top(value) - 3)
    for name, value in levels:
        yield label(name, x="100%", y=area.top(value) - 3, anchor="end")
    for days, words in date_ticks(area.first, area.last):
        yield below(words, area.x(days), frame.height)


def _plot(lines: Sequence[_Line], area: _Area) -> str:
    """Return the lines, in a picture of their own that is stretched to the width of the page."""
    base = round(area.y(0.0 if area.axis.scale is Scale.LINEAR else area.axis.low) * FINENESS)
    paths = []
    for line in lines:
        points = thinned(line.points, area.first, area.last, PIXELS)
        placed = [
            [(round(area.x(x) * PIXELS * FINENESS), round(area.y(y) * FINENESS)) for x, y, _ in run]
            for _, run in groupby(points, key=itemgetter(2))
        ]
        if line.series.filled:
            paths.append(
                _path("chart-area", line, (f"M{run[0][0]} {base}V{run[0][1]}{_steps(run)}V{base}z" for run in placed))
            )
        paths.append(
            _path("chart-stroke", line, (f"M{run[0][0]} {run[0][1]}{_steps(run)}" for run in placed if len(run) > 1))
        )
        paths.append(_path("chart-dots", line, (f"M{run[0][0]} {run[0][1]}h0" for run in placed if len(run) == 1)))
    return plot(_TOP, area.height, paths)


def _path(kind: str, line: _Line, shapes: Iterable[str]) -> str:
    shape = "".join(shapes)
    return f'<path class="{kind} chart-{line.series.tone}" d="{shape}"/>' if shape else ""


def _steps(run: Sequence[tuple[int, int]]) -> str:
    """Return the way through the points, each from the one before."""
    steps = (f"{x_to - x_from} {y_to - y_from}" for (x_from, y_from), (x_to, y_to) in pairwise(run))
    return ("l" + " ".join(steps).replace(" -", "-")) if len(run) > 1 else ""


def _drawn(dots: Sequence[_Dot], area: _Area) -> Iterator[str]:
    """Yield the trades; those of one side within eight pixels are one sign, at the mean of their prices."""
    places: dict[tuple[int, Side], list[_Dot]] = {}
    for dot in dots:
        places.setdefault((area.column(dot.x) // _MARKER_PIXELS, dot.marker.side), []).append(dot)
    for (_, side), together in places.items():
        x = sum(dot.x for dot in together) / len(together)
        value = sum(dot.value for dot in together) / len(together)
        alone = together[0].marker.note if len(together) == 1 else ""
        days = f"{day_of(together[0].x)}" if len(together) == 1 else f"to {day_of(together[-1].x)}"
        words = alone or f"{counted(len(together), side)} {days}"
        yield (
            f'<text class="chart-marker chart-{side}" x="{percent(area.x(x))}" '
            f'y="{short(area.top(value) + 4)}" text-anchor="middle">{side.sign}<title>{text(words)}</title></text>'
        )


def _words(frame: Frame, lines: Sequence[_Line], trades: int) -> Iterator[str]:
    """Yield what the chart says of its data."""
    write = frame.unit.text
    for line in lines:
        if not line.points:
            yield f"{line.series.name}: no data."
            continue
        first, last, least, most = (
            f"{write(y)} on {day_of(x)}" for x, y, _ in (line.points[0], line.points[-1], *line.extremes)
        )
        gaps = counted(line.points[-1][2], "gap")
        yield f"{line.series.name}: {first}, {last} (UTC), lowest {least}, highest {most}, {gaps}."
    if trades:
        yield f"{counted(trades, 'own trade')} marked."
    yield from _not_drawn(lines)


def _not_drawn(lines: Sequence[_Line]) -> Iterator[str]:
    if count := sum(line.not_positive for line in lines):
        yield f"{counted(count, 'value')} at or below zero not drawn: the scale is logarithmic."
