"""The results of backtests in the bodies of answers."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from portfolio.entrypoints.http.performance.answers import Joined, Unjoined
from portfolio.entrypoints.http.shell.numbers import Dollars, Number, Ratio
from portfolio.entrypoints.http.shell.responses import Reasons, SymbolCode


class SeriesFiguresView(msgspec.Struct, kw_only=True):
    """The figures of a series of values, as `GET /performance` has them."""

    total_return: Dollars | None
    total_return_percent: Number | None
    annualized_return: Ratio | None
    annualized_volatility: Ratio | None
    sharpe_ratio: Ratio | None
    sharpe_standard_error: Ratio | None
    sortino_ratio: Ratio | None
    calmar_ratio: Ratio | None
    max_drawdown: Ratio | None
    max_drawdown_peak: date | None
    max_drawdown_trough: date | None
    max_drawdown_recovery: date | None
    observations: int
    reasons: Reasons


class CostFiguresView(msgspec.Struct, kw_only=True):
    """What trading cost; a year of it as fractions of the mean value."""

    trades: int
    traded: Dollars
    fees: Dollars
    slippage: Dollars
    turnover: Ratio | None
    cost_drag: Ratio | None
    break_even_bps: Ratio | None


class RuleResultView(msgspec.Struct, kw_only=True):
    """What the trades of one rule brought against doing nothing."""

    rule: str
    trades: int
    price_effect: Dollars
    fees: Dollars
    slippage: Dollars
    total: Dollars


class IntervalView(msgspec.Struct, kw_only=True):
    """How sure a difference is: of the mean daily log return, times 365, from a block bootstrap."""

    mean: Ratio
    low: Ratio
    high: Ratio
    share_above: Ratio
    confidence: Number
    resamples: int
    block_days: int
    seed: int


class RecoveryView(msgspec.Struct, kw_only=True):
    """The values at the end if write-downs bring so much of the last price."""

    recovery_percent: Number
    value: Dollars
    do_nothing: Dollars
    equal_weight: Dollars


class TrialView(msgspec.Struct, kw_only=True):
    """What came of one policy of many."""

    settings: Annotated[dict[str, Number], Meta(description="The settings in which its policy is another one.")]
    setting: str | None
    factor: Number | None
    end_value: Dollars
    difference: Dollars
    trades: int
    turnover: Ratio | None
    cost_drag: Ratio | None
    sharpe_ratio: Ratio | None
    max_drawdown: Ratio | None


class TrialRowView(TrialView, kw_only=True):
    """A trial, and what it was asked for."""

    of: Literal["sweep", "stability"]


class SweepResultView(msgspec.Struct, kw_only=True):
    """What the policies of a sweep say together: how much of the highest Sharpe ratio may be chance."""

    trials: int
    highest: TrialView | None
    best_by_chance: Ratio | None
    deflated_sharpe_ratio: Ratio | None
    probability_of_overfitting: Ratio | None
    beat_do_nothing: Ratio


class AtFactorView(msgspec.Struct, kw_only=True):
    """What came of it with one setting moved."""

    setting: str
    factor: Number
    end_value: Dollars
    difference: Dollars
    sharpe_ratio: Ratio | None


class StabilityView(msgspec.Struct, kw_only=True):
    """What came of it with settings moved: where a small change makes another result, the result is chance."""

    alone: list[AtFactorView]
    joint: list[Dollars]
    joint_draws: int
    joint_beat_do_nothing: Ratio | None


class WindowView(msgspec.Struct, kw_only=True):
    """The days of a choice, and those after it."""

    train_first: date
    train_last: date
    test_first: date
    test_last: date


class FoldView(msgspec.Struct, kw_only=True):
    """What was chosen on some days, and what it brought on the days after them."""

    window: WindowView
    settings: Annotated[dict[str, Number], Meta(description="The settings that were chosen.")]
    train_sharpe_ratio: Ratio | None
    test_return_percent: Number | None


class WalkedForwardView(msgspec.Struct, kw_only=True):
    """The days after the choices as one portfolio, which knew nothing of the days that it is judged by."""

    folds: list[FoldView]
    figures: SeriesFiguresView
    do_nothing: SeriesFiguresView
    against_do_nothing: IntervalView | None


class BacktestResultView(msgspec.Struct, kw_only=True):
    """What came of it, beside doing nothing, equal weights and BTC."""

    first: date
    last: date
    start_value: Dollars
    end_value: Dollars
    liquidation_cost: Dollars
    figures: SeriesFiguresView
    do_nothing: SeriesFiguresView
    equal_weight: SeriesFiguresView
    btc: SeriesFiguresView | None
    costs: CostFiguresView
    difference: Dollars
    attribution: list[RuleResultView]
    rounding: Dollars
    against_do_nothing: IntervalView | None
    against_equal_weight: IntervalView | None
    recoveries: list[RecoveryView]
    decisions: int
    decisions_skipped: int
    left_out: list[SymbolCode]
    remarks: list[str]
    joined_history: Joined
    unjoined_history: Unjoined
    convention: str
    sweep: SweepResultView | None
    stability: StabilityView | None
    walk_forward: WalkedForwardView | None
