"""Whose trade carries a signal out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from portfolio.domain.ledger.portfolio import BookingRules
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import Money, Quantity
from tests.support.fakes.clock import NOON
from tests.support.signal_examples import signal
from tests.unit.examples import after, bought, funded, sold

TTL = timedelta(minutes=5)


def test_a_claimed_signal_is_carried_out_by_its_claimant_alone() -> None:
    made = signal(created_at=NOON, expires_at=NOON + TTL)
    holding = after(funded(), bought("BTC", 1, 100))
    _, trade = holding.book(sold("BTC", "0.1", 100), BookingRules())
    assert made.is_executed_by(trade, "engine-b", NOON)
    claimed = made.claimed("engine-a", NOON, TTL)
    assert claimed.is_executed_by(trade, "engine-a", NOON)
    assert not claimed.is_executed_by(trade, "engine-b", NOON)
    # Without keys nobody knows who claims: then whoever names the signal carries it out.
    assert made.claimed("", NOON, TTL).is_executed_by(trade, "engine-b", NOON)


def test_a_purchase_costs_what_of_it_an_exchange_takes_where_that_is_known() -> None:
    # 0.3 units for 9 dollars and a fee of 0.6; of 0.25 units that is 8.
    whole, fee = Money(Decimal(9)), Money(Decimal("0.6"))
    asked = replace(signal(action=Side.BUY), quantity=Quantity(Decimal("0.3")), trade_value=whole, estimated_fee=fee)
    assert replace(asked, executable_quantity=Decimal("0.25")).cost == Money(Decimal(8))
    assert replace(asked, executable_quantity=None).cost == Money(Decimal("9.6"))
    # Dust: an exchange that takes nothing of it does not make it free.
    assert replace(asked, executable_quantity=Decimal(0)).cost == Money(Decimal("9.6"))
