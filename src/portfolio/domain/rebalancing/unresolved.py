"""What a plan leaves although a limit is broken, and what it cannot judge for lack of history."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from portfolio.domain.arithmetic import exact
from portfolio.domain.rebalancing.limits import LimitName, Limits
from portfolio.domain.rebalancing.reason import Reason
from portfolio.domain.rebalancing.summary import Summary
from portfolio.domain.rebalancing.view import Holding, MarketView, Pair, pair_of


class Obstacle(StrEnum):
    """Why something is left unresolved."""

    PRICE_NOT_LIVE = "price_not_live"
    SHORT_POSITION = "short_position"
    MEMBER_NOT_TRADED = "member_not_traded"
    TRADE_TOO_SMALL = "trade_too_small"
    RULE_WITHHELD = "rule_withheld"
    PRICE_TOO_LOW = "price_too_low"
    UNDEFINED_VOLATILITY = "undefined_volatility"
    UNDEFINED_MOMENTUM = "undefined_momentum"
    UNDEFINED_CORRELATION = "undefined_correlation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unresolved:
    """One thing left as it is: a symbol, a pair of symbols, or a category with its symbols, and why.

    ``limit`` is the rule whose limit stays broken, None where none is.
    """

    symbols: Sequence[str]
    reason: Obstacle
    detail: str
    category: str | None = None
    limit: Reason | None = None

    @property
    def symbol(self) -> str | None:
        """Return the symbol, where it is one; None for a pair and a category."""
        return self.symbols[0] if self.category is None and len(self.symbols) == 1 else None


@exact
def unresolved_after(limits: Limits, projected: Summary, *, withheld: Collection[Reason] = ()) -> list[Unresolved]:
    """Return what stays unresolved when a plan leads to ``projected``: positions that cannot be traded, limits that
    stay broken, positions that cannot be bought, and statistics that are undefined where a limit depends on them.

    ``withheld`` are the rules that the plan was made without.
    """
    found = [_not_traded(holding) for holding in limits.view.stuck]
    for name in projected.broken:
        obstacle = obstacle_to(name, limits, withheld=withheld)
        found.append(_broken(name, limits, obstacle))
    return found + _not_bought(limits) + _undefined_statistics(limits) + _undefined_pairs(limits, projected.view)


def obstacle_to(name: LimitName, limits: Limits, *, withheld: Collection[Reason] = ()) -> Obstacle:
    """Return why a plan did not remedy a broken limit; what nothing else explains was too small to trade."""
    stuck = limits.is_stuck(limits.members(name))
    if stuck and name.reason in {Reason.CATEGORY_CONCENTRATION, Reason.HIGH_CORRELATION}:
        return Obstacle.MEMBER_NOT_TRADED
    if stuck:
        return Obstacle.PRICE_NOT_LIVE
    if name.reason in withheld:
        return Obstacle.RULE_WITHHELD
    return Obstacle.TRADE_TOO_SMALL


_DETAILS = {
    Obstacle.SHORT_POSITION: "a short position, which no rule trades",
    Obstacle.PRICE_NOT_LIVE: "its price is stale, missing or converted at an assumed rate, so it is not traded",
    Obstacle.MEMBER_NOT_TRADED: "a position in it cannot be traded, so it is left as it is",
    Obstacle.TRADE_TOO_SMALL: "what is left to trade is under the dust limit",
    Obstacle.RULE_WITHHELD: "the plan was made without this rule",
}


def _broken(name: LimitName, limits: Limits, obstacle: Obstacle) -> Unresolved:
    is_category = name.reason is Reason.CATEGORY_CONCENTRATION
    return Unresolved(
        symbols=limits.members(name),
        category=name.subject[0] if is_category else None,
        reason=obstacle,
        limit=name.reason,
        detail=f"over the limit of {name.reason}: {_DETAILS[obstacle]}",
    )


def _not_traded(holding: Holding) -> Unresolved:
    reason = Obstacle.SHORT_POSITION if holding.value < 0 else Obstacle.PRICE_NOT_LIVE
    return Unresolved(symbols=(holding.symbol,), reason=reason, detail=_DETAILS[reason])


def _not_bought(limits: Limits) -> list[Unresolved]:
    detail = "at its price the whole portfolio would be 1e20 units of it or more, which no books hold: it is not bought"
    return [
        Unresolved(symbols=(symbol,), reason=Obstacle.PRICE_TOO_LOW, detail=detail)
        for symbol in limits.positions
        if limits.view.holdings[symbol].is_movable and limits.view.is_uncountable(symbol)
    ]


def _undefined_statistics(limits: Limits) -> list[Unresolved]:
    found = []
    for symbol in limits.positions:
        holding = limits.view.holdings[symbol]
        for value, obstacle, word in (
            (holding.volatility, Obstacle.UNDEFINED_VOLATILITY, "volatility"),
            (holding.momentum, Obstacle.UNDEFINED_MOMENTUM, "momentum"),
        ):
            if holding.is_held and value is None:
                detail = f"its {word} is undefined, so no rule on {word} is triggered and it is not bought"
                found.append(Unresolved(symbols=(symbol,), reason=obstacle, detail=detail))
    return found


def _undefined_pairs(limits: Limits, after: MarketView) -> list[Unresolved]:
    """Return the pairs that would be over their limit if they were correlated, and nobody knows whether they are."""
    return [
        Unresolved(
            symbols=pair,
            reason=Obstacle.UNDEFINED_CORRELATION,
            detail="their correlation is undefined, so the limit on correlated pairs is not triggered",
        )
        for pair in _pairs_over(limits, after)
        if limits.view.correlations.get(pair) is None
    ]


def _pairs_over(limits: Limits, view: MarketView) -> list[Pair]:
    """Return the pairs that are over the limit of a pair, correlated or not, in order."""
    limit, large = limits.policy.pair_limit * view.total_value, limits.over_floor(view.values, view.total_value)
    found: list[Pair] = []
    for place, one in enumerate(large):
        for other in large[place + 1 :]:
            # The others come by falling value.
            if view.values[one] + view.values[other] <= limit:
                break
            found.append(pair_of(one, other))
    return sorted(found)
