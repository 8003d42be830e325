"""The limits of a policy on the assets, categories and pairs of a view, and which of them are broken."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

from portfolio.domain.arithmetic import exact, total
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.reason import Reason
from portfolio.domain.rebalancing.view import Holding, MarketView, Pair


@dataclass(frozen=True, slots=True)
class LimitName:
    """Which limit: of a position by the rule it comes from, of a category, or of a pair.

    ``subject`` is the symbol, the category, or the two symbols.
    """

    reason: Reason
    subject: tuple[str, ...]

    @property
    def place(self) -> tuple[int, tuple[str, ...]]:
        """Return the sort key of a limit: the order of the rules, then of the names."""
        return self.reason.place, self.subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the policy allows each asset, category and pair of a view; values do not matter here, statistics do.

    ``positions`` has the limits of each asset by the rule they come from, as fractions; ``categories`` the members of
    each category that has a limit; ``correlations`` the pairs that have one, and ``partners`` the same by symbol.
    """

    view: MarketView
    policy: RebalancePolicy
    positions: Mapping[str, Mapping[Reason, Decimal]]
    categories: Mapping[str, tuple[str, ...]]
    correlations: Mapping[Pair, Decimal]
    partners: Mapping[str, tuple[str, ...]]

    @classmethod
    @exact
    def of(cls, view: MarketView, policy: RebalancePolicy, *, is_still: bool = False) -> Limits:
        """Return the limits of ``policy`` on what ``view`` holds.

        Where nothing is going to be traded, ``is_still``, only pairs of two positions over the floor are looked for: no
        other can be over its limit, and all pairs of thousands of positions are millions.
        """
        categories: dict[str, list[str]] = defaultdict(list)
        risky = set()
        for symbol, holding in view.holdings.items():
            if holding.category not in policy.uncapped_categories:
                categories[holding.category].append(symbol)
            if holding.category not in policy.stable_categories:
                risky.add(symbol)
        among = _over_floor(view, policy) if is_still else None
        high = {
            pair: value
            for pair, value in view.correlated_above(policy.pair_correlation, among).items()
            if risky.issuperset(pair)
        }
        partners: dict[str, list[str]] = defaultdict(list)
        for one, other in sorted(high):
            partners[one].append(other)
            partners[other].append(one)
        return cls(
            view=view,
            policy=policy,
            positions={symbol: _position_limits(view.holdings[symbol], policy) for symbol in sorted(risky)},
            categories={name: tuple(categories[name]) for name in sorted(categories)},
            correlations=high,
            partners={symbol: tuple(others) for symbol, others in partners.items()},
        )

    def pairs_at_limit(self, values: Mapping[str, Decimal], whole: Decimal) -> list[Pair]:
        """Return the correlated pairs that are over their limit, by falling correlation, then symbols."""
        policy = self.policy
        large = sorted(symbol for symbol in self.partners if values[symbol] > policy.pair_floor * whole)
        over = [
            pair
            for pair in combinations(large, 2)
            if pair in self.correlations and values[pair[0]] + values[pair[1]] > policy.pair_limit * whole
        ]
        return sorted(over, key=lambda pair: (-self.correlations[pair], pair))

    @exact
    def broken(self, values: Mapping[str, Decimal], whole: Decimal) -> list[LimitName]:
        """Return the limits that are broken when the assets are worth ``values`` of ``whole`` dollars in all,
        in the order of the rules.

        None are where ``whole`` is not above zero: shares of it are undefined.
        """
        if whole <= 0:
            return []
        names = [
            LimitName(reason, (symbol,))
            for symbol, limits in self.positions.items()
            for reason, limit in limits.items()
            if values[symbol] > limit * whole
        ]
        names += [
            LimitName(Reason.CATEGORY_CONCENTRATION, (category,))
            for category, members in self.categories.items()
            if total(values[symbol] for symbol in members) > self.policy.category_limit * whole
        ]
        names += [LimitName(Reason.HIGH_CORRELATION, pair) for pair in self.pairs_at_limit(values, whole)]
        return sorted(names, key=lambda name: name.place)

    def members(self, name: LimitName) -> tuple[str, ...]:
        """Return the symbols of the assets under a limit."""
        if name.reason is Reason.CATEGORY_CONCENTRATION:
            return self.categories[name.subject[0]]
        return name.subject

    def is_stuck(self, name: LimitName) -> bool:
        """Return whether an asset under the limit is held, but cannot be traded."""
        return any(self.view.holdings[symbol].is_stuck for symbol in self.members(name))


def values_of(view: MarketView) -> dict[str, Decimal]:
    """Return what each holding is worth."""
    return {symbol: holding.value for symbol, holding in view.holdings.items()}


@exact
def share_of(name: LimitName, limits: Limits, values: Mapping[str, Decimal]) -> Decimal:
    """Return the value that counts against a limit."""
    return total(values[symbol] for symbol in limits.members(name))


def limit_of(name: LimitName, limits: Limits) -> Decimal:
    """Return a limit as a fraction of the total value."""
    if name.reason is Reason.CATEGORY_CONCENTRATION:
        return limits.policy.category_limit
    if name.reason is Reason.HIGH_CORRELATION:
        return limits.policy.pair_limit
    return limits.positions[name.subject[0]][name.reason]


def _over_floor(view: MarketView, policy: RebalancePolicy) -> list[str]:
    floor = policy.pair_floor * view.total_value
    return [symbol for symbol, holding in view.holdings.items() if holding.value > floor]


def _position_limits(holding: Holding, policy: RebalancePolicy) -> dict[Reason, Decimal]:
    limits = {Reason.CONCENTRATION_RISK: policy.position_limit}
    if holding.volatility is not None and holding.volatility > policy.volatility_threshold:
        limits[Reason.HIGH_VOLATILITY] = policy.position_limit * policy.volatility_threshold / holding.volatility
    if holding.momentum is not None and holding.momentum < policy.momentum_threshold:
        limits[Reason.NEGATIVE_MOMENTUM] = policy.momentum_limit
    return limits
