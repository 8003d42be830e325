"""What the entries of trades moved, which days and lots are made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from portfolio.application.ledger.records import TradeEntry
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import Money, Quantity
from portfolio.domain.symbol import Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """What a trade moved, when, and for whom: as much of its entry as days and lots are made of, read in half the time.

    ``reverses`` is the id of the trade that it takes out.
    """

    id: int
    revision: int
    owner: str
    symbol: Symbol
    side: Side
    quantity: Quantity
    cash_delta: Money
    fees: Money
    realized_pnl: Money
    closes: bool
    executed_at: datetime
    booked_at: datetime
    reverses: int | None = None
    engine: str | None = None
    signal_id: str | None = None

    @classmethod
    def of(cls, trade_id: int, entry: TradeEntry) -> Movement:
        """Return what the entry of a trade moved."""
        trade = entry.trade
        return cls(
            id=trade_id,
            revision=entry.revision,
            owner=entry.request.owner,
            symbol=trade.symbol,
            side=trade.side,
            quantity=trade.quantity,
            cash_delta=trade.cash_delta,
            fees=trade.fees,
            realized_pnl=trade.realized_pnl,
            closes=trade.closes,
            executed_at=trade.executed_at,
            booked_at=entry.booked_at,
            reverses=trade.reverses,
            engine=entry.request.engine,
            signal_id=entry.request.signal_id,
        )

    @property
    def effective_at(self) -> datetime:
        """Return when it took effect."""
        return self.executed_at

    @property
    def moves(self) -> tuple[Movement]:
        """Return what it moved, asset by asset, as entries that are no trades have their legs."""
        return (self,)

    @property
    def quantity_delta(self) -> Quantity:
        """Return the quantity with its sign: above zero on a BUY."""
        return self.quantity if self.side is Side.BUY else -self.quantity

    @property
    def basis_delta(self) -> Money:
        """Return by how much the cost basis moved."""
        return self.realized_pnl - self.cash_delta

    @property
    def fees_delta(self) -> Money:
        """Return by how much fees paid grow; a reversal takes them back."""
        return -self.fees if self.reverses is not None else self.fees

    @property
    def notional(self) -> Money:
        """Return what the quantity cost or brought, without fees; a reversal has that of the trade it takes out."""
        return -self.cash_delta - self.fees_delta if self.side is Side.BUY else self.cash_delta + self.fees_delta
