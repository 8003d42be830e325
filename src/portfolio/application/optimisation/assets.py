"""Which assets weights are for, which keep their value, and which are sold."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from portfolio.application.errors import NotOptimisable
from portfolio.application.optimisation.records import Kept, Targets, WhyKept
from portfolio.domain.arithmetic import ZERO, exact, total
from portfolio.domain.decimal_text import listed
from portfolio.domain.optimisation.plan import is_reachable
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.view import Holding, MarketView

_NOT_LIVE: Final = "no live price, which the service refreshes while it runs"


class Universe(msgspec.Struct, frozen=True, kw_only=True):
    """``free`` are the assets that get a weight, by symbol.

    ``sold`` are those held that are to go, ``kept`` those that keep their value.
    """

    free: Sequence[str]
    sold: Sequence[str]
    kept: Sequence[Kept]

    @property
    @exact
    def kept_weight(self) -> Decimal:
        """Return what the kept ones are worth, as a fraction; short positions count as nothing."""
        return total(max(one.weight, ZERO) for one in self.kept)


def universe_of(
    view: MarketView, policy: RebalancePolicy, targets: Targets, too_short: Collection[str] = frozenset()
) -> Universe:
    """Return the assets of the weights to reach.

    What cannot be traded keeps its value, and so do those of what is held that are ``too_short`` for their weight. So
    does a stablecoin that is held, unless it is asked for: it is money, and every objective that fears risk would hold
    nothing else.

    Raises:
        NotOptimisable: the portfolio is worth nothing, an asset that was asked for cannot be traded, or none is left.
    """
    if view.total_value <= 0:
        raise NotOptimisable("the total value is not above zero, so there are no fractions of it")
    asked = None if targets.symbols is None else frozenset(targets.symbols)
    kept = {holding.symbol: why for holding in view.held if (why := _why_kept(view, holding, policy, asked or ()))}
    kept |= dict.fromkeys(too_short, WhyKept.TOO_SHORT_FOR_ITS_WEIGHT)
    if asked is None:
        free = [holding.symbol for holding in view.held if holding.symbol not in kept]
    else:
        free = sorted(asked)
        refused = [symbol for symbol in free if not is_reachable(view.holdings[symbol])]
        if refused:
            raise NotOptimisable(f"these cannot be traded: {_why_refused(view, refused)}")
        uncountable = [symbol for symbol in free if view.is_uncountable(symbol)]
        if uncountable:
            raise NotOptimisable(f"of so low a price the books could not hold enough: {', '.join(uncountable)}")
    if not free:
        stale = [symbol for symbol, why in kept.items() if why is WhyKept.PRICE_NOT_LIVE]
        but = f" ({_NOT_LIVE}: {listed(stale)})" if stale else ""
        raise NotOptimisable(f"nothing is held that could be traded{but}; name assets in symbols")
    return Universe(
        free=free,
        sold=[holding.symbol for holding in view.held if holding.symbol not in kept and holding.symbol not in free],
        kept=[_kept(view, symbol, why) for symbol, why in kept.items()],
    )


def _why_refused(view: MarketView, symbols: Sequence[str]) -> str:
    found = dict[str, list[str]]()
    for symbol in symbols:
        holding = view.holdings[symbol]
        why = "a short position" if holding.value < 0 else _NOT_LIVE if holding.is_held else "no close is known"
        found.setdefault(why, []).append(symbol)
    return "; ".join(f"{why}: {listed(members)}" for why, members in found.items())


def _why_kept(view: MarketView, holding: Holding, policy: RebalancePolicy, asked: Collection[str]) -> WhyKept | None:
    if holding.value < 0:
        return WhyKept.SHORT_POSITION
    if not holding.tradable:
        return WhyKept.PRICE_NOT_LIVE
    if view.is_uncountable(holding.symbol):
        return WhyKept.PRICE_TOO_LOW
    is_stable = holding.category in policy.stable_categories
    return WhyKept.STABLECOIN if is_stable and holding.symbol not in asked else None


@exact
def _kept(view: MarketView, symbol: str, why: WhyKept) -> Kept:
    return Kept(symbol=symbol, weight=view.values[symbol] / view.total_value, reason=why)
