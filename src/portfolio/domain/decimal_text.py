"""Numbers and lists as people and JSON write them."""

from collections.abc import Sequence
from decimal import Decimal


def plain(value: Decimal) -> str:
    """Return ``value`` without exponent, trailing zeros or negative zero.

    >>> plain(Decimal("4.500E+3")), plain(Decimal("-0.00")), plain(Decimal("0.10"))
    ('4500', '0', '0.1')
    """
    if not value:
        return "0"
    text = str(value)
    if "E" in text:
        text = format(value, "f")
    return text.rstrip("0").rstrip(".") if text[-1] == "0" and "." in text else text


def shortest(value: Decimal) -> Decimal:
    """Return the number as it is written shortest: 10 for 10.0, so that equal requests have equal bytes."""
    return Decimal(plain(value))


def counted(number: int, noun: str) -> str:
    """Return how many there are of what a noun names.

    >>> counted(1, "trade"), counted(0, "trade"), counted(2, "trade")
    ('1 trade', '0 trades', '2 trades')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(names: Sequence[str], most: int = 5) -> str:
    """Return the first names, at most so many, and how many more there are.

    >>> listed(["A", "B"]), listed("ABCDEFG")
    ('A, B', 'A, B, C, D, E and 2 more')
    """
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")
