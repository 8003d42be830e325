"""From the solver's floats to the answer: weights as exact decimals, and the plan that leads to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from portfolio.analytics.decimals import STEP, statistic
from portfolio.analytics.optimisation.problem import Expected, Honesty, Solved, Uncertain
from portfolio.application.errors import NotOptimisable
from portfolio.application.optimisation.question import Question
from portfolio.application.optimisation.records import (
    BindingLimit,
    Compared,
    ExpectedFigure,
    ExpectedFigures,
    HonestFigures,
    Kept,
    LimitsLeaveCash,
    Optimised,
    StepTaken,
    WhyKept,
)
from portfolio.application.risk.state import MarketState, summary_of
from portfolio.domain.arithmetic import ONE, ZERO, exact, total
from portfolio.domain.optimisation.plan import plan_to

CURRENT: Final = "current"

_LAST_DIGITS: Final = Decimal("1e-8")  # of a sum of weights: solvers err by less


@exact
def optimised(
    state: MarketState, *, question: Question, solved: Solved, observations: int, at_close: Sequence[str]
) -> Optimised:
    """Return the answer to a question; ``observations`` are the common days, ``at_close`` priced at their last close.

    Raises:
        NotOptimisable: costs would be more than the portfolio is worth.
    """
    symbols, stays = question.universe.free, solved.steps[-1].objective is None
    weights = dict(zip(symbols, question.current, strict=True)) if stays else exact_weights(question, solved.weights)
    goals: Mapping[str, Decimal] = {} if stays else {**weights, **dict.fromkeys(question.universe.sold, ZERO)}
    plan = plan_to(summary_of(state), goals, question.headrooms)
    if plan is None:
        raise NotOptimisable("the costs of the trades would be more than the portfolio is worth")
    kept = list(question.universe.kept)
    if stays:  # what would have been sold
        kept += [Kept(symbol=one, weight=_share(state, one), reason=WhyKept.STAYS) for one in question.universe.sold]
    kept = [replace(one, weight=_told(one.weight)) for one in kept]
    weights = {symbol: _told(weight) for symbol, weight in weights.items()}
    return Optimised(
        state=state,
        targets=question.targets,
        weights=weights,
        cash=ONE - total(weights.values()) - total(one.weight for one in kept),
        kept=kept,
        sold=() if stays else question.universe.sold,
        expected=_figures(solved.expected),
        current=_figures(solved.current),
        equal_weight=_figures(solved.equal_weight),
        contributions=_by_symbol(symbols, solved.contributions),
        plan=plan,
        honesty=_honest(question, solved, observations),
        steps=[StepTaken(objective=step.objective or CURRENT, reason=step.reason) for step in solved.steps],
        shortfall=_shortfall(question, solved),
        priced_at_close=at_close,
        held=_held(state, question),
        equal=_equal(question),
    )


def _held(state: MarketState, question: Question) -> Compared:
    sold = {symbol: _share(state, symbol) for symbol in question.universe.sold}
    return Compared(
        weights={**dict(zip(question.universe.free, question.current, strict=True)), **sold},
        cash=state.view.cash / state.view.total_value,
    )


def _equal(question: Question) -> Compared:
    symbols = question.universe.free
    return Compared(
        weights=dict.fromkeys(symbols, question.invested / len(symbols)),
        cash=ONE - question.invested - total(one.weight for one in question.universe.kept),
    )


def _honest(question: Question, solved: Solved, observations: int) -> HonestFigures:
    found: Honesty = solved.honesty
    return HonestFigures(
        observations=observations,
        effective_observations=_decimal(found.effective_observations),
        condition_number=_decimal(found.condition_number),
        shrinkage=_decimal(found.shrinkage),
        optimality_gap=_decimal(found.optimality_gap),
        weight_spread=_by_symbol(question.universe.free, found.spread),
        binding_limits=[
            BindingLimit(headroom=question.headrooms[binding.limit], dual=_decimal(binding.dual))
            for binding in solved.binding
        ],
    )


def _shortfall(question: Question, solved: Solved) -> LimitsLeaveCash | None:
    found = solved.shortfall
    if found is None:
        return None
    return LimitsLeaveCash(
        wanted=question.invested,
        possible=max(statistic(found.possible) or ZERO, ZERO),
        headrooms=[question.headrooms[limit] for limit in found.limits],
        turnover=found.turnover,
    )


def _told(weight: Decimal) -> Decimal:
    """Return the weight at 12 decimals, and not above what it is: it may be at a limit. What is left is cash."""
    return weight.quantize(STEP, rounding=ROUND_FLOOR)


def _share(state: MarketState, symbol: str) -> Decimal:
    return state.view.values[symbol] / state.view.total_value


def _figures(found: Expected | None) -> ExpectedFigures | None:
    if found is None:
        return None
    return ExpectedFigures(
        annual_return=_figure(found.annual_return),
        volatility=_figure(found.volatility),
        sharpe=_figure(found.sharpe),
        cvar=_figure(found.cvar),
    )


def _figure(found: Uncertain) -> ExpectedFigure:
    return ExpectedFigure(value=_decimal(found.value), standard_error=_decimal(found.standard_error))


def _by_symbol(symbols: Sequence[str], values: Sequence[float | None] | None) -> Mapping[str, Decimal] | None:
    if values is None:
        return None
    found = zip(symbols, map(_decimal, values), strict=True)
    return {symbol: value for symbol, value in found if value is not None}


def _decimal(value: float | None) -> Decimal | None:
    return None if value is None else statistic(value)


@exact
def exact_weights(question: Question, values: Sequence[float]) -> dict[str, Decimal]:
    """Return weights at 12 decimals, none of which a rounding takes over a limit: the largest gives it.

    They are more than is to be invested where a bound on turnover keeps them: that is no rounding.
    """
    weights = {symbol: statistic(value) or ZERO for symbol, value in zip(question.universe.free, values, strict=True)}
    reached = total(weights.values())
    every = [
        (question.universe.free, question.invested if reached - question.invested < _LAST_DIGITS else reached),
        *((headroom.symbols, headroom.most) for headroom in question.headrooms),
    ]
    for symbols, most in every:
        over = total(weights[symbol] for symbol in symbols) - most
        if over > 0:
            largest = max(symbols, key=lambda symbol: weights[symbol])
            weights[largest] -= over
    return weights
