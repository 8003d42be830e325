"""One row for each item: its name and number, and below them its bar. Bars, waterfall, bullet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from portfolio.entrypoints.charts.elements import (
    BAR,
    BETWEEN,
    LEGEND,
    UNKNOWN,
    WORDS,
    counted,
    legend,
    line_down,
    rectangle,
    row_words,
)
from portfolio.entrypoints.charts.figure import Frame, Svg, Tone, drawn, empty
from portfolio.entrypoints.charts.scales import Axis, linear_axis
from portfolio.entrypoints.charts.units import Number, number

_TONES: Final = tuple(Tone)


@dataclass(frozen=True, slots=True)
class Bar:
    """An item with one value for each name of the chart; None is unknown."""

    label: str
    values: Sequence[Number | None]


@dataclass(frozen=True, slots=True)
class Step:
    """What is added, or taken where it is below zero; a total is drawn from zero, and the next step starts at it."""

    label: str
    value: Number | None
    is_total: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bullet:
    """A figure beside its limit: the most that it may be, or with ``is_least`` the least."""

    label: str
    value: Number | None
    limit: Number
    is_least: bool = False

    @property
    def is_broken(self) -> bool:
        """Whether the figure is on the wrong side of its limit; at the limit it is not."""
        if self.value is None:
            return False
        return self.value < self.limit if self.is_least else self.value > self.limit

    @property
    def word(self) -> str:
        """What is to be said of it: within, over, under, unknown."""
        if number(self.value) is None:
            return UNKNOWN
        return ("under" if self.is_least else "over") if self.is_broken else "within"


def bar_chart(frame: Frame, names: Sequence[str], bars: Sequence[Bar], tones: Sequence[Tone] = _TONES) -> Svg:
    """Return one row for each item with one bar for each of ``names``, at most three, all from one zero.

    ``tones`` are those of the names, in their order. With one name the sign colours the bar: blue above zero, orange
    below.
    """
    assert all(len(bar.values) == len(names) <= len(tones) for bar in bars), "one value for each name"
    values = [[number(value) for value in bar.values] for bar in bars]
    known = [value for row in values for value in row if value is not None]
    if not known:
        return empty(frame, "bars")
    axis, top = linear_axis([*known, 0.0]), LEGEND if len(names) > 1 else 0
    apart = WORDS + BAR * len(names) + BETWEEN
    kinds = [f"chart-fill chart-{tone}" for tone in tones]
    parts = [legend((f"chart-key chart-{tones[n]}", "■", name) for n, name in enumerate(names)) if top else ""]
    for place, (bar, row) in enumerate(zip(bars, values, strict=True)):
        y = top + place * apart
        parts += row_words(bar.label, " · ".join(_value(frame, value, signed=min(known) < 0) for value in row), y)
        for n, value in enumerate(row):
            kind = _signed(value) if len(names) == 1 else kinds[n]
            parts.append(_bar(kind, (0.0, value), axis, y + WORDS + n * BAR))
    parts.append(line_down("chart-grid chart-zero", axis.place(0.0), top, top + len(bars) * apart))
    return drawn(frame, "bars", _bar_words(frame, names, bars), parts, top + len(bars) * apart)


def waterfall_chart(frame: Frame, steps: Sequence[Step]) -> Svg:
    """Return how one total becomes another: each step starts where the one before ended."""
    values = [number(step.value) for step in steps]
    spans: list[tuple[float, float]] = []
    end = 0.0
    for step, value in zip(steps, values, strict=True):
        start = 0.0 if step.is_total else end
        end = end if value is None else start + value
        spans.append((start, end))
    if all(value is None for value in values):
        return empty(frame, "waterfall")
    axis = linear_axis([0.0, *(place for span in spans for place in span)])
    apart = WORDS + BAR + BETWEEN
    parts: list[str] = []
    for place, (step, value, (start, end)) in enumerate(zip(steps, values, spans, strict=True)):
        kind, y = "chart-total" if step.is_total else _signed(value), place * apart
        parts += row_words(step.label, _value(frame, value, signed=not step.is_total), y)
        parts.append(_bar(kind, (start, None if value is None else end), axis, y + WORDS))
        if place < len(steps) - 1:
            parts.append(line_down("chart-link", axis.place(end), y + WORDS + BAR, y + apart + WORDS))
    parts.append(line_down("chart-grid chart-zero", axis.place(0.0), 0, len(steps) * apart))
    words = (
        f"{step.label}: {_value(frame, value, signed=not step.is_total)}."
        for step, value in zip(steps, values, strict=True)
    )
    return drawn(frame, "waterfall", words, parts, len(steps) * apart)


def bullet_chart(frame: Frame, bullets: Sequence[Bullet]) -> Svg:
    """Return each figure as a bar towards the mark of its limit, and in words whether it is over it."""
    if not bullets:
        return empty(frame, "bullet")
    known = [drawn_at for one in bullets for value in (one.value, one.limit) if (drawn_at := number(value)) is not None]
    axis = linear_axis([0.0, *known])
    apart = WORDS + BAR + BETWEEN
    parts = []
    for place, bullet in enumerate(bullets):
        y, value = place * apart, number(bullet.value)
        kind = "chart-broken" if bullet.is_broken else "chart-within"
        parts += [
            *row_words(bullet.label, _value(frame, value), y, _beside(frame, bullet)),
            rectangle("chart-track", (0.0, 1.0), (y + WORDS, y + WORDS + BAR)),
            _bar(kind, (0.0, value), axis, y + WORDS, inset=2),
            line_down("chart-limit", axis.place(float(bullet.limit)), y + WORDS - 2, y + WORDS + BAR + 2),
        ]
    broken = sum(bullet.is_broken for bullet in bullets)
    words = (
        f"{counted(len(bullets), 'limit')}, {broken:,} broken.",
        *(f"{one.label}: {_value(frame, number(one.value))}{_beside(frame, one)}." for one in bullets),
    )
    return drawn(frame, "bullet", words, parts, len(bullets) * apart)


def _beside(frame: Frame, bullet: Bullet) -> str:
    of = "at least" if bullet.is_least else "at most"
    return f", {of} {frame.unit.text(bullet.limit)}: {bullet.word}"


def _bar_words(frame: Frame, names: Sequence[str], bars: Sequence[Bar]) -> Iterator[str]:
    for bar in bars:
        values = [_value(frame, number(value)) for value in bar.values]
        said = values if len(names) == 1 else [f"{name} {value}" for name, value in zip(names, values, strict=True)]
        yield f"{bar.label}: {', '.join(said)}."


def _value(frame: Frame, value: float | None, *, signed: bool = False) -> str:
    if value is None:
        return UNKNOWN
    return frame.unit.signed(value) if signed else frame.unit.text(value)


def _signed(value: float | None) -> str:
    return "chart-loss" if value is not None and value < 0 else "chart-gain"


def _bar(kind: str, span: tuple[float, float | None], axis: Axis, y: float, inset: int = 0) -> str:
    start, end = span
    if end is None:
        return ""
    return rectangle(kind, (axis.place(start), axis.place(end)), (y + inset, y + BAR - inset))
