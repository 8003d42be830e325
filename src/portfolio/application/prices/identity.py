"""The accounting identity: what the total value is made of, to the last digit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from portfolio.application.prices.valuation import Valuation
from portfolio.domain.money import Money, percent_of


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the total value, and its share in percent with 6 decimals; None where nothing is worth anything."""

    name: str
    amount: Money
    percent: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The parts add up to the total: net deposits, realized and unrealized result, and what is unreconciled."""

    parts: Sequence[Part]
    total: Money


def identity_of(valuation: Valuation) -> Identity:
    """Return what the total value is made of."""
    portfolio, total = valuation.portfolio, valuation.total_value
    amounts = {
        "net_deposits": portfolio.net_deposits,
        "realized_pnl": portfolio.realized_pnl,
        "unrealized_pnl": valuation.unrealized_pnl,
        "unreconciled": valuation.unreconciled,
    }
    return Identity(
        parts=[Part(name, amount, percent_of(amount, total)) for name, amount in amounts.items()], total=total
    )
