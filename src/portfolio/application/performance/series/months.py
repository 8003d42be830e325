"""The table of calendar months and years: each as a period of its own, from its first day to its last."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal

import msgspec

from portfolio.application.performance.benchmark import Benchmark
from portfolio.application.performance.measures import VALUE_NOT_POSITIVE, gain, is_ruined
from portfolio.application.performance.reasons import Reasons
from portfolio.application.performance.records import MeasuredDay
from portfolio.domain.days import DAY
from portfolio.domain.money import Money

_RETURNS = ("return_percent", "total_return")


class CalendarPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """A month or a year, from the end of ``start`` to the end of ``end``; ``is_whole`` where it reaches over all of it.

    ``return_percent`` is time-weighted, ``total_return`` in dollars; the same as of the period between the two days. A
    figure is None without a value on one of them, and ``reasons`` says why: ``no_value_at_start``,
    ``no_value_at_end``, ``value_not_positive``, ``no_benchmark_close_at_start``, ``no_benchmark_close_at_end``.
    """

    name: str
    start: date
    end: date
    is_whole: bool
    return_percent: Decimal | None
    total_return: Money | None
    benchmark_return_percent: Decimal | None
    reasons: Mapping[str, str]


def months_of(finals: Sequence[MeasuredDay], benchmark: Benchmark) -> list[CalendarPeriod]:
    """Return every month that has one of the days after the first, oldest first; also those without a value."""
    return _periods(finals, benchmark, "%Y-%m", lambda day: day.replace(day=1))


def years_of(finals: Sequence[MeasuredDay], benchmark: Benchmark) -> list[CalendarPeriod]:
    """Return every year that has one of the days after the first, oldest first; also those without a value."""
    return _periods(finals, benchmark, "%Y", lambda day: day.replace(month=1, day=1))


def _periods(
    finals: Sequence[MeasuredDay], benchmark: Benchmark, name: str, first_of: Callable[[date], date]
) -> list[CalendarPeriod]:
    found: list[CalendarPeriod] = []
    if not finals:
        return found
    opening, end = finals[0].day, finals[-1].day
    last = end
    while last > opening:
        first = first_of(last)
        start = max(first - DAY, opening)
        is_whole = start == first - DAY and first_of(last + DAY) != first
        used = [day for day in finals if start <= day.day <= last]
        found.append(_period(f"{last:{name}}", (start, last), used, benchmark, is_whole=is_whole))
        last = first - DAY
    return found[::-1]


def _period(
    name: str, ends: tuple[date, date], days: Sequence[MeasuredDay], benchmark: Benchmark, *, is_whole: bool
) -> CalendarPeriod:
    start, end = ends
    reasons = Reasons()
    known = {day.day: day for day in days}
    why = next((f"no_value_at_{side}" for side, day in (("start", start), ("end", end)) if day not in known), None)
    brought = None
    if why is not None:
        reasons.undefined(_RETURNS, why)
    elif is_ruined(days):
        reasons.undefined(["return_percent"], VALUE_NOT_POSITIVE)
    else:
        brought = reasons.growth_percent("return_percent", known[start].unit_value, known[end].unit_value)
    return CalendarPeriod(
        name=name,
        start=start,
        end=end,
        is_whole=is_whole,
        return_percent=brought,
        total_return=gain(known[start], known[end]) if why is None else None,
        benchmark_return_percent=_of_benchmark(benchmark, start, end, reasons),
        reasons=reasons.noted,
    )


def _of_benchmark(benchmark: Benchmark, start: date, end: date, reasons: Reasons) -> Decimal | None:
    closes = [benchmark.closes.get(day) for day in (start, end)]
    if closes[0] is None or closes[1] is None:
        side = "start" if closes[0] is None else "end"
        return reasons.known("benchmark_return_percent", None, f"no_benchmark_close_at_{side}")
    return reasons.percent("benchmark_return_percent", (closes[1] / closes[0] - 1.0) * 100.0, "out_of_range")
