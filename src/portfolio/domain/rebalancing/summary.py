"""What a view amounts to under a policy: the same before and after the trades of a plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

from portfolio.domain.arithmetic import HUNDRED, exact
from portfolio.domain.lazy import lazy
from portfolio.domain.level import Level
from portfolio.domain.rebalancing.concentration import concentration_level, effective_positions, herfindahl
from portfolio.domain.rebalancing.health import HealthScore, assess, average_correlation
from portfolio.domain.rebalancing.limits import LimitName, Limits, limit_of, share_of
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.reason import Reason
from portfolio.domain.rebalancing.view import MarketView


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitUse:
    """A limit and what counts against it; ``used_percent`` is the one in percent of the other.

    ``symbols`` are the assets held under the limit. Allocations are percentages of the total value; what is over the
    limit is below zero where it is not broken. Money is exact, in dollars.
    """

    name: LimitName
    symbols: Sequence[str]
    allocation: Decimal
    limit_allocation: Decimal
    excess_allocation: Decimal
    excess_value: Decimal
    used_percent: Decimal

    @property
    def rule(self) -> Reason:
        """Return the rule whose limit it is."""
        return self.name.reason

    @property
    def category(self) -> str | None:
        """Return the category whose limit it is; None where it is not one's."""
        return self.name.subject[0] if self.rule is Reason.CATEGORY_CONCENTRATION else None

    @property
    def is_broken(self) -> bool:
        """Return whether more counts against it than may."""
        return self.excess_value > 0


@dataclass(frozen=True)
class Summary:
    """What the view of ``limits`` amounts to. Money is exact; None where a figure is undefined.

    Each figure is computed once, when somebody asks for it.
    """

    limits: Limits

    @classmethod
    def of(cls, view: MarketView, policy: RebalancePolicy) -> Summary:
        """Return what ``view`` amounts to under ``policy``."""
        return cls(Limits.of(view, policy))

    def after(self, view: MarketView) -> Summary:
        """Return what the view amounts to that trades would lead to."""
        return Summary(self.limits.on(view))

    @property
    def view(self) -> MarketView:
        """Return what is summed up."""
        return self.limits.view

    @property
    def total_value(self) -> Decimal:
        """Return cash plus the value of what is held."""
        return self.view.total_value

    @property
    def cash(self) -> Decimal:
        """Return the cash."""
        return self.view.cash

    @lazy
    @exact
    def cash_allocation(self) -> Decimal | None:
        """Return the cash in percent of the total value."""
        return self.cash * HUNDRED / self.total_value if self.total_value > 0 else None

    @property
    def num_positions(self) -> int:
        """Return how many assets are held."""
        return len(self.view.held)

    @lazy
    def hhi(self) -> Decimal | None:
        """Return the Herfindahl index of shares of the invested value."""
        return herfindahl([holding.value for holding in self.view.held], self.view.invested)

    @lazy
    def hhi_with_cash(self) -> Decimal | None:
        """Return the Herfindahl index of shares of the total value, with cash as one of them."""
        return herfindahl([*(holding.value for holding in self.view.held), self.cash], self.total_value)

    @property
    def effective_positions(self) -> Decimal | None:
        """Return how many positions of equal size would be as concentrated."""
        return effective_positions(self.hhi)

    @property
    def concentration_level(self) -> Level | None:
        """Return how concentrated it is, in one word."""
        return concentration_level(self.hhi)

    @lazy
    def average_correlation(self) -> Decimal | None:
        """Return the mean correlation between positions that matter."""
        return average_correlation(self.view, self.limits.policy)

    @lazy
    def broken(self) -> Sequence[LimitName]:
        """Return the limits that are broken, in the order of the rules."""
        return tuple(self.limits.broken(self.view.values, self.total_value))

    @lazy
    def health(self) -> HealthScore:
        """Return the health score."""
        return assess(self.limits, self.broken, self.average_correlation)

    @lazy
    def over(self) -> Sequence[LimitUse]:
        """Return the use of each limit that is broken, in the order of the rules."""
        return [self.use_of(name) for name in self.broken]

    @lazy
    @exact
    def uses(self) -> Sequence[LimitUse]:
        """Return the limits that something counts against, the most used first; where equal, in the order of the rules.

        Of each position it is the lowest of its limits, and each that is broken; of categories all that have a limit;
        of correlated pairs those of two positions over the pairs' floor. There are none where the total value is not
        above zero: shares of it are undefined.
        """
        if self.total_value <= 0:
            return ()
        categories = (LimitName(Reason.CATEGORY_CONCENTRATION, (category,)) for category in self.limits.categories)
        names = {*self.broken, *_tightest(self.limits), *categories, *_pairs(self)}
        uses = [use for use in map(self.use_of, names) if use.allocation > 0]
        return sorted(uses, key=lambda use: (-use.used_percent, use.name.place))

    @exact
    def use_of(self, name: LimitName) -> LimitUse:
        """Return how much of a limit is used, where the total value is above zero."""
        limits, whole = self.limits, self.total_value
        value, limit = share_of(name, limits, self.view.values), limit_of(name, limits)
        excess = value - limit * whole
        return LimitUse(
            name=name,
            symbols=tuple(s for s in limits.members(name) if self.view.holdings[s].is_held),
            allocation=value * HUNDRED / whole,
            limit_allocation=limit * HUNDRED,
            excess_allocation=excess * HUNDRED / whole,
            excess_value=excess,
            used_percent=value * HUNDRED / (limit * whole),
        )


def _tightest(limits: Limits) -> Iterator[LimitName]:
    for symbol, by_rule in limits.positions.items():
        yield LimitName(min(by_rule, key=lambda rule: (by_rule[rule], rule.place)), (symbol,))


def _pairs(summary: Summary) -> Iterator[LimitName]:
    limits, values = summary.limits, summary.view.values
    floor = limits.policy.pair_floor * summary.total_value
    large = [symbol for symbol in limits.positions if values[symbol] > floor]
    for pair in combinations(large, 2):
        if limits.correlation(pair) is not None:
            yield LimitName(Reason.HIGH_CORRELATION, pair)
