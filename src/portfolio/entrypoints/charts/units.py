"""Numbers as a chart shows them: short, by their magnitude."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias

Number: TypeAlias = Decimal | float

MINUS: Final = "\N{MINUS SIGN}"

_MAGNITUDES: Final = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
_FARTHEST: Final = 1e100
_NEAREST: Final = 1e-100
_LARGEST: Final = 1e16
_SMALLEST: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Unit:
    """What stands before and after a number, and by what it is multiplied before it is shown."""

    prefix: str = ""
    suffix: str = ""
    factor: float = 1.0

    def text(self, value: Number, step: float | None = None) -> str:
        """Return a number as ``$1.23k``: to three digits; as the label of an axis, to the digits of its ``step``."""
        shown = float(value) * self.factor
        digits = _by_magnitude(abs(shown), None if step is None else step * self.factor)
        sign = MINUS if shown < 0 and digits.strip("0.") else ""
        return f"{sign}{self.prefix}{digits}{self.suffix}"

    def signed(self, value: Number) -> str:
        """Return a number with its sign, as ``+$1.23k``."""
        text = self.text(value)
        return f"+{text}" if value > 0 else text


PLAIN: Final = Unit()
DOLLARS: Final = Unit(prefix="$")
PERCENT: Final = Unit(suffix="%")
FRACTION: Final = Unit(suffix="%", factor=100.0)
"""Of a fraction, as 0.25: it is shown as 25 %."""


def number(value: Number | None) -> float | None:
    """Return what can be drawn: None for None, for NaN, and from 1e100 on; what is under 1e-100 is zero."""
    if value is None:
        return None
    drawn = float(value)
    if not abs(drawn) < _FARTHEST:  # NaN is not below it either
        return None
    return drawn if abs(drawn) > _NEAREST else 0.0


def _by_magnitude(size: float, step: float | None) -> str:
    if step is None:
        size = float(f"{size:.2e}")  # before the magnitude is chosen: 999.9 is 1k
        step = 10.0 ** (math.floor(math.log10(size)) - 2) if size else 1.0
        is_fixed = False
    else:
        is_fixed = True
    if size >= _LARGEST or 0 < size < _SMALLEST:
        return f"{size:.3g}"
    scale, letter = next(((scale, letter) for scale, letter in _MAGNITUDES if size >= scale), (1.0, ""))
    decimals = max(0, math.ceil(-math.log10(step / scale) - 1e-9))
    digits = f"{size / scale:.{decimals}f}"
    if not is_fixed and "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    return ("0" if not size else digits) + letter
