"""How the portfolio did."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from litestar import Controller, get
from litestar.params import QueryParameter

from portfolio.analytics.conventions import CONVENTION
from portfolio.application.clock import Clock
from portfolio.application.performance.period import ReadPerformance
from portfolio.application.performance.series.daily import ReadSeries
from portfolio.application.performance.timeframes import ReadTimeframes
from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.http.errors import MALFORMED, FieldError, RequestError
from portfolio.entrypoints.http.performance.answers import PerformanceAnswer, PeriodAnswer, TimeframesAnswer
from portfolio.entrypoints.http.performance.history_answers import HistoryAnswer
from portfolio.entrypoints.http.performance.views import history_view, performance_view, timeframe_view
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.bodies import Days, Reading, read_symbol
from portfolio.entrypoints.http.shell.injection import Injected

First = Annotated[
    date | None, QueryParameter(name="from", description="The first day, as 2026-01-31; none: from the opening on.")
]
Benchmark = Annotated[
    str | None,
    QueryParameter(description="The asset to compare with; none: `PORTFOLIO_BENCHMARK`.", min_length=1, max_length=40),
]
Last = Annotated[date | None, QueryParameter(description="The last day; today or none: until now.")]


class PerformanceController(Controller):
    """Routes of performance."""

    tags = ["portfolio"]

    @get("/performance", summary="The performance over the last completed days", opt=access(Scope.READ))
    async def read_performance(
        self,
        performance: Injected[ReadPerformance],
        clock: Injected[Clock],
        days: Days = 30,
        benchmark: Benchmark = None,
    ) -> PerformanceAnswer:
        """Return the figures of the last completed days; today so far is in `daily_return` alone."""
        found = await performance(days, asked_benchmark(benchmark))
        return PerformanceAnswer(timestamp=clock.now(), performance=performance_view(found), period_days=days)

    @get("/performance/history", summary="The last completed days, one by one", opt=access(Scope.READ))
    async def read_history(
        self, series: Injected[ReadSeries], clock: Injected[Clock], days: Days = 365, benchmark: Benchmark = None
    ) -> HistoryAnswer:
        """Return what the portfolio was worth at the end of each day, beside the benchmark, and the months and years.

        The first day is that at whose end the period begins, as in `/performance`. A day without a value is a gap: it
        is there, and null. Today so far is in `today`.
        """
        read = await series(days, asked_benchmark(benchmark))
        return HistoryAnswer(timestamp=clock.now(), history=history_view(read))

    @get(
        "/performance/timeframes",
        summary="The performance over 1d, 7d, 30d, 90d, wtd, mtd, ytd, 1y, 5y and all",
        opt=access(Scope.READ),
    )
    async def read_timeframes(
        self, timeframes: Injected[ReadTimeframes], clock: Injected[Clock], benchmark: Benchmark = None
    ) -> TimeframesAnswer:
        """Return every timeframe, of completed days and up to now, and what each position added to its result.

        Where the history does not reach over the whole of a timeframe its figures are null, and `reasons` says why.
        """
        read = await timeframes(asked_benchmark(benchmark))
        return TimeframesAnswer(
            timestamp=clock.now(),
            timeframes={frame.name: timeframe_view(frame) for frame in read.frames},
            to_now={frame.name: timeframe_view(frame) for frame in read.to_now},
            convention=CONVENTION,
            stale=read.stale,
            as_of=read.as_of,
        )

    @get("/performance/period", summary="The performance between two days", opt=access(Scope.READ))
    async def read_period(
        self,
        timeframes: Injected[ReadTimeframes],
        clock: Injected[Clock],
        from_: First = None,
        to: Last = None,
        benchmark: Benchmark = None,
    ) -> PeriodAnswer:
        """Return the figures from the beginning of `from` to the end of `to`; of today, or without `to`, until now."""
        if from_ is not None and to is not None and to < from_:
            error = FieldError("to", "has to be on or after `from`")
            raise RequestError(MALFORMED, "the period ends before it begins", errors=[error])
        frame = await timeframes.between(from_, to, asked_benchmark(benchmark))
        return PeriodAnswer(timestamp=clock.now(), period=timeframe_view(frame), convention=CONVENTION)


def asked_benchmark(benchmark: str | None) -> Symbol | None:
    """Return the asset to compare with; None where none is named.

    Raises:
        RequestError: it is no symbol.
    """
    reading = Reading()
    symbol = reading.given("benchmark", benchmark, read_symbol)
    reading.finish()
    return symbol
