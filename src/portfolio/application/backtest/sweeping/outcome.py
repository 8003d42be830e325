"""What comes of all the runs of a request."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from portfolio.analytics.backtest.overfitting import returns_of
from portfolio.analytics.performance import risk_free_of_a_day
from portfolio.application.backtest.records import BacktestResult
from portfolio.application.backtest.result import result
from portfolio.application.backtest.sweeping.runs import RunPlan, Runs
from portfolio.application.backtest.sweeping.trials import Stability, SweepResult, Trial, stability_of, sweep_result
from portfolio.application.backtest.sweeping.walk_forward import WalkedForward, left_alone, walked


class TrialOf(StrEnum):
    """What a trial is one of: the policies of the sweep, or those around one's own."""

    SWEEP = "sweep"
    STABILITY = "stability"


class TrialRow(Trial, frozen=True, kw_only=True):
    """A trial as it is kept, without what is kept of its returns."""

    of: TrialOf


class WholeResult(BacktestResult, frozen=True, kw_only=True):
    """The result of one's own policy, and of what was asked beside it; None where it was not asked.

    ``sharpes`` are the Sharpe ratios, of a day, of all trials of the job, its own policy among them, where there are
    days enough: by these it counts among the trials of other jobs on the same closes. ``engine`` is the version of the
    rules that computed it, empty of what was kept before it was noted.
    """

    sweep: SweepResult | None = None
    stability: Stability | None = None
    walk_forward: WalkedForward | None = None
    sharpes: Sequence[float] = ()
    engine: str = ""


def whole_result(runs: Runs, plan: RunPlan) -> WholeResult:
    """Return the result of runs that are done; its sweep counts the trials of this request alone."""
    assert runs.own is not None, "they are done"
    own = returns_of([float(value) for value in runs.own.series("value")], risk_free_of_a_day(plan.request.yearly_rate))
    sweep, around = runs.trials[: len(plan.swept)], runs.trials[len(plan.swept) :]
    of_own = [] if own is None else [own.sharpe]
    beside = of_own + [trial.returns.sharpe for trial in around if trial.returns is not None]
    of_sweep = [trial.returns.sharpe for trial in sweep if trial.returns is not None]
    return WholeResult(
        **msgspec.structs.asdict(result(runs.own, plan.panel)),
        sweep=sweep_result(sweep, beside) if sweep else None,
        stability=stability_of(around) if plan.request.stability else None,
        walk_forward=walked_of(runs, plan),
        sharpes=[*beside, *of_sweep],
        engine=runs.engine,
    )


def walked_of(runs: Runs, plan: RunPlan) -> WalkedForward | None:
    """Return what came of the windows of runs that are done; None where none were asked for."""
    if not plan.windows:
        return None
    beside = left_alone(plan.request, plan.panel, plan.holdings)
    return walked(plan.request, runs.choices, runs.followed, beside)


def trial_rows(runs: Runs, plan: RunPlan) -> list[TrialRow]:
    """Return the trials in the order in which they were run."""
    return [
        TrialRow(
            **{**msgspec.structs.asdict(trial), "returns": None},
            of=TrialOf.SWEEP if place < len(plan.swept) else TrialOf.STABILITY,
        )
        for place, trial in enumerate(runs.trials)
    ]
