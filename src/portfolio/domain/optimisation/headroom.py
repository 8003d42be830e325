"""The limits of a policy as sums of weights: what an optimiser has to keep to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

from portfolio.domain.arithmetic import ZERO, exact, total
from portfolio.domain.rebalancing.limits import LimitName, Limits
from portfolio.domain.rebalancing.reason import Reason
from portfolio.domain.rebalancing.view import pair_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Headroom:
    """How much some assets may be worth together, as a fraction of the total value: 0 or more.

    ``symbols`` are those of the limit whose weights are free, ``kept`` those that keep their value. ``limit`` is what
    they may be worth in all, ``most`` what is left of it by the total value of now.
    """

    name: LimitName
    symbols: Sequence[str]
    kept: Sequence[str]
    limit: Decimal
    most: Decimal


@exact
def headrooms_of(limits: Limits, free: Collection[str], kept: Collection[str], share: Decimal) -> list[Headroom]:
    """Return what each limit of rules 1 to 5 leaves to the assets of ``free``, in the order of the rules, then of
    names; ``share`` of a limit is used.

    Of a position it is its tightest limit, and a pair counts whether both are over the pairs' floor or not: as for
    what rule 6 buys. What the assets of ``kept`` are worth is taken off. The total value is above zero.
    """
    policy = limits.policy
    found: list[tuple[LimitName, tuple[str, ...], Decimal]] = []
    for symbol, by_reason in limits.positions.items():
        reason = min(by_reason, key=lambda one: (by_reason[one], one.place))
        found.append((LimitName(reason, (symbol,)), (symbol,), by_reason[reason]))
    for category, members in limits.categories.items():
        found.append((LimitName(Reason.CATEGORY_CONCENTRATION, (category,)), members, policy.category_limit))
    pairs = {pair_of(symbol, partner) for symbol in free for partner in limits.partners_of(symbol)}
    found += [(LimitName(Reason.HIGH_CORRELATION, pair), pair, policy.pair_limit) for pair in pairs]
    headrooms, are_free = [], frozenset(free)
    for name, members, limit in sorted(found, key=lambda one: one[0].place):
        symbols = tuple([symbol for symbol in members if symbol in are_free])
        if symbols:
            others = tuple([symbol for symbol in members if symbol in kept])
            taken = total(_share_of(limits, symbol) for symbol in others) if others else ZERO
            most = max(limit * share - taken, ZERO)
            headrooms.append(Headroom(name=name, symbols=symbols, kept=others, limit=limit * share, most=most))
    return headrooms


def _share_of(limits: Limits, symbol: str) -> Decimal:
    return max(limits.view.values[symbol], ZERO) / limits.view.total_value
