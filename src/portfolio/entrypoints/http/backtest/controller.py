"""Backtests: asked for, looked at, cancelled."""

from __future__ import annotations

from litestar import Controller, Response, delete, get, post
from litestar.params import JSONBody

from portfolio.application.backtest.jobs.records import Part
from portfolio.application.backtest.records import EquityRow, TradeRow
from portfolio.application.backtest.sweeping.outcome import TrialRow
from portfolio.application.errors import (
    BacktestNotDone,
    ClosesPending,
    LedgerUnavailable,
    NotBacktestable,
    NotInstalled,
    SchemaUnknown,
    TooManyBacktests,
)
from portfolio.domain.days import day_of
from portfolio.domain.errors import InvalidPolicy
from portfolio.entrypoints.http.backtest.answers import (
    BacktestAnswer,
    BacktestAskedAnswer,
    BacktestId,
    BacktestsAnswer,
    BacktestsCursor,
    EquityAnswer,
    EquityRowView,
    FillsCursor,
    FillsLimit,
    SimulatedTradesAnswer,
    SimulatedTradeView,
    TrialsAnswer,
    TrialsCursor,
)
from portfolio.entrypoints.http.backtest.requests import BacktestBody, request_of
from portfolio.entrypoints.http.backtest.result_answers import TrialRowView
from portfolio.entrypoints.http.backtest.views import backtest_answer, backtest_view, job_view
from portfolio.entrypoints.http.errors import NOT_FOUND, OUTCOME_UNKNOWN, PROBLEMS, kinds_of
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.bodies import PageSize, page_of, read_cursor, write_cursor
from portfolio.entrypoints.http.shell.injection import Injected
from portfolio.entrypoints.http.shell.responses import encode, encoded, encoded_in_thread
from portfolio.entrypoints.http.shell.use_cases import UseCases
from portfolio.entrypoints.http.views import view

_AWAY = kinds_of(LedgerUnavailable, SchemaUnknown)
_ASKED = kinds_of(InvalidPolicy, NotBacktestable, TooManyBacktests, NotInstalled, ClosesPending)
_ROWS = (NOT_FOUND, PROBLEMS[BacktestNotDone], *_AWAY)
MOST_A_PAGE = 1_000


class BacktestController(Controller):
    """Routes of backtests."""

    path = "/backtests"
    tags = ["backtests"]

    @post(
        status_code=202,
        summary="Ask what a policy, or weights, would have done on past closes",
        opt=access(Scope.TRADE, problems=(*_ASKED, *_AWAY, OUTCOME_UNKNOWN)),
    )
    async def queue_backtest(
        self, data: JSONBody[BacktestBody], cases: Injected[UseCases]
    ) -> Response[BacktestAskedAnswer]:
        """Keep the backtest as a job, which is computed beside the service; `Location` is where it is found.

        The same request on the same closes and holdings is answered by the job that is there, `replayed`, unless that
        failed or was cancelled.
        """
        request = request_of(data, cases.rebalancing.market.policy, day_of(cases.clock.now()))
        job, is_new = await cases.uncancelled(cases.backtests.ask(request))
        job, result = (job, None) if is_new else await cases.backtests.read(job.id)
        answer = BacktestAskedAnswer(
            timestamp=cases.clock.now(),
            message=f"{job.id} is {job.state}",
            backtest=backtest_view(job, result),
            replayed=not is_new,
        )
        return encoded(encode(answer), status=202, headers={"Location": f"/backtests/{job.id}"})

    @get(summary="Backtests, newest first", opt=access(Scope.READ, problems=_AWAY))
    async def read_backtests(
        self, cases: Injected[UseCases], limit: PageSize = 100, cursor: BacktestsCursor = None
    ) -> BacktestsAnswer:
        """Return backtests without their results, those that wait and those that have ended."""
        page = await cases.backtests.stored.page(cases.portfolio_id, before=read_cursor(cursor), limit=limit)
        views = [job_view(job) for job in page.items]
        following = write_cursor("b", page.next_before)
        return BacktestsAnswer(timestamp=cases.clock.now(), backtests=views, count=len(views), next_cursor=following)

    @get("/{backtest_id:str}", summary="A backtest", opt=access(Scope.READ, problems=(NOT_FOUND, *_AWAY)))
    async def read_job(self, backtest_id: BacktestId, cases: Injected[UseCases]) -> BacktestAnswer:
        """Return how far a backtest is, and its result once it is done."""
        job, result = await cases.backtests.read(backtest_id)
        return backtest_answer(job, result, at=cases.clock.now())

    @get("/{backtest_id:str}/equity", summary="The value of each day", opt=access(Scope.READ, problems=_ROWS))
    async def read_equity(self, backtest_id: BacktestId, cases: Injected[UseCases]) -> Response[EquityAnswer]:
        """Return the values at the end of each day, beside doing nothing, equal weights and BTC."""
        rows = await cases.backtests.read.rows(backtest_id, Part.EQUITY, list[EquityRow])

        def made() -> EquityAnswer:
            views = [view(EquityRowView, row) for row in rows]
            return EquityAnswer(timestamp=cases.clock.now(), equity=views, count=len(views))

        return await encoded_in_thread(made)

    @get("/{backtest_id:str}/trades", summary="The trades of a backtest", opt=access(Scope.READ, problems=_ROWS))
    async def read_simulated_trades(
        self,
        backtest_id: BacktestId,
        cases: Injected[UseCases],
        limit: FillsLimit = MOST_A_PAGE,
        cursor: FillsCursor = None,
    ) -> Response[SimulatedTradesAnswer]:
        """Return the trades in the order in which they were filled, with what each cost and the rule that asked for it.

        A row of the rule `write_down` is no trade: the asset had no close for seven days.
        """
        rows = await cases.backtests.read.rows(backtest_id, Part.TRADES, list[TradeRow])
        shown, following = page_of("f", cursor, limit, len(rows))

        def made() -> SimulatedTradesAnswer:
            views, now = [view(SimulatedTradeView, row) for row in rows[shown]], cases.clock.now()
            return SimulatedTradesAnswer(timestamp=now, trades=views, count=len(views), next_cursor=following)

        return await encoded_in_thread(made)

    @get("/{backtest_id:str}/sweep", summary="The trials of a backtest", opt=access(Scope.READ, problems=_ROWS))
    async def read_trials(
        self,
        backtest_id: BacktestId,
        cases: Injected[UseCases],
        limit: FillsLimit = MOST_A_PAGE,
        cursor: TrialsCursor = None,
    ) -> Response[TrialsAnswer]:
        """Return every policy of the sweep and then those of `stability`, in the order in which they were run; none
        where neither was asked for. What they say together is in the result of the backtest.
        """
        rows = await cases.backtests.read.rows(backtest_id, Part.SWEEP, list[TrialRow])
        shown, following = page_of("t", cursor, limit, len(rows))

        def made() -> TrialsAnswer:
            views = [view(TrialRowView, row, of=row.of.value) for row in rows[shown]]
            return TrialsAnswer(timestamp=cases.clock.now(), trials=views, count=len(views), next_cursor=following)

        return await encoded_in_thread(made)

    @delete(
        "/{backtest_id:str}",
        status_code=200,
        summary="Cancel a backtest",
        opt=access(Scope.TRADE, problems=(NOT_FOUND, *_AWAY, OUTCOME_UNKNOWN)),
    )
    async def end_backtest(self, backtest_id: BacktestId, cases: Injected[UseCases]) -> BacktestAnswer:
        """End a backtest that has not ended; one that has is left as it is, with its result."""
        await cases.uncancelled(cases.backtests.cancel(backtest_id))
        job, result = await cases.backtests.read(backtest_id)
        return backtest_answer(job, result, at=cases.clock.now())
