"""Whose trade carries a signal out."""

from __future__ import annotations

from datetime import timedelta

from portfolio.domain.ledger.portfolio import BookingRules
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
