"""What is decided at the end of a day, from what is known by then and from nothing else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Protocol

import msgspec
from msgspec.structs import replace

from portfolio.analytics.backtest.screen import Screen, Thresholds
from portfolio.analytics.estimate import Vector
from portfolio.analytics.optimisation.history import common_returns, own_days
from portfolio.analytics.optimisation.problem import LEAST_OBSERVATIONS, Chosen, Problem, TurnoverTooSmall
from portfolio.analytics.returns import PriceHistory
from portfolio.analytics.statistics import Statistics, asset_statistics
from portfolio.application.backtest.request import BacktestRequest, Kind
from portfolio.application.errors import NotOptimisable
from portfolio.application.optimisation.answering import exact_weights
from portfolio.application.optimisation.question import problem_of, question_of
from portfolio.application.optimisation.records import Targets
from portfolio.application.risk.state import DEFAULT_DAYS
from portfolio.domain.arithmetic import ZERO
from portfolio.domain.backtest.fills import Order
from portfolio.domain.money import EXACT, round_to_step
from portfolio.domain.optimisation.plan import trades_to
from portfolio.domain.rebalancing.plan import Plan, make_plan
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.reason import Reason
from portfolio.domain.rebalancing.summary import Summary
from portfolio.domain.rebalancing.view import Holding, MarketView

TARGETS: Final = "targets"
"""The rule of a trade on the way to weights."""

Solve = Callable[[Problem], Chosen]


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known at 24:00 UTC of ``day``.

    ``history`` is a copy of the last closes, none later than the day's, with a column for each of the assets that are
    held and each that may be bought. ``marks`` are the newest prices, ``tradable`` the assets whose price is the day's
    and that have closes enough. ``worth`` is about what each asset of the history is worth, ``(n_assets,)``, and
    ``categories`` are theirs.
    """

    day: date
    history: PriceHistory
    cash: Decimal
    quantities: Mapping[str, Decimal]
    worth: Vector
    marks: Mapping[str, Decimal]
    tradable: frozenset[str]
    categories: tuple[str, ...]

    def summary(self, policy: RebalancePolicy) -> Summary:
        """Return what the portfolio amounts to, by the statistics of the live look-back."""
        statistics = asset_statistics(self.history, min(DEFAULT_DAYS, self.history.n_days))
        symbols = zip(self.history.symbols, self.categories, strict=True)
        holdings = [self._holding(symbol, category, statistics) for symbol, category in symbols]
        return Summary.of(MarketView.of(holdings, round_to_step(self.cash), statistics.correlations), policy)

    def _holding(self, symbol: str, category: str, statistics: Statistics) -> Holding:
        """Return an asset as the rules see it: amounts at 18 decimals, as those of the books."""
        quantity, mark = self.quantities.get(symbol, ZERO), self.marks.get(symbol)
        return Holding(
            symbol=symbol,
            quantity=quantity,
            value=ZERO if mark is None else round_to_step(EXACT.multiply(quantity, mark)),
            price=mark,
            category=category,
            tradable=symbol in self.tradable,
            volatility=statistics.volatilities.get(symbol),
            momentum=statistics.momenta.get(symbol),
        )


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Orders, and what they come from: a plan of the policy, or weights. ``skipped`` says that there was no way to
    decide.
    """

    orders: Sequence[Order]
    plan: Plan | None = None
    weights: Mapping[str, Decimal] | None = None
    skipped: bool = False


class Decide(Protocol):
    """Decides. ``days`` is how far back it looks; ``symbols`` are assets that it may buy without holding any."""

    @property
    def days(self) -> int:
        """Return how many days before today it looks at."""

    @property
    def symbols(self) -> Sequence[str]:
        """Return the assets that it may buy although nothing of them is held."""

    def __call__(self, known: Known) -> Decision:
        """Return what is to be done at the next close."""


class ByPolicy:
    """The live rules, or some of them alone: ``make_plan`` of what is held.

    With ``screens`` days are passed over, by arithmetic in floats, on which no rule can ask for a trade.
    """

    days: int = DEFAULT_DAYS
    symbols: Sequence[str] = ()

    def __init__(
        self, policy: RebalancePolicy, *, screens: bool = True, rules: Collection[Reason] = tuple(Reason)
    ) -> None:
        self._policy = policy
        self._rules = rules
        self._screen = Screen(thresholds_of(policy)) if screens else None

    def __call__(self, known: Known) -> Decision:
        """Return the trades of the plan."""
        if self._screen is not None and not self._screen.may_trade(
            known.worth, float(known.cash), known.history, known.categories
        ):
            return Decision(orders=())
        plan = make_plan(known.summary(self._policy), self._rules)
        orders = [
            Order(
                decided=known.day,
                symbol=advice.symbol,
                side=advice.action,
                quantity=advice.trade_quantity,
                rule=advice.reason.value,
            )
            for advice in plan.recommendations
        ]
        return Decision(orders=orders, plan=plan)


class ByTargets(msgspec.Struct, frozen=True):
    """The weights of an optimiser, and the plan that reaches them."""

    targets: Targets
    policy: RebalancePolicy
    symbols: Sequence[str]
    solve: Solve
    risk_free_rate: Decimal = ZERO

    @property
    def days(self) -> int:
        """Return how far back the optimiser looks; the rules look at their own days at least."""
        return max(self.targets.days, DEFAULT_DAYS)

    def __call__(self, known: Known) -> Decision:
        """Return the trades that lead to the weights; none where there are no weights."""
        summary = known.summary(self.policy)
        symbols = [symbol for symbol in self._old_enough(known) if not summary.view.is_uncountable(symbol)]
        wanted = replace(self.targets, symbols=tuple(symbols))
        try:
            question = question_of(summary, wanted)
            returns = common_returns(known.history, question.universe.free, wanted.days)
            chosen = self.solve(problem_of(question, returns, self.risk_free_rate))
        except (NotOptimisable, TurnoverTooSmall):
            return Decision(orders=(), skipped=True)
        if chosen.stays:
            return Decision(orders=(), skipped=True)
        weights = exact_weights(question, chosen.weights) | dict.fromkeys(question.universe.sold, ZERO)
        orders = [
            Order(
                decided=known.day, symbol=trade.symbol, side=trade.action, quantity=trade.trade_quantity, rule=TARGETS
            )
            for trade in trades_to(summary, weights, question.headrooms) or ()
        ]
        return Decision(orders=orders, weights=weights)

    def _old_enough(self, known: Known) -> Sequence[str]:
        """Return the assets that can be traded, and do not leave too few days in common with the others."""
        there = [one for one in self.symbols if one in known.tradable and known.quantities.get(one, ZERO) >= 0]
        if not self.targets.objective.needs_common_days:
            return there
        least = min(LEAST_OBSERVATIONS, self.targets.days)
        counts = own_days(known.history, there, self.targets.days)
        return [symbol for symbol, count in zip(there, counts, strict=True) if count >= least]


def decide_of(request: BacktestRequest, universe: Sequence[str], solve: Solve | None) -> Decide:
    """Return what decides in a backtest."""
    if request.kind is Kind.POLICY:
        return ByPolicy(request.policy)
    assert request.optimise is not None
    assert solve is not None, "targets take an optimiser"
    symbols = request.optimise.symbols or universe
    return ByTargets(request.optimise, request.policy, symbols, solve, request.yearly_rate)


def thresholds_of(policy: RebalancePolicy) -> Thresholds:
    """Return the policy's bounds as floats."""
    return Thresholds(
        position=float(policy.position_limit),
        volatility=float(policy.volatility_threshold),
        momentum=float(policy.momentum_threshold),
        falling=float(policy.momentum_limit),
        category=float(policy.category_limit),
        correlation=float(policy.pair_correlation),
        pair=float(policy.pair_limit),
        floor=float(policy.pair_floor),
        cash=float(policy.cash_trigger),
        cash_target=float(policy.cash_target),
        uncapped=policy.uncapped_categories,
        stable=policy.stable_categories,
    )
