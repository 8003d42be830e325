"""Numbers on the wire: JSON numbers written from exact decimals, and read back as such."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Annotated, Final

from msgspec import Meta, Raw
from msgspec.json import encode

from portfolio.domain.decimal_text import plain
from portfolio.domain.money import EXACT, Amount

_DECIMAL: Final = {"type": "number", "format": "decimal"}
_CENT = Decimal("0.01")
_MILLIONTH = Decimal("0.000001")
_RATIO = Context(prec=12, rounding=ROUND_HALF_EVEN)
_SMALL = re.compile(rb"-?[0-9.]+e-[0-9]+")
_NUMBER = re.compile(r"[+-]?[0-9]{1,60}(?:\.[0-9]{1,60})?(?:[eE][+-]?[0-9]{1,7})?")
# No wire number needs more: 20 digits, 18 decimals, and room for generous zeros.
_LONGEST = 80


def number(value: Decimal | Amount) -> Raw:
    """Return ``value`` as a JSON number, digit by digit: no exponent, no trailing zeros, no -0."""
    return Raw(plain(value.value if isinstance(value, Amount) else value).encode())


def number_or_null(value: Decimal | Amount | None) -> Raw | None:
    """Return ``value`` as a JSON number; None stays None."""
    return None if value is None else number(value)


def ratio(value: Decimal | float | None) -> Raw | None:
    """Return ``value`` at 12 significant digits, half even; None where it is undefined."""
    if value is None or not math.isfinite(value):
        return None
    return number(_RATIO.create_decimal(value))


def coefficients(row: Sequence[float | None]) -> Raw:
    """Return a row of numbers of at most 12 decimals, each the float nearest to it or, if whole, an int; None is null.

    The shortest text of such a float is the number's own, but where it has an exponent.
    """
    text = encode(row)
    return Raw(_SMALL.sub(_without_exponent, text) if b"e" in text else text)


def cents(value: Decimal | Amount) -> Raw:
    """Return an amount of dollars at 2 decimals, half even."""
    return number(EXACT.quantize(value.value if isinstance(value, Amount) else value, _CENT))


def percent(value: Decimal) -> Raw:
    """Return a percentage at 6 decimals, half even."""
    return number(EXACT.quantize(value, _MILLIONTH))


# Encoders copy a Raw as it is. msgspec's own Decimal would become a string, or a number with an exponent.
Number = Annotated[Raw, Meta(extra={"write": number}, extra_json_schema=_DECIMAL)]
Ratio = Annotated[Raw, Meta(extra={"write": ratio}, extra_json_schema=_DECIMAL)]
Percent = Annotated[
    Raw, Meta(extra={"write": percent}, extra_json_schema=_DECIMAL, description="A percentage, 6 decimals.")
]
Cents = Annotated[Raw, Meta(extra={"write": cents}, extra_json_schema=_DECIMAL, description="US dollars, 2 decimals.")]
# A row of coefficients, written in one piece: a matrix of 500 assets has a quarter of a million.
NumberRow = Annotated[
    Raw,
    Meta(
        extra={"write": coefficients},
        extra_json_schema={"type": "array", "items": {"anyOf": [_DECIMAL, {"type": "null"}]}},
    ),
]


def _without_exponent(found: re.Match[bytes]) -> bytes:
    return plain(Decimal(found[0].decode())).encode()


def parse_number(raw: Raw) -> Decimal:
    """Return the decimal that a client wrote, as a JSON number or as a string with one in it.

    The text is checked before anything is computed: an exponent in the millions costs nothing here.

    Raises:
        ValueError: not a decimal number, or too long for one; the text is for the caller.
    """
    text = bytes(raw).decode("utf-8", "replace")
    if text.startswith('"'):
        text = text[1:-1]
    if len(text) > _LONGEST:
        raise ValueError("has too many digits: at most 20 before the point and 18 after it")
    if not _NUMBER.fullmatch(text):
        raise ValueError("has to be a decimal number")
    value = Decimal(text)
    return value if value else Decimal(0)
