"""The limits of a policy on the assets, categories and pairs of a view, and which of them are broken."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from portfolio.domain.arithmetic import ZERO, exact, total
from portfolio.domain.lazy import lazy
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.reason import Reason
from portfolio.domain.rebalancing.view import Holding, MarketView, Pair, pair_of

_MOST_STUCK = Decimal("0.05")


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


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the policy allows each asset, category and pair of a view; values do not matter here, statistics do.

    ``positions`` has the limits of each asset by the rule they come from, as fractions; ``categories`` the members of
    each category that has a limit.
    """

    view: MarketView
    policy: RebalancePolicy
    positions: Mapping[str, Mapping[Reason, Decimal]]
    categories: Mapping[str, tuple[str, ...]]

    @classmethod
    @exact
    def of(cls, view: MarketView, policy: RebalancePolicy) -> Limits:
        """Return the limits of ``policy`` on what ``view`` holds."""
        categories: dict[str, list[str]] = defaultdict(list)
        risky = set()
        for symbol, holding in view.holdings.items():
            if holding.category not in policy.uncapped_categories:
                categories[holding.category].append(symbol)
            if holding.category not in policy.stable_categories:
                risky.add(symbol)
        return cls(
            view=view,
            policy=policy,
            positions={symbol: _position_limits(view.holdings[symbol], policy) for symbol in sorted(risky)},
            categories={name: tuple(categories[name]) for name in sorted(categories)},
        )

    def on(self, view: MarketView) -> Limits:
        """Return the limits on a view after trades: the same, as trades move no statistic."""
        limits = copy(self)
        object.__setattr__(limits, "view", view)
        return limits

    def partners_of(self, symbol: str) -> Sequence[str]:
        """Return the assets that make a pair with a limit with this one, in order.

        Asked for one asset at a time: of a thousand the pairs may be half a million, and few assets are large enough
        for theirs to matter.
        """
        found = self._partners.get(symbol)
        if found is None:
            partners = self.view.correlations.partners(symbol, self.policy.pair_correlation)
            found = tuple(other for other in partners if symbol in self.positions and other in self.positions)
            self._partners[symbol] = found
        return found

    @lazy
    def _by_rule(self) -> Mapping[Reason, tuple[Decimal, Mapping[str, Decimal]]]:
        """Return the limits of positions by rule and symbol, beside the lowest of each rule."""
        found: dict[Reason, dict[str, Decimal]] = defaultdict(dict)
        for symbol, limits in self.positions.items():
            for reason, limit in limits.items():
                found[reason][symbol] = limit
        return {reason: (min(limits.values()), limits) for reason, limits in found.items()}

    @exact
    def positions_over(
        self, reason: Reason, values: Mapping[str, Decimal], whole: Decimal
    ) -> Sequence[tuple[str, Decimal]]:
        """Return the assets over their limit by a rule, with the limit, by symbol."""
        lowest, limits = self._by_rule.get(reason, (ZERO, {}))
        # Most are under the lowest limit: a comparison costs a tenth of a product.
        bar = lowest * whole
        large = [symbol for symbol in limits if values[symbol] > bar]
        return [(symbol, limits[symbol]) for symbol in large if values[symbol] > limits[symbol] * whole]

    @exact
    def pairs_at_limit(self, values: Mapping[str, Decimal], whole: Decimal) -> list[Pair]:
        """Return the correlated pairs that are over their limit, by falling correlation, then symbols."""
        limit, large = self.policy.pair_limit * whole, self.over_floor(values, whole)
        sizes = {symbol: values[symbol] for symbol in large}
        high: dict[Pair, Decimal] = {}
        for one, next_one in pairwise(large):
            if sizes[one] + sizes[next_one] <= limit:
                break
            partners = [p for p in self.partners_of(one) if p in sizes and sizes[one] + sizes[p] > limit]
            found = {pair: self.correlation(pair) for pair in (pair_of(one, partner) for partner in partners)}
            # A coefficient that two ways of computing round to either side of the bound is none.
            high |= {pair: value for pair, value in found.items() if value is not None}
        return sorted(high, key=lambda pair: (-high[pair], pair))

    @exact
    def over_floor(self, values: Mapping[str, Decimal], whole: Decimal) -> list[str]:
        """Return the assets over the pairs' floor, by falling value."""
        floor = self.policy.pair_floor * whole
        large = (symbol for symbol in self.positions if values[symbol] > floor)
        return sorted(large, key=values.__getitem__, reverse=True)

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
            for reason in self._by_rule
            for symbol, _ in self.positions_over(reason, values, whole)
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

    @exact
    def is_stuck(self, symbols: Iterable[str]) -> bool:
        """Return whether more than 5 % of what these assets are worth is held, but cannot be traded.

        A smaller rest, whatever it is, does not keep the others from being judged by what is known of them.
        """
        holdings = [self.view.holdings[symbol] for symbol in symbols]
        stuck = total(abs(holding.value) for holding in holdings if holding.is_stuck)
        return stuck > _MOST_STUCK * total(abs(holding.value) for holding in holdings)

    @lazy
    def _partners(self) -> dict[str, tuple[str, ...]]:
        return {}

    @lazy
    def _asked(self) -> dict[Pair, Decimal | None]:
        return {}

    def correlation(self, pair: Pair) -> Decimal | None:
        """Return the coefficient of a pair that has a limit; None of one that has none."""
        if pair not in self._asked:
            value = self.view.correlations.get(pair)
            self._asked[pair] = value if value is not None and value > self.policy.pair_correlation else None
        return self._asked[pair]


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


def _position_limits(holding: Holding, policy: RebalancePolicy) -> dict[Reason, Decimal]:
    limits = {Reason.CONCENTRATION_RISK: policy.position_limit}
    if holding.volatility is not None and holding.volatility > policy.volatility_threshold:
        limits[Reason.HIGH_VOLATILITY] = policy.position_limit * policy.volatility_threshold / holding.volatility
    if holding.momentum is not None and holding.momentum < policy.momentum_threshold:
        limits[Reason.NEGATIVE_MOMENTUM] = policy.momentum_limit
    return limits
