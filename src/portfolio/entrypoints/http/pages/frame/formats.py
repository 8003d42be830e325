"""Numbers as people read them, by their magnitude; the exact ones stay beside them."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Final

from portfolio.domain.decimal_text import plain
from portfolio.domain.money import EXACT

MINUS: Final = "−"
_SIGNIFICANT = 4
_CENTS, _WHOLE = Decimal("0.01"), Decimal(1)
_LARGE: Final = ((Decimal(10) ** 12, "T"), (Decimal(10) ** 9, "B"))
_MILLION = Decimal(10) ** 6
_THOUSAND = Decimal(1000)


class Kind(StrEnum):
    """What a number is of, which says how it is written and who may see it."""

    MONEY = "money"
    RESULT = "result"
    COST = "cost"
    PAID = "paid"  # the price of a unit that the books bought or sold at
    QUANTITY = "quantity"
    PRICE = "price"
    PERCENT = "percent"
    CHANGE = "change"
    RATIO = "ratio"
    FRACTION = "fraction"
    CONFIDENCE = "confidence"
    NUMBER = "number"
    COUNT = "count"

    @property
    def is_own(self) -> bool:
        """Return whether it is an amount of the own books, which privacy mode never sends."""
        return self in _OWN

    @property
    def has_sign(self) -> bool:
        """Return whether a gain is written with its sign too."""
        return self in _SIGNED


_OWN: Final = frozenset({Kind.MONEY, Kind.RESULT, Kind.COST, Kind.PAID, Kind.QUANTITY})
_SIGNED: Final = frozenset({Kind.RESULT, Kind.CHANGE})
_PERCENTS: Final = frozenset({Kind.PERCENT, Kind.CHANGE, Kind.FRACTION, Kind.CONFIDENCE})
_SUMS: Final = frozenset({Kind.MONEY, Kind.RESULT, Kind.COST})
_DOLLARS: Final = _SUMS | {Kind.PAID, Kind.PRICE}


def shown(value: Decimal, kind: Kind) -> str:
    """Return a number as a person reads it.

    >>> shown(Decimal("1234567.891"), Kind.MONEY), shown(Decimal("0.000012345"), Kind.PRICE)
    ('$1,234,568', '$0.00001234')
    >>> shown(Decimal("-3.14159"), Kind.CHANGE), shown(Decimal("0.0515"), Kind.FRACTION), shown(Decimal(3), Kind.COUNT)
    ('−3.14 %', '5.15 %', '3')
    >>> shown(Decimal("0.8"), Kind.COST), shown(Decimal("0.8"), Kind.PRICE), shown(Decimal("0.85"), Kind.CONFIDENCE)
    ('$0.80', '$0.8000', '85 %')
    """
    if kind in {Kind.FRACTION, Kind.CONFIDENCE}:
        value = EXACT.multiply(value, Decimal(100))
    size = value.copy_abs()
    if kind in _PERCENTS:
        text = _percent(size)
    elif kind in {Kind.QUANTITY, Kind.COUNT}:
        text = _quantity(size)
    elif kind in _SUMS and _CENTS <= size < 1:
        text = f"{EXACT.quantize(size, _CENTS)}"
    else:
        text = _size(size)
    if kind in {Kind.NUMBER, Kind.CONFIDENCE} and "." in text:
        text = text.rstrip("0").rstrip(".")
    if kind in _DOLLARS:
        text = "$" + text
    elif kind in _PERCENTS:
        text += " %"
    if value < 0:
        return MINUS + text
    return "+" + text if kind.has_sign and value else text


def age(seconds: int) -> str:
    """Return how long ago something was.

    >>> age(59), age(60), age(7200), age(200000)
    ('59 s', '1 min', '2 h', '2 days')
    """
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size * (2 if unit == "days" else 1):
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _size(size: Decimal) -> str:
    """Return a size: large ones in billions or trillions, those below 1 with four significant digits."""
    for unit, name in _LARGE:
        if size >= unit:
            return f"{EXACT.quantize(EXACT.divide(size, unit), _CENTS):,} {name}"
    if size >= _MILLION:
        return f"{EXACT.quantize(size, _WHOLE):,}"
    if size >= 1 or not size:
        return f"{EXACT.quantize(size, _CENTS):,}"
    return _significant(size)


def _quantity(size: Decimal) -> str:
    """Return a quantity: without zeros at its end, for it has no cents."""
    if size >= _THOUSAND or not size:
        return _size(size).removesuffix(".00") if size else "0"
    if size >= 1:
        return plain(EXACT.quantize(size, Decimal("0.0001")))
    return plain(Decimal(_significant(size)))


def _percent(size: Decimal) -> str:
    """Return a percentage: two decimals, and of less than 0.1 two significant digits."""
    return _size(size) if size >= 1 or not size else _significant(size, 2)


def _significant(size: Decimal, digits: int = _SIGNIFICANT) -> str:
    step = Decimal(1).scaleb(size.adjusted() - digits + 1)
    return f"{EXACT.quantize(size, step):f}"
