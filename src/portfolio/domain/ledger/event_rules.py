"""What each kind of event moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Final

from portfolio.domain.arithmetic import ONE
from portfolio.domain.errors import InvalidAmount, ValueUnknown
from portfolio.domain.ledger.cash_transaction import CashTransactionKind, EventTerms
from portfolio.domain.ledger.event_case import Case, price_at
from portfolio.domain.ledger.event_moves import (
    NOTHING,
    Moves,
    Step,
    entered,
    is_same_side,
    ratio_of,
    repriced,
    require_cash,
    rescaled,
    split_delta,
    too_little,
)
from portfolio.domain.ledger.happening import Happened, Happening, check_signs
from portfolio.domain.ledger.leg import Leg
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio
from portfolio.domain.ledger.trade import Execution, Side
from portfolio.domain.money import Money, Quantity
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
    """
    check_signs(what)
    case = Case(books, what, rules, now, override)
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


def _transfer_in(case: Case) -> Moves:
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


def _transfer_out(case: Case) -> Moves:
    leg = case.leaving(lambda: case.value(case.quantity))
    step = Step(leg=leg, mark=case.mark(leg.quantity_delta), keeps_average=True)
    return Moves(steps=(step,), net_deposits=leg.basis_delta, flow=-case.value(-leg.quantity_delta))


def _income(case: Case) -> Moves:
    quantity = case.incoming(case.position, case.quantity)
    value = case.value(quantity)
    leg = Leg(symbol=case.symbol, quantity_delta=quantity, basis_delta=value, asset_delta=value, realized_delta=value)
    return Moves(steps=(Step(leg=leg, mark=case.mark(quantity)),))


def _exchange(case: Case) -> Moves:
    what, leg = case.what, case.leaving()
    assert what.to_symbol is not None
    old, new = case.position, case.books.position(what.to_symbol)
    quantity = what.to_quantity
    if quantity is None:
        assert what.ratio is not None  # ``check_signs`` has looked
        quantity = abs(leg.quantity_delta).times(what.ratio)
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


def _split(case: Case) -> Moves:
    position, ratio = case.position, case.what.ratio
    assert ratio is not None
    if not position.quantity:
        raise too_little(position, Quantity.zero())
    added = case.what.added
    delta = split_delta(position, ratio) if added is None else added
    if not is_same_side(position.quantity + delta, position.quantity):
        raise InvalidAmount("", "ratio leaves nothing at 18 decimals", field="ratio")
    leg = Leg(symbol=case.symbol, quantity_delta=delta)
    mark = rescaled(position.mark, case.what.effective_at, ONE, ratio)
    return Moves(steps=(Step(leg=leg, mark=mark),), ratio=ratio)


def _loss(case: Case) -> Moves:
    leg = case.leaving()
    lost = replace(leg, realized_delta=leg.basis_delta)
    return Moves(steps=(Step(leg=lost, mark=case.position.mark, keeps_average=True),))


def _interest(case: Case) -> Moves:
    assert case.what.amount is not None
    return Moves(cash=case.what.amount)


def _charge(case: Case) -> Moves:
    assert case.what.amount is not None
    require_cash(case.books, case.what.amount, unless=case.override or case.rules.allow_negative_cash)
    return Moves(cash=-case.what.amount)


_MOVES: Final[Mapping[CashTransactionKind, Callable[[Case], Moves]]] = {
    CashTransactionKind.TRANSFER_IN: _transfer_in,
    CashTransactionKind.TRANSFER_OUT: _transfer_out,
    CashTransactionKind.INCOME: _income,
    CashTransactionKind.EXCHANGE: _exchange,
    CashTransactionKind.SPLIT: _split,
    CashTransactionKind.LOSS: _loss,
    CashTransactionKind.INTEREST: _interest,
    CashTransactionKind.CHARGE: _charge,
}


def _swap(case: Case) -> Happened:
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


def _swapped_value(case: Case, to_symbol: Symbol, to_quantity: Quantity) -> Money:
    """Return what was swapped, as stated, else by the price of what was given, else of what was got."""
    try:
        return case.value(case.quantity)
    except ValueUnknown:
        with suppress(ValueUnknown):
            return to_quantity.at(price_at(case.books, to_symbol, case.what.effective_at, case.rules))
        raise
