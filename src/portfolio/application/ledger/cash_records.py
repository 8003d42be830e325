"""Records of the entries that are no trade, which use cases and ports exchange."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from portfolio.application.ledger.records import Refusal, TradeEntry
from portfolio.domain.ledger.cash_transaction import CashTransaction
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.money import Money, Quantity
from portfolio.domain.symbol import Symbol

SERVICE = "service"
"""The owner of the entries that nobody asked for over HTTP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionAdjustment:
    """The change of a position's ledger quantity by a baseline or an adjustment.

    Deltas are against what the ledger's earlier entries add up to.
    """

    symbol: Symbol
    quantity_delta: Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class CashEntry:
    """A ledger entry that is not a trade. ``revision`` is the portfolio's revision after it."""

    transaction: CashTransaction
    portfolio_id: int
    revision: int
    owner: str
    client_transaction_id: str | None = None
    fingerprint: str | None = None
    note: str | None = None
    positions: tuple[PositionAdjustment, ...] = ()
    cash_after: Money
    net_deposits_after: Money

    @classmethod
    def of(
        cls,
        transaction: CashTransaction,
        after: Portfolio,
        *,
        owner: str = SERVICE,
        note: str | None = None,
        positions: Sequence[PositionAdjustment] = (),
    ) -> CashEntry:
        """Return the entry of a transaction that led to the portfolio ``after``."""
        return cls(
            transaction=transaction,
            portfolio_id=after.id,
            revision=after.revision,
            owner=owner,
            note=note,
            positions=tuple(positions),
            cash_after=after.cash,
            net_deposits_after=after.net_deposits,
        )


Entry = TradeEntry | CashEntry
"""An entry of the ledger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCashEntry:
    """A cash transaction as kept."""

    id: int
    entry: CashEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedCashEntry:
    """A deposit or withdrawal with a key that was refused, as kept: the answer to every later copy of it."""

    portfolio_id: int
    owner: str
    client_transaction_id: str
    fingerprint: str
    refusal: Refusal
    decided_at: datetime
