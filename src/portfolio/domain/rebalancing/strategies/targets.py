"""Targets and proposals: the input and the output of a strategy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from portfolio.domain.arithmetic import HUNDRED, total
from portfolio.domain.rebalancing.limits import Limits
from portfolio.domain.rebalancing.reason import Reason

Figure = Decimal | str

MARGIN = Decimal(1).scaleb(-9)
"""Limits count on so many dollars less than there are, so that what is sold down to one is not over it again by the
last digit of a fee, a quantity or a value.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a strategy wants of one asset: ``change`` in dollars, below zero for a sale."""

    symbol: str
    change: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal(Change):
    """What a rule of the policy proposes for one asset, and the figures behind it.

    Figures are exact. Names ending in ``_allocation`` are percentages of the total value after costs.
    """

    rule: Reason
    figures: Mapping[str, Figure]


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What each asset is to be worth so far, of ``whole`` dollars in all, after costs.

    ``fixed`` are the assets that keep their value in this plan: their trade was too small.
    """

    limits: Limits
    whole: Decimal
    values: Mapping[str, Decimal]
    fixed: frozenset[str] = frozenset()

    @property
    def cash(self) -> Decimal:
        """Return the cash that these targets leave."""
        return self.whole - total(self.values.values())

    def can_move(self, symbol: str) -> bool:
        """Return whether the plan may trade the asset."""
        return symbol not in self.fixed and self.limits.view.holdings[symbol].is_movable

    def share(self, value: Decimal) -> Decimal:
        """Return ``value`` in percent of the whole."""
        return value * HUNDRED / self.whole

    def after(self, proposals: Iterable[Change]) -> Targets:
        """Return the targets that the proposals lead to."""
        values = dict(self.values)
        for proposal in proposals:
            values[proposal.symbol] += proposal.change
        return Targets(limits=self.limits, whole=self.whole, values=values, fixed=self.fixed)


Strategy = Callable[[Targets], Sequence[Change]]
