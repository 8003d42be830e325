"""What the page of backtests shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from portfolio.application.backtest.jobs.records import Job
from portfolio.application.backtest.records import EquityRow, TradeRow
from portfolio.application.backtest.sweeping.outcome import TrialRow, WholeResult
from portfolio.application.ledger.records import Page
from portfolio.domain.backtest.fills import WRITE_DOWN
from portfolio.entrypoints.http.backtest.views import backtest_view, job_view
from portfolio.entrypoints.http.pages.backtests.asked import asked_of, differences
from portfolio.entrypoints.http.pages.backtests.drawings import (
    attribution_chart,
    btc_chart,
    equity_chart,
    intervals_chart,
)
from portfolio.entrypoints.http.pages.backtests.multi_run import multi_run_content
from portfolio.entrypoints.http.pages.backtests.tables import cost_rows, figure_rows, recovery_rows, trade_rows
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
    "earlier_rules": "It was kept by an earlier version of the service, which may have computed it by other rules: ask "
    "for the same again to have it by the rules of now.",
}


def listed_jobs(page: Page[Job], policy: PolicyView, *, private: bool) -> dict[str, Any]:
    """Return a page of jobs, each with what was asked, and in what it is another one than that of the policy of now."""
    views = [job_view(job) for job in page.items]
    return {
        "jobs": [(view, asked_of(view.request), differences(view.request, policy, private=private)) for view in views],
        "next_cursor": write_cursor("b", page.next_before),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """All that came of a backtest that is done; ``trials`` are those of its sweep and of its stability."""

    result: WholeResult
    equity: Sequence[EquityRow]
    trades: Sequence[TradeRow]
    trials: Sequence[TrialRow]


def result_content(job: Job, found: Outcome | None, *, private: bool) -> dict[str, Any]:
    """Return what the page shows of a backtest, as ``GET /backtests/{id}`` and its parts have it: of a private page an
    index of 100, percent and ratios. Of one that is not done, that is what was asked.
    """
    view = backtest_view(job, None if found is None else found.result)
    asked = {"view": view, "asked": asked_of(view.request)}
    if found is None:
        return asked
    result, equity, trades = found.result, found.equity, found.trades
    assert view.result is not None
    columns, rows = trade_rows(trades[:TRADES_SHOWN], private=private)
    drawn = (equity_chart(equity, private=private), btc_chart(equity, private=private))
    return {
        **asked,
        "remarks": [REMARKS[remark] for remark in result.remarks],
        "charts": [chart for chart in drawn if chart],
        "attribution": attribution_chart(result, private=private),
        "intervals": intervals_chart(
            "intervals",
            "By how much it was better a year, and how sure that is",
            (("doing nothing", result.against_do_nothing), ("1/N", result.against_equal_weight)),
        ),
        "figures": figure_rows(view.result, private=private),
        "costs": cost_rows(view.result.costs, private=private),
        "recoveries": recovery_rows(result, private=private) if WRITE_DOWN in {one.rule for one in trades} else (),
        "trades": rows,
        "columns": columns,
        "more_trades": max(0, len(trades) - TRADES_SHOWN),
        "many": multi_run_content(result, found.trials, private=private),
    }
