"""The units after each transaction, also where the baseline does not say what its positions were worth."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from portfolio.application.ledger.cash_records import CashEntry, PositionAdjustment
from portfolio.application.performance.unit_history import unit_history
from portfolio.domain.ledger.cash_transaction import CashTransaction, CashTransactionKind
from portfolio.domain.ledger.units import Units
from portfolio.domain.money import Money, Quantity
from portfolio.domain.symbol import Symbol
from tests.unit.examples import money

AT = datetime(2026, 11, 23, tzinfo=UTC)


def entry(kind: CashTransactionKind, flow: int, value_before: int, *, has_positions: bool = False) -> CashEntry:
    """An entry by which so much was paid in, or had been, into a portfolio of this worth."""
    moved = PositionAdjustment(symbol=Symbol("BTC"), quantity_delta=Quantity(Decimal(1)))
    return CashEntry(
        transaction=CashTransaction(
            kind=kind, cash_delta=money(flow), net_deposits_delta=money(flow), value_before=money(value_before), at=AT
        ),
        portfolio_id=1,
        revision=1,
        owner="service",
        positions=(moved,) if has_positions else (),
        cash_after=Money.zero(),
        net_deposits_after=Money.zero(),
    )


def test_a_baseline_that_says_what_it_was_worth_makes_as_many_units() -> None:
    opened = entry(CashTransactionKind.BASELINE, 900, 1_000, has_positions=True)
    paid = entry(CashTransactionKind.DEPOSIT, 500, 2_000)
    assert [units.count for units in unit_history([opened, paid], Units(count=Decimal(1)))] == [1_000, 1_250]


# 900 was paid in; with 500 at a worth of 2,000 the units grow by a quarter: 1,250 of now were 1,000 at the baseline.
@pytest.mark.parametrize(("now", "counts"), [(1_250, [1_000, 1_250]), (2_500, [2_000, 2_500])])
def test_units_of_a_baseline_that_does_not_say_it_are_found_from_those_of_now(now: int, counts: list[int]) -> None:
    opened = entry(CashTransactionKind.BASELINE, 900, 0, has_positions=True)
    paid = entry(CashTransactionKind.DEPOSIT, 500, 2_000)
    found = unit_history([opened, paid], Units(count=Decimal(now), last_value=Decimal(2_000) / Decimal(counts[0])))
    assert [round(units.count, 9) for units in found] == counts


def test_where_nothing_is_left_the_unit_value_of_now_tells_it() -> None:
    opened = entry(CashTransactionKind.BASELINE, 900, 0, has_positions=True)
    taken = entry(CashTransactionKind.WITHDRAWAL, -2_000, 2_000)
    first, last = unit_history([opened, taken], Units(last_value=Decimal(2)))
    assert [round(first.count, 9), last.count] == [1_000, 0]
