"""What the page of backtests shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from portfolio.application.backtest.jobs.records import Job
from portfolio.application.backtest.records import EquityRow, TradeRow
from portfolio.application.backtest.sweeping.outcome import TrialRow, WholeResult
from portfolio.application.ledger.records import Page
from portfolio.domain.backtest.fills import WRITE_DOWN
from portfolio.entrypoints.http.backtest.answers import BacktestJobView, BacktestRunView
from portfolio.entrypoints.http.backtest.views import backtest_view, job_view
from portfolio.entrypoints.http.pages.backtests.asked import asked_of, differences
from portfolio.entrypoints.http.pages.backtests.drawings import (
    attribution_chart,
    btc_chart,
    equity_chart,
    intervals_chart,
)
from portfolio.entrypoints.http.pages.backtests.multi_run import MultiRunContent, multi_run_content
from portfolio.entrypoints.http.pages.backtests.tables import cost_rows, figure_rows, recovery_rows, trade_rows
from portfolio.entrypoints.http.pages.frame.figures import Chart, Row
from portfolio.entrypoints.http.rebalancing.answers import PolicyView
from portfolio.entrypoints.http.shell.bodies import write_cursor

TRADES_SHOWN: Final = 200

REMARKS: Final = {
    "hindsight": "It began with what is held today, and the choice of these assets is hindsight: the return says "
    "little, the difference from doing nothing says more.",
    "same_close": "Filled at the close that each decision was made on, which nobody can have: read it beside the same "
    "backtest filled at the next close.",
    "simulated_closes": "The closes are made up.",
    "nothing_held": "A policy trades what is held, and nothing was.",
    "left_out": "Some of what was held at the start had no close by then, and is left out.",
    "write_downs": "Assets had no close for seven days and were written down: the result hangs on what that brought.",
    "decisions_skipped": "On some days the optimiser had too few days or found no weights, and nothing was decided.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultContent:
    """One backtest, as ``GET /backtests/{id}`` and its parts have it; charts and tables are empty until it is done."""

    view: BacktestRunView
    asked: str
    remarks: Sequence[str] = ()
    charts: Sequence[Chart] = ()
    attribution: Chart | None = None
    intervals: Chart | None = None
    figures: Sequence[Row] = ()
    costs: Sequence[Row] = ()
    recoveries: Sequence[Row] = ()
    trades: Sequence[Row] = ()
    columns: Sequence[str] = ()
    more_trades: int = 0
    many: MultiRunContent | None = None

    @classmethod
    def without(cls, job: Job) -> ResultContent:
        """Return a backtest of which nothing has come yet, or will."""
        view = backtest_view(job, None)
        return cls(view=view, asked=asked_of(view.request))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedJobs:
    """A page of jobs, each with what was asked, and in what it is another one than that of the policy of now."""

    jobs: Sequence[tuple[BacktestJobView, str, str]]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Job], policy: PolicyView, *, private: bool) -> ListedJobs:
        """Return what the page shows of jobs."""
        views = [job_view(job) for job in page.items]
        return cls(
            jobs=[(view, asked_of(view.request), differences(view.request, policy, private=private)) for view in views],
            next_cursor=write_cursor("b", page.next_before),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestsContent:
    """The jobs, None where they could not be read; and one of them.

    ``shown`` is its name; ``result`` is None where there is none, or it could not be read.
    """

    listed: ListedJobs | None
    is_first: bool
    shown: str | None
    result: ResultContent | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """All that came of a backtest that is done; ``trials`` are those of its sweep and of its stability."""

    result: WholeResult
    equity: Sequence[EquityRow]
    trades: Sequence[TradeRow]
    trials: Sequence[TrialRow]


def result_content(job: Job, found: Outcome, *, private: bool) -> ResultContent:
    """Return what the page shows of a backtest that is done: of a private page an index of 100, percent and ratios."""
    result, equity, trades = found.result, found.equity, found.trades
    view = backtest_view(job, result)
    assert view.result is not None
    columns, rows = trade_rows(trades[:TRADES_SHOWN], private=private)
    return ResultContent(
        view=view,
        asked=asked_of(view.request),
        remarks=[REMARKS[remark] for remark in result.remarks],
        charts=[
            chart for chart in (equity_chart(equity, private=private), btc_chart(equity, private=private)) if chart
        ],
        attribution=attribution_chart(result, private=private),
        intervals=intervals_chart(
            "intervals",
            "By how much it was better a year, and how sure that is",
            (("doing nothing", result.against_do_nothing), ("1/N", result.against_equal_weight)),
        ),
        figures=figure_rows(view.result, private=private),
        costs=cost_rows(view.result.costs, private=private),
        recoveries=recovery_rows(result, private=private) if WRITE_DOWN in {one.rule for one in trades} else (),
        trades=rows,
        columns=columns,
        more_trades=max(0, len(trades) - TRADES_SHOWN),
        many=multi_run_content(result, found.trials, private=private),
    )
