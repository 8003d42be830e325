"""The result of each tag: what its trades moved in cash, and what they had made by how much more worth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from portfolio.application.performance.records import DayPositions
from portfolio.application.performance.tags.sums import PeriodSums, Quantities
from portfolio.domain.money import EXACT, Money, Price, Quantity
from portfolio.domain.symbol import Symbol

_ZERO = Money.zero()
_FAR_MORE = Decimal(10**6)


class TagResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one tag: ``cash`` that its trades moved, and by how much more ``value`` what they made was worth.

    ``trades`` are those of the period that were not reversed. The tag is None for all that has none.
    """

    tag: str | None
    cash: Money
    value: Money
    trades: int

    @property
    def result(self) -> Money:
        """Return what the tag brought."""
        return self.cash + self.value


class PeriodEnd(msgspec.Struct, frozen=True, kw_only=True):
    """The positions at one end of a period, and prices of what had none then as next to nothing was held of it."""

    positions: DayPositions
    prices: Mapping[Symbol, Price]

    def worth(self, quantities: Quantities) -> Money:
        """Return what quantities were worth at the prices at which the portfolio was valued."""
        return _total(self._value(symbol, quantities) for symbol in quantities)

    def unpriced(self, of: Iterable[Quantities]) -> set[Symbol]:
        """Return what one tag has and another has sold, so that the position tells no price of it."""
        held = ((symbol, quantity) for quantities in of for symbol, quantity in quantities.items() if quantity)
        return {symbol for symbol, quantity in held if not self._tells(symbol, quantity)}

    @property
    def total(self) -> Money:
        """Return what all positions were worth."""
        return _total(position.market_value for position in self.positions.values())

    def _value(self, symbol: Symbol, quantities: Quantities) -> Money:
        quantity = quantities[symbol]
        if self._tells(symbol, quantity):
            position = self.positions[symbol]
            return position.market_value.portion(quantity, position.quantity)
        price = self.prices.get(symbol)
        return _ZERO if price is None else quantity.at(price)

    def _tells(self, symbol: Symbol, quantity: Quantity) -> bool:
        """Return whether the position's value says what a quantity is worth: with its 18 decimals not of far more."""
        position = self.positions.get(symbol)
        if position is None or not position.quantity:
            return False
        return EXACT.multiply(abs(position.quantity).value, _FAR_MORE) >= abs(quantity).value


def results_of(sums: PeriodSums, start: PeriodEnd, end: PeriodEnd, total: Money) -> Sequence[TagResult]:
    """Return the result of each tag, the greatest first, and last of all that has none: together the ``total``.

    What has no tag is what the others leave: trades without one, what the books were opened on, and what other
    programs wrote.
    """
    rows = [
        TagResult(tag=tag, cash=one.cash, value=end.worth(one.at_end) - start.worth(one.at_start), trades=one.trades)
        for tag, one in sums.named.items()
    ]
    rows = [row for row in rows if row.trades or row.result or row.cash]
    rows.sort(key=lambda row: (-row.result, row.tag))
    value = end.total - start.total - _total(row.value for row in rows)
    cash = total - value - _total(row.result for row in rows)
    untagged = sums.by_tag[None].trades
    if untagged or cash or value:
        rows.append(TagResult(tag=None, cash=cash, value=value, trades=untagged))
    return rows


def _total(amounts: Iterable[Money]) -> Money:
    return sum(amounts, _ZERO)
