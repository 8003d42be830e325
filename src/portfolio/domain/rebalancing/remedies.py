"""The cheapest trades that raise the health score to its target, or the reason why none do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import chain, combinations

from portfolio.domain.arithmetic import ZERO, exact
from portfolio.domain.rebalancing.health import (
    CATEGORY_POINTS,
    POSITION_POINTS,
    TARGET_SCORE,
    Deduction,
    Factor,
    HealthScore,
)
from portfolio.domain.rebalancing.limits import LimitName, Limits
from portfolio.domain.rebalancing.reason import Reason
from portfolio.domain.rebalancing.recommendation import Recommendation, recommendations_of
from portfolio.domain.rebalancing.settlement import Settlement, settle
from portfolio.domain.rebalancing.strategies.categories import category_concentration
from portfolio.domain.rebalancing.strategies.positions import concentration_risk
from portfolio.domain.rebalancing.summary import Summary
from portfolio.domain.rebalancing.unresolved import Obstacle, obstacle_to

# With the default limits and nothing borrowed at most 3 positions and 2 categories can be over theirs. Beyond this
# many remedies the subsets are too many to try, and only all of them together are.
MAX_CURES = 10

_CENT = Decimal("0.01")

_Subset = tuple[LimitName, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InTheWay:
    """A deduction that no trade of these rules takes away; ``obstacle`` is None where no limit is behind it."""

    deduction: Deduction
    obstacle: Obstacle | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WayToTarget:
    """The trades that lift the score to its target, and what they lead to.

    Where no remedies do, ``reachable`` is False, the trades are none, ``projected_score`` is what all remedies
    together lead to, and ``in_the_way`` is what is deducted even then. Without a score everything is empty.
    """

    reachable: bool
    projected_score: Decimal | None
    trades: Sequence[Recommendation] = ()
    trade_value: Decimal = ZERO
    estimated_cost: Decimal = ZERO
    in_the_way: Sequence[InTheWay] = ()


@dataclass(frozen=True, slots=True)
class _Cured:
    n_remedies: int
    settlement: Settlement
    health: HealthScore

    @property
    def is_enough(self) -> bool:
        return self.health.score is not None and self.health.score >= TARGET_SCORE

    @property
    def rank(self) -> tuple[Decimal, int, int, list[str]]:
        changes = self.settlement.changes
        return self.settlement.turnover.quantize(_CENT), self.n_remedies, len(changes), sorted(changes)


@exact
def way_to_target(current: Summary) -> WayToTarget:
    """Return, among the subsets of the remedies of over-sized positions and categories, each sized as the policy does,
    the one of least value that lifts the score to 70; where values are equal to a cent, the one of fewest remedies,
    then of fewest trades, then the first by symbols.
    """
    limits, health = current.limits, current.health
    if health.score is None:
        return WayToTarget(reachable=False, projected_score=None)
    if health.score >= TARGET_SCORE:
        return WayToTarget(reachable=True, projected_score=health.score)
    over = [name for name in current.broken if name.reason in _REASONS.values()]
    curable = [name for name in over if not limits.is_stuck(limits.members(name))]
    everything = _remedy(current, tuple(curable))
    enough = [cured for subset in _subsets(limits, curable) if (cured := _remedy(current, subset)) and cured.is_enough]
    if enough:
        return _way(min(enough, key=lambda cured: cured.rank))
    if everything is None:
        return WayToTarget(reachable=False, projected_score=health.score, in_the_way=_in_the_way(limits, health))
    score = everything.health.score
    return WayToTarget(reachable=False, projected_score=score, in_the_way=_in_the_way(limits, everything.health))


def _way(cured: _Cured) -> WayToTarget:
    return WayToTarget(
        reachable=True,
        projected_score=cured.health.score,
        trades=tuple(recommendations_of(cured.settlement)),
        trade_value=cured.settlement.turnover,
        estimated_cost=cured.settlement.cost,
    )


def _remedy(current: Summary, subset: _Subset) -> _Cured | None:
    """Return what these remedies lead to; None where they cost more than there is."""
    named = {
        reason: frozenset(name.subject[0] for name in subset if name.reason is reason)
        for reason in (Reason.CONCENTRATION_RISK, Reason.CATEGORY_CONCENTRATION)
    }
    strategies = (
        partial(concentration_risk, only=named[Reason.CONCENTRATION_RISK]),
        partial(category_concentration, only=named[Reason.CATEGORY_CONCENTRATION]),
    )
    settlement = settle(current.limits, strategies, deploys=False)
    return None if settlement is None else _Cured(len(subset), settlement, current.after(settlement.view).health)


def _subsets(limits: Limits, curable: Sequence[LimitName]) -> Iterator[_Subset]:
    """Yield the sets of remedies that may be enough, those of fewest remedies first.

    What a subset leaves over its limit for sure costs its points: a position neither cured itself nor in a cured
    category, a category neither cured itself nor relieved by the remedy of a position in it. More than 30 of those
    cannot give 70.
    """
    sizes = range(1, len(curable) + 1) if len(curable) <= MAX_CURES else [len(curable)]
    for subset in chain.from_iterable(combinations(curable, size) for size in sizes):
        if _points_left(limits, curable, subset) <= 100 - TARGET_SCORE:
            yield subset


def _points_left(limits: Limits, curable: Sequence[LimitName], subset: _Subset) -> Decimal:
    touched = {symbol for name in subset for symbol in limits.members(name)}
    left = ZERO
    for name in curable:
        if touched.isdisjoint(limits.members(name)):
            left += POSITION_POINTS if name.reason is Reason.CONCENTRATION_RISK else CATEGORY_POINTS
    return left


def _in_the_way(limits: Limits, health: HealthScore) -> list[InTheWay]:
    found = []
    for deduction in health.deductions:
        reason = _REASONS.get(deduction.factor)
        obstacle = None
        if reason is not None and deduction.subject is not None:
            obstacle = obstacle_to(LimitName(reason, (deduction.subject,)), limits)
        found.append(InTheWay(deduction=deduction, obstacle=obstacle))
    return found


_REASONS = {Factor.POSITION: Reason.CONCENTRATION_RISK, Factor.CATEGORY: Reason.CATEGORY_CONCENTRATION}
