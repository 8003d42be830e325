"""What a backtest answers. Money is in dollars, at 6 decimals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

import msgspec

from portfolio.analytics.closes import Join
from portfolio.domain.ledger.trade import Side


class EquityRow(msgspec.Struct, frozen=True, kw_only=True):
    """The portfolio at 24:00 UTC of ``day``, beside what else the same start could have become.

    ``do_nothing`` holds what there was at the start; ``equal_weight`` as much of each asset, brought back every 30
    days at the same costs; ``btc`` is all of it in BTC, None without a close of it on the first day.
    """

    day: date
    value: Decimal
    cash: Decimal
    do_nothing: Decimal
    equal_weight: Decimal
    btc: Decimal | None


class TradeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A trade decided at 24:00 UTC of ``decided`` and filled at the close of ``filled``.

    ``price`` is what slippage left of the close, ``value`` quantity x price; ``slippage`` is what it cost. ``rule`` is
    the reason of the plan, ``targets``, or ``write_down`` for an asset that had no close for seven days.
    """

    decided: date
    filled: date
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    value: Decimal
    fee: Decimal
    slippage: Decimal
    rule: str


class SeriesFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one series of values, by the definitions of ``GET /performance`` (``crypto-365-v1``)."""

    total_return: Decimal | None
    total_return_percent: Decimal | None
    annualized_return: Decimal | None
    annualized_volatility: Decimal | None
    sharpe_ratio: Decimal | None
    sharpe_standard_error: Decimal | None
    sortino_ratio: Decimal | None
    calmar_ratio: Decimal | None
    max_drawdown: Decimal | None
    max_drawdown_peak: date | None
    max_drawdown_trough: date | None
    max_drawdown_recovery: date | None
    observations: int
    reasons: Mapping[str, str]


class CostFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What trading cost. ``turnover`` is the value of all trades over the mean value, a year.

    ``cost_drag`` is fees and slippage over the mean value, a year; ``break_even_bps`` what each trade might cost, in
    basis points of its value, before the same trades are worth no more than doing nothing. Both are None without any.
    """

    trades: int
    traded: Decimal
    fees: Decimal
    slippage: Decimal
    turnover: Decimal | None
    cost_drag: Decimal | None
    break_even_bps: Decimal | None


class RuleResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the trades of one rule brought against doing nothing.

    ``price_effect`` is the sum of quantity changes x (price at the end - close at the fill); ``total`` is that without
    fees and slippage.
    """

    rule: str
    trades: int
    price_effect: Decimal
    fees: Decimal
    slippage: Decimal
    total: Decimal


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """How sure a difference of mean daily log returns is, times 365: a percentile interval of a block bootstrap.

    ``share_above`` is the share of the resampled means above zero.
    """

    mean: Decimal
    low: Decimal
    high: Decimal
    share_above: Decimal
    confidence: Decimal
    resamples: int
    block_days: int
    seed: int


class AtRecovery(msgspec.Struct, frozen=True, kw_only=True):
    """The values at the end if write-downs bring ``recovery_percent`` of the last price."""

    recovery_percent: Decimal
    value: Decimal
    do_nothing: Decimal
    equal_weight: Decimal


class BacktestResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a backtest.

    ``start_value`` is that at the close of the first day before anything is traded, and the figures begin with it.
    ``difference`` is the value at the end less that of doing nothing, and the totals of ``attribution`` sum to it
    exactly but for ``rounding``, which is that of the rows to 6 decimals. The intervals are None under 30 returns, and
    where a value was not above zero; ``btc`` without a close of it on the first day. Closes are joined across the
    splits and renames of ``joined_history``, and not across those of ``unjoined_history``. ``remarks`` are codes:

    - ``hindsight``: the start is what is held today, so it knows what became of each asset
    - ``same_close``: filled at the close that the decision was made on, which nobody can have
    - ``simulated_closes``: the closes are made up
    - ``nothing_held``: a policy trades what is held, and there was nothing
    - ``left_out``: of what was held at the start, the assets in ``left_out`` had no close by then
    - ``write_downs``: assets had no close for seven days, and the result hangs on what that brought: ``recoveries``
    - ``decisions_skipped``: the optimiser had too few days or no solution on ``decisions_skipped`` days
    - ``earlier_rules``: it was kept by an earlier version, which may have computed it by other rules
    """

    first: date
    last: date
    start_value: Decimal
    end_value: Decimal
    liquidation_cost: Decimal
    figures: SeriesFigures
    do_nothing: SeriesFigures
    equal_weight: SeriesFigures
    btc: SeriesFigures | None
    costs: CostFigures
    difference: Decimal
    attribution: Sequence[RuleResult]
    rounding: Decimal
    against_do_nothing: Interval | None
    against_equal_weight: Interval | None
    recoveries: Sequence[AtRecovery]
    decisions: int
    decisions_skipped: int
    left_out: Sequence[str]
    remarks: Sequence[str]
    convention: str
    joined_history: Sequence[Join] = ()
    unjoined_history: Sequence[Join] = ()
