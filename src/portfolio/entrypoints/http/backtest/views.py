"""Backtests as the bodies of answers."""

from __future__ import annotations

from datetime import datetime

from portfolio.application.backtest.jobs.records import Job
from portfolio.application.backtest.request import BacktestRequest
from portfolio.application.backtest.sweeping.outcome import WholeResult
from portfolio.entrypoints.http.backtest.answers import (
    BacktestAnswer,
    BacktestJobView,
    BacktestRequestView,
    BacktestRunView,
    TargetsView,
)
from portfolio.entrypoints.http.backtest.result_answers import BacktestResultView
from portfolio.entrypoints.http.rebalancing.views import policy_view
from portfolio.entrypoints.http.views import view


def job_view(job: Job) -> BacktestJobView:
    """Return a job, without its result."""
    return view(BacktestJobView, job, request=_request_view(job), state=job.state.value)


def backtest_view(job: Job, result: WholeResult | None) -> BacktestRunView:
    """Return a job with its result."""
    found = None if result is None else view(BacktestResultView, result)
    return view(BacktestRunView, job, request=_request_view(job), state=job.state.value, result=found)


def backtest_answer(job: Job, result: WholeResult | None, *, at: datetime) -> BacktestAnswer:
    """Return the answer about one job."""
    return BacktestAnswer(timestamp=at, backtest=backtest_view(job, result))


def _request_view(job: Job) -> BacktestRequestView:
    request = BacktestRequest.decode(job.request.encode())
    targets = request.optimise
    return view(
        BacktestRequestView,
        request,
        kind=request.kind.value,
        policy=policy_view(request.policy),
        optimise=None if targets is None else view(TargetsView, targets),
        start=request.start.value,
        every_days=request.rhythm,
        fill=request.fill.value,
        risk_free_rate=request.yearly_rate,
        fee_bps=request.policy.fee_bps if request.fee_bps is None else request.fee_bps,
    )
