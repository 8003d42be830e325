"""An event with the books that it happens to: what the rules of its kind ask for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from portfolio.domain.errors import OutOfRange, ValueUnknown
from portfolio.domain.ledger.event_moves import NOTHING, too_little
from portfolio.domain.ledger.happening import Happening
from portfolio.domain.ledger.leg import Leg
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio
from portfolio.domain.ledger.position import Position, as_good_as
from portfolio.domain.ledger.trade import Execution, Side
from portfolio.domain.mark import TRADE_SOURCE, Mark
from portfolio.domain.money import Money, Price, Quantity
from portfolio.domain.symbol import Symbol


def price_at(books: Portfolio, symbol: Symbol, at: datetime, rules: BookingRules, *, field: str = "value") -> Price:
    """Return the price that the books know of a moment; ``field`` is the one that states a value instead.

    Raises:
        ValueUnknown: there is none, or it is of another time.
    """
    mark = books.position(symbol).mark
    if mark is None or not mark.is_live(at, rules.max_price_age):
        raise ValueUnknown(symbol.code, field)
    return mark.price


@dataclass(frozen=True, slots=True)
class Case:
    """An event with the books that it happens to. Fields that its kind needs are there."""

    books: Portfolio
    what: Happening
    rules: BookingRules
    now: datetime
    override: bool

    @property
    def symbol(self) -> Symbol:
        """Return the asset of the event."""
        assert self.what.symbol is not None
        return self.what.symbol

    @property
    def position(self) -> Position:
        """Return the position in that asset before the event."""
        return self.books.position(self.symbol)

    @property
    def quantity(self) -> Quantity:
        """Return how much of the asset the event is about."""
        assert self.what.quantity is not None
        return self.what.quantity

    def value(self, quantity: Quantity) -> Money:
        """Return what a quantity was worth: as stated, else at the price known of that time.

        Raises:
            ValueUnknown: there is none.
        """
        if self.what.value is not None:
            return self.what.value
        return quantity.at(price_at(self.books, self.symbol, self.what.effective_at, self.rules))

    def mark(self, delta: Quantity) -> Mark | None:
        """Return whose price counts afterwards: a stated value is one, as the price of an execution is."""
        value, position = self.what.value, self.position
        if not value:
            return position.mark
        price = Price.zero()
        with suppress(OutOfRange):  # of 1e20 and more for one unit
            price = value.per(abs(delta))
        executed = Mark(price, TRADE_SOURCE, self.what.effective_at)
        return position.mark_after(executed, delta, self.now, self.rules.max_price_age) if price else position.mark

    def incoming(self, position: Position, quantity: Quantity) -> Quantity:
        """Return the quantity that comes.

        Raises:
            InsufficientQuantity: the position is short: only a purchase covers it.
        """
        if position.quantity.value < 0:
            raise too_little(position, quantity)
        return quantity

    def covering(self, cost: Money) -> Leg:
        """Return the leg that brings a quantity at its cost to a short position, as a purchase does."""
        bought = Execution(
            symbol=self.symbol,
            side=Side.BUY,
            quantity=self.quantity,
            price=Price.zero(),  # what it cost counts
            net_amount=cost,
            fees=NOTHING,
            executed_at=self.what.effective_at,
        )
        _, trade = self.position.settle(bought)
        return Leg.of(trade)

    def leaving(self, worth: Callable[[], Money] = Money.zero) -> Leg:
        """Return the leg that takes a quantity out with its share of the cost: all of it where all leaves.

        Where more may leave than is held, the rest is short at its part of what the whole is ``worth``.

        Raises:
            InsufficientQuantity: less is held.
        """
        position, quantity, held = self.position, self.quantity, self.position.quantity
        if held.value > 0 and as_good_as(quantity, held):
            quantity = held
        if quantity <= held:
            basis, asset = (cost.portion(quantity, held) for cost in (position.cost_basis, position.asset_cost))
        elif self.override:
            there = max(held, Quantity.zero())
            basis = asset = worth().portion(quantity - there, quantity)
            if there:
                basis, asset = basis + position.cost_basis, asset + position.asset_cost
        else:
            raise too_little(position, quantity)
        return Leg(symbol=self.symbol, quantity_delta=-quantity, basis_delta=-basis, asset_delta=-asset)
