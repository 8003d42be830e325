"""The page of backtests."""

from __future__ import annotations

from typing import Annotated, Any, Final

from litestar import get
from litestar.params import QueryParameter
from litestar.response import Template

from portfolio.application.backtest.jobs.reading import ReadBacktest
from portfolio.application.backtest.jobs.records import Job, JobState, Part
from portfolio.application.backtest.records import EquityRow, TradeRow
from portfolio.application.backtest.sweeping.outcome import TrialRow
from portfolio.application.in_thread import in_thread
from portfolio.application.ledger.records import Page
from portfolio.entrypoints.http.backtest.answers import BacktestsCursor
from portfolio.entrypoints.http.pages.backtests.content import Outcome, listed_jobs, result_content
from portfolio.entrypoints.http.pages.frame.page import Look, PageController, Pages, is_private
from portfolio.entrypoints.http.rebalancing.views import policy_view
from portfolio.entrypoints.http.shell.bodies import read_cursor
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected
from portfolio.entrypoints.http.shell.use_cases import UseCases

JOBS_A_PAGE: Final = 20

BacktestQuery = Annotated[str | None, QueryParameter(description="The one to show.", max_length=128)]


class BacktestsPageController(PageController):
    """The route of backtests as people look at them; they are asked for over the API."""

    @get("/pages/backtests")
    async def read_backtests_page(
        self,
        request: HttpRequest,
        pages: Injected[Pages],
        cases: Injected[UseCases],
        backtest: BacktestQuery = None,
        cursor: BacktestsCursor = None,
    ) -> Template:
        """Return the jobs, newest first, and what came of one: the one asked for, or the newest that is done.

        Raises:
            NotFound: there is none of the name that was asked for.
        """
        before, reading, private = read_cursor(cursor), await pages.reading(), is_private(request)
        look = Look(reading, cases.read_deadline_seconds)
        listed = await look(lambda: cases.backtests.stored.page(cases.portfolio_id, before=before, limit=JOBS_A_PAGE))
        shown = backtest or (_newest_done(listed) if listed else None)
        found = await look(lambda: _result(cases.backtests.read, shown, private=private)) if shown else None
        jobs = listed_jobs(listed, policy_view(cases.rebalancing.market.policy), private=private) if listed else None
        content = {"listed": jobs, "is_first": before is None, "shown": shown, "result": found}
        return pages.page(request, "backtests.html", "Backtests", reading, content=content)


def _newest_done(listed: Page[Job]) -> str | None:
    return next((job.id for job in listed.items if job.state is JobState.DONE), None)


async def _result(read: ReadBacktest, job_id: str, *, private: bool) -> dict[str, Any]:
    job, result = await read(job_id)
    if result is None:
        return result_content(job, None, private=private)
    found = Outcome(
        result=result,
        equity=await read.rows(job_id, Part.EQUITY, list[EquityRow]),
        trades=await read.rows(job_id, Part.TRADES, list[TradeRow]),
        trials=await read.rows(job_id, Part.SWEEP, list[TrialRow]) if result.sweep else (),
    )
    return await in_thread(lambda: result_content(job, found, private=private))
