"""Rule 4: a category over its limit is sold down, its positions pro rata."""

from __future__ import annotations

from collections.abc import Container

from portfolio.domain.arithmetic import HUNDRED, exact, total
from portfolio.domain.rebalancing.reason import Reason
from portfolio.domain.rebalancing.strategies.targets import Figure, Proposal, Targets


@exact
def category_concentration(targets: Targets, *, only: Container[str] | None = None) -> list[Proposal]:
    """Return the sales of positions in categories over the category limit; with ``only``, in these alone.

    A category with a position that cannot be traded is left as it is. One that keeps its value because its trade was
    too small leaves its part to the others.
    """
    policy = targets.limits.policy
    proposals = []
    for category, members in targets.limits.categories.items():
        value = total(targets.values[symbol] for symbol in members)
        if value <= policy.category_limit * targets.whole or (only is not None and category not in only):
            continue
        if targets.limits.is_stuck(members):
            continue
        movable = [symbol for symbol in members if targets.can_move(symbol)]
        held = total(targets.values[symbol] for symbol in movable)
        if not held:
            continue
        cut = min(value - policy.category_limit * policy.sell_down_share * targets.whole, held)
        evidence: dict[str, Figure] = {
            "category": category,
            "category_allocation": targets.share(value),
            "limit_allocation": policy.category_limit * HUNDRED,
        }
        proposals += [
            Proposal(
                symbol=symbol,
                rule=Reason.CATEGORY_CONCENTRATION,
                change=-cut * targets.values[symbol] / held,
                figures={**evidence, "position_allocation": targets.share(targets.values[symbol])},
            )
            for symbol in movable
        ]
    return proposals
