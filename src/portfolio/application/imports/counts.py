"""What the books surely take of a file: cash and quantities alone, and bounds that no rule of the ledger is near.

It refuses nothing. What it does not take may be taken by the books, or refused: they say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from operator import itemgetter
from types import MappingProxyType
from typing import Final

from portfolio.application.imports.steps import LABELS, Case, swapped_value
from portfolio.application.imports.worth import CASH, WorthOf, WorthUnknown
from portfolio.domain.errors import DomainError, OutOfRange
from portfolio.domain.imports.records import Event, Kind
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.money import EXACT, round_to_step
from portfolio.domain.symbol import Symbol, is_symbol

_ZERO: Final = Decimal(0)
# Amounts as nearly all are. They, and the price, are far from where they would be rounded to nothing; a million
# events, which is the most that are counted, make no sum of 1e20 of sums that are smaller than ``_LARGE``.
_LEAST_DIGITS, _MOST_DIGITS, _MOST_DIGITS_OF_A_PRICE = -8, 11, 11
_LARGE: Final = Decimal(10) ** 18
# A sale of all but one part in 1e10 may be one of all: what is a rounding is the position's to say.
_LEAST_LEFT_DIGITS: Final = 10
_FEE_PARTS: Final = Decimal(20)  # twice as many as the ledger asks for
_LEAST_TOLERANCE_PERCENT: Final = Decimal("0.001")  # of a price that is rounded at 18 decimals it takes less than 1e-7
# Events, trades apart, ask what all is worth: so many assets, each worth less than 1e15 at the highest price that it
# had, are worth less than 1e19 together.
_MOST_ASSETS, _MOST_DIGITS_OF_A_VALUE = 10_000, 12
_NO_PRICE: Final = -100
_NOTHING: Final[Mapping[str, Decimal]] = MappingProxyType({})
_COMES: Final = LABELS.keys() | {Kind.TRANSFER_IN, Kind.DEPOSIT}
_GOES: Final = {Kind.TRANSFER_OUT, Kind.WITHDRAWAL}
_OF_MONEY: Final = {Kind.DEPOSIT, Kind.WITHDRAWAL}


class NotSure(Exception):
    """The books may refuse an event, or do otherwise with it than its legs say."""


class Counts:
    """Cash, and what is held of each asset, as the books stand and after what was counted since."""

    def __init__(self, rules: BookingRules, worth: WorthOf) -> None:
        self._rules, self._worth = rules, worth
        self._books: Portfolio
        self._cash = _ZERO
        self._held: dict[str, Decimal | None] = {}
        # Of each asset the power of ten of its highest price since the books were looked at.
        self._prices: dict[str, int] = {}
        self._takes_trades = self._takes_others = False

    def look(self, books: Portfolio) -> None:
        """Begin with the sums of these books; a position's are taken when it is first asked for."""
        self._books, self._cash = books, books.cash.value
        self._held.clear()
        self._prices.clear()
        sums = (books.cash, books.ledger_cash, books.realized_pnl, books.fees_paid)
        is_tolerant = self._rules.amount_tolerance_percent >= _LEAST_TOLERANCE_PERCENT
        self._takes_trades = is_tolerant and all(abs(one).value < _LARGE for one in sums)
        try:
            worth = books.total_value
        except OutOfRange:
            self._takes_others = False
        else:
            others = (worth, books.net_deposits)
            self._takes_others = self._takes_trades and all(abs(one).value < _LARGE for one in others)

    def take(self, events: Sequence[Event]) -> list[int] | None:
        """Count events that are entered together, and return how many entries each has; None where one is not sure."""
        if not self._takes_trades:
            return None
        if len(events) == 1:
            return self._one(events[0])
        cash, held = self._cash, self._held.copy()
        entries: list[int] = []
        for event in events:
            found = self._one(event)
            if found is None:
                self._cash, self._held = cash, held
                return None
            entries += found
        return entries

    def _one(self, event: Event) -> list[int] | None:
        if len(event.legs) == 2 and self._is_usual_trade(event):
            return [1]
        try:
            return [self._other(Case(event, self._worth))]
        except (NotSure, WorthUnknown, DomainError):
            return None

    # --- an asset for dollars ---------------------------------------------------------------------------------------

    def _is_usual_trade(self, event: Event) -> bool:
        """Return whether it is a trade with a fee in one of the two or none that is sure, and count it if it is."""
        (symbol, change), (quote, cash) = event.legs.items()
        if symbol in CASH or quote not in CASH or symbol != event.symbol or quote != event.quote:
            return False
        if not _is_usual(change, cash) or not _has_usual_fee(event, change, cash):
            return False
        try:
            left = self._left(symbol, change, cash)
            self._cash = self._cash_after(cash, takes=False)
        except NotSure:
            return False
        self._held[symbol] = left
        return True

    def _trade(self, case: Case) -> int:
        """Count a trade whose fee was charged in a third asset, which is sold for its value."""
        (symbol, change), (third, fee) = next(iter(case.assets.items())), case.third
        if not fee or not _is_usual(change, case.cash):
            raise NotSure
        value = case.value(third, fee).value
        if not _is_usual(EXACT.minus(fee), value) or EXACT.multiply(value, _FEE_PARTS) > case.cash.copy_abs():
            raise NotSure
        left, left_of_third = self._left(symbol, change, case.cash), self._left(third, EXACT.minus(fee), value)
        self._cash = self._cash_after(case.cash, takes=False)
        self._held[symbol], self._held[third] = left, left_of_third
        return 2

    # --- others -----------------------------------------------------------------------------------------------------

    def _other(self, case: Case) -> int:
        """Count an event, and return how many entries it has."""
        if case.cash and case.assets:
            if len(case.assets) > 1:
                raise NotSure
            return self._trade(case)
        left: dict[str, Decimal] = {}
        charge = case.charge
        if not case.assets:
            entries, charge = self._money(case)
        elif len(case.assets) == 1:
            entries = self._alone(case, left)
        else:
            entries = self._swapped(case, left)
        third, fee = case.third
        if fee:
            self._go(third, fee, _ZERO, left)
            entries += 1
        if charge:
            _require_usual(charge)
            entries += 1
        if not self._takes_others:
            raise NotSure
        self._cash = self._cash_after(EXACT.subtract(case.cash, case.charge), takes=charge > 0)
        self._held.update(left)
        return entries

    def _money(self, case: Case) -> tuple[int, Decimal]:
        """Return how many entries dollars alone have, and what of them is charged in one more."""
        event, fee = case.event, case.fee if case.charged in CASH else _ZERO
        if event.kind in _OF_MONEY:
            _require_usual(EXACT.add(case.cash, fee))
            return 1, fee
        if event.symbol in CASH and event.quote in CASH:
            return 0, EXACT.minus(case.cash)
        raise NotSure

    def _alone(self, case: Case, left: dict[str, Decimal]) -> int:
        [(symbol, change)] = case.assets.items()
        kind = case.event.kind
        if change > 0 and kind in _COMES:
            self._come(symbol, change, case.value(symbol, change).value, left)
        elif change < 0 and kind is Kind.FEE:
            self._go(symbol, change.copy_abs(), _ZERO, left)
        elif change < 0 and kind in _GOES:
            fee = case.fee if case.charged == symbol else _ZERO
            out = EXACT.minus(EXACT.add(change, fee))
            self._go(symbol, out, case.value(symbol, out).value, left)
            if fee:
                self._go(symbol, fee, _ZERO, left)
                return 2
        else:
            raise NotSure
        return 1

    def _swapped(self, case: Case, left: dict[str, Decimal]) -> int:
        given, got = sorted(case.assets.items(), key=itemgetter(1))[:2]
        if len(case.assets) > 2 or case.event.keeps_cost or got[1] < 0:
            raise NotSure
        value = swapped_value(case, (given[0], given[1].copy_abs()), got).value
        if not _is_usual(given[1], value) or not _is_usual(got[1], EXACT.minus(value)):
            raise NotSure
        self._go(given[0], given[1].copy_abs(), value, left)
        self._come(*got, value, left)
        return 3

    def _come(self, symbol: str, quantity: Decimal, value: Decimal, left: dict[str, Decimal]) -> None:
        """Note what is held once so much came; a ``value`` of 0 makes no price."""
        _require_usual(quantity)
        if value:
            _require_usual(value)
        left[symbol] = self._left(symbol, quantity, value, left)

    def _go(self, symbol: str, quantity: Decimal, value: Decimal, left: dict[str, Decimal]) -> None:
        """Note what is held once so much left; a ``value`` of 0 makes no price."""
        if quantity <= 0:
            raise NotSure
        _require_usual(quantity)
        if value:
            _require_usual(value)
        left[symbol] = self._left(symbol, EXACT.minus(quantity), value, left)

    # --- the sums ---------------------------------------------------------------------------------------------------

    def _cash_after(self, change: Decimal, *, takes: bool) -> Decimal:
        """Return the cash after a change, of which something ``takes`` cash that has to be there."""
        cash = EXACT.add(self._cash, change)
        if cash < 0 and (takes or change < 0) and not self._rules.allow_negative_cash:
            raise NotSure
        return cash

    def _left(
        self, symbol: str, change: Decimal, money: Decimal, noted: Mapping[str, Decimal] = _NOTHING
    ) -> Decimal:
        """Return what is held of an asset after a change, which has the price of so much money for it."""
        held = self._held[symbol] if symbol in self._held else self._ask(symbol)
        if held is None:
            raise NotSure
        if noted and symbol in noted:
            held = noted[symbol]
        left = EXACT.add(held, change)
        if change < 0 and (left < 0 or (left and left.adjusted() < held.adjusted() - _LEAST_LEFT_DIGITS)):
            raise NotSure
        price = self._prices[symbol]
        if money:
            price = self._prices[symbol] = max(price, money.adjusted() - change.adjusted())
        if left.adjusted() + price > _MOST_DIGITS_OF_A_VALUE:
            self._takes_others = False
        return left

    def _ask(self, symbol: str) -> Decimal | None:
        """Return what is held of an asset as the books stand; None where it is the books' own affair."""
        position = self._books.position(Symbol(symbol)) if is_symbol(symbol) else None
        held = self._held[symbol] = None if position is None else _held(position)
        if position is not None:
            self._prices[symbol] = _price_digits(position)
            if len(self._held) > _MOST_ASSETS or position.cost_basis.value.adjusted() > _MOST_DIGITS_OF_A_VALUE:
                self._takes_others = False
        return held


def _held(position: Position) -> Decimal | None:
    sums = (
        position.quantity,
        position.ledger_quantity,
        position.asset_cost,
        position.cost_basis,
        position.realized_pnl,
    )
    is_usual = position.quantity.value >= 0 and all(abs(one).value < _LARGE for one in sums)
    return position.quantity.value if is_usual else None


def _price_digits(position: Position) -> int:
    price = position.mark.price if position.mark else None
    return price.value.adjusted() if price else _NO_PRICE


def _is_usual(change: Decimal, cash: Decimal) -> bool:
    """Return whether so much of an asset and so many dollars are a trade of usual amounts at a usual price."""
    of_asset, of_cash = change.adjusted(), cash.adjusted()
    return (
        _LEAST_DIGITS <= of_cash <= _MOST_DIGITS
        and of_asset <= _MOST_DIGITS
        and _LEAST_DIGITS <= of_cash - of_asset <= _MOST_DIGITS_OF_A_PRICE
        and (change > 0) is not (cash > 0)
        and round_to_step(change) == change
        and round_to_step(cash) == cash
    )


def _has_usual_fee(event: Event, change: Decimal, cash: Decimal) -> bool:
    """Return whether the fee is none, or a small part of what it was charged in."""
    fee = event.fee
    if not fee:
        return True
    if fee < 0 or event.fee_symbol not in {event.symbol, event.quote}:
        return False
    charged = cash if event.fee_symbol == event.quote else change
    return EXACT.multiply(fee, _FEE_PARTS) <= charged.copy_abs() and round_to_step(fee) == fee


def _require_usual(amount: Decimal) -> None:
    """Raise NotSure where an amount is nothing, large, or finer than the ledger's."""
    if not amount or amount.adjusted() > _MOST_DIGITS or round_to_step(amount) != amount:
        raise NotSure
