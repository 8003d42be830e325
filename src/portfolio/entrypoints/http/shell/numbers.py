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
_THOUSANDTH = Decimal("0.001")
_MILLIONTH = Decimal("0.000001")
_RATIO = Context(prec=12, rounding=ROUND_HALF_EVEN)
_NUMBER = re.compile(rb"[^,\]]+")

# What a JSON string may have in it as a number, any number of digits long.
FIGURE: Final = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
_FIGURE = re.compile(FIGURE)
# Beyond these exponents a number is out of range, or nothing at 18 decimals, whatever its digits: a body is 1 MiB.
_FURTHEST_EXPONENT = 9_999_999
_LONGEST_WHOLE = 18


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
    pieces, done = list[bytes](), 0
    while (sign := text.find(b"e", done)) >= 0:  # of hardly any: a pattern would be tried at each digit of all
        begin = text.rfind(b",", 0, sign) + 1 or 1
        small = _NUMBER.match(text, begin)
        assert small is not None
        pieces += (text[done:begin], plain(Decimal(small[0].decode())).encode())
        done = small.end()
    return Raw(b"".join([*pieces, text[done:]]) if pieces else text)


def cents(value: Decimal | Amount) -> Raw:
    """Return an amount of dollars at 2 decimals, half even."""
    return number(EXACT.quantize(value.value if isinstance(value, Amount) else value, _CENT))


def percent(value: Decimal) -> Raw:
    """Return a percentage at 6 decimals, half even."""
    return number(EXACT.quantize(value, _MILLIONTH))


def percent_or_null(value: Decimal | None) -> Raw | None:
    """Return a percentage at 6 decimals, half even; None stays None."""
    return None if value is None else percent(value)


def thousandths(value: float) -> Raw:
    """Return what was measured at 3 decimals."""
    return number(EXACT.quantize(Decimal(value), _THOUSANDTH))


# Encoders copy a Raw as it is. msgspec's own Decimal would become a string, or a number with an exponent.
Number = Annotated[Raw, Meta(extra={"write": number}, extra_json_schema=_DECIMAL)]
Ratio = Annotated[Raw, Meta(extra={"write": ratio}, extra_json_schema=_DECIMAL)]
Percent = Annotated[
    Raw, Meta(extra={"write": percent}, extra_json_schema=_DECIMAL, description="A percentage, 6 decimals.")
]
Cents = Annotated[Raw, Meta(extra={"write": cents}, extra_json_schema=_DECIMAL, description="US dollars, 2 decimals.")]
Thousandths = Annotated[Raw, Meta(extra={"write": thousandths}, extra_json_schema=_DECIMAL)]
# Of backtests, whose money is rounded to 6 decimals where it is made.
Dollars = Annotated[
    Raw, Meta(extra={"write": number}, extra_json_schema=_DECIMAL, description="US dollars, at most 6 decimals.")
]
# A row of coefficients, written in one piece: a matrix of 500 assets has a quarter of a million.
NumberRow = Annotated[
    Raw,
    Meta(
        extra={"write": coefficients},
        extra_json_schema={"type": "array", "items": {"anyOf": [_DECIMAL, {"type": "null"}]}},
    ),
]


def is_number(text: str) -> bool:
    """Return whether a text is a decimal number."""
    return _FIGURE.fullmatch(text) is not None


def parse_number(raw: Raw) -> Decimal:
    """Return the decimal that a client wrote, as a JSON number or as a string with one in it, to its last digit.

    Raises:
        ValueError: not a decimal number; the text is for the caller.
    """
    text = bytes(raw).decode("utf-8", "replace").strip('" ')
    if not is_number(text):
        raise ValueError("has to be a decimal number")
    digits, _, exponent = text.lower().partition("e")
    if (
        len(exponent) > 7
    ):  # the decimal module takes an exponent of some length only, and int() costs time by its length
        sign, size = ("-", exponent[1:]) if exponent[0] == "-" else ("", exponent.lstrip("+"))
        size = size.lstrip("0")[:8] or "0"
        text = f"{digits}e{sign}{min(int(size), _FURTHEST_EXPONENT)}"
    value = Decimal(text)
    return value if value else Decimal(0)


def whole_number(raw: Raw) -> int | None:
    """Return the whole number that a JSON number is, also one that is written as programs write doubles.

    None of what is no number, no whole one, or has over 18 digits.

    >>> whole_number(Raw(b"180.0")), whole_number(Raw(b"1.8e2")), whole_number(Raw(b"1.5")), whole_number(Raw(b'"1"'))
    (180, 180, None, None)
    """
    text = bytes(raw).decode("utf-8", "replace")
    if text.startswith('"') or not is_number(text):
        return None
    value = parse_number(raw)
    is_whole = value.adjusted() < _LONGEST_WHOLE and value == value.to_integral_value()
    return int(value) if is_whole else None
