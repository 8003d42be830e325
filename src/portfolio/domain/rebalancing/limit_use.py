"""How much of each limit is used, broken or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from portfolio.domain.arithmetic import exact
from portfolio.domain.rebalancing.limits import LimitName, Limits
from portfolio.domain.rebalancing.reason import Reason
from portfolio.domain.rebalancing.summary import LimitUse, Summary


@exact
def limit_uses(summary: Summary) -> Sequence[LimitUse]:
    """Return the limits that something counts against, the most used first; where equal, in the order of the rules.

    Of each position it is the lowest of its limits, and each that is broken; of categories all that have a limit; of
    correlated pairs those of two positions over the pairs' floor. There are none where the total value is not above
    zero: shares of it are undefined.
    """
    if summary.total_value <= 0:
        return ()
    limits = summary.limits
    names = {*summary.broken, *_tightest(limits), *_categories(limits), *_pairs(summary)}
    uses = [use for use in map(summary.use_of, names) if use.allocation > 0]
    return sorted(uses, key=lambda use: (-use.used_percent, use.name.place))


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
