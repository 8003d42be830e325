"""The splits of assets by their days: a price of before one, in the units of after it."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from datetime import date
from decimal import Decimal

from portfolio.application.ledger.cash_records import CashEntry
from portfolio.domain.errors import OutOfRange
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.money import EXACT, Price
from portfolio.domain.symbol import Symbol


class Splits:
    """The day and the ratio of each split, by asset; one that was taken out is none."""

    def __init__(self) -> None:
        self._found: defaultdict[Symbol, dict[int, tuple[date, Decimal]]] = defaultdict(dict)

    def add(self, entry: CashEntry, day: date) -> None:
        """Take in an entry of a day: a split, what takes one out, or anything else, which is passed over."""
        transaction, terms = entry.transaction, entry.transaction.event
        if transaction.kind is not CashTransactionKind.SPLIT or terms is None:
            return
        for moved in entry.positions:
            if terms.reverses_revision is not None:
                self._found[moved.symbol].pop(terms.reverses_revision, None)
            elif terms.ratio is not None and terms.ratio > 0:
                self._found[moved.symbol][entry.revision] = day, terms.ratio

    def carried(self, symbol: Symbol, price: Decimal, since: date, day: date) -> Price | None:
        """Return a price of the end of ``since`` in the units of the end of a later day; None where it makes none."""
        for on, ratio in self._found[symbol].values() if symbol in self._found else ():
            if since < on <= day:
                price = EXACT.divide(price, ratio)
        with suppress(OutOfRange):
            return Price.rounded(price)
        return None
