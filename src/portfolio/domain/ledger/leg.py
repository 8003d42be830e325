"""A leg of an event: what it moves of one asset."""

from __future__ import annotations

from dataclasses import dataclass

from portfolio.domain.ledger.trade import Trade
from portfolio.domain.money import Money, Quantity
from portfolio.domain.symbol import Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """By how much one position moves: its quantity, its cost with fees and without, and what it brought.

    Over an entry ``cash + sum of basis == net deposits + realized``, as changes: the law that every entry obeys.
    """

    symbol: Symbol
    quantity_delta: Quantity = Quantity.zero()
    basis_delta: Money = Money.zero()
    asset_delta: Money = Money.zero()
    realized_delta: Money = Money.zero()

    @classmethod
    def of(cls, trade: Trade) -> Leg:
        """Return what a trade moves of its asset."""
        return cls(
            symbol=trade.symbol,
            quantity_delta=trade.quantity_delta,
            basis_delta=trade.basis_delta,
            asset_delta=trade.notional_delta,
            realized_delta=trade.realized_pnl,
        )
