"""How much of what is held has a fresh price: by its share of the value, never by the number of positions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from portfolio.domain.arithmetic import HUNDRED, exact, total
from portfolio.domain.ledger.position import Position
from portfolio.domain.money import Money, percent_of

LEAST_FRESH_PERCENT: Final = Decimal(95)
"""Below this share of what is held an answer is stale, no signal is given, and the service is degraded."""


class PriceDoubt(StrEnum):
    """Why a position's price is no ground for a trade."""

    STALE = "stale"
    MISSING = "missing"
    ASSUMED_RATE = "assumed_rate"


@dataclass(frozen=True, slots=True)
class Freshness:
    """What has a fresh price; sizes count whatever their sign, what has no price counts at its cost.

    ``percent`` is the share of the value of what is held, None where that is zero. ``doubts`` are the others, by
    symbol, and ``largest`` is the doubt that most of their value has.
    """

    percent: Decimal | None
    doubts: Mapping[str, PriceDoubt] = field(default_factory=dict)
    largest: PriceDoubt | None = None

    @property
    def is_enough(self) -> bool:
        """Return whether the fresh share is 95 % or more, or nothing of any value is held."""
        return self.percent is None or self.percent >= LEAST_FRESH_PERCENT

    def symbols(self, doubt: PriceDoubt) -> Sequence[str]:
        """Return the symbols in doubt for this reason, in their order."""
        return [symbol for symbol, why in self.doubts.items() if why is doubt]


def doubt_of(position: Position, now: datetime, max_age: timedelta) -> PriceDoubt | None:
    """Return why a position's price is not fresh; None where it is."""
    if position.mark is None:
        return PriceDoubt.MISSING
    if not position.mark.is_live(now, max_age):
        return PriceDoubt.STALE
    return PriceDoubt.ASSUMED_RATE if position.mark.has_assumed_rate else None


@exact
def freshness_of(
    positions: Sequence[Position], now: datetime, max_age: timedelta, *, trusts_assumed_rates: bool = False
) -> Freshness:
    """Return how much of the value of ``positions`` has a fresh price.

    An assumed rate is good enough to show a value by, ``trusts_assumed_rates``, and not to trade on.
    """
    trusted = {None, PriceDoubt.ASSUMED_RATE} if trusts_assumed_rates else {None}
    found = ((position, doubt_of(position, now, max_age)) for position in positions)
    doubted = [(position, doubt) for position, doubt in found if doubt not in trusted]
    if not doubted:
        return Freshness(HUNDRED if any(position.market_value for position in positions) else None)
    whole = _size(positions)
    sizes = {why: _size(position for position, doubt in doubted if doubt is why) for why in PriceDoubt}
    return Freshness(
        percent=percent_of(Money.rounded(whole - total(sizes.values())), Money.rounded(whole)),
        doubts={position.symbol.code: doubt for position, doubt in doubted if doubt is not None},
        largest=max(PriceDoubt, key=lambda why: sizes[why]),
    )


@exact
def is_small_rest(lacking: Money, value: Money) -> bool:
    """Return whether what has no price is so little of a value, of which it is a part, that it does not decide for it:
    at most 5 % of what is above zero.
    """
    return value.value > 0 and lacking.value * HUNDRED <= value.value * (HUNDRED - LEAST_FRESH_PERCENT)


def _size(positions: Iterable[Position]) -> Decimal:
    return total(abs(position.market_value.value) for position in positions)
