"""Prices as sources report them, before and after they are believed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from portfolio.domain.errors import InvalidAmount, OutOfRange
from portfolio.domain.mark import ASSUMED_RATE
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol

SIMULATED_SOURCE = "simulated"
"""The source of prices that are made up, wherever they are kept."""

# Decimal() itself also takes "Infinity", "1_000", blanks and the digits of other scripts.
_NUMBER = re.compile(r"[+-]?[0-9]{1,60}(\.[0-9]{1,60})?([eE][+-]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A price of one asset in US dollars, as one source gave it.

    ``assumed_rate`` says that the price was converted at a rate nobody confirmed recently: it values the portfolio, but
    no signal is made from it.

    Raises:
        InvalidAmount: the price is zero; a source that says so knows none.
    """

    symbol: Symbol
    price: Price
    source: str
    observed_at: datetime
    assumed_rate: bool = False

    def __post_init__(self) -> None:
        if not self.price:
            raise InvalidAmount("0", "a quote is above zero")

    @property
    def marked_source(self) -> str:
        """Return the source as it is stored with the price, marked where the rate was assumed."""
        return f"{self.source}{ASSUMED_RATE}" if self.assumed_rate else self.source


def price_of(value: Decimal) -> Price:
    """Return ``value`` dollars as a price above zero, half even at 18 decimals.

    Raises:
        InvalidAmount: not finite, below zero, or nothing is left at 18 decimals.
    """
    if not value.is_finite():
        raise InvalidAmount(str(value), "a price is a finite number")
    if value <= 0:
        raise InvalidAmount(str(value), "a price is above zero")
    if value.adjusted() >= 20:
        raise OutOfRange(value)
    price = Price.rounded(value)
    if not price:
        raise InvalidAmount(str(value), "a price is above zero at 18 decimals")
    return price


def decimal_of(text: str) -> Decimal:
    """Return the number that a source wrote as ``text``, exactly.

    >>> decimal_of("81401.385")
    Decimal('81401.385')

    Raises:
        InvalidAmount: not a plain decimal number.
    """
    if not _NUMBER.fullmatch(text):
        raise InvalidAmount(text, "not a number")
    return Decimal(text)
