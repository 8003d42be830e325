"""Cash and quantities of books, as they stand and after what was counted since, within bounds that no rule is near."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from portfolio.domain.errors import OutOfRange
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.money import DECIMALS, EXACT
from portfolio.domain.symbol import Symbol, is_symbol

STEP: Final = Decimal(1).scaleb(-DECIMALS)
# Amounts as nearly all are. They, and the price, are far from where they would be rounded to nothing; a million
# events, which is the most that are counted, make no sum of 1e20 of sums that are smaller than ``_LARGE``.
_LEAST_DIGITS, _MOST_DIGITS, _MOST_DIGITS_OF_A_PRICE = -8, 11, 11
_LARGE: Final = Decimal(10) ** 18
# A sale of all but one part in 1e10 may be one of all: what is a rounding is the position's to say.
_LEAST_LEFT_DIGITS: Final = 10
_LEAST_TOLERANCE_PERCENT: Final = Decimal("0.001")  # of a price that is rounded at 18 decimals it takes less than 1e-7
# Every event asks what all is worth: so many assets, each worth less than 1e15 at the highest price that it had, are
# worth less than 1e19 together. What they cost, what was realized and the cash grow by less than that too.
_MOST_REACH: Final = Decimal(10) ** 19
_MOST_ASSETS, _MOST_DIGITS_OF_A_VALUE = 10_000, 12
_NO_PRICE: Final = -100
_NOTHING: Final[Mapping[str, Decimal]] = MappingProxyType({})


class NotSure(Exception):
    """The books may refuse an event, or do otherwise with it than its legs say."""


class Sums:
    """The cash, and what is held of each asset. Nothing is counted unless it ``takes``."""

    def __init__(self, rules: BookingRules) -> None:
        self.cash = Decimal(0)
        self.held: dict[str, Decimal | None] = {}
        self.takes = False
        self._rules = rules
        self._books: Portfolio
        # Of each asset the power of ten of its highest price since the books were looked at.
        self._prices: dict[str, int] = {}

    def look(self, books: Portfolio) -> None:
        """Begin with the sums of these books; a position's are taken when it is first asked for."""
        self._books, self.cash = books, books.cash.value
        self.held.clear()
        self._prices.clear()
        try:
            sums = (
                books.cash,
                books.ledger_cash,
                books.realized_pnl,
                books.fees_paid,
                books.net_deposits,
                books.cost_basis,
                books.total_value,
            )
            reach = books.reach
        except OutOfRange:
            self.takes = False
        else:
            is_tolerant = self._rules.amount_tolerance_percent >= _LEAST_TOLERANCE_PERCENT
            self.takes = is_tolerant and reach < _MOST_REACH and all(abs(one).value < _LARGE for one in sums)

    def cash_after(self, change: Decimal, *, takes: bool) -> Decimal:
        """Return the cash after a change, of which something ``takes`` cash that has to be there."""
        cash = EXACT.add(self.cash, change)
        if cash < 0 and (takes or change < 0) and not self._rules.allow_negative_cash:
            raise NotSure
        return cash

    def left(self, symbol: str, change: Decimal, money: Decimal, noted: Mapping[str, Decimal] = _NOTHING) -> Decimal:
        """Return what is held of an asset after a change, which has the price of so much money for it."""
        held = self.held[symbol] if symbol in self.held else self._ask(symbol)
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
            raise NotSure
        return left

    def _ask(self, symbol: str) -> Decimal | None:
        """Return what is held of an asset as the books stand; None where it is the books' own affair."""
        position = self._books.position(Symbol(symbol)) if is_symbol(symbol) else None
        held = self.held[symbol] = None if position is None else _held(position)
        if position is not None:
            self._prices[symbol] = _price_digits(position)
            if len(self.held) > _MOST_ASSETS or position.cost_basis.value.adjusted() > _MOST_DIGITS_OF_A_VALUE:
                held = self.held[symbol] = None
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


def is_usual(change: Decimal, cash: Decimal) -> bool:
    """Return whether so much of an asset and so many dollars are a trade of usual amounts at a usual price."""
    of_asset, of_cash = change.adjusted(), cash.adjusted()
    return (
        _LEAST_DIGITS <= of_cash <= _MOST_DIGITS
        and of_asset <= _MOST_DIGITS
        and _LEAST_DIGITS <= of_cash - of_asset <= _MOST_DIGITS_OF_A_PRICE
        and (change > 0) is not (cash > 0)
        and not EXACT.remainder(change, STEP)
        and not EXACT.remainder(cash, STEP)
    )


def require_usual(amount: Decimal) -> None:
    """Raise NotSure where an amount is nothing, large, or finer than the ledger's."""
    if not amount or amount.adjusted() > _MOST_DIGITS or EXACT.remainder(amount, STEP):
        raise NotSure
