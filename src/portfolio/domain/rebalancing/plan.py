"""Makes the plan: all rules in order, at most one trade a symbol, checked against its own result."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from portfolio.domain.arithmetic import HUNDRED, ZERO, exact
from portfolio.domain.decimal_text import plain
from portfolio.domain.rebalancing.reason import Reason
from portfolio.domain.rebalancing.recommendation import Recommendation, recommendations_of
from portfolio.domain.rebalancing.settlement import Settlement, settle
from portfolio.domain.rebalancing.strategies.categories import category_concentration
from portfolio.domain.rebalancing.strategies.pairs import high_correlation
from portfolio.domain.rebalancing.strategies.positions import concentration_risk, high_volatility, negative_momentum
from portfolio.domain.rebalancing.strategies.targets import Strategy
from portfolio.domain.rebalancing.summary import Summary
from portfolio.domain.rebalancing.unresolved import Unresolved, unresolved_after

SALES: tuple[tuple[Reason, Strategy], ...] = (
    (Reason.CONCENTRATION_RISK, concentration_risk),
    (Reason.HIGH_VOLATILITY, high_volatility),
    (Reason.NEGATIVE_MOMENTUM, negative_momentum),
    (Reason.CATEGORY_CONCENTRATION, category_concentration),
    (Reason.HIGH_CORRELATION, high_correlation),
)
# Which rule is given up beside cash deployment, where a plan would do harm: the least urgent first.
_GIVEN_UP = (
    Reason.NEGATIVE_MOMENTUM,
    Reason.HIGH_CORRELATION,
    Reason.HIGH_VOLATILITY,
    Reason.CATEGORY_CONCENTRATION,
    Reason.CONCENTRATION_RISK,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to trade, what it costs, what it leads to, and what it leaves.

    ``withheld`` are the rules that the plan was made without because with them it would have done harm, and
    ``withheld_because`` is that harm. Money is exact; ``turnover_percent`` is of today's total value, None where that
    is not above zero.
    """

    current: Summary
    projected: Summary
    recommendations: Sequence[Recommendation] = ()
    unresolved: Sequence[Unresolved] = ()
    estimated_cost: Decimal = ZERO
    turnover: Decimal = ZERO
    turnover_percent: Decimal | None = None
    withheld: Sequence[Reason] = ()
    withheld_because: str | None = None


@exact
def make_plan(current: Summary, rules: Collection[Reason] = tuple(Reason)) -> Plan:
    """Return what the policy asks of what is held now; what some of its rules ask alone where they are given.

    No limit is newly broken by the plan and health is not worse after it. Where all rules together would do either, it
    is made again without cash deployment, then without one more rule, the least urgent first, at last without any.
    Nothing is asked of a view whose total value is not above zero: shares of it are undefined.
    """
    if current.total_value <= 0:
        return Plan(current=current, projected=current, unresolved=tuple(unresolved_after(current.limits, current)))
    ladder = _ladder(rules)
    withheld, harm = next(ladder), None
    settlement, projected, objection = _attempt(current, rules)
    while objection:
        harm, withheld = harm or objection, next(ladder)
        settlement, projected, objection = _attempt(current, [rule for rule in rules if rule not in withheld])
    return Plan(
        current=current,
        projected=projected,
        recommendations=tuple(recommendations_of(settlement)),
        unresolved=tuple(unresolved_after(current.limits, projected, withheld=withheld)),
        estimated_cost=settlement.cost,
        turnover=settlement.turnover,
        turnover_percent=settlement.turnover * HUNDRED / current.total_value,
        withheld=tuple(withheld),
        withheld_because=harm,
    )


def _ladder(rules: Collection[Reason]) -> Iterator[tuple[Reason, ...]]:
    """Yield which of the rules to withhold, from none to all of them."""
    last = tuple(rule for rule in rules if rule is Reason.CASH_DEPLOYMENT)
    yield ()
    yield last
    for reason in _GIVEN_UP:
        if reason in rules:
            yield (reason, *last)
    yield tuple(rules)


def _attempt(current: Summary, rules: Collection[Reason]) -> tuple[Settlement, Summary, str | None]:
    """Return the settlement of these rules, its projection, and the objection to it."""
    strategies = [strategy for reason, strategy in SALES if reason in rules]
    settlement = settle(current.limits, strategies, deploys=Reason.CASH_DEPLOYMENT in rules)
    if settlement is None:
        nothing = settle(current.limits, (), deploys=False)
        assert nothing is not None
        return nothing, current, "its costs would be more than the portfolio is worth"
    if not settlement.changes:  # with 200 positions it takes 0.5 ms to find that nothing has changed
        return settlement, current, None
    projected = current.after(settlement.view)
    return settlement, projected, _harm(current, projected)


def _harm(current: Summary, projected: Summary) -> str | None:
    before = frozenset(current.broken)
    newly = [name for name in projected.broken if name not in before]
    if newly:
        named = ", ".join(f"{name.reason} of {' and '.join(name.subject)}" for name in newly)
        return f"it would newly break the limit of {named}"
    assert current.health.score is not None
    assert projected.health.score is not None
    if projected.health.score < current.health.score:
        return f"health would fall from {plain(current.health.score)} to {plain(projected.health.score)}"
    return None
