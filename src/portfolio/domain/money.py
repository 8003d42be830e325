"""Exact amounts of money, quantity and price.

Every amount has at most 18 decimals and 20 integer digits, the width of the ledger's ``DECIMAL(38,18)`` columns, so
that what is computed here is what is stored. Arithmetic runs in its own context of 80 digits: sums and products of
amounts are exact, and each place that has to round is a named function that says how.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from functools import cache
from typing import Self, TypeVar

from portfolio.domain.decimal_text import plain
from portfolio.domain.errors import InvalidAmount, OutOfRange

A = TypeVar("A", bound="Amount")

DECIMALS = 18
LIMIT = Decimal(10) ** 20
EXACT = Context(
    prec=80,
    rounding=ROUND_HALF_EVEN,
    traps=[InvalidOperation, DivisionByZero, Overflow],
    Emin=-999999,
    Emax=999999,
)

PERCENT_STEP = Decimal("0.000001")
STEP = Decimal(1).scaleb(-DECIMALS)
"""The smallest amount."""

_FINE_PERCENT_STEP = Decimal("0.00000001")
_PERCENT_LIMIT = Decimal("999999999999.99999999")
_LIMIT_DIGITS = LIMIT.adjusted()


def round_to_step(value: Decimal) -> Decimal:
    """Return ``value`` at 18 decimals, half even: the one rounding of ledger amounts.

    Raises:
        OutOfRange: the value has more than 20 integer digits.
    """
    # Never abs() or unary minus of a Decimal: they round to the 28 digits of whatever context is current.
    if value.is_finite() and (value.adjusted() < _LIMIT_DIGITS or not value):
        rounded = value.quantize(STEP, context=EXACT)
        if rounded.adjusted() < _LIMIT_DIGITS:
            return rounded
    raise OutOfRange(value)


@dataclass(frozen=True, slots=True, order=True)
class Amount:
    """A finite decimal of at most 18 decimals below 1e20; the base of the ledger's value types.

    Raises:
        InvalidAmount: not a Decimal, not finite, or finer than 18 decimals.
        OutOfRange: 1e20 or more.
    """

    value: Decimal

    def __post_init__(self) -> None:
        value: object = self.value
        if not isinstance(value, Decimal):
            raise InvalidAmount(repr(value), "only an exact decimal is an amount")
        # Columns give numbers of 18 decimals, which is asked first: thousands of rows are read at once.
        if value.same_quantum(STEP) and value.adjusted() < _LIMIT_DIGITS:
            return
        if not value.is_finite():
            raise InvalidAmount(str(value), "not a finite number")
        if round_to_step(value) != value:
            raise InvalidAmount(str(value), f"finer than {DECIMALS} decimals")

    @classmethod
    def rounded(cls, value: Decimal) -> Self:
        """Return the amount nearest to ``value`` at 18 decimals, half even."""
        return _made(cls, round_to_step(value))

    @classmethod
    @cache
    def zero(cls) -> Self:
        """Return zero of this type."""
        return cls(Decimal(0))

    def __add__(self, other: Self) -> Self:
        if type(self) is not type(other):
            raise _do_not_add_up(self, other)
        return _made(type(self), EXACT.add(self.value, other.value))

    def __sub__(self, other: Self) -> Self:
        if type(self) is not type(other):
            raise _do_not_add_up(self, other)
        return _made(type(self), EXACT.subtract(self.value, other.value))

    def __neg__(self) -> Self:
        return _made(type(self), EXACT.minus(self.value))

    def __abs__(self) -> Self:
        return _made(type(self), EXACT.abs(self.value))

    def __bool__(self) -> bool:
        return bool(self.value)

    def __str__(self) -> str:
        return plain(self.value)

    def times(self, factor: Decimal) -> Self:
        """Return ``self x factor``, half even at 18 decimals."""
        return self.rounded(EXACT.multiply(self.value, factor))

    def portion(self, part: Quantity, whole: Quantity) -> Self:
        """Return ``self x part / whole``, half even at 18 decimals; all of it where part equals whole.

        Raises:
            ZeroDivisionError: ``whole`` is zero.
        """
        if part == whole:
            return self
        return self.rounded(EXACT.divide(EXACT.multiply(self.value, part.value), whole.value))


@dataclass(frozen=True, slots=True, order=True)
class Money(Amount):
    """An amount of US dollars, signed."""

    def per(self, quantity: Quantity) -> Price:
        """Return the price of one unit when ``quantity`` units cost this much, half even at 18 decimals."""
        return Price.rounded(EXACT.divide(self.value, quantity.value))


@dataclass(frozen=True, slots=True, order=True)
class Quantity(Amount):
    """Units of an asset, signed: below zero is a short position."""

    def at(self, price: Price) -> Money:
        """Return the value of this quantity at ``price`` dollars a unit, half even at 18 decimals."""
        return Money.rounded(EXACT.multiply(self.value, price.value))

    def worth(self, close: Price) -> Money | None:
        """Return the value at a close of a day that is over; None of 1e20 and more: no books were ever worth that."""
        try:
            return self.at(close)
        except OutOfRange:
            return None


@dataclass(frozen=True, slots=True, order=True)
class Price(Amount):
    """US dollars for one unit of an asset; never below zero."""

    def __post_init__(self) -> None:
        # super() without arguments does not work in a slotted dataclass: the class is made twice.
        Amount.__post_init__(self)
        if self.value < 0:
            raise InvalidAmount(str(self.value), "a price is not below zero")


def of_any_size(kind: type[A], value: Decimal) -> A:
    """Return an amount that may be 1e20 or more: of what moved in a time, and no column has to hold.

    A day that sold for 9e19 what it had bought for as much moved more than there ever was.
    """
    made = _new(kind)
    _put_value(made, value)
    return made


def added(one: A, other: A) -> A:
    """Return a sum of any size."""
    return of_any_size(type(one), EXACT.add(one.value, other.value))


def subtracted(one: A, other: A) -> A:
    """Return a difference of any size."""
    return of_any_size(type(one), EXACT.subtract(one.value, other.value))


def sum_of(amounts: Iterable[Money]) -> Money:
    """Return a sum of any size; zero of nothing."""
    whole = Decimal(0)
    for amount in amounts:
        whole = EXACT.add(whole, amount.value)
    return of_any_size(Money, whole)


def percent_of(part: Money, whole: Money) -> Decimal | None:
    """Return ``part`` in percent of ``whole``, half even at 6 decimals; None where the whole is not above zero."""
    if whole.value <= 0:
        return None
    percent = EXACT.divide(EXACT.multiply(part.value, Decimal(100)), whole.value)
    return percent.quantize(PERCENT_STEP, context=EXACT)


def bounded_percent(part: Decimal, whole: Decimal) -> Decimal:
    """Return ``part`` in percent of ``whole`` for a column that always has a value: 8 decimals, half even, below 1e12.

    It is 0 where the whole is not above zero.
    """
    if whole <= 0:
        return Decimal(0)
    percent = EXACT.divide(EXACT.multiply(part, Decimal(100)), whole)
    return max(min(percent, _PERCENT_LIMIT), -_PERCENT_LIMIT).quantize(_FINE_PERCENT_STEP, context=EXACT)


_new = object.__new__
# The field's own descriptor: object.__setattr__ would look for it, which takes as long as all the rest.
_put_value = Amount.__dict__["value"].__set__


def _made(kind: type[A], value: Decimal) -> A:
    """Return the amount of a value that has at most 18 decimals, as sums of amounts have.

    Most amounts are made here, and what they are made of was checked before: only their size has to be.
    """
    if value.adjusted() >= _LIMIT_DIGITS and value:
        raise OutOfRange(value)
    if kind is Price and value < 0:
        return kind(value)  # which refuses it
    made = _new(kind)
    _put_value(made, value)
    return made


def _do_not_add_up(one: Amount, other: Amount) -> TypeError:
    return TypeError(f"{type(one).__name__} and {type(other).__name__} do not add up")
