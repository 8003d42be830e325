"""Counts and sums of closing trades: win rate and profit factor are computed from them."""

from __future__ import annotations

from dataclasses import dataclass

from portfolio.domain.errors import OutOfRange
from portfolio.domain.ledger.trade import Trade
from portfolio.domain.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeCounts:
    """Running counts of the trades booked here, reversed ones taken out again.

    A closing trade's result is net of all fees: those of the purchase are in its basis. A result of zero is neither a
    win nor a loss. ``gross_loss`` is a positive amount. What would take a sum to 1e20 is not in it: a figure made of
    trades refuses none.
    """

    trades: int = 0
    wins: int = 0
    losses: int = 0
    gross_profit: Money = Money.zero()
    gross_loss: Money = Money.zero()

    def with_trade(self, trade: Trade) -> TradeCounts:
        """Return the counts after ``trade``."""
        return self._changed(trade, 1)

    def without(self, trade: Trade) -> TradeCounts:
        """Return the counts as if ``trade`` had never been booked."""
        return self._changed(trade, -1)

    def _changed(self, trade: Trade, by: int) -> TradeCounts:
        result = trade.realized_pnl if trade.closes else Money.zero()
        signed = result if by > 0 else -result
        won, lost = by * (result.value > 0), by * (result.value < 0)
        return TradeCounts(
            trades=self.trades + by,
            wins=self.wins + won,
            losses=self.losses + lost,
            gross_profit=_bounded(self.gross_profit, signed) if won else self.gross_profit,
            gross_loss=_bounded(self.gross_loss, -signed) if lost else self.gross_loss,
        )


def _bounded(total: Money, more: Money) -> Money:
    try:
        return total + more
    except OutOfRange:
        return total
