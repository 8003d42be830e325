"""Columns side by side, above and below zero: results of months, counts of a distribution."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from portfolio.entrypoints.charts.elements import FINENESS, PIXELS, across_at, below, counted, label, plot
from portfolio.entrypoints.charts.figure import Frame, Svg, drawn, empty
from portfolio.entrypoints.charts.scales import Axis, linear_axis
from portfolio.entrypoints.charts.units import Number, number

_TOP: Final = 14
_BOTTOM: Final = 22
_MOST_LABELS: Final = 4
_FILLED: Final = 0.8  # of the room of a column


@dataclass(frozen=True, slots=True)
class Column:
    """A value with the label below it; None leaves its place empty."""

    label: str
    value: Number | None


def column_chart(frame: Frame, columns: Sequence[Column]) -> Svg:
    """Return columns from zero up or down, in their order: blue above zero, orange below.

    Where there are more columns than pixels, a pixel shows the highest and the lowest of its own.
    """
    values = [number(column.value) for column in columns]
    known = [value for value in values if value is not None]
    if not known:
        return empty(frame, "columns")
    axis = linear_axis([*known, 0.0])
    height = frame.height - _TOP - _BOTTOM
    tops = [(tick, _TOP + (1 - axis.place(tick)) * height) for tick in axis.ticks]
    parts = [
        *(across_at("chart-grid" if tick else "chart-grid chart-zero", top) for tick, top in tops),
        plot(_TOP, height, _paths(values, axis, height)),
        *(label(frame.unit.text(tick, axis.step), x="0", y=top - 3) for tick, top in tops),
        *_labels(frame, columns),
    ]
    return drawn(frame, "columns", _words(frame, columns, values), parts)


def _paths(values: Sequence[float | None], axis: Axis, height: int) -> Iterator[str]:
    """Yield all columns above zero as one path, and all below it as another."""
    gains: list[str] = []
    losses: list[str] = []
    room = PIXELS * FINENESS / len(values)
    width = max(1, round(max(room, FINENESS) * _FILLED))
    zero = round((1 - axis.place(0.0)) * height * FINENESS)
    for place, value in _visible(values):
        x = round((place + 0.5) * room - width / 2)
        rise = zero - round((1 - axis.place(value)) * height * FINENESS)
        (gains if value > 0 else losses).append(f"M{x} {zero}v{-rise}h{width}v{rise}z")
    yield from (
        f'<path class="chart-{kind}" d="{"".join(shapes)}"/>' for kind, shapes in (("gain", gains), ("loss", losses))
    )


def _visible(values: Sequence[float | None]) -> Iterator[tuple[int, float]]:
    """Yield the columns that are drawn, with their place: all that are not zero, or two a pixel."""
    pixels: dict[int, list[tuple[int, float]]] = {}
    for place, value in enumerate(values):
        if value:
            pixels.setdefault(place * PIXELS // max(len(values), PIXELS), []).append((place, value))
    for together in pixels.values():
        highest, lowest = (choose(together, key=lambda one: one[1]) for choose in (max, min))
        if highest[1] > 0:
            yield highest
        if lowest[1] < 0:
            yield lowest


def _labels(frame: Frame, columns: Sequence[Column]) -> Iterator[str]:
    """Yield the labels of some columns, evenly chosen: as many as have room on a narrow screen."""
    apart = -(-len(columns) // _MOST_LABELS)
    for place in range(0, len(columns), apart):
        yield below(columns[place].label, (place + 0.5) / len(columns), frame.height)


def _words(frame: Frame, columns: Sequence[Column], values: Sequence[float | None]) -> Iterator[str]:
    """Yield what the chart says of its data."""
    known = [(value, column.label) for value, column in zip(values, columns, strict=True) if value is not None]
    (highest, best), (lowest, worst) = (choose(known, key=lambda one: one[0]) for choose in (max, min))
    above, below = (sum(value * sign > 0 for value, _ in known) for sign in (1, -1))
    missing = len(values) - len(known)
    yield (
        f"{counted(len(known), 'column')}, {above:,} above zero and {below:,} below: "
        f"highest {frame.unit.text(highest)} at {best}, lowest {frame.unit.text(lowest)} at {worst}."
    )
    if missing:
        yield f"{missing:,} without a value."
