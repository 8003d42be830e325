"""Backtests beside other libraries at the same work: trades carried out by vectorbt and bt, weights by skfolio.

The libraries are in an environment of their own, which ``make oracles`` and ``make bench`` install.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.backtests import MONTHLY, policy_run, targets_run
from benchmarks.harness.rows import Row, by_turns, ratio_row
from benchmarks.harness.stage import Stage
from benchmarks.harness.worker import Worker
from portfolio.adapters.compute.worker import choose
from portfolio.analytics.optimisation.problem import Chosen, Problem
from portfolio.application.backtest.panel import Panel
from portfolio.application.backtest.request import BacktestRequest
from portfolio.application.backtest.run import advance, start
from tests.oracles.questions import Case

ROUNDS = 5
TARGETS = {"skfolio": 1 / 3}
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
    with Worker("benchmarks.harness.others", str(stage.folder), python=str(ENVIRONMENT)) as worker:
        beside = _Beside(stage, worker)
        policy = f"backtest of a policy, 14 assets, {years} years, decisions and all, beside"
        return [
            beside.row(f"{policy} {name}", f"{name} that carries out the same trades", name, rules)
            for name in ("vectorbt", "bt")
        ] + [
            beside.row(
                f"backtest of {MONTHLY}, 50 assets, {years} years, beside skfolio",
                f"skfolio that computes the same {len(decisions)} weights alone, within the same limits",
                "skfolio",
                weights,
            )
        ]


@dataclass(frozen=True, slots=True)
class _Beside:
    """Measures backtests and another library by turns."""

    stage: Stage
    worker: Worker

    def row(self, work: str, floor: str, library: str, asked: tuple[BacktestRequest, Panel]) -> Row:
        """Return the row of a backtest beside a library."""
        floors, figures = by_turns(self.stage.rounds(ROUNDS), partial(self._others, library), _run_of(*asked))
        return ratio_row(
            work=work,
            floor=floor,
            unit="s",
            floors=floors,
            figures=figures,
            limit=TARGETS.get(library),
            at_most=True,
        )

    def _others(self, library: str) -> float:
        self.worker.ask(library.encode())
        return float(json.loads(self.worker.fetch()))


def _run_of(request: BacktestRequest, panel: Panel) -> Callable[[], float]:
    ready = start(request, panel)

    def run() -> float:
        before = time.perf_counter()
        advance(ready, panel, request.last, solve=choose)
        return time.perf_counter() - before

    return run
