"""Which positions changed, and when: so that each subscriber is told those that are new to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import msgspec

from portfolio.application.prices.valuation import PositionValue, Valuation, value_position
from portfolio.domain.categories import Categories
from portfolio.domain.money import percent_of
from portfolio.domain.symbol import Symbol


class _Known(msgspec.Struct):
    """A position as it is, and the numbers of the states in which it, and its price, last changed."""

    value: PositionValue
    changed: int
    priced: int


@dataclass(slots=True)
class Changes:
    """The positions of the newest state, closed ones too: whoever knew one as open has to hear that it was closed."""

    max_price_age: timedelta
    categories: Categories
    _known: dict[Symbol, _Known] = field(default_factory=dict, init=False)

    def take(self, number: int, valuation: Valuation) -> None:
        """Take in the next state."""
        for value in (*valuation.positions, *self._closed(valuation)):
            symbol = value.position.symbol
            known = self._known.get(symbol)
            if known is None:
                self._known[symbol] = _Known(value, number, number)
                continue
            if _is_priced_anew(known.value, value):
                known.priced = number
            if not _is_same(known.value, value):
                known.changed = number
            known.value = value

    def since(self, number: int) -> Sequence[PositionValue]:
        """Return the positions that changed after a state, by symbol; all of them where it is 0."""
        return _by_symbol(known.value for known in self._known.values() if known.changed > number)

    def priced_since(self, number: int) -> Sequence[PositionValue]:
        """Return what is held and was priced anew after a state, by symbol."""
        held = (known for known in self._known.values() if known.value.position.is_open)
        return _by_symbol(known.value for known in held if known.priced > number)

    def _closed(self, valuation: Valuation) -> Iterable[PositionValue]:
        portfolio = valuation.portfolio
        for symbol in {*portfolio.positions, *self._known}:
            position = portfolio.position(symbol)
            if not position.is_open:
                share = percent_of(position.market_value, valuation.total_value)
                yield value_position(position, share, valuation.at, self.max_price_age, self.categories)


def _is_same(before: PositionValue, after: PositionValue) -> bool:
    """Return whether nothing but the age of its price is another."""
    if before.position is not after.position and before.position != after.position:
        return False
    return replace(before, position=after.position, price_age_seconds=after.price_age_seconds) == after


def _is_priced_anew(before: PositionValue, after: PositionValue) -> bool:
    return (before.position.mark, before.price_status) != (after.position.mark, after.price_status)


def _by_symbol(values: Iterable[PositionValue]) -> Sequence[PositionValue]:
    return sorted(values, key=lambda value: value.position.symbol)
