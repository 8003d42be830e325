"""Backtests, in this process and on one thread: the days of a policy, many assets, and weights of an optimiser; and a
sweep on worker processes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from msgspec import structs

from benchmarks.harness.rows import Row, by_turns, ratio_row
from benchmarks.harness.stage import Stage
from portfolio.adapters.clock import SystemClock
from portfolio.adapters.compute.backtester import SpawnedBacktester
from portfolio.adapters.compute.solvers import NativeSolvers
from portfolio.adapters.compute.worker import choose
from portfolio.adapters.compute.workers import Workers
from portfolio.analytics.backtest.futures import simulated_closes
from portfolio.analytics.optimisation.optimise import optimise
from portfolio.analytics.optimisation.problem import Chosen, Objective, Problem
from portfolio.application.backtest.jobs.computing import ComputeBacktests
from portfolio.application.backtest.jobs.records import Job
from portfolio.application.backtest.jobs.slices import begun
from portfolio.application.backtest.panel import Panel
from portfolio.application.backtest.request import BacktestRequest, Kind, Start, Sweep
from portfolio.application.backtest.run import advance, start
from portfolio.application.optimisation.records import Targets
from tests.support.backtests import named, panel_from
from tests.support.fakes.fake_backtests import FakeBacktests

ROUNDS = 5
YEAR = 365
FASTER_ON_TWO = 1.7
INVESTED = Decimal("0.8")
MONTHLY = "minimum variance each 30 days"
CATEGORIES = ("one", "two", "three", "four", "five")


def backtests(stage: Stage) -> Sequence[Row]:
    """Return the rows of a policy on 14 and on 200 assets, and of monthly weights of 50."""
    years = 0.5 if stage.is_quick else 3.5
    many, long = (20, 0.5) if stage.is_quick else (200, 5.0)
    return [
        _row(stage, f"backtest of a policy, 14 assets, {years} years", policy_run(14, years), 0.5),
        _row(stage, f"backtest of a policy, {many} assets, {long} years", policy_run(many, long), many * long / 2_000),
        _row(
            stage, f"backtest of minimum variance each 30 days, 50 assets, {years} years", targets_run(50, years), 0.3
        ),
        _weights(stage),
        _sweep(stage, 8 if stage.is_quick else 80, years),
    ]


class _Timed:
    """The solvers, and the seconds that they took."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._solvers = NativeSolvers()

    def __getattr__(self, name: str) -> Any:
        solver = getattr(self._solvers, name)

        def timed(*given: Any) -> Any:
            before = time.perf_counter()
            try:
                return solver(*given)
            finally:
                self.seconds += time.perf_counter() - before

        return timed


def _weights(stage: Stage) -> Row:
    """Return the row of what `POST /optimise` computes: weights of 50 assets, and what is honest to say of them."""
    problems: list[Problem] = []

    def noted(problem: Problem) -> Chosen:
        problems.append(problem)
        return choose(problem)

    request, panel = targets_run(50, 0.5)
    advance(start(request, panel), panel, request.last, solve=noted)
    figures, floors = [], []
    for _ in range(stage.rounds(ROUNDS)):
        solvers, before = _Timed(), time.perf_counter()
        optimise(problems[-1], solvers)
        figures.append(time.perf_counter() - before)
        floors.append(solvers.seconds)
    return ratio_row(
        work="weights of minimum variance and their spread over 20 bootstraps, 50 assets",
        floor="the solver's share of it",
        unit="s",
        floors=floors,
        figures=figures,
        limit=2.0,
        at_most=True,
    )


def _sweep(stage: Stage, count: int, years: float) -> Row:
    """Return the row of a sweep on two processes beside the same one on one."""
    request, panel = policy_run(14, years)
    limits = tuple(Decimal(100 + place) / 1_000 for place in range(count))
    given = begun(structs.replace(request, sweep=Sweep(grid={"position_limit": limits})), panel, None)
    alone, both = by_turns(
        stage.rounds(ROUNDS), lambda: asyncio.run(_swept(given, 1)), lambda: asyncio.run(_swept(given, 2))
    )
    return ratio_row(
        work=f"sweep of {count} policies, 14 assets, {years} years, on two processes",
        floor="the same on one process",
        unit="s",
        floors=alone,
        figures=both,
        limit=1 / FASTER_ON_TWO,
        at_most=True,
    )


async def _swept(given: bytes, processes: int) -> float:
    """Return the seconds that a job takes on so many processes, which have imported what they need."""
    workers, store = Workers(processes), FakeBacktests(now=datetime.now(UTC))
    compute = SpawnedBacktester(workers)
    job = Job(id="bt-1", portfolio_id=1, fingerprint="f", closes="c", request="{}", created_at=store.now)
    await store.add(job, given, most_waiting=1)
    try:
        await asyncio.gather(*(compute.advance(given, None, {}) for _ in range(processes)))
        before = time.perf_counter()
        await ComputeBacktests(store, compute, SystemClock(), holder="bench")()
        return time.perf_counter() - before
    finally:
        await workers.close()


def _row(stage: Stage, work: str, asked: tuple[BacktestRequest, Panel], seconds: float) -> Row:
    request, panel = asked
    ready = start(request, panel)
    trades = 0

    def run() -> float:
        nonlocal trades
        before = time.perf_counter()
        trades = len(advance(ready, panel, request.last, solve=choose).fills)
        return time.perf_counter() - before

    rounds = stage.rounds(ROUNDS)
    [figures] = by_turns(rounds, run)
    days = (request.last - request.first).days
    return ratio_row(
        work=work,
        floor="the seconds that it may take",
        unit="s",
        floors=[seconds] * len(figures),
        figures=figures,
        limit=1.0,
        at_most=True,
        notes=[f"{trades} trades, {len(panel.symbols) * days / YEAR / min(figures):,.0f} asset-years a second"],
    )


def _panel(n_assets: int, years: float, before: int) -> Panel:
    names = named(n_assets)
    kinds = {name: CATEGORIES[place % len(CATEGORIES)] for place, name in enumerate(names)}
    return panel_from(simulated_closes(round(years * YEAR) + before + 1, n_assets, seed=8026), names, kinds)


def policy_run(n_assets: int, years: float) -> tuple[BacktestRequest, Panel]:
    """Return a backtest of the policy over so many assets and years, and the closes for it."""
    panel = _panel(n_assets, years, 30)
    weights = dict.fromkeys(panel.symbols, INVESTED / n_assets)
    return BacktestRequest(first=panel.day(30), last=panel.last, start=Start.WEIGHTS, weights=weights), panel


def targets_run(n_assets: int, years: float) -> tuple[BacktestRequest, Panel]:
    """Return a backtest of weights that are optimised again and again, and the closes for it."""
    panel = _panel(n_assets, years, 180)
    request = BacktestRequest(
        kind=Kind.TARGETS,
        optimise=Targets(objective=Objective.MIN_VARIANCE, symbols=panel.symbols),
        first=panel.day(180),
        last=panel.last,
        start=Start.CASH,
    )
    return request, panel
