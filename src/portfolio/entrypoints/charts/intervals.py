"""How sure figures are: each as the range that it may lie in, with a mark where it was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from portfolio.entrypoints.charts.elements import (
    BAR,
    BETWEEN,
    LEGEND,
    UNKNOWN,
    WORDS,
    legend,
    line_down,
    rectangle,
    row_words,
)
from portfolio.entrypoints.charts.figure import Frame, Svg, drawn, empty
from portfolio.entrypoints.charts.scales import linear_axis
from portfolio.entrypoints.charts.units import Number, number


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A figure with the range that it may lie in; None is unknown. ``beside`` is what it is to be compared with."""

    label: str
    value: Number | None
    low: Number | None
    high: Number | None
    beside: Number | None = None


def interval_chart(frame: Frame, intervals: Sequence[Interval], names: tuple[str, str] | None = None) -> Svg:
    """Return each figure as a bar over its range, with a line at the figure, on one axis that shows zero.

    With the ``names`` of the figure and of what stands beside it, that has a line of its own, dashed.
    """
    rows = [[number(one) for one in (each.low, each.value, each.high, each.beside)] for each in intervals]
    known = [value for row in rows for value in row if value is not None]
    if not known:
        return empty(frame, "intervals")
    axis, top, apart = linear_axis([*known, 0.0]), LEGEND if names else 0, WORDS + BAR + BETWEEN
    keys = zip(("chart-key chart-own", "chart-key chart-other"), "■┆", names or (), strict=False)
    parts = [legend(keys)]
    for place, (each, (low, value, high, other)) in enumerate(zip(intervals, rows, strict=True)):
        y = top + place * apart
        found, *between = _said(frame, each).partition(" (")
        parts += row_words(each.label, found, y, "".join(between))
        if low is not None and high is not None:
            parts.append(rectangle("chart-range", (axis.place(low), axis.place(high)), (y + WORDS, y + WORDS + BAR)))
        for kind, at in (("chart-point", value), ("chart-beside", other)):
            if at is not None:
                parts.append(line_down(kind, axis.place(at), y + WORDS - 1, y + WORDS + BAR + 1))
    parts.append(line_down("chart-grid chart-zero", axis.place(0.0), top, top + len(intervals) * apart))
    return drawn(frame, "intervals", _words(frame, intervals, names), parts, top + len(intervals) * apart)


def _said(frame: Frame, each: Interval) -> str:
    value, low, high = (number(one) for one in (each.value, each.low, each.high))
    if value is None:
        return UNKNOWN
    found = frame.unit.text(value)
    return found if low is None or high is None else f"{found} ({frame.unit.text(low)} to {frame.unit.text(high)})"


def _words(frame: Frame, intervals: Sequence[Interval], names: tuple[str, str] | None) -> Iterator[str]:
    for each in intervals:
        other = number(each.beside)
        compared = f", {names[1]} {UNKNOWN if other is None else frame.unit.text(other)}" if names else ""
        yield f"{each.label}: {_said(frame, each)}{compared}."
