"""What Coinbase's reports of all years call the columns of their amounts of money."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

TOTAL = ("Total (inclusive of fees and/or spread)", "Total (inclusive of fees)", "Total")
_FEES = ("Fees and/or Spread", "Fees")
_PRICE = ("Price at Transaction", "Spot Price at Transaction")
OF_MONEY = (*_PRICE, "Subtotal", *TOTAL, *_FEES)
"""All of them that name no currency."""

_OF_BEFORE_2020 = "Amount Transacted (Inclusive of Coinbase Fees)"
_PREFIXED = re.compile(
    rf"([A-Z]{{3}}) (Spot Price at Transaction|Subtotal|Total \(inclusive of fees\)|Fees|{re.escape(_OF_BEFORE_2020)})"
)


class MoneyColumns(NamedTuple):
    """The columns of each amount: the first of them that a file has counts."""

    total: tuple[str, ...]
    subtotal: tuple[str, ...]
    fees: tuple[str, ...]
    price: tuple[str, ...]


def currency_named(columns: Iterable[str]) -> str:
    """Return the currency that columns of before mid 2021 have in their names; nothing where none has one."""
    return next((found[1] for name in columns if (found := _PREFIXED.fullmatch(name))), "")


def has_days_alone(columns: Iterable[str]) -> bool:
    """Return whether a file is of before 2020, when rows had the day alone, and a total without its fee."""
    return any(name.endswith(_OF_BEFORE_2020) for name in columns)


@lru_cache(maxsize=100)
def money_columns(currency: str) -> MoneyColumns:
    """Return the columns of a file whose columns may have this currency in their names."""
    return MoneyColumns(
        total=(*TOTAL, f"{currency} Total (inclusive of fees)", f"{currency} {_OF_BEFORE_2020}"),
        subtotal=("Subtotal", f"{currency} Subtotal"),
        fees=(*_FEES, f"{currency} Fees"),
        price=(*_PRICE, f"{currency} Spot Price at Transaction"),
    )
