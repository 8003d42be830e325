"""How the portfolio did."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from litestar import Controller, get
from litestar.params import QueryParameter

from portfolio.analytics.conventions import CONVENTION
from portfolio.application.history.past_performance import PastPerformance
from portfolio.application.history.reading import Measures
from portfolio.application.ledger.lots.journal import KnownAt
from portfolio.application.performance.records import Basis
from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.assembly.performance import PerformanceParts
from portfolio.entrypoints.http.errors import MALFORMED, FieldError, RequestError
from portfolio.entrypoints.http.ledger.past_query import AsOfQuery, KnownAtQuery, read_past
from portfolio.entrypoints.http.performance.answers import (
    HistoryAnswer,
    PerformanceAnswer,
    PeriodAnswer,
    TimeframesAnswer,
)
from portfolio.entrypoints.http.performance.views import history_view, performance_view, timeframe_view
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.bodies import Days, FieldReader, read_symbol
from portfolio.entrypoints.http.shell.injection import Injected
from portfolio.entrypoints.http.shell.use_cases import UseCases

First = Annotated[
    date | None, QueryParameter(name="from", description="The first day, as 2026-01-31; none: from the opening on.")
]
Benchmark = Annotated[
    str | None,
    QueryParameter(description="The asset to compare with; none: `PORTFOLIO_BENCHMARK`.", min_length=1, max_length=40),
]
BasisQuery = Annotated[
    Literal["restated", "recorded"] | None,
    QueryParameter(
        description="restated: each day by all that is known by now; recorded: as it was when it was over. None: "
        "restated where an entry took effect before the opening, or days before it was booked, else recorded."
    ),
]
Last = Annotated[date | None, QueryParameter(description="The last day; today or none: until now.")]


class PerformanceController(Controller):
    """Routes of performance."""

    tags = ["portfolio"]

    @get("/performance", summary="The performance over the last completed days", opt=access(Scope.READ))
    async def read_performance(
        self,
        cases: Injected[UseCases],
        days: Days = 30,
        benchmark: Benchmark = None,
        basis: BasisQuery = None,
        as_of: AsOfQuery = None,
        known_at: KnownAtQuery = None,
    ) -> PerformanceAnswer:
        """Return the figures of the last completed days; today so far is in `daily_return` alone.

        `basis` says whether days are restated, by all that is known by now, or as they were recorded. As of a past
        moment, or as far as was known, they are restated, and nothing is told of the day that was not over.
        """
        asked = asked_benchmark(benchmark)
        chosen, reads = await asked_days(cases.performance, basis, as_of, known_at)
        found = await reads.performance(days, asked)
        view = performance_view(found)
        return PerformanceAnswer(timestamp=cases.clock.now(), performance=view, period_days=days, basis=chosen.value)

    @get("/performance/history", summary="The last completed days, one by one", opt=access(Scope.READ))
    async def read_history(
        self,
        cases: Injected[UseCases],
        days: Days = 365,
        benchmark: Benchmark = None,
        basis: BasisQuery = None,
        as_of: AsOfQuery = None,
        known_at: KnownAtQuery = None,
    ) -> HistoryAnswer:
        """Return what the portfolio was worth at the end of each day, beside the benchmark, and the months and years.

        The first day is that at whose end the period begins, as in `/performance`. A day without a value is a gap: it
        is there, and null. Today so far is in `today`; as of a past moment it is not over, and null.
        """
        asked = asked_benchmark(benchmark)
        chosen, reads = await asked_days(cases.performance, basis, as_of, known_at)
        read = await reads.series(days, asked)
        return HistoryAnswer(timestamp=cases.clock.now(), history=history_view(read), basis=chosen.value)

    @get(
        "/performance/timeframes",
        summary="The performance over 1d, 7d, 30d, 90d, wtd, mtd, ytd, 1y, 5y and all",
        opt=access(Scope.READ),
    )
    async def read_timeframes(
        self,
        cases: Injected[UseCases],
        benchmark: Benchmark = None,
        basis: BasisQuery = None,
        as_of: AsOfQuery = None,
        known_at: KnownAtQuery = None,
    ) -> TimeframesAnswer:
        """Return every timeframe, of completed days and up to now, and what each position added to its result.

        Where the history does not reach over the whole of a timeframe its figures are null, and `reasons` says why. As
        of a past moment there is nothing in `to_now`.
        """
        asked = asked_benchmark(benchmark)
        chosen, reads = await asked_days(cases.performance, basis, as_of, known_at)
        read = await reads.timeframes(asked)
        return TimeframesAnswer(
            timestamp=cases.clock.now(),
            timeframes={frame.name: timeframe_view(frame) for frame in read.frames},
            to_now={frame.name: timeframe_view(frame) for frame in read.to_now},
            convention=CONVENTION,
            stale=read.stale,
            as_of=read.as_of,
            basis=chosen.value,
        )

    @get("/performance/period", summary="The performance between two days", opt=access(Scope.READ))
    async def read_period(
        self,
        cases: Injected[UseCases],
        from_: First = None,
        to: Last = None,
        benchmark: Benchmark = None,
        basis: BasisQuery = None,
        as_of: AsOfQuery = None,
        known_at: KnownAtQuery = None,
    ) -> PeriodAnswer:
        """Return the figures from the beginning of `from` to the end of `to`; of today, or without `to`, until now."""
        if from_ is not None and to is not None and to < from_:
            error = FieldError("to", "has to be on or after `from`")
            raise RequestError(MALFORMED, "the period ends before it begins", errors=[error])
        asked = asked_benchmark(benchmark)
        chosen, reads = await asked_days(cases.performance, basis, as_of, known_at)
        frame = await reads.between(from_, to, asked)
        view = timeframe_view(frame)
        return PeriodAnswer(timestamp=cases.clock.now(), period=view, convention=CONVENTION, basis=chosen.value)


async def asked_days(
    parts: PerformanceParts, basis: str | None, as_of: str | None, known_at: str | None
) -> tuple[Basis, Measures | PastPerformance]:
    """Return what measures the days that are asked for, and their basis."""
    if moments := asked_past(as_of, known_at, basis):
        return Basis.RESTATED, parts.past(*moments)
    return await parts.by_basis(Basis(basis) if basis else None)


def asked_past(
    as_of: str | None, known_at: str | None, basis: str | None
) -> tuple[datetime | None, KnownAt | None] | None:
    """Return as of when and as far as was known when; None where neither is asked for.

    Raises:
        RequestError: one of them is no moment, or recorded days are asked for, which are told as they are.
    """
    moments = read_past(as_of, known_at)
    if moments == (None, None):
        return None
    if basis == "recorded":
        error = FieldError("basis", "takes restated with `as_of` or `known_at`")
        raise RequestError(MALFORMED, "recorded days are told as they are", errors=[error])
    return moments


def asked_benchmark(benchmark: str | None) -> Symbol | None:
    """Return the asset to compare with; None where none is named."""
    reading = FieldReader()
    symbol = reading.given("benchmark", benchmark, read_symbol)
    reading.finish()
    return symbol
