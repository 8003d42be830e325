"""The result of a backtest, from its state alone and the prices at its end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from portfolio.analytics.backtest.bootstrap import BLOCK_DAYS, RESAMPLES, log_differences, mean_interval
from portfolio.analytics.conventions import CONVENTION, DAYS_PER_YEAR
from portfolio.analytics.decimals import STEP, statistic
from portfolio.application.backtest.day import RECOVERIES, shown
from portfolio.application.backtest.panel import Panel
from portfolio.application.backtest.records import (
    AtRecovery,
    BacktestResult,
    CostFigures,
    Interval,
    RuleResult,
    SeriesFigures,
    TradeRow,
)
from portfolio.application.backtest.request import FillAt, Kind, Start
from portfolio.application.backtest.state import BacktestState
from portfolio.application.performance.measures import LEAST_RETURNS, figures_of_days
from portfolio.application.performance.reasons import Reasons
from portfolio.application.performance.records import MeasuredDay
from portfolio.domain.arithmetic import ONE, ZERO, exact, total
from portfolio.domain.backtest.attribution import RulePart, attribute
from portfolio.domain.backtest.fills import WRITE_DOWN, Fill
from portfolio.domain.days import DAY
from portfolio.domain.money import Money

CONFIDENCE: Final = Decimal("0.95")
_BPS: Final = Decimal(10_000)


@exact
def result(state: BacktestState, panel: Panel) -> BacktestResult:
    """Return the result of a state that is done; of one that is not, that of the days so far, of which there is one."""
    assert state.equity, "a day has passed"
    last = state.next_day - DAY
    marks, costs, main = panel.marks_on(panel.place(last)), state.request.costs, state.main
    value, difference = main.own.value(marks), main.own.value(marks) - main.idle.value(marks)
    parts = attribute(state.fills, state.write_downs, marks)
    rows = [_row_of(part) for part in parts]
    days = [row.day for row in state.equity]
    own, idle, equal = (state.series(name) for name in ("value", "do_nothing", "equal_weight"))
    btc = [row.btc for row in state.equity if row.btc is not None]
    rate = state.request.yearly_rate
    return BacktestResult(
        first=days[0],
        last=last,
        start_value=own[0],
        end_value=shown(value),
        liquidation_cost=shown(main.own.liquidation_cost(marks, costs)),
        figures=figures_of(days, own, rate),
        do_nothing=figures_of(days, idle, rate),
        equal_weight=figures_of(days, equal, rate),
        btc=figures_of(days, btc, rate) if btc else None,
        costs=costs_of(state.fills, own, difference),
        difference=shown(difference),
        attribution=rows,
        rounding=shown(difference) - total(row.total for row in rows),
        against_do_nothing=interval_of(own, idle, state.request.seed),
        against_equal_weight=interval_of(own, equal, state.request.seed),
        recoveries=[_at(percent, state, marks) for percent in RECOVERIES],
        decisions=state.decisions,
        decisions_skipped=state.decisions_skipped,
        left_out=state.left_out,
        remarks=list(_remarks(state, panel)),
        convention=CONVENTION,
        joined_history=[join for join in panel.joins if join.reason is None],
        unjoined_history=[join for join in panel.joins if join.reason is not None],
    )


def trades(state: BacktestState) -> list[TradeRow]:
    """Return the trades so far, and the write-downs among them."""
    return [
        TradeRow(
            decided=fill.decided,
            filled=fill.filled,
            symbol=fill.symbol,
            side=fill.side,
            quantity=fill.quantity,
            price=fill.price,
            value=shown(fill.value),
            fee=shown(fill.fee),
            slippage=shown(fill.slippage),
            rule=fill.rule,
        )
        for fill in state.fills
    ]


def figures_of(days: Sequence[date], values: Sequence[Decimal], risk_free_rate: Decimal) -> SeriesFigures:
    """Return the figures of a series of values, in dollars at 6 decimals, at the end of each day, at a year's rate."""
    # A day without value leaves all relative figures undefined, so that its unit value does not matter.
    finals = [
        MeasuredDay(day, Money(value), Money.zero(), value if value > 0 else ONE)
        for day, value in zip(days, values, strict=True)
    ]
    return series_figures(finals, risk_free_rate)


def series_figures(finals: Sequence[MeasuredDay], risk_free_rate: Decimal) -> SeriesFigures:
    """Return the figures of days, one or more, at a year's rate."""
    reasons = Reasons()
    figures = figures_of_days(finals, risk_free_rate, reasons)
    gained = figures.pop("total_return")
    return SeriesFigures(total_return=None if gained is None else gained.value, **figures, reasons=reasons.noted)


def interval_of(own: Sequence[Decimal], other: Sequence[Decimal], seed: int) -> Interval | None:
    """Return how sure it is that one series did better than another; None under 30 returns, or after a ruin."""
    if len(own) <= LEAST_RETURNS or min(*own, *other) <= 0:
        return None
    daily = log_differences([float(value) for value in own], [float(value) for value in other])
    found = mean_interval(daily, confidence=float(CONFIDENCE), seed=seed)
    mean, low, high, share = (
        statistic(value) or ZERO
        for value in (*(DAYS_PER_YEAR * one for one in (found.mean, found.low, found.high)), found.share_above)
    )
    return Interval(
        mean=mean,
        low=low,
        high=high,
        share_above=share,
        confidence=CONFIDENCE,
        resamples=RESAMPLES,
        block_days=BLOCK_DAYS,
        seed=seed,
    )


@exact
def costs_of(fills: Sequence[Fill], own: Sequence[Decimal], difference: Decimal) -> CostFigures:
    """Return what trading cost, beside the values ``own`` of each day; ``difference`` is that to doing nothing."""
    traded = [fill for fill in fills if fill.rule != WRITE_DOWN]
    value, fees = total(fill.value for fill in traded), total(fill.fee for fill in traded)
    slippage = total(fill.slippage for fill in traded)
    mean, years = total(own) / len(own), Decimal(len(own) - 1) / DAYS_PER_YEAR
    of_a_year = mean * years
    return CostFigures(
        trades=len(traded),
        traded=shown(value),
        fees=shown(fees),
        slippage=shown(slippage),
        turnover=_share(value, of_a_year),
        cost_drag=_share(fees + slippage, of_a_year),
        break_even_bps=_share((difference + fees + slippage) * _BPS, value),
    )


def _share(part: Decimal, whole: Decimal) -> Decimal | None:
    return (part / whole).quantize(STEP) if whole > 0 else None


def _row_of(part: RulePart) -> RuleResult:
    return RuleResult(
        rule=part.rule,
        trades=part.trades,
        price_effect=shown(part.price_effect),
        fees=shown(part.fees),
        slippage=shown(part.slippage),
        total=shown(part.total),
    )


def _at(percent: Decimal, state: BacktestState, marks: Mapping[str, Decimal]) -> AtRecovery:
    """Return the values if write-downs bring so much; without any, it is all the same."""
    branch = next((one for one in state.aside if one.recovery_percent == percent), state.main)
    return AtRecovery(
        recovery_percent=percent,
        value=shown(branch.own.value(marks)),
        do_nothing=shown(branch.idle.value(marks)),
        equal_weight=shown(branch.equal.value(marks)),
    )


def _remarks(state: BacktestState, panel: Panel) -> Iterator[str]:
    request = state.request
    if request.start is Start.HOLDINGS:
        yield "hindsight"
    if request.fill is FillAt.SAME_CLOSE:
        yield "same_close"
    if panel.simulated:
        yield "simulated_closes"
    if request.kind is Kind.POLICY and not state.universe:
        yield "nothing_held"
    if state.left_out:
        yield "left_out"
    if state.write_downs:
        yield "write_downs"
    if state.decisions_skipped:
        yield "decisions_skipped"
