"""Decimals as people and JSON write them."""

from decimal import Decimal


def plain(value: Decimal) -> str:
    """Return ``value`` without exponent, trailing zeros or negative zero.

    >>> plain(Decimal("4.500E+3")), plain(Decimal("-0.00")), plain(Decimal("0.10"))
    ('4500', '0', '0.1')
    """
    text = str(value)
    if "E" in text:
        text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text
