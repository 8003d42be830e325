"""How the portfolio did."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, get
from litestar.params import QueryParameter

from portfolio.analytics.conventions import CONVENTION, MAX_DAYS
from portfolio.application.clock import Clock
from portfolio.application.performance.period import ReadPerformance
from portfolio.application.performance.timeframes import ReadTimeframes
from portfolio.entrypoints.http.performance.answers import PerformanceAnswer, TimeframesAnswer
from portfolio.entrypoints.http.performance.views import performance_view, timeframe_view
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.injection import Injected

Days = Annotated[int, QueryParameter(ge=1, le=MAX_DAYS, description="Over how many completed days.")]


class PerformanceController(Controller):
    """Routes of performance."""

    tags = ["portfolio"]

    @get("/performance", summary="The performance over the last completed days", opt=access(Scope.READ))
    async def read_performance(
        self, performance: Injected[ReadPerformance], clock: Injected[Clock], days: Days = 30
    ) -> PerformanceAnswer:
        """Return the figures of the last completed days; today so far is in `daily_return` alone."""
        found = await performance(days)
        return PerformanceAnswer(timestamp=clock.now(), performance=performance_view(found), period_days=days)

    @get(
        "/performance/timeframes",
        summary="The performance over 1d, 7d, 30d, 90d, ytd, 1y and all",
        opt=access(Scope.READ),
    )
    async def read_timeframes(self, timeframes: Injected[ReadTimeframes], clock: Injected[Clock]) -> TimeframesAnswer:
        """Return every timeframe, of completed days, and what each position added to its result.

        Where the history does not reach over the whole of a timeframe its figures are null, and `reasons` says why.
        """
        read = await timeframes()
        return TimeframesAnswer(
            timestamp=clock.now(),
            timeframes={frame.name: timeframe_view(frame) for frame in read.frames},
            convention=CONVENTION,
            stale=read.stale,
            as_of=read.as_of,
        )
