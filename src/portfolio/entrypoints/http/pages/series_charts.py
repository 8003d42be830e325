"""The charts of a daily series: value and deposits, unit value beside a benchmark, the fall from the peak."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date
from decimal import Decimal
from typing import Final, TypeAlias

from portfolio.application.performance.series.daily import DailySeries, SeriesDay
from portfolio.application.performance.series.distribution import Distribution
from portfolio.application.performance.series.rolling import Rolling
from portfolio.domain.money import Money
from portfolio.entrypoints.charts import DOLLARS, FRACTION, PLAIN, Column, Frame, Scale, Series, Tone, line_chart
from portfolio.entrypoints.http.pages.frame.figures import Cell, Chart, Row
from portfolio.entrypoints.http.pages.frame.formats import Kind

OfDay: TypeAlias = Callable[[SeriesDay], Money | Decimal | None]
OfRolling: TypeAlias = Callable[[Rolling], Sequence[Decimal | None]]

MOST_ROWS: Final = 400
"""Of longer periods the table has the last day of each month; the chart has every day."""


def places_shown(days: Sequence[date]) -> list[int]:
    """Return which of these days a table has: all, or of a long period the first, the last and the last of a month."""
    last = len(days) - 1
    return [n for n, day in enumerate(days) if last < MOST_ROWS or n in {0, last} or days[n + 1].month != day.month]


def distribution_columns(found: Distribution) -> Sequence[Column]:
    """Return on how many days each step of returns was reached: a column is named by where it begins."""
    return [Column(f"≥ {PLAIN.text(one.low_percent)} %", one.count) for one in found.bins]


def value_chart(series: DailySeries, scale: Scale) -> Chart:
    """Return the value beside the net deposits, in dollars: not for a private page."""
    days = (*series.days, series.today)
    frame = Frame("value", "Value and net deposits", desc="At the end of each day, UTC.", unit=DOLLARS)
    deposits = daily_line(days, "net deposits", lambda day: day.net_deposits, Tone.OTHER)
    lines = [daily_line(days, "value", lambda day: day.value), deposits]
    drawn = line_chart(frame, lines, scale=scale)
    columns = {"Value": "value", "Net deposits": "net_deposits"}
    return Chart.of(frame, drawn, ["Day (UTC)", *columns], _rows(series, columns.values(), Kind.MONEY), _note(series))


def index_chart(series: DailySeries, scale: Scale) -> Chart:
    """Return the unit value beside the benchmark, both 100 on the first day: without any amount."""
    benchmark = series.benchmark.code
    days = (*series.days, series.today)
    title = f"Unit value beside {benchmark}"
    frame = Frame("index", title, desc="Both are 100 on the first day; deposits do not move it.", unit=PLAIN)
    beside = daily_line(days, benchmark, lambda day: day.benchmark_index, Tone.OTHER)
    lines = [daily_line(days, "portfolio", lambda day: day.unit_index), beside]
    rows = _rows(series, ("unit_index", "benchmark_index"), Kind.NUMBER)
    note = f"Time-weighted: 100 on the first day, deposits and withdrawals do not count. {_note(series)}".strip()
    return Chart.of(frame, line_chart(frame, lines, scale=scale), ["Day (UTC)", "Portfolio", benchmark], rows, note)


def drawdown_chart(series: DailySeries) -> Chart:
    """Return how far below its highest value the unit value was."""
    days = (*series.days, series.today)
    frame = Frame("drawdown", "Drawdown", desc="The fall from the highest unit value so far.", unit=FRACTION)
    drawn = line_chart(frame, [daily_line(days, "drawdown", lambda day: day.drawdown, Tone.OTHER, filled=True)])
    title, rows = "Drawdown: below the highest unit value so far", _rows(series, ("drawdown",), Kind.FRACTION)
    return Chart(frame.id, title, drawn, ["Day (UTC)", "Drawdown"], rows, _note(series))


def daily_line(
    days: Sequence[SeriesDay], name: str, value: OfDay, tone: Tone = Tone.OWN, *, filled: bool = False
) -> Series:
    """Return a figure of each day as a line."""
    return Series(name=name, points=[(day.day, _drawable(value(day))) for day in days], tone=tone, filled=filled)


def _drawable(value: Money | Decimal | None) -> Decimal | None:
    return value.value if isinstance(value, Money) else value


def rolling_lines(rolling: Sequence[Rolling], values: OfRolling) -> list[Series]:
    """Return a figure of the days until each day as lines, one for each length of a window."""
    return [
        Series(name=f"{one.window_days} days", points=list(zip(one.days, values(one), strict=True)), tone=tone)
        for one, tone in zip(rolling, (Tone.OWN, Tone.OTHER), strict=True)
    ]


def _rows(series: DailySeries, names: Collection[str], kind: Kind) -> Sequence[Row]:
    """Return these values of the days of the table, and of today so far."""
    shown = [series.days[place] for place in places_shown([day.day for day in series.days])]
    return [
        [
            f"{day.day.isoformat()} so far" if day is series.today else day.day.isoformat(),
            *(Cell(getattr(day, name), kind, day.reasons.get(name)) for name in names),
        ]
        for day in (*shown, series.today)
    ]


def _note(series: DailySeries) -> str:
    notes = []
    if len(series.days) > MOST_ROWS:
        notes.append("The table has the last day of each month; GET /performance/history has every day.")
    if gaps := len(series.gaps):
        notes.append(f"{gaps} of the days have no value: they stay gaps.")
    if estimated := sum(day.estimated is not None for day in series.days):
        notes.append(f"{estimated} of the days are estimated: something held had no close of that day.")
    return " ".join(notes)
