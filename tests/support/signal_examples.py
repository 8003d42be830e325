"""Signals in one line, for tests of what is done with them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from portfolio.application.rebalancing.records import Signal, SignalOrigin
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import Money, Quantity
from portfolio.domain.rebalancing.reason import Priority, Reason
from portfolio.domain.rebalancing.strategies.targets import Proposal
from tests.support.ledger_examples import AT, BTC

LIFETIME = timedelta(minutes=15)


def signal(number: int = 1, **fields: Any) -> Signal:
    """The sale of a tenth of a bitcoin, asked for at ``AT``."""
    made = Signal(
        id=f"sig-{number:032x}",
        portfolio_id=1,
        symbol=BTC,
        action=Side.SELL,
        reason=Reason.CONCENTRATION_RISK,
        also=(Reason.HIGH_VOLATILITY, Reason.HIGH_CORRELATION),
        quantity=Quantity(Decimal("0.100000000000000001")),
        trade_value=Money(Decimal("4500.000000000000000001")),
        estimated_fee=Money(Decimal("4.5")),
        current_allocation=Decimal("28.5"),
        target_allocation=Decimal("23.123456789012345678"),
        priority=Priority.HIGH,
        confidence=Decimal("0.85"),
        evidence=(
            Proposal(
                symbol=BTC.code,
                rule=Reason.HIGH_CORRELATION,
                change=Decimal("-4500.0000000000000000000000001"),
                figures={"with": "ETH — «ñ»", "limit_allocation": Decimal("30.000000000000000000000001")},
            ),
        ),
        origin=SignalOrigin(
            ledger_revision=3, price_revision=7, policy_id="p" * 16, statistics_day=date(2026, 3, 4), state="a" * 64
        ),
        created_at=AT,
        expires_at=AT + LIFETIME,
        after=("ETH", "SOL"),
        executable_quantity=Decimal("0.100000000000000001"),
        venue="coinbase",
        executable_reason="dust — «ñ»",
    )
    return replace(made, **fields)
