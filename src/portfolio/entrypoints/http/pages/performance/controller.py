"""The page of performance: how it went, how it fell, and what it came from."""

from __future__ import annotations

from functools import partial

from litestar import get
from litestar.response import Template

from portfolio.analytics.conventions import MAX_DAYS
from portfolio.application.history.reading import Measures
from portfolio.application.performance.series.daily import DailySeries
from portfolio.application.performance.timeframes import Timeframes
from portfolio.entrypoints.charts import Scale
from portfolio.entrypoints.http.pages.bases import on_basis
from portfolio.entrypoints.http.pages.frame.figures import Cell
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.pages.frame.page import PageController, Pages, is_private
from portfolio.entrypoints.http.pages.performance.content import (
    figures_of,
    month_figures,
    months_table,
    timeframes_table,
)
from portfolio.entrypoints.http.pages.performance.drawings import (
    contributions_chart,
    distribution_chart,
    rolling_charts,
)
from portfolio.entrypoints.http.pages.periods import Choice, PeriodQuery, ScaleQuery
from portfolio.entrypoints.http.pages.series_charts import drawdown_chart, index_chart
from portfolio.entrypoints.http.performance.controller import BasisQuery
from portfolio.entrypoints.http.performance.views import timeframe_view
from portfolio.entrypoints.http.portfolio.reads import Reading
from portfolio.entrypoints.http.shell.bodies import Typed
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected
from portfolio.entrypoints.http.shell.use_cases import UseCases

# What is said of the days: the field of the distribution, its label and its kind.
OF_DAYS = (
    ("value_at_risk_95", "On 95 % of the days it lost no more than", Kind.FRACTION),
    ("conditional_value_at_risk_95", "On the other days it lost on average", Kind.FRACTION),
    ("value_at_risk_99", "On 99 % of the days it lost no more than", Kind.FRACTION),
    ("conditional_value_at_risk_99", "On the other days it lost on average", Kind.FRACTION),
    ("mean", "Mean of a day", Kind.FRACTION),
    ("standard_deviation", "Standard deviation of a day", Kind.FRACTION),
    ("skewness", "Skewness", Kind.RATIO),
    ("excess_kurtosis", "Excess kurtosis", Kind.RATIO),
)


class PerformancePageController(PageController):
    """The route of performance as people look at it."""

    @get("/pages/performance")
    async def read_performance_page(  # shape: each part of the query is an argument
        self,
        request: HttpRequest,
        pages: Injected[Pages],
        cases: Injected[UseCases],
        period: PeriodQuery = None,
        scale: ScaleQuery = None,
        benchmark: Typed = None,
        basis: BasisQuery = None,
    ) -> Template:
        """Return the page of performance."""
        choice, private = Choice.of(period, scale, benchmark), is_private(request)
        reading = await pages.reading()
        shown, (read, days, all_days) = await on_basis(
            cases.performance.by_basis, basis, partial(_read, reading, choice)
        )
        chosen = next(frame for frame in read.frames if frame.name == choice.period)
        view, columns_and_rows = timeframe_view(chosen), timeframes_table(read, private=private)
        spread = days.distribution
        return pages.page(
            request,
            "performance.html",
            "Performance",
            reading,
            choice=choice,
            days=choice.days(reading.at.date()),
            basis=shown,
            scales=list(Scale),
            chosen=view,
            groups=list(figures_of(view, days)),
            timeframes=columns_and_rows,
            months=months_table(all_days),
            best_and_worst_month=month_figures(all_days),
            falls=view.worst_drawdowns,
            over_time=[index_chart(days, choice.scale), drawdown_chart(days)],
            distribution=distribution_chart(spread),
            best_and_worst=[("Best day", spread.best), ("Worst day", spread.worst)],
            of_days=[
                (label, Cell(getattr(spread, name), kind, spread.reasons.get(name))) for name, label, kind in OF_DAYS
            ],
            rolling=list(rolling_charts(days.rolling)),
            contributions=contributions_chart(chosen, private=private),
            unattributed=chosen.unattributed,
        )


async def _read(reading: Reading, choice: Choice, measures: Measures) -> tuple[Timeframes, DailySeries, DailySeries]:
    """Return all timeframes, the days of the one that is chosen, and all days."""
    read = await measures.timeframes(choice.benchmark)
    days = await measures.series.of(reading.snapshot, choice.days(reading.at.date()), choice.benchmark)
    return read, days, await measures.series.of(reading.snapshot, MAX_DAYS, choice.benchmark)
