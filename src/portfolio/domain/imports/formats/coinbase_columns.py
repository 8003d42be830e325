"""What Coinbase's reports of all years call the columns of their amounts of money."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from portfolio.domain.arithmetic import exact
from portfolio.domain.imports.reading import Reading
from portfolio.domain.imports.records import Row

TOTAL = ("Total (inclusive of fees and/or spread)", "Total (inclusive of fees)", "Total")
_FEES = ("Fees and/or Spread", "Fees")
_PRICE = ("Price at Transaction", "Spot Price at Transaction")
OF_MONEY = (*_PRICE, "Subtotal", *TOTAL, *_FEES)
"""All of them that name no currency."""

_FLAT_FEE = Decimal(3)
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


@exact
def price_of(row: Row, how: Reading, currency: str, size: Decimal, amount: Decimal) -> Decimal | None:
    """Return the price that a row of a trade states. None where an amount of before 2020 may differ from it by its
    fee, which was a flat one of up to 2.99 for what cost up to 200.
    """
    price = how.money(row, *money_columns(currency).price)
    is_flat = price is not None and has_days_alone(row.values) and abs(size * price - amount) <= _FLAT_FEE
    return None if is_flat else price
