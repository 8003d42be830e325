"""The charts of the page of performance beside those of the daily series."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from portfolio.application.performance.daily_positions import ranked
from portfolio.application.performance.series.distribution import Distribution
from portfolio.application.performance.series.rolling import Rolling
from portfolio.application.performance.timeframes import Timeframe
from portfolio.domain.decimal_text import counted
from portfolio.entrypoints.charts import (
    DOLLARS,
    FRACTION,
    PERCENT,
    PLAIN,
    Frame,
    Step,
    Unit,
    column_chart,
    line_chart,
    waterfall_chart,
)
from portfolio.entrypoints.http.pages.frame.figures import Cell, Chart
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.pages.series_charts import MOST_ROWS, OfRolling, distribution_columns, rolling_lines

MOST_CONTRIBUTIONS: Final = 12
_FIGURES: Final[Sequence[tuple[str, str, Unit, Kind, OfRolling]]] = (
    ("rolling-return", "Rolling return", FRACTION, Kind.FRACTION, lambda one: one.returns),
    ("rolling-volatility", "Rolling volatility", FRACTION, Kind.FRACTION, lambda one: one.volatilities),
    ("rolling-sharpe", "Rolling Sharpe ratio", PLAIN, Kind.RATIO, lambda one: one.sharpe_ratios),
)


def distribution_chart(found: Distribution) -> Chart:
    """Return on how many days the portfolio brought how much."""
    frame = Frame("distribution", "Distribution of daily returns", desc="On how many days it brought how much.")
    return Chart.of(
        frame,
        column_chart(frame, distribution_columns(found)),
        ["Return from, %", "to under, %", "Days"],
        [
            [PLAIN.text(one.low_percent), PLAIN.text(one.high_percent), Cell(one.count, Kind.COUNT)]
            for one in found.bins
        ],
        f"{counted(found.observations, 'daily return')}: {found.days_up} up, {found.days_down} down.",
    )


def rolling_charts(rolling: Sequence[Rolling]) -> Iterator[Chart]:
    """Yield the return, the volatility and the Sharpe ratio of the 30 and the 90 days until each day."""
    for name, title, unit, kind, values in _FIGURES:
        lines = rolling_lines(rolling, values)
        known = [dict(zip(one.days, values(one), strict=True)) for one in rolling]
        days = list(known[0])
        shown = [day for n, day in enumerate(days) if len(days) <= MOST_ROWS or day.day == 1 or n == len(days) - 1]
        frame = Frame(name, f"{title} of 30 and of 90 days", unit=unit)
        yield Chart.of(
            frame,
            line_chart(frame, lines),
            ["Until (UTC)", *(line.name for line in lines)],
            [[day.isoformat(), *(Cell(one.get(day), kind, "too_few_days") for one in known)] for day in shown],
        )


def contributions_chart(chosen: Timeframe, *, private: bool) -> Chart | None:
    """Return what each position added to the result of a period; in percent of the value at its start where private.

    None where it is not known.
    """
    if chosen.attribution is None:
        return None
    found = ranked(chosen.attribution, MOST_CONTRIBUTIONS)
    measured = chosen.performance
    rows = [(one.symbol.code, one.money, one.percent, one.reasons.get("percent")) for one in found.largest]
    if found.count:
        rows.append((counted(found.count, "other"), found.rest, found.rest_percent, None))
    if found.other:
        rows.append(("No position explains", found.other, None, "not_of_a_position"))
    if not private:
        rows.append(("Result", measured.total_return, measured.total_return_percent, None))
    steps = [
        Step(name, percent if private else amount.value if amount is not None else None, is_total=name == "Result")
        for name, amount, percent, _ in rows
    ]
    title = "Contributions, in percent of the value at the start" if private else "Contributions to the result"
    frame = Frame("contributions", title, unit=PERCENT if private else DOLLARS)
    return Chart.of(
        frame,
        waterfall_chart(frame, steps),
        ["Position", *([] if private else ["Money"]), "Of the value at the start, %"],
        [
            [name, *([] if private else [Cell(amount, Kind.RESULT, why)]), Cell(percent, Kind.CHANGE, why)]
            for name, amount, percent, why in rows
        ],
        "By how much the realized and unrealized result of each position grew, fees included.",
    )
