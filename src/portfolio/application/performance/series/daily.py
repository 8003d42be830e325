"""The daily series behind charts and tables: what the portfolio was worth on each day, gaps as gaps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from portfolio.analytics.closes import days_without_close
from portfolio.analytics.conventions import CONVENTION, MAX_DAYS
from portfolio.analytics.decimals import statistic, to_decimals
from portfolio.analytics.rolling import underwater
from portfolio.application.ledger.snapshots import Snapshot, Snapshots
from portfolio.application.performance.history import History, ReadsHistory
from portfolio.application.performance.measures import VALUE_NOT_POSITIVE, every_unit_value, is_ruined
from portfolio.application.performance.period import Performance, measure_days
from portfolio.application.performance.records import MeasuredDay
from portfolio.application.performance.series.costs import TradingCosts, trading_costs_of
from portfolio.application.performance.series.distribution import Distribution, distribution_of
from portfolio.application.performance.series.estimated_days import held_since, held_without_close
from portfolio.application.performance.series.months import CalendarPeriod, months_of, years_of
from portfolio.application.performance.series.rolling import Rolling, rolling_of
from portfolio.application.prices.closes import ReadCloses
from portfolio.domain.arithmetic import exact
from portfolio.domain.days import DAY
from portfolio.domain.lazy import lazy
from portfolio.domain.money import PERCENT_STEP, Money
from portfolio.domain.symbol import Symbol

ADOPTED: Final = "adopted"
NO_CLOSE: Final = "no_close"
NOT_OVER: Final = "not_over"
NO_VALUE: Final = "no_value"

_INDEX = Decimal(100)
_OF_VALUE = ("value", "net_deposits", "unit_value")
_RELATIVE = ("unit_index", "drawdown")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesDay:
    """A day at its end. In a gap everything of the portfolio is None.

    ``unit_index`` and ``benchmark_index`` are 100 on the first day, 6 decimals; ``drawdown`` is the fall from the
    highest unit value since then, a fraction with 12. ``estimated`` says why the value is not made of the day's own
    closes alone: ``adopted``, ``no_close`` (of the assets ``without_close``), ``not_over``.
    """

    day: date
    value: Money | None
    net_deposits: Money | None
    unit_value: Decimal | None
    unit_index: Decimal | None
    drawdown: Decimal | None
    benchmark_close: Decimal | None
    benchmark_index: Decimal | None
    estimated: str | None
    without_close: Sequence[Symbol]
    reasons: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class DailySeries:
    """Every day from the first to the last that is over, and ``today`` so far; the days in between are all there.

    ``gaps`` are the days without a value. ``estimates_known`` is False where the closes of what was held could not be
    read: then no day is marked for lacking one.
    """

    days: Sequence[SeriesDay]
    today: SeriesDay
    benchmark: Symbol
    estimates_known: bool
    history: History
    period_days: int
    convention: str = CONVENTION

    @property
    def gaps(self) -> Sequence[date]:
        """Return the days without a value."""
        return [day.day for day in self.days if day.value is None]

    @property
    def as_of(self) -> datetime:
        """Return the time of the portfolio that ``today`` is of."""
        return self.history.snapshot.as_of

    @property
    def stale(self) -> bool:
        """Return whether the database, or the closes, could not be asked: these are the ones last seen."""
        return self.history.stale or not self.estimates_known

    @lazy
    def months(self) -> Sequence[CalendarPeriod]:
        """The calendar months that the days reach into."""
        return months_of(self.history.finals, self.history.benchmark)

    @lazy
    def years(self) -> Sequence[CalendarPeriod]:
        """The calendar years that the days reach into."""
        return years_of(self.history.finals, self.history.benchmark)

    @lazy
    def performance(self) -> Performance:
        """The figures of the same days."""
        return measure_days(self.history, self.period_days)

    @lazy
    def costs(self) -> TradingCosts:
        """What the trades of the same days cost."""
        end = self.history.today - DAY
        return trading_costs_of(self.history.booked(end - timedelta(days=self.period_days), end))

    @lazy
    def distribution(self) -> Distribution:
        """How the daily returns are distributed."""
        return distribution_of(self.history.finals)

    @lazy
    def rolling(self) -> Sequence[Rolling]:
        """The figures of the 30 and the 90 days until each day."""
        return [rolling_of(self.history.finals, days, self.history.risk_free_rate) for days in (30, 90)]


class ReadSeries(msgspec.Struct, frozen=True):
    """Reads the daily series of the last completed days."""

    history: ReadsHistory
    snapshots: Snapshots
    closes: ReadCloses

    async def __call__(self, days: int, benchmark: Symbol | None = None) -> DailySeries:
        """Return the last ``days`` completed days, 1 to 3650, and the day at whose end they begin.

        With the database away these are the days last seen. The benchmark is the one that is set where none is given.
        """
        return await self.of(await self.snapshots.newest(), days, benchmark)

    async def of(
        self, snapshot: Snapshot, days: int, benchmark: Symbol | None = None, *, today: date | None = None
    ) -> DailySeries:
        """Return the series at a snapshot read already; ``today`` is the day that counts as such, else the clock's."""
        assert 1 <= days <= MAX_DAYS
        history = await self.history(snapshot, days + 1, benchmark, today=today)
        without_close = await self._without_close(history)
        return DailySeries(
            days=list(_days(history, without_close or {})),
            today=_today(history),
            benchmark=history.benchmark.symbol,
            estimates_known=without_close is not None,
            history=history,
            period_days=days,
        )

    async def _without_close(self, history: History) -> Mapping[date, Sequence[Symbol]] | None:
        """Return the days at whose end something was held that has no close of that day; None where nobody knows."""
        if not history.finals:
            return {}
        portfolio, first = history.snapshot.portfolio, history.finals[0].day
        held = held_since(portfolio, history.entries, first)
        read = await self.closes(
            [symbol.code for symbol in held],
            min(max((history.today - first).days - 1, 1), MAX_DAYS),
            today=history.today,
            price_revision=history.snapshot.revisions.prices,
            asks=not history.snapshot.database_away,
        )
        if not read.is_known:
            return None
        lacking = {Symbol(code): days for code, days in days_without_close(read.history).items()}
        return held_without_close(portfolio, history.entries, lacking)


def _days(history: History, without_close: Mapping[date, Sequence[Symbol]]) -> Iterator[SeriesDay]:
    """Yield every day from the first to the last that is over, also those without a value."""
    known, points = {day.day: day for day in history.finals}, _Points(history)
    every, units = every_unit_value(history.finals)
    for day, drawdown in zip(every, to_decimals(underwater(units)), strict=True):
        measured, lacking = known.get(day), without_close.get(day, ())
        point = points.at(day, measured, drawdown)
        if measured is not None and (measured.is_adopted or lacking):
            why = ADOPTED if measured.is_adopted else NO_CLOSE
            point = replace(point, estimated=why, without_close=lacking)
        yield point


def _today(history: History) -> SeriesDay:
    """Return today so far, beside the first day and the peak of the days before it."""
    days = [*history.finals, history.now]
    drawdown = None if is_ruined(days) else underwater([float(day.unit_value) for day in days])[-1]
    point = _Points(history).at(history.today, history.now, None if drawdown is None else statistic(float(drawdown)))
    return replace(point, estimated=NOT_OVER)


class _Points:
    """Puts a day together from what is known of it."""

    def __init__(self, history: History) -> None:
        first = history.finals[0] if history.finals else history.now
        self._closes = {day: statistic(close) for day, close in history.benchmark.closes.items()}
        self._first_unit = first.unit_value
        self._first_close = self._closes.get(first.day)
        self._no_close = "no_benchmark_close" if history.benchmark.is_known else "history_unavailable"

    def at(self, day: date, measured: MeasuredDay | None, drawdown: Decimal | None) -> SeriesDay:
        """Return the day; relative figures only where there is a ``drawdown``."""
        reasons: dict[str, str] = {}
        if measured is None:
            reasons |= dict.fromkeys((*_OF_VALUE, *_RELATIVE), NO_VALUE)
        elif drawdown is None:
            reasons |= dict.fromkeys(_RELATIVE, VALUE_NOT_POSITIVE)
        close = self._closes.get(day)
        if close is None:
            reasons |= dict.fromkeys(("benchmark_close", "benchmark_index"), self._no_close)
        elif not self._first_close:
            reasons["benchmark_index"] = "no_benchmark_close_at_start"
        return SeriesDay(
            day=day,
            value=measured.total_value if measured else None,
            net_deposits=measured.net_deposits if measured else None,
            unit_value=measured.unit_value if measured else None,
            unit_index=_index(measured.unit_value, self._first_unit) if measured and drawdown is not None else None,
            drawdown=drawdown,
            benchmark_close=close,
            benchmark_index=_index(close, self._first_close) if close is not None and self._first_close else None,
            estimated=None,
            without_close=(),
            reasons=reasons,
        )


@exact
def _index(value: Decimal, first: Decimal) -> Decimal:
    return (value * _INDEX / first).quantize(PERCENT_STEP)
