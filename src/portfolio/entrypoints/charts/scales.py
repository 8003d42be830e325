"""Where on an axis a value stands, and which values are written beside it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final, TypeAlias

When: TypeAlias = date | datetime

_STEPS: Final = (1.0, 2.0, 5.0, 10.0)
_MOST_TICKS: Final = 5
_DAYS_APART: Final = (1, 2, 5, 10, 20)
_MONTHS_APART: Final = (1, 2, 3, 6, 12, 24, 60, 120)


class Scale(StrEnum):
    """How an axis goes: by differences, or by ratios."""

    LINEAR = "linear"
    LOG = "log"


@dataclass(frozen=True, slots=True)
class Axis:
    """Values from ``low`` to ``high``, with those that are labelled; between two is ``step``, None where it grows."""

    low: float
    high: float
    ticks: Sequence[float]
    step: float | None
    scale: Scale = Scale.LINEAR

    def place(self, value: float) -> float:
        """Return where a value stands: 0 at ``low``, 1 at ``high``."""
        if self.scale is Scale.LOG:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def linear_axis(values: Sequence[float]) -> Axis:
    """Return an axis from a round value at or below all ``values`` to one at or above them; equal ones are amid it.

    Beside what is always zero, or too small for a float to divide, nothing else is labelled: no other value says how
    large it could be.
    """
    if all(abs(value) < 1e-300 for value in values):
        return Axis(-1.0, 1.0, [0.0], 1.0)
    low, high = min(values), max(values)
    if high - low <= 1e-12 * max(abs(low), abs(high)):
        room = abs(low) * 0.1
        low, high = low - room, high + room
    step = _round_step((high - low) / _MOST_TICKS)
    ticks = [place * step for place in range(math.floor(low / step), math.ceil(high / step) + 1)]
    return Axis(min(ticks[0], low), max(ticks[-1], high), ticks, step)


def log_axis(values: Sequence[float]) -> Axis:
    """Return an axis by ratios over ``values``, which are above zero."""
    low, high = min(values), max(values)
    if high / low < 1.0 + 1e-9:
        low, high = low / 1.1, high * 1.1
    decades = math.log10(high / low)
    if decades < 1:
        linear = linear_axis((low, high))
        return Axis(low, high, [tick for tick in linear.ticks if low <= tick <= high], linear.step, Scale.LOG)
    apart = math.ceil(decades / _MOST_TICKS)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1, 2, 5) if decades < 2 else (1,)
    ticks = [factor * 10.0**power for power in powers if power % apart == 0 for factor in factors]
    return Axis(low, high, [tick for tick in ticks if low <= tick <= high], None, Scale.LOG)


def in_days(when: When) -> float:
    """Return a time in days, in UTC. A date stands for its end: noon of a day is half a day before that."""
    if isinstance(when, datetime):
        assert when.tzinfo is not None, "a time without a zone is none"
        moment = when.astimezone(UTC)
        passed = moment - datetime.combine(moment.date(), time(), UTC)
        return moment.toordinal() + passed / timedelta(days=1) - 1.0
    return float(when.toordinal())


def day_of(days: float) -> date:
    """Return the day in which a time in days lies."""
    return date.fromordinal(math.ceil(days))


def date_ticks(first: float, last: float) -> list[tuple[float, str]]:
    """Return the days between two that are labelled, with their labels: days, months or years."""
    start, end = date.fromordinal(math.ceil(first)), date.fromordinal(math.floor(last))
    span = (end - start).days
    for apart in _DAYS_APART:
        if span <= apart * (_MOST_TICKS - 1):
            days = range(start.toordinal(), end.toordinal() + 1, apart)
            return [(float(day), f"{date.fromordinal(day):%-d %b}") for day in days]
    months = span / 30.4
    # A year is shorter than a month with its year: there is room for one more.
    rooms = ((apart, _MOST_TICKS + (0.5 if apart >= 12 else 0.0)) for apart in _MONTHS_APART)
    apart = next((apart for apart, room in rooms if months <= apart * room), _MONTHS_APART[-1])
    form = "%Y" if apart >= 12 else "%b %Y"
    return [(float(day.toordinal()), f"{day:{form}}") for day in _first_days(start, end, apart)]


def _first_days(start: date, end: date, apart: int) -> Iterator[date]:
    """Yield the first days of each month, or each second one and so on, counted from a year that they divide."""
    for month in range(start.year * 12 - start.year * 12 % apart, (end.year + 1) * 12, apart):
        day = date(month // 12, month % 12 + 1, 1)
        if start <= day <= end:
            yield day


def _round_step(least: float) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that is not less than ``least``."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in _STEPS if step * power >= least * (1 - 1e-9))
