"""From targets to a problem: which weights are free, within which limits, and how much is to be invested."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Final

import msgspec

from portfolio.analytics.optimisation.history import CommonReturns, too_short
from portfolio.analytics.optimisation.problem import LEAST_OBSERVATIONS, Bounds, Problem
from portfolio.analytics.returns import PriceHistory
from portfolio.application.errors import NotOptimisable, TooFewDays
from portfolio.application.optimisation.assets import Universe, universe_of
from portfolio.application.optimisation.records import LimitMode, Targets
from portfolio.domain.arithmetic import HUNDRED, ONE, exact, total
from portfolio.domain.optimisation.headroom import Headroom, headrooms_of
from portfolio.domain.rebalancing.summary import Summary

_NAMED: Final = 5  # so many of the assets with the fewest days
_LAST_DIGITS: Final = Decimal("1e-6")  # of a bound on turnover: solvers and the rounding of weights may be off by less


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """The weights to reach, on a state: all of it exact, weights as fractions of the total value.

    ``invested`` is what the weights of the free assets are to sum to, ``sold_weight`` the share of what is sold,
    ``turnover`` what it leaves for changes of weights, None for any, below zero where it leaves nothing. As weights are
    of what is left after the costs, ``of_weights`` of a bound on trades is that of changes of weights.
    """

    targets: Targets
    universe: Universe
    headrooms: Sequence[Headroom]
    invested: Decimal
    current: Sequence[Decimal]
    sold_weight: Decimal
    of_weights: Decimal
    turnover: Decimal | None

    @exact
    def percent_of_trades(self, turnover: Decimal) -> Decimal:
        """Return the bound on all trades, a percentage at 4 decimals rounded up, that allows such a turnover of the
        weights beside what is sold.
        """
        least = (turnover + self.sold_weight) * HUNDRED / self.of_weights
        return least.quantize(Decimal("0.0001"), rounding=ROUND_CEILING)


@exact
def question_of(current: Summary, targets: Targets, too_short: Collection[str] = frozenset()) -> Question:
    """Return what is to be computed for the weights to reach.

    Raises:
        NotOptimisable: nothing is left to be invested, and as ``universe_of`` says.
    """
    view, policy = current.view, current.limits.policy
    universe = universe_of(view, policy, targets, too_short)
    cash = policy.cash_target if targets.cash_percent is None else targets.cash_percent / HUNDRED
    invested = ONE - cash - universe.kept_weight
    if invested <= 0:
        raise NotOptimisable("cash and what keeps its value leave nothing to invest")
    sold = total(view.values[symbol] for symbol in universe.sold) / view.total_value
    # Costs c shrink the weights w to w (1 - c), which moves them by c w at most: all trades t are at most the changes
    # of the weights, what is sold, and the costs of t on what is invested, or stays so as there is no turnover for it.
    held = [view.values[symbol] / view.total_value for symbol in universe.free]
    of_weights = (ONE - policy.fee_rate * max(invested, total(held))) * (ONE - _LAST_DIGITS)
    most = targets.max_turnover_percent
    share = policy.sell_down_share if targets.limits is LimitMode.POLICY else ONE
    kept = {one.symbol for one in universe.kept}
    return Question(
        targets=targets,
        universe=universe,
        headrooms=headrooms_of(current.limits, universe.free, kept, share),
        invested=invested,
        current=held,
        sold_weight=sold,
        of_weights=of_weights,
        turnover=None if most is None else most / HUNDRED * of_weights - sold,
    )


def short_ones(question: Question, history: PriceHistory) -> list[str]:
    """Return what is held, and was not named, that would cost the others more days than its weight is worth."""
    targets, symbols = question.targets, question.universe.free
    if targets.symbols is not None or not targets.objective.needs_common_days:
        return []
    weights = [float(weight) for weight in question.current]
    return too_short(history, symbols, weights, targets.days, least=LEAST_OBSERVATIONS)


def problem_of(question: Question, returns: CommonReturns, risk_free_rate: Decimal) -> Problem:
    """Return the question in floats, as solvers take it.

    Raises:
        TooFewDays: the assets have too few days in common for the objective.
    """
    targets, symbols = question.targets, question.universe.free
    if targets.objective.needs_common_days and len(returns.returns) < LEAST_OBSERVATIONS:
        shortest = sorted(zip(symbols, returns.own_days, strict=True), key=lambda one: (one[1], one[0]))
        raise TooFewDays(len(returns.returns), LEAST_OBSERVATIONS, shortest[:_NAMED])
    places = {symbol: place for place, symbol in enumerate(symbols)}
    bounds = Bounds.of(
        [
            (tuple(places[symbol] for symbol in headroom.symbols), float(headroom.most))
            for headroom in question.headrooms
        ],
        invested=float(question.invested),
        current=[float(weight) for weight in question.current],
        most_turnover=None if question.turnover is None else float(question.turnover),
    )
    return Problem(
        objective=targets.objective,
        estimator=targets.estimator,
        half_life=float(targets.half_life_days),
        confidence=targets.confidence,
        risk_free_rate=float(risk_free_rate),
        returns=returns.returns,
        deviations=returns.deviations,
        bounds=bounds,
    )
