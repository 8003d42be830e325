"""How much of each limit is used, broken or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

from portfolio.domain.arithmetic import HUNDRED, exact
from portfolio.domain.rebalancing.limits import LimitName, Limits, limit_of, share_of
from portfolio.domain.rebalancing.reason import Reason
from portfolio.domain.rebalancing.summary import Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitUse:
    """A limit and what counts against it; both are percentages of the total value.

    ``used_percent`` is the one in percent of the other: above 100 the limit is broken.
    """

    name: LimitName
    allocation: Decimal
    limit_allocation: Decimal
    used_percent: Decimal
    is_broken: bool

    @property
    def rule(self) -> Reason:
        """Return the rule whose limit it is."""
        return self.name.reason


@exact
def limit_uses(summary: Summary) -> Sequence[LimitUse]:
    """Return the limits that something counts against, the most used first; where equal, in the order of the rules.

    Of each position it is the lowest of its limits, and each that is broken; of categories all that have a limit; of
    correlated pairs those of two positions over the pairs' floor. There are none where the total value is not above
    zero: shares of it are undefined.
    """
    whole, values, limits = summary.total_value, summary.view.values, summary.limits
    if whole <= 0:
        return ()
    broken, found = frozenset(summary.broken), []
    for name in {*broken, *_tightest(limits), *_categories(limits), *_pairs(summary)}:
        value, limit = share_of(name, limits, values), limit_of(name, limits)
        if value > 0:
            found.append(
                LimitUse(
                    name=name,
                    allocation=value * HUNDRED / whole,
                    limit_allocation=limit * HUNDRED,
                    used_percent=value * HUNDRED / (limit * whole),
                    is_broken=name in broken,
                )
            )
    return sorted(found, key=lambda use: (-use.used_percent, use.name.place))


def _tightest(limits: Limits) -> Iterator[LimitName]:
    for symbol, by_rule in limits.positions.items():
        yield LimitName(min(by_rule, key=lambda rule: (by_rule[rule], rule.place)), (symbol,))


def _categories(limits: Limits) -> Iterator[LimitName]:
    return (LimitName(Reason.CATEGORY_CONCENTRATION, (category,)) for category in limits.categories)


def _pairs(summary: Summary) -> Iterator[LimitName]:
    limits, values = summary.limits, summary.view.values
    floor = limits.policy.pair_floor * summary.total_value
    large = [symbol for symbol in limits.positions if values[symbol] > floor]
    for pair in combinations(large, 2):
        if limits.correlation(pair) is not None:
            yield LimitName(Reason.HIGH_CORRELATION, pair)
