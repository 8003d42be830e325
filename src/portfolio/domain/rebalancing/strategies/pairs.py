"""Rule 5: of two highly correlated positions over their common limit, the weaker one is reduced."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from portfolio.domain.arithmetic import HUNDRED, exact
from portfolio.domain.money import STEP
from portfolio.domain.rebalancing.reason import Reason
from portfolio.domain.rebalancing.strategies.targets import MARGIN, Figure, Proposal, Targets
from portfolio.domain.rebalancing.view import Pair


@exact
def high_correlation(targets: Targets) -> list[Proposal]:
    """Return the sales out of correlated pairs over their limit, each pair on what the ones before it left.

    A pair with a position that cannot be traded is left as it is, and so is one whose weaker position keeps its value
    because its trade was too small.
    """
    policy, whole = targets.limits.policy, targets.whole
    values = dict(targets.values)
    proposals = []
    for pair in targets.limits.pairs_at_limit(values, whole):
        together = values[pair[0]] + values[pair[1]]
        is_over = together > policy.pair_limit * whole and min(values[s] for s in pair) > policy.pair_floor * whole
        weaker = _weaker(targets, pair, values)
        if not is_over or targets.limits.is_stuck(pair) or not targets.can_move(weaker):
            continue
        goal = policy.pair_limit * policy.sell_down_share * whole
        cut = min(together - goal, values[weaker] - policy.pair_floor * (whole - MARGIN))
        evidence = _evidence(targets, pair, weaker, values)
        proposals.append(Proposal(symbol=weaker, rule=Reason.HIGH_CORRELATION, change=-cut, figures=evidence))
        values[weaker] -= cut
    return proposals


def _weaker(targets: Targets, pair: Pair, values: Mapping[str, Decimal]) -> str:
    """Return the one of weaker momentum; where that is a tie or undefined, the larger, then the first."""
    one, other = pair
    momenta = [targets.limits.view.holdings[symbol].momentum for symbol in pair]
    if momenta[0] is not None and momenta[1] is not None and momenta[0] != momenta[1]:
        return one if momenta[0] < momenta[1] else other
    # Two that were brought to the same size differ in the last digit of their sums.
    return one if values[one] >= values[other] - STEP else other


def _evidence(targets: Targets, pair: Pair, weaker: str, values: Mapping[str, Decimal]) -> dict[str, Figure]:
    policy = targets.limits.policy
    stronger, correlation = pair[1] if weaker == pair[0] else pair[0], targets.limits.view.correlations.get(pair)
    assert correlation is not None
    evidence: dict[str, Figure] = {
        "correlated_with": stronger,
        "correlation": correlation,
        "correlation_threshold": policy.pair_correlation,
        "position_allocation": targets.share(values[weaker]),
        "pair_allocation": targets.share(values[pair[0]] + values[pair[1]]),
        "limit_allocation": policy.pair_limit * HUNDRED,
    }
    momentum = targets.limits.view.holdings[weaker].momentum
    if momentum is not None:
        evidence["momentum"] = momentum
    return evidence
