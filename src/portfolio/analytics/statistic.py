"""The one way from float64 back to exact numbers."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, Context, Decimal

DECIMALS = 12
LIMIT = 1e20

_CONTEXT = Context(prec=40, rounding=ROUND_HALF_EVEN)
_STEP = Decimal(1).scaleb(-DECIMALS)


def statistic(value: float) -> Decimal | None:
    """Return ``value`` at 12 decimals, half even; None where it is not finite, or 1e20 or more.

    A rule never compares two floats: it compares what comes out of here, so that noise in the last bits of an
    average decides nothing.
    """
    if not math.isfinite(value) or abs(value) >= LIMIT:
        return None
    return Decimal(value).quantize(_STEP, context=_CONTEXT)
