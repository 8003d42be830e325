"""Positions too small to look at one by one."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec

from portfolio.application.prices.valuation import PositionValue, Valuation
from portfolio.domain.money import Money, percent_of

SMALL_PERCENT: Final = Decimal("0.01")
"""A position under this share of the total value, whatever its sign, is small."""


class SmallPositions(msgspec.Struct, frozen=True, kw_only=True):
    """Small positions, and what they are together."""

    positions: Sequence[PositionValue]
    market_value: Money
    cost_basis: Money
    unrealized_pnl: Money
    realized_pnl: Money
    allocation_percent: Decimal | None


class Sifted(msgspec.Struct, frozen=True):
    """The positions that are not small, and the small ones together; None where there are not two of them."""

    positions: Sequence[PositionValue]
    small: SmallPositions | None


def sift(valuation: Valuation) -> Sifted:
    """Return the open positions with the small ones among them put together; one alone stays as it is."""
    small = [value for value in valuation.positions if _is_small(value)]
    if len(small) < 2:
        return Sifted(valuation.positions, None)
    worth, cost, realized = Money.zero(), Money.zero(), Money.zero()
    for value in small:
        worth, cost = worth + value.position.market_value, cost + value.position.cost_basis
        realized = realized + value.position.realized_pnl
    together = SmallPositions(
        positions=small,
        market_value=worth,
        cost_basis=cost,
        unrealized_pnl=worth - cost,
        realized_pnl=realized,
        allocation_percent=percent_of(worth, valuation.total_value),
    )
    return Sifted([value for value in valuation.positions if not _is_small(value)], together)


def _is_small(value: PositionValue) -> bool:
    share = value.allocation_percent
    return share is not None and share.copy_abs() < SMALL_PERCENT
