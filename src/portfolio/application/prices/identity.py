"""What sums are made of, to the last digit: the total value, by the accounting identity, and the realized result."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from portfolio.application.prices.valuation import Valuation
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.money import Money, percent_of


class Part(msgspec.Struct, frozen=True):
    """A part of the total value, and its share in percent with 6 decimals; None where nothing is worth anything."""

    name: str
    amount: Money
    percent: Decimal | None


class Identity(msgspec.Struct, frozen=True, kw_only=True):
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


class RealizedBeside(msgspec.Struct, frozen=True, kw_only=True):
    """The realized result that no held position has: of ``closed`` positions, and of ``adjustments`` booked as one.

    With that of the held positions they are the realized result of the portfolio, to the last digit.
    """

    closed_count: int
    closed: Money
    adjustments: Money


def realized_beside(portfolio: Portfolio) -> RealizedBeside:
    """Return what was realized by others than the positions that are held."""
    sums = {True: Money.zero(), False: Money.zero()}
    count = 0
    for position in portfolio.positions.values():
        sums[position.is_open] += position.realized_pnl
        count += not position.is_open
    held, closed = sums[True], sums[False]
    return RealizedBeside(closed_count=count, closed=closed, adjustments=portfolio.realized_pnl - held - closed)
