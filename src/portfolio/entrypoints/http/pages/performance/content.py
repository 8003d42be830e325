"""The figures of the page of performance, and its tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from portfolio.analytics.conventions import CONVENTION
from portfolio.application.performance.series.daily import DailySeries
from portfolio.application.performance.series.months import CalendarPeriod
from portfolio.application.performance.timeframes import Timeframes
from portfolio.domain.decimal_text import counted
from portfolio.entrypoints.charts import heat_kind
from portfolio.entrypoints.charts.units import Number
from portfolio.entrypoints.http.pages.frame.figures import About, Cell, Figure, FigureOf, Term
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.performance.answers import TimeframeView
from portfolio.entrypoints.http.performance.views import timeframe_view

GROUPS: Final[Mapping[str, Mapping[str, About]]] = {
    "Return": {
        "total_return": ("Result", Kind.RESULT, "Value at the end less value at the start less net deposits."),
        "total_return_percent": ("Return, time-weighted", Kind.CHANGE, "Growth of the value of one unit."),
        "money_weighted_return_percent": ("Return, money-weighted", Kind.CHANGE, "(1 + rate) ^ (days / 365) − 1."),
        "annualized_return": ("Annualized return", Kind.FRACTION, "Growth ^ (365 / days) − 1, from 90 days on."),
        "money_weighted_return": (
            "Money-weighted return of a year", Kind.FRACTION, "The rate of all payments (XIRR), from 90 days on.",
        ),
    },
    "Risk": {
        "annualized_volatility": ("Annualized volatility", Kind.FRACTION, "Deviation of daily returns × √365."),
        "sharpe_ratio": ("Sharpe ratio", Kind.RATIO, "Mean excess return / its standard deviation × √365."),
        "sharpe_standard_error": (
            "Standard error of the Sharpe ratio", Kind.RATIO, "√((1 + s² / 2) / n) × √365, s of a day.",
        ),
        "sortino_ratio": ("Sortino ratio", Kind.RATIO, "Mean excess return / root mean square of losses × √365."),
        "max_drawdown": ("Maximum drawdown", Kind.FRACTION, "The deepest fall of the unit value from a peak."),
        "current_drawdown": ("Current drawdown", Kind.FRACTION, "The fall from the last peak to the end."),
        "calmar_ratio": ("Calmar ratio", Kind.RATIO, "Annualized return / −maximum drawdown."),
    },
    "Beside the benchmark": {
        "benchmark_return_percent": ("Benchmark's return", Kind.CHANGE, "From the first day's close to the last's."),
        "excess_return_percent": ("Excess return", Kind.CHANGE, "The return less the benchmark's."),
        "annualized_excess_return": ("Annualized excess", Kind.FRACTION, "Annualized return less the benchmark's."),
        "beta": ("Beta", Kind.RATIO, "Covariance with the benchmark / the benchmark's variance."),
        "up_capture": ("Up capture", Kind.RATIO, "Mean return / the benchmark's, on the days on which it rose."),
        "down_capture": ("Down capture", Kind.RATIO, "The same on the days on which it fell."),
    },
    "Trades": {
        "win_rate": ("Win rate", Kind.FRACTION, "Closing trades that brought something / all closing trades."),
        "profit_factor": ("Profit factor", Kind.RATIO, "Sum of gains / sum of losses of closing trades."),
        "expectancy": ("Expectancy", Kind.RESULT, "Mean result of a closing trade."),
        "average_win": ("Average win", Kind.RESULT, "Mean result of those that won."),
        "average_loss": ("Average loss", Kind.RESULT, "Mean result of those that lost."),
        "largest_win": ("Largest win", Kind.RESULT, "The best closing trade."),
        "largest_loss": ("Largest loss", Kind.RESULT, "The worst closing trade."),
        "average_holding_days": ("Holding days", Kind.NUMBER, "Mean time from purchase, at average cost, to sale."),
    },
}  # fmt: skip

_OF_WHOLE_MONTHS: Final = (
    "return of the whole months in the table of months, time-weighted. "
    "Months that the days do not reach over all of do not count."
)
MONTHS: Final[Mapping[str, About]] = {
    "best_month": ("Best month", Kind.CHANGE, f"The highest {_OF_WHOLE_MONTHS}"),
    "worst_month": ("Worst month", Kind.CHANGE, f"The lowest {_OF_WHOLE_MONTHS}"),
}

# The table of all timeframes: the field, its heading, its kind.
COLUMNS: Final[Sequence[tuple[str, str, Kind]]] = (
    ("total_return", "Return", Kind.RESULT),
    ("total_return_percent", "Return, %", Kind.CHANGE),
    ("benchmark_return_percent", "Benchmark, %", Kind.CHANGE),
    ("excess_return_percent", "Excess, %", Kind.CHANGE),
    ("annualized_volatility", "Volatility", Kind.FRACTION),
    ("sharpe_ratio", "Sharpe", Kind.RATIO),
    ("max_drawdown", "Max. drawdown", Kind.FRACTION),
    ("win_rate", "Win rate", Kind.FRACTION),
)


class Month(NamedTuple):
    """A month in the table of months: its return, and the class that colours it; ``span`` months may have none."""

    cell: Cell
    heat: str
    is_whole: bool
    span: int = 1


def figures_of(view: TimeframeView, series: DailySeries) -> Iterator[tuple[str, list[Figure]]]:
    """Yield the figures of a period by what they are about."""
    terms, period = _terms(view, series), counted(view.days_covered, "day")
    for heading, group in GROUPS.items():
        figure = FigureOf(group, CONVENTION, series.as_of)
        yield heading, [figure.always(view, name, terms.get(name, ()), period=period) for name in group]


def _terms(view: TimeframeView, series: DailySeries) -> Mapping[str, Sequence[Term]]:
    """Return the numbers that are in the formulas of figures."""
    days = [Term("Daily returns", view.observations, Kind.COUNT)]
    trades = [Term("Trades of the period", view.num_trades, Kind.COUNT)]
    own = Term("Return, time-weighted", view.total_return_percent, Kind.CHANGE)
    found: dict[str, Sequence[Term]] = {
        **dict.fromkeys(("annualized_volatility", "sharpe_ratio", "sharpe_standard_error", "sortino_ratio"), days),
        **dict.fromkeys(("beta", "up_capture", "down_capture"), days),
        **dict.fromkeys(("win_rate", "profit_factor", "expectancy"), trades),
        "annualized_return": [own, Term("Days", view.days_covered, Kind.COUNT)],
        "calmar_ratio": [
            Term("Annualized return", view.annualized_return, Kind.FRACTION),
            Term("Maximum drawdown", view.max_drawdown, Kind.FRACTION, "/ −"),
        ],
        "excess_return_percent": [
            own,
            Term("Benchmark", view.benchmark_return_percent, Kind.CHANGE, "−"),
        ],
    }
    ends = [day for day in series.days if day.day in {view.start, view.end} and day.value is not None]
    if len(ends) == 2:
        first, last = ends
        found["total_return"] = [
            Term(f"Value at the end of {last.day}", last.value, Kind.MONEY),
            Term(f"Value at the end of {first.day}", first.value, Kind.MONEY, "−"),
            Term("Net deposits until the end", last.net_deposits, Kind.MONEY, "−"),
            Term("Net deposits until the start", first.net_deposits, Kind.MONEY, "+"),
        ]
        found["total_return_percent"] = [
            Term("Unit value at the end, the start being 100", last.unit_index, Kind.NUMBER),
            Term("Unit value at the start", first.unit_index, Kind.NUMBER, "/"),
        ]
    return found


def timeframes_table(read: Timeframes, *, private: bool) -> tuple[list[str], list[list[str | Cell]]]:
    """Return all timeframes as a table: of completed days, and their return until now."""
    columns = [column for column in COLUMNS if not (private and column[2].is_own)]
    rows: list[list[str | Cell]] = []
    for frame, to_now in zip(read.frames, read.to_now, strict=True):
        view, now = timeframe_view(frame), timeframe_view(to_now)
        reason = now.reasons.get("total_return_percent")
        rows.append(
            [
                frame.name,
                *(Cell(getattr(view, name), kind, view.reasons.get(name)) for name, _, kind in columns),
                Cell(now.total_return_percent, Kind.CHANGE, reason),
            ]
        )
    return ["Timeframe", *(label for _, label, _ in columns), "Until now, %"], rows


def months_table(series: DailySeries) -> list[tuple[str, list[Month | None]]]:
    """Return the returns of all months by year, the newest first: twelve, and that of the year at the end; None where
    the days do not reach.
    """
    months = {month.name: month for month in series.months}
    most = max((abs(month.return_percent) for month in series.months if month.return_percent is not None), default=0)
    table: list[tuple[str, list[Month | None]]] = []
    for year in reversed(series.years):
        found = [months.get(f"{year.name}-{n:02}") for n in range(1, 13)]
        table.append((year.name, [*_joined(_month(one, most) if one else None for one in found), _month(year, 0)]))
    return table


def _joined(months: Iterable[Month | None]) -> Iterator[Month | None]:
    """Yield the months; of a run of them that have no return for the same reason the first alone, which spans it."""
    for reason, run in groupby(months, key=lambda month: month and month.cell.reason):
        first, *others = run
        if reason is None or first is None:
            yield from (first, *others)
        else:
            yield first._replace(span=1 + len(others))


def month_figures(series: DailySeries) -> list[Figure]:
    """Return the best and the worst month of those in the table of months that the days reach over all of."""
    whole = [month for month in series.months if month.is_whole and month.return_percent is not None]
    ordered = sorted(whole, key=lambda month: (month.return_percent, month.name))
    figure, terms = FigureOf(MONTHS, CONVENTION, series.as_of), [Term("Whole months", len(whole), Kind.COUNT)]
    if not ordered:
        return [figure(name, None, reason="no_whole_month") for name in MONTHS]
    return [
        figure(name, month.return_percent, terms=terms, period=f"{month.end:%b %Y}")
        for name, month in zip(MONTHS, (ordered[-1], ordered[0]), strict=True)
    ]


def _month(period: CalendarPeriod, most: Number) -> Month:
    value = period.return_percent
    cell = Cell(value, Kind.CHANGE, period.reasons.get("return_percent"))
    return Month(cell, heat_kind(value, most) if most else "", period.is_whole)
