"""What each kind of event moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from portfolio.domain.arithmetic import ONE
from portfolio.domain.errors import InvalidAmount, OutOfRange, ValueUnknown
from portfolio.domain.ledger.cash_transaction import CashTransactionKind, EventTerms
from portfolio.domain.ledger.event_moves import (
    NOTHING,
    Moves,
    Step,
    entered,
    ratio_of,
    repriced,
    require_cash,
    rescaled,
    too_little,
)
from portfolio.domain.ledger.happening import Happened, Happening, check_signs
from portfolio.domain.ledger.leg import Leg
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio
from portfolio.domain.ledger.position import Position, as_good_as
from portfolio.domain.ledger.trade import Execution, Side
from portfolio.domain.mark import TRADE_SOURCE, Mark
from portfolio.domain.money import EXACT, Money, Price, Quantity
from portfolio.domain.symbol import Symbol


def happen(
    books: Portfolio, what: Happening, rules: BookingRules, now: datetime, *, override: bool = False
) -> Happened:
    """Return the portfolio after an event, with its entry and legs. Fields that its kind needs are there.

    With ``override`` it is asked neither for what is held nor for cash: what leaves and is not held is a short position
    afterwards, and cash may be below zero. A split of nothing, and what comes to a short position otherwise than by a
    transfer, stay refused: no books could hold that.

    Raises:
        InvalidAmount: a field is not above zero, or a split leaves nothing.
        ValueUnknown: a value is neither stated nor known.
        InsufficientQuantity: more leaves than is held, or what comes would meet a short position.
        InsufficientCash: a charge is more than there is.
        OutOfRange: a sum would reach 1e20.
    """
    check_signs(what)
    case = _Case(books, what, rules, now, override)
    if what.kind is CashTransactionKind.SWAP:
        return _swap(case)
    moves = _MOVES[what.kind](case)
    terms = EventTerms(
        flow_value=moves.flow,
        effective_at=what.effective_at,
        is_basis_assumed=moves.is_basis_assumed,
        ratio=moves.ratio,
        label=what.label,
        group=what.group,
    )
    return entered(books, what.kind, moves, terms, now)


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
class _Case:
    """An event with the books that it happens to. Fields that its kind needs are there."""

    books: Portfolio
    what: Happening
    rules: BookingRules
    now: datetime
    override: bool

    @property
    def symbol(self) -> Symbol:
        assert self.what.symbol is not None
        return self.what.symbol

    @property
    def position(self) -> Position:
        return self.books.position(self.symbol)

    @property
    def quantity(self) -> Quantity:
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


# --- the kinds --------------------------------------------------------------------------------------------------------


def _transfer_in(case: _Case) -> Moves:
    covers = case.override and case.position.quantity.value < 0
    quantity = case.quantity if covers else case.incoming(case.position, case.quantity)
    value = case.value(quantity)
    basis = value if case.what.basis is None else case.what.basis
    leg = Leg(symbol=case.symbol, quantity_delta=quantity, basis_delta=basis, asset_delta=basis)
    if covers:
        leg = case.covering(basis)
    return Moves(
        steps=(Step(leg=leg, mark=case.mark(leg.quantity_delta), keeps_average=covers),),
        net_deposits=basis,
        flow=value,
        is_basis_assumed=case.what.basis is None,
    )


def _transfer_out(case: _Case) -> Moves:
    leg = case.leaving(lambda: case.value(case.quantity))
    step = Step(leg=leg, mark=case.mark(leg.quantity_delta), keeps_average=True)
    return Moves(steps=(step,), net_deposits=leg.basis_delta, flow=-case.value(-leg.quantity_delta))


def _income(case: _Case) -> Moves:
    quantity = case.incoming(case.position, case.quantity)
    value = case.value(quantity)
    leg = Leg(symbol=case.symbol, quantity_delta=quantity, basis_delta=value, asset_delta=value, realized_delta=value)
    return Moves(steps=(Step(leg=leg, mark=case.mark(quantity)),))


def _exchange(case: _Case) -> Moves:
    what, leg = case.what, case.leaving()
    assert what.to_symbol is not None
    old, new = case.position, case.books.position(what.to_symbol)
    quantity = what.to_quantity
    if quantity is None:
        assert what.ratio is not None  # ``check_signs`` has looked
        quantity = Quantity.rounded(EXACT.multiply(abs(leg.quantity_delta).value, what.ratio))
        if not quantity:
            raise InvalidAmount("", "ratio leaves nothing at 18 decimals", field="ratio")
    came = Leg(
        symbol=what.to_symbol,
        quantity_delta=case.incoming(new, quantity),
        basis_delta=-leg.basis_delta,
        asset_delta=-leg.asset_delta,
    )
    mark = new.mark if new.is_open and new.mark else repriced(old.mark, (-leg.quantity_delta).value, quantity.value)
    return Moves(
        steps=(Step(leg=leg, mark=old.mark, keeps_average=True), Step(leg=came, mark=mark)),
        ratio=what.ratio or ratio_of(-leg.quantity_delta, quantity),
    )


def _split(case: _Case) -> Moves:
    position, ratio = case.position, case.what.ratio
    assert ratio is not None
    if not position.quantity:
        raise too_little(position, Quantity.zero())
    after = Quantity.rounded(EXACT.multiply(position.quantity.value, ratio))
    if not after:
        raise InvalidAmount("", "ratio leaves nothing at 18 decimals", field="ratio")
    leg = Leg(symbol=case.symbol, quantity_delta=after - position.quantity)
    mark = rescaled(position.mark, case.what.effective_at, ONE, ratio)
    return Moves(steps=(Step(leg=leg, mark=mark),), ratio=ratio)


def _loss(case: _Case) -> Moves:
    leg = case.leaving()
    lost = replace(leg, realized_delta=leg.basis_delta)
    return Moves(steps=(Step(leg=lost, mark=case.position.mark, keeps_average=True),))


def _interest(case: _Case) -> Moves:
    assert case.what.amount is not None
    return Moves(cash=case.what.amount)


def _charge(case: _Case) -> Moves:
    assert case.what.amount is not None
    require_cash(case.books, case.what.amount, unless=case.override or case.rules.allow_negative_cash)
    return Moves(cash=-case.what.amount)


_MOVES: Final[Mapping[CashTransactionKind, Callable[[_Case], Moves]]] = {
    CashTransactionKind.TRANSFER_IN: _transfer_in,
    CashTransactionKind.TRANSFER_OUT: _transfer_out,
    CashTransactionKind.INCOME: _income,
    CashTransactionKind.EXCHANGE: _exchange,
    CashTransactionKind.SPLIT: _split,
    CashTransactionKind.LOSS: _loss,
    CashTransactionKind.INTEREST: _interest,
    CashTransactionKind.CHARGE: _charge,
}


def _swap(case: _Case) -> Happened:
    """Return an entry that moves nothing, with a sale and a purchase for the same money after it."""
    what, rules = case.what, replace(case.rules, allow_negative_cash=True)  # cash is what it was afterwards
    assert what.to_symbol is not None
    assert what.to_quantity is not None
    value = _swapped_value(case, what.to_symbol, what.to_quantity)
    if not value:
        raise InvalidAmount("", "value has to be above zero at 18 decimals", field="value")
    group = what.group or f"event-{case.books.revision + 1}"
    terms = EventTerms(effective_at=what.effective_at, group=group)
    header = entered(case.books, what.kind, Moves(), terms, case.now)
    after, trades = header.after, []
    for side, symbol, quantity in (
        (Side.SELL, case.symbol, case.quantity),
        (Side.BUY, what.to_symbol, what.to_quantity),
    ):
        execution = Execution(
            symbol=symbol,
            side=side,
            quantity=quantity,
            price=value.per(quantity),
            net_amount=value,
            fees=NOTHING,
            executed_at=what.effective_at,
        )
        after, trade = after.book(execution, rules, override=case.override, now=case.now)
        trades.append(trade)
    _ = after.total_value
    return replace(header, after=after, trades=tuple(trades))


def _swapped_value(case: _Case, to_symbol: Symbol, to_quantity: Quantity) -> Money:
    """Return what was swapped, as stated, else by the price of what was given, else of what was got."""
    try:
        return case.value(case.quantity)
    except ValueUnknown:
        with suppress(ValueUnknown):
            return to_quantity.at(price_at(case.books, to_symbol, case.what.effective_at, case.rules))
        raise
