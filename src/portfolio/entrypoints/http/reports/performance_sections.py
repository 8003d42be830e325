"""The sections about how the portfolio did, what trading cost and brought, and the newest trades."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from portfolio.application.ledger.records import BookedTrade
from portfolio.application.performance.series.daily import DailySeries, SeriesDay
from portfolio.application.performance.series.months import CalendarPeriod
from portfolio.entrypoints.charts import (
    DOLLARS,
    FRACTION,
    PERCENT,
    PLAIN,
    Column,
    Frame,
    Tone,
    Unit,
    column_chart,
    heat_cell,
    line_chart,
)
from portfolio.entrypoints.http.pages.frame.figures import About, Cell
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.pages.performance.content import GROUPS
from portfolio.entrypoints.http.pages.series_charts import OfRolling, daily_line, distribution_columns, rolling_lines
from portfolio.entrypoints.http.performance.views import performance_view
from portfolio.entrypoints.http.reports.content import (
    Count,
    Drawing,
    Entry,
    Line,
    Section,
    Table,
    left_out,
    moment_text,
)

MOST_ASSETS: Final = 50
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_OF_TRADES = GROUPS["Trades"]
_FIGURES = {name: about for group in GROUPS.values() if group is not _OF_TRADES for name, about in group.items()}
_ROLLING: Mapping[str, tuple[str, Unit, OfRolling]] = {
    "returns": ("Rolling return", FRACTION, lambda one: one.returns),
    "volatilities": ("Rolling volatility, annualized", FRACTION, lambda one: one.volatilities),
    "sharpe_ratios": ("Rolling Sharpe ratio, annualized", PLAIN, lambda one: one.sharpe_ratios),
}


def costs(series: DailySeries) -> Section:
    """Return what trading cost, and what the trades brought."""
    found = series.costs
    lines = [
        Line("fees", "Fees of the period", found.fees, Kind.MONEY),
        Line("fees_percent", "Fees, of the notional", found.fees_percent, Kind.PERCENT, "no_trades"),
        Line("notional", "Notional of the trades", found.notional, Kind.MONEY),
        *trading_lines(series),
    ]
    rows: list[list[Entry]] = [
        [
            one.symbol.code,
            f"{one.trades:,}",
            Cell(one.fees_percent, Kind.PERCENT, "no_trades"),
            Cell(one.notional, Kind.MONEY),
            Cell(one.fees, Kind.MONEY),
        ]
        for one in found.assets[:MOST_ASSETS]
    ]
    columns = ["Asset", "Trades", "Fees, of the notional", "Notional", "Fees"]
    table = Table("Costs by asset", columns, rows, left_out(len(found.assets), MOST_ASSETS, "asset"))
    return Section("costs", "Costs and trading", lines=lines, tables=[table] if rows else ())


def trades(found: Sequence[BookedTrade], *, are_all: bool) -> Section:
    """Return the newest trades of the period."""
    rows: list[list[Entry]] = [
        [
            moment_text(trade.executed_at),
            trade.side.value,
            trade.symbol.code,
            "reversal" if trade.reverses is not None else "reversed" if one.reversed_by is not None else "",
            Cell(trade.price.value, Kind.PAID),
            Cell(trade.quantity, Kind.QUANTITY),
            Cell(trade.notional, Kind.MONEY),
            Cell(trade.fees, Kind.MONEY),
            Cell(trade.realized_pnl, Kind.RESULT),
        ]
        for one in found
        if one.entry is not None
        for trade in (one.entry.trade,)
    ]
    columns = ["Executed", "Side", "Asset", "", "Price", "Quantity", "Notional", "Fees", "Realized"]
    more = "" if are_all else f"These are the newest {len(found)}; there are more."
    tables = [Table("Trades of the period", columns, rows, more)] if rows else ()
    return Section("trades", "Trades", [] if rows else ["No trade in the period."], tables=tables)


def performance_sections(series: DailySeries) -> Iterator[Section]:
    """Yield them; every figure is one of the same use cases as the API's."""
    yield Section("figures", "Figures of the period", lines=list(_lines(series, _FIGURES)))
    yield _value(series)
    yield _units(series)
    yield _drawdown(series)
    yield _months(series)
    yield _distribution(series)
    yield _rolling(series)


def trading_lines(series: DailySeries) -> Iterator[Line | Count]:
    """Yield the figures of the period's trades."""
    found = series.performance
    yield Count("num_trades", "Trades", found.num_trades)
    yield from _lines(series, _OF_TRADES)
    yield Count("longest_winning_streak", "Longest winning streak", found.longest_winning_streak)
    yield Count("longest_losing_streak", "Longest losing streak", found.longest_losing_streak)


def _lines(series: DailySeries, wanted: Mapping[str, About]) -> Iterator[Line]:
    found = performance_view(series.performance)
    for name, (label, kind, _) in wanted.items():
        yield Line(name, label, getattr(found, name), kind, found.reasons.get(name))


def _value(series: DailySeries) -> Section:
    frame = Frame("value", "Value and net deposits", unit=DOLLARS)
    value = daily_line(series.days, "Value", lambda day: day.value)
    lines = [value, daily_line(series.days, "Net deposits", lambda day: day.net_deposits, Tone.THIRD)]
    drawn = Drawing(frame.title, line_chart(frame, lines), has_amounts=True)
    return Section("value-and-deposits", "Value and deposits", drawings=[drawn])


def _units(series: DailySeries) -> Section:
    benchmark = str(series.benchmark)
    frame = Frame("units", f"Unit value beside {benchmark}, 100 at the start")
    own = daily_line(series.days, "Unit value", lambda day: day.unit_index)
    lines = [own, daily_line(series.days, benchmark, lambda day: day.benchmark_index, Tone.OTHER)]
    note = "A unit's value moves by results alone: a deposit buys units at the value of its moment."
    return Section("unit-value", "Unit value", [note], drawings=[Drawing(frame.title, line_chart(frame, lines))])


def _drawdown(series: DailySeries) -> Section:
    frame = Frame("drawdown", "Drawdown", desc="Fall from the highest unit value so far.", unit=FRACTION)
    falls = line_chart(frame, [daily_line(series.days, "Drawdown", lambda day: day.drawdown, Tone.OTHER, filled=True)])
    found = performance_view(series.performance)
    rows: list[list[Entry]] = [
        [
            f"{place}",
            Cell(fall.depth, Kind.FRACTION),
            str(fall.peak),
            str(fall.trough),
            str(fall.recovery or "not yet"),
            str(fall.days),
        ]
        for place, fall in enumerate(found.worst_drawdowns or (), 1)
    ]
    columns = ["Rank", "Depth", "Peak", "Trough", "Recovery", "Days"]
    tables = [Table("The ten deepest drawdowns", columns, rows)] if rows else ()
    return Section("drawdowns", "Drawdowns", drawings=[Drawing(frame.title, falls)], tables=tables)


def _months(series: DailySeries) -> Section:
    frame = Frame("months", "Return of each month", unit=PERCENT)
    drawn = column_chart(frame, [Column(month.name, month.return_percent) for month in series.months])
    days = {day.day: day for day in series.days}
    of_period = ["Return", f"{series.benchmark}", "Result"]
    columns = ["Month", *of_period, "Value at its end", "Net deposits", "Index", "Drawdown"]
    rows: list[list[Entry]] = [
        [_name(month), *_of_period(month), *_at_end(days[month.end])] for month in reversed(series.months)
    ]
    years: list[list[Entry]] = [[_name(year), *_of_period(year)] for year in reversed(series.years)]
    tables = [
        Table("Months and years, in percent", ["Year", *MONTHS, "All"], _calendar(series)),
        Table("Years", ["Year", *of_period], years),
        Table("Months", columns, rows),
    ]
    note = "A star marks a month or year that the days do not reach over whole. Today is in none of them."
    drawings = [Drawing(frame.title, drawn)]
    return Section("months-and-years", "Months and years", [note], drawings=drawings, tables=tables)


def _calendar(series: DailySeries) -> list[list[Entry]]:
    """Return one row a year, with its months and itself."""
    months = {month.name: month for month in series.months}
    known = [month.return_percent for month in series.months if month.return_percent is not None]
    most = max((value.copy_abs() for value in known), default=Decimal(0))
    rows: list[list[Entry]] = []
    for year in reversed(series.years):
        found = [months.get(f"{year.name}-{number:02}") for number in range(1, 13)]
        rows.append([_name(year), *(heat_cell(one.return_percent if one else None, most) for one in (*found, year))])
    return rows


def _name(period: CalendarPeriod) -> str:
    return period.name if period.is_whole else f"{period.name} *"


def _of_period(period: CalendarPeriod) -> Iterator[Cell]:
    for name, kind in (
        ("return_percent", Kind.CHANGE), ("benchmark_return_percent", Kind.CHANGE), ("total_return", Kind.RESULT),
    ):  # fmt: skip
        yield Cell(getattr(period, name), kind, period.reasons.get(name))


def _at_end(day: SeriesDay) -> Iterator[Cell]:
    for name, kind in (
        ("value", Kind.MONEY), ("net_deposits", Kind.MONEY), ("unit_index", Kind.NUMBER), ("drawdown", Kind.FRACTION),
    ):  # fmt: skip
        yield Cell(getattr(day, name), kind, day.reasons.get(name))


def _distribution(series: DailySeries) -> Section:
    found = series.distribution
    frame = Frame("distribution", "Days by their return", desc="How many days brought how much.", unit=PLAIN)
    lines: list[Line | Count] = [
        Count("observations", "Daily returns", found.observations),
        Count("days_up", "Days up", found.days_up),
        Count("days_down", "Days down", found.days_down),
    ]
    for name, label in (("best", "Best day"), ("worst", "Worst day")):
        one = getattr(found, name)
        dated = f"{label}, {one.day}" if one else label
        lines.append(Line(name, dated, one.percent if one else None, Kind.CHANGE, found.reasons.get(name)))
    for name, label, kind in (
        ("mean", "Mean of a day", Kind.FRACTION),
        ("standard_deviation", "Standard deviation of a day", Kind.FRACTION),
        ("skewness", "Skewness", Kind.RATIO),
        ("excess_kurtosis", "Excess kurtosis", Kind.RATIO),
        ("value_at_risk_95", "Value at risk of these days, 95 %", Kind.FRACTION),
        ("conditional_value_at_risk_95", "Conditional value at risk of these days, 95 %", Kind.FRACTION),
        ("value_at_risk_99", "Value at risk of these days, 99 %", Kind.FRACTION),
        ("conditional_value_at_risk_99", "Conditional value at risk of these days, 99 %", Kind.FRACTION),
    ):
        lines.append(Line(name, label, getattr(found, name), kind, found.reasons.get(name)))
    drawn = column_chart(frame, distribution_columns(found))
    return Section("days", "Distribution of days", lines=lines, drawings=[Drawing(frame.title, drawn)])


def _rolling(series: DailySeries) -> Section:
    drawings = []
    for name, (title, unit, values) in _ROLLING.items():
        frame = Frame(name, title, unit=unit, height=200)
        drawings.append(Drawing(title, line_chart(frame, rolling_lines(series.rolling, values))))
    note = "Each day shows the figure of the 30, or the 90, days that end with it."
    return Section("rolling", "Rolling figures", [note], drawings=drawings)
