"""Trials: what is kept of each backtest of many, and what all of them say together."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from statistics import quantiles

import msgspec

from portfolio.analytics.backtest.overfitting import (
    Returns,
    best_by_chance,
    deflated_sharpe_ratio,
    probability_of_overfitting,
    returns_of,
    table,
    variance,
)
from portfolio.analytics.conventions import DAYS_PER_YEAR
from portfolio.analytics.decimals import statistic
from portfolio.analytics.performance import risk_free_of_a_day
from portfolio.application.backtest.day import shown
from portfolio.application.backtest.panel import Panel
from portfolio.application.backtest.request import BacktestRequest
from portfolio.application.backtest.result import costs_of, figures_of
from portfolio.application.backtest.state import BacktestState
from portfolio.application.backtest.sweeping.variants import Variant
from portfolio.domain.arithmetic import exact


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of one backtest. Money is in dollars, ``sharpe_ratio`` of a year; None under 64 returns."""

    settings: dict[str, Decimal]
    setting: str | None
    factor: Decimal | None
    end_value: Decimal
    difference: Decimal
    trades: int
    turnover: Decimal | None
    cost_drag: Decimal | None
    sharpe_ratio: Decimal | None
    max_drawdown: Decimal | None
    returns: Returns | None


class SweepResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a sweep says; never the best alone.

    ``highest`` is the trial of the highest Sharpe ratio. ``best_by_chance`` is the Sharpe ratio, of a year, that the
    best of as many trials has where all are worth nothing, by ``trials``: all that were ever run on these closes.
    ``deflated_sharpe_ratio`` is how likely it is that the true one of ``highest`` is above that, and
    ``probability_of_overfitting`` how often the best of one half of the days is below the middle in the other half.
    ``beat_do_nothing`` is a share of the trials of this sweep. None where there are too few days, or trials.
    """

    trials: int
    highest: Trial | None
    best_by_chance: Decimal | None
    deflated_sharpe_ratio: Decimal | None
    probability_of_overfitting: Decimal | None
    beat_do_nothing: Decimal


class AtFactor(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of the result where one setting is ``factor`` times what it was."""

    setting: str
    factor: Decimal
    end_value: Decimal
    difference: Decimal
    sharpe_ratio: Decimal | None


class Stability(msgspec.Struct, frozen=True, kw_only=True):
    """How the result hangs on settings: each alone, and all together.

    ``joint`` are the least, the quartiles and the greatest of the values at the end over the joint draws, empty without
    two of them; ``joint_beat_do_nothing`` is a share of those, ``joint_draws`` how many there were.
    """

    alone: Sequence[AtFactor]
    joint: Sequence[Decimal]
    joint_draws: int
    joint_beat_do_nothing: Decimal | None


def of_one_run(request: BacktestRequest) -> BacktestRequest:
    """Return the request of one backtest alone."""
    return msgspec.structs.replace(request, sweep=None, stability=False, walk_forward=None)


def with_policy(request: BacktestRequest, variant: Variant) -> BacktestRequest:
    """Return the request of one trial."""
    return msgspec.structs.replace(of_one_run(request), policy=variant.policy)


@exact
def kept_of(state: BacktestState, panel: Panel, variant: Variant) -> Trial:
    """Return what is kept of a backtest that is done: the figures that its result has."""
    marks, main = panel.marks_on(panel.place(state.request.last)), state.main
    value, difference = main.own.value(marks), main.own.value(marks) - main.idle.value(marks)
    own, rate = state.series("value"), state.request.yearly_rate
    figures, costs = figures_of([row.day for row in state.equity], own, rate), costs_of(state.fills, own, difference)
    return Trial(
        settings=dict(variant.settings),
        setting=variant.setting,
        factor=variant.factor,
        end_value=shown(value),
        difference=shown(difference),
        trades=costs.trades,
        turnover=costs.turnover,
        cost_drag=costs.cost_drag,
        sharpe_ratio=figures.sharpe_ratio,
        max_drawdown=figures.max_drawdown,
        returns=returns_of([float(value) for value in own], risk_free_of_a_day(rate)),
    )


def sweep_result(trials: Sequence[Trial], earlier: Sequence[float] = ()) -> SweepResult:
    """Return what trials of the same days say; ``earlier`` are the Sharpe ratios, of a day, of other trials that were
    ever run on these closes.
    """
    counted = [(trial, trial.returns) for trial in trials if trial.returns is not None]
    beat = Decimal(sum(trial.difference > 0 for trial in trials)) / len(trials)
    if not counted:
        return SweepResult(
            trials=len(trials) + len(earlier),
            highest=None,
            best_by_chance=None,
            deflated_sharpe_ratio=None,
            probability_of_overfitting=None,
            beat_do_nothing=_rounded(beat),
        )
    highest, best = max(counted, key=lambda one: one[1].sharpe)
    chance, deflated = _deflated(best, [returns.sharpe for _, returns in counted] + list(earlier))
    return SweepResult(
        trials=len(trials) + len(earlier),
        highest=highest,
        best_by_chance=chance,
        deflated_sharpe_ratio=deflated,
        probability_of_overfitting=_overfitted([returns for _, returns in counted]),
        beat_do_nothing=_rounded(beat),
    )


def among(found: SweepResult, counted: Sequence[float], others: Sequence[float]) -> SweepResult:
    """Return what a sweep says among ``others`` as well: the Sharpe ratios, of a day, of more trials on these closes.
    ``counted`` are those that it was said by.
    """
    trials = found.trials + len(others)
    if found.highest is None or found.highest.returns is None:
        return msgspec.structs.replace(found, trials=trials)
    chance, deflated = _deflated(found.highest.returns, [*counted, *others])
    return msgspec.structs.replace(found, trials=trials, best_by_chance=chance, deflated_sharpe_ratio=deflated)


def stability_of(trials: Sequence[Trial]) -> Stability:
    """Return how the result hangs on settings, from the trials of ``around``."""
    joint = [trial for trial in trials if trial.setting is None]
    ends = sorted(trial.end_value for trial in joint)
    beat = Decimal(sum(trial.difference > 0 for trial in joint))
    return Stability(
        alone=[
            AtFactor(
                setting=trial.setting,
                factor=trial.factor,
                end_value=trial.end_value,
                difference=trial.difference,
                sharpe_ratio=trial.sharpe_ratio,
            )
            for trial in trials
            if trial.setting is not None and trial.factor is not None
        ],
        joint=[ends[0], *map(_money, quantiles(ends, n=4, method="inclusive")), ends[-1]] if len(ends) > 1 else [],
        joint_draws=len(joint),
        joint_beat_do_nothing=_rounded(beat / len(joint)) if joint else None,
    )


def _deflated(best: Returns, sharpes: Sequence[float]) -> tuple[Decimal | None, Decimal | None]:
    """Return the Sharpe ratio, of a year, of the best by chance, and the deflated one of ``best``."""
    chance = best_by_chance(variance(sharpes), len(sharpes))
    deflated = deflated_sharpe_ratio(
        best.sharpe, chance, observations=best.observations, skewness=best.skewness, kurtosis=best.kurtosis
    )
    return statistic(chance * DAYS_PER_YEAR**0.5), None if deflated is None else statistic(deflated)


def _overfitted(trials: Sequence[Returns]) -> Decimal | None:
    if len(trials) < 2:
        return None
    sums, squares = table([one.sums for one in trials]), table([one.squares for one in trials])
    return statistic(probability_of_overfitting(sums, squares, trials[0].block_days))


def _rounded(share: Decimal) -> Decimal:
    return share.quantize(Decimal("1e-12"))


def _money(value: Decimal) -> Decimal:
    return value.quantize(Decimal("1e-6"))
