"""The limits that the portfolio exceeds, and by how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from portfolio.domain.arithmetic import HUNDRED, exact
from portfolio.domain.rebalancing.concentration import Excess, excess_over
from portfolio.domain.rebalancing.limits import LimitName, Limits, limit_of, share_of, values_of
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.reason import Reason
from portfolio.domain.rebalancing.view import MarketView


@dataclass(frozen=True, slots=True, kw_only=True)
class OverLimit:
    """An exceeded limit: on which assets, what they are worth, and by how much that is too much.

    ``symbols`` are the assets held under the limit. Allocations are percentages of the total value, money is exact.
    """

    name: LimitName
    symbols: Sequence[str]
    allocation: Decimal
    limit_allocation: Decimal
    excess: Excess

    @property
    def category(self) -> str | None:
        """Return the category whose limit it is; None where it is not one's."""
        return self.name.subject[0] if self.name.reason is Reason.CATEGORY_CONCENTRATION else None


@exact
def over_limits(view: MarketView, policy: RebalancePolicy) -> list[OverLimit]:
    """Return every limit of ``policy`` that ``view`` breaks, in the order of the rules."""
    limits, values, whole = Limits.of(view, policy, is_still=True), values_of(view), view.total_value
    found = []
    for name in limits.broken(values, whole):
        value, limit = share_of(name, limits, values), limit_of(name, limits)
        excess = excess_over(limit, value, whole)
        assert excess is not None
        found.append(
            OverLimit(
                name=name,
                symbols=tuple(symbol for symbol in limits.members(name) if view.holdings[symbol].is_held),
                allocation=value * HUNDRED / whole,
                limit_allocation=limit * HUNDRED,
                excess=excess,
            )
        )
    return found
