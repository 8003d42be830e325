"""Backtests beside other libraries at the same work: trades carried out by vectorbt and bt, weights by skfolio.

The libraries are in an environment of their own, which ``make oracles`` and ``make bench`` install.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.backtests import MONTHLY, policy_run, targets_run
from benchmarks.harness.rows import Row, by_turns, ratio_row
from benchmarks.harness.stage import Stage
from benchmarks.harness.worker import Worker
from portfolio.adapters.compute.worker import choose
from portfolio.analytics.optimisation.problem import Chosen, Problem
from portfolio.application.backtest.run import advance, start
from tests.oracles.questions import Case

ROUNDS = 5
ENVIRONMENT = Path(".venv-oracles/bin/python")


def others(stage: Stage) -> Sequence[Row]:
    """Return the rows of a policy beside vectorbt and bt, and of monthly weights beside skfolio.

    Raises:
        RuntimeError: the environment of the other libraries is not there.
    """
    if not ENVIRONMENT.exists():
        raise RuntimeError("the other libraries are not installed: make oracles does it")
    years = 0.5 if stage.is_quick else 3.5
    rules, weights = policy_run(14, years), targets_run(50, years)
    decisions: list[dict[str, Any]] = []

    def noted(problem: Problem) -> Chosen:
        bounds = problem.bounds
        limits = list(zip(bounds.members, bounds.most.tolist(), strict=True))
        decisions.append({"returns": problem.returns.tolist(), "limits": limits, "invested": bounds.invested})
        return choose(problem)

    states = [advance(start(request, panel), panel, request.last, solve=noted) for request, panel in (rules, weights)]
    (stage.folder / "trades.json").write_text(json.dumps(Case("policy", rules[1], states[0]).question()))
    (stage.folder / "weights.json").write_text(json.dumps(decisions))
    work = f"backtest of a policy, 14 assets, {years} years, decisions and all, beside"
    with Worker("benchmarks.harness.others", str(stage.folder), python=str(ENVIRONMENT)) as worker:
        return [
            _row(stage, f"{work} vectorbt", "vectorbt that carries out the same trades", worker, "vectorbt", rules),
            _row(stage, f"{work} bt", "bt that carries out the same trades", worker, "bt", rules),
            _row(
                stage,
                f"backtest of {MONTHLY}, 50 assets, {years} years, beside skfolio",
                f"skfolio that computes the same {len(decisions)} weights alone, within the same limits",
                worker,
                "skfolio",
                weights,
                limit=1 / 3,
            ),
        ]


def _row(
    stage: Stage, work: str, floor: str, worker: Worker, library: str, asked: Any, limit: float | None = None
) -> Row:
    floors, figures = by_turns(stage.rounds(ROUNDS), lambda: _seconds_of(worker, library), _run_of(asked))
    return ratio_row(work=work, floor=floor, unit="s", floors=floors, figures=figures, limit=limit, at_most=True)


def _seconds_of(worker: Worker, library: str) -> float:
    worker.ask(library.encode())
    return float(json.loads(worker.fetch()))


def _run_of(asked: Any) -> Callable[[], float]:
    request, panel = asked
    ready = start(request, panel)

    def run() -> float:
        before = time.perf_counter()
        advance(ready, panel, request.last, solve=choose)
        return time.perf_counter() - before

    return run
