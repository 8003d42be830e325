"""Plain Decimal operators, run in the exact context.

A formula on plain decimals is written with operators, in a function that is ``exact``. One operation alone asks the
context itself (``EXACT.minus(amount)``), and so do the value types, generators, and what runs for each row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal, localcontext
from functools import wraps
from typing import ParamSpec, TypeVar

from portfolio.domain.money import EXACT

_P = ParamSpec("_P")
_R = TypeVar("_R")

ZERO = Decimal(0)
ONE = Decimal(1)
HUNDRED = Decimal(100)


def exact(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Return ``function`` with its Decimal arithmetic in ``EXACT``: 80 digits, half even, traps set.

    Sums and products of ledger amounts and statistics are exact there; a quotient is rounded at the 80th digit.
    """

    @wraps(function)
    def in_context(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        with localcontext(EXACT):
            return function(*args, **kwargs)

    return in_context


def total(values: Iterable[Decimal]) -> Decimal:
    """Return the sum, in the caller's context; zero of nothing."""
    return sum(values, ZERO)
