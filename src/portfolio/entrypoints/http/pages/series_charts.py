"""The charts of a daily series: value and deposits, unit value beside a benchmark, the fall from the peak."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from portfolio.application.performance.series.daily import DailySeries, SeriesDay
from portfolio.domain.money import Money
from portfolio.entrypoints.charts import DOLLARS, FRACTION, PLAIN, Frame, Scale, Series, Tone, line_chart
from portfolio.entrypoints.http.pages.frame.figures import Cell, Chart
from portfolio.entrypoints.http.pages.frame.formats import Kind

MOST_ROWS: Final = 400
"""Of longer periods the table has the last day of each month; the chart has every day."""


def places_shown(days: Sequence[date]) -> list[int]:
    """Return which of these days a table has: all, or of a long period the first, the last and the last of a month."""
    last = len(days) - 1
    return [n for n, day in enumerate(days) if last < MOST_ROWS or n in {0, last} or days[n + 1].month != day.month]


def value_chart(series: DailySeries, scale: Scale) -> Chart:
    """Return the value beside the net deposits, in dollars: not for a private page."""
    frame = Frame(id="value", title="Value and net deposits", desc="At the end of each day, UTC.", unit=DOLLARS)
    lines = [
        Series(name="value", points=_points(series, lambda day: _amount(day.value))),
        Series(name="net deposits", points=_points(series, lambda day: _amount(day.net_deposits)), tone=Tone.OTHER),
    ]
    return Chart(
        name="value",
        title=frame.title,
        svg=line_chart(frame, lines, scale=scale),
        columns=["Day (UTC)", "Value", "Net deposits"],
        rows=[
            [
                _named(day, series),
                Cell(value=day.value, kind=Kind.MONEY, reason=day.reasons.get("value")),
                Cell(value=day.net_deposits, kind=Kind.MONEY, reason=day.reasons.get("net_deposits")),
            ]
            for day in _rows(series)
        ],
        note=_note(series),
    )


def index_chart(series: DailySeries, scale: Scale) -> Chart:
    """Return the unit value beside the benchmark, both 100 on the first day: without any amount."""
    benchmark = series.benchmark.code
    title = f"Unit value beside {benchmark}"
    frame = Frame(id="index", title=title, desc="Both are 100 on the first day; deposits do not move it.", unit=PLAIN)
    lines = [
        Series(name="portfolio", points=_points(series, lambda day: day.unit_index)),
        Series(name=benchmark, points=_points(series, lambda day: day.benchmark_index), tone=Tone.OTHER),
    ]
    return Chart(
        name="index",
        title=title,
        svg=line_chart(frame, lines, scale=scale),
        columns=["Day (UTC)", "Portfolio", benchmark],
        rows=[
            [
                _named(day, series),
                Cell(value=day.unit_index, kind=Kind.NUMBER, reason=day.reasons.get("unit_index")),
                Cell(value=day.benchmark_index, kind=Kind.NUMBER, reason=day.reasons.get("benchmark_index")),
            ]
            for day in _rows(series)
        ],
        note=f"Time-weighted: 100 on the first day, deposits and withdrawals do not count. {_note(series)}".strip(),
    )


def drawdown_chart(series: DailySeries) -> Chart:
    """Return how far below its highest value the unit value was."""
    frame = Frame(id="drawdown", title="Drawdown", desc="The fall from the highest unit value so far.", unit=FRACTION)
    line = Series(name="drawdown", points=_points(series, lambda day: day.drawdown), tone=Tone.OTHER, filled=True)
    return Chart(
        name="drawdown",
        title="Drawdown: below the highest unit value so far",
        svg=line_chart(frame, [line]),
        columns=["Day (UTC)", "Drawdown"],
        rows=[
            [
                _named(day, series),
                Cell(value=day.drawdown, kind=Kind.FRACTION, reason=day.reasons.get("drawdown")),
            ]
            for day in _rows(series)
        ],
        note=_note(series),
    )


def _points(series: DailySeries, value: Callable[[SeriesDay], Decimal | None]) -> Sequence[tuple[date, Decimal | None]]:
    return [(day.day, value(day)) for day in (*series.days, series.today)]


def _amount(value: Money | None) -> Decimal | None:
    return None if value is None else value.value


def _rows(series: DailySeries) -> Iterator[SeriesDay]:
    """Yield the days of the table, and today."""
    yield from (series.days[place] for place in places_shown([day.day for day in series.days]))
    yield series.today


def _named(day: SeriesDay, series: DailySeries) -> str:
    return f"{day.day.isoformat()} so far" if day is series.today else day.day.isoformat()


def _note(series: DailySeries) -> str:
    notes = []
    if len(series.days) > MOST_ROWS:
        notes.append("The table has the last day of each month; GET /performance/history has every day.")
    if gaps := len(series.gaps):
        notes.append(f"{gaps} of the days have no value: they stay gaps.")
    if estimated := sum(day.estimated is not None for day in series.days):
        notes.append(f"{estimated} of the days are estimated: something held had no close of that day.")
    return " ".join(notes)
