"""What the realized result of a portfolio is made of, beside the positions that are held."""

from __future__ import annotations

from dataclasses import dataclass

from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class RealizedBeside:
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
