"""Which prices a split divides: those of the units of before, by clocks that differ."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from portfolio.domain.ledger.cash_transaction import CashTransactionKind as Kind
from portfolio.domain.ledger.event_moves import reverse_event
from portfolio.domain.ledger.event_rules import happen
from portfolio.domain.ledger.happening import Happening
from portfolio.domain.mark import Mark
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol
from tests.unit.examples import NOON, RULES, after, bought, funded

BNB = Symbol("BNB")


@pytest.mark.parametrize(
    ("observed", "price"),
    [(timedelta(days=-40), "0.4"), (timedelta(0), "0.4"), (timedelta(minutes=1), "0.4"), (timedelta(minutes=2), "400")],
)
def test_a_price_stamped_up_to_a_minute_after_a_split_is_of_the_units_of_before(
    observed: timedelta, price: str
) -> None:
    """The exchange's clock may be ahead, and a refresh may come between the request and its booking."""
    split_at = NOON - timedelta(days=30)
    mark = Mark(Price(Decimal(400)), "coinbase", split_at + observed)
    books = after(funded(), bought("BNB", 10, 300)).marked({BNB: mark})
    split = Happening(kind=Kind.SPLIT, effective_at=split_at, symbol=BNB, ratio=Decimal(1_000))
    happened = happen(books, split, RULES, NOON)
    assert happened.after.position(BNB).mark == replace(mark, price=Price(Decimal(price)))
    taken_out = reverse_event(happened.after, happened.transaction, happened.legs, happened.revision, NOON)
    assert taken_out.after.position(BNB).mark == mark
