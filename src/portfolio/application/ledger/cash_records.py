"""Records of the ledger's entries that are not trades, shared by use cases and ports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec

from portfolio.application.ledger.records import BookedTrade, Refusal, TradeEntry
from portfolio.domain.ledger.cash_transaction import CashTransaction, CashTransactionKind
from portfolio.domain.ledger.leg import Leg
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.money import Money, Price, Quantity
from portfolio.domain.symbol import Symbol

SERVICE = "service"
"""The owner of the entries that nobody asked for over HTTP."""

_OF_ALL: Final = frozenset({CashTransactionKind.BASELINE, CashTransactionKind.ADJUSTMENT, CashTransactionKind.REBUILD})

INITIAL_CASH = "initial cash"
"""The remark on the deposit that new books begin with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionAdjustment:
    """The change of a position by a baseline, an adjustment or an event, and its average price after it.

    Deltas are against what the ledger's earlier entries add up to. In entries from before 0024 the last four are not
    known.
    """

    symbol: Symbol
    quantity_delta: Quantity
    asset_cost_delta: Money | None = None
    cost_basis_delta: Money | None = None
    realized_delta: Money | None = None
    avg_entry_price: Price | None = None

    @classmethod
    def by(cls, leg: Leg, after: Position) -> PositionAdjustment:
        """Return the change that a leg of an event is, which led to the position ``after``."""
        return cls(
            symbol=leg.symbol,
            quantity_delta=leg.quantity_delta,
            asset_cost_delta=leg.asset_delta,
            cost_basis_delta=leg.basis_delta,
            realized_delta=leg.realized_delta,
            avg_entry_price=after.avg_entry_price,
        )

    @property
    def leg(self) -> Leg:
        """Return the leg that the change is; what is not known moved nothing."""
        nothing = Money.zero()
        return Leg(
            symbol=self.symbol,
            quantity_delta=self.quantity_delta,
            basis_delta=self.cost_basis_delta or nothing,
            asset_delta=self.asset_cost_delta or nothing,
            realized_delta=self.realized_delta or nothing,
        )

    @classmethod
    def of(cls, position: Position) -> PositionAdjustment:
        """Return the change that leads from nothing to a position."""
        return cls(
            symbol=position.symbol,
            quantity_delta=position.quantity,
            asset_cost_delta=position.asset_cost,
            cost_basis_delta=position.cost_basis,
            realized_delta=position.realized_pnl,
            avg_entry_price=position.avg_entry_price,
        )


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

    @property
    def booked_at(self) -> datetime:
        """Return when it was booked."""
        return self.transaction.at

    @property
    def effective_at(self) -> datetime:
        """Return when it took effect."""
        return self.transaction.effective_at

    @property
    def moves(self) -> tuple[Leg, ...]:
        """Return what it moved, asset by asset, as far as it says."""
        return tuple(one.leg for one in self.positions)

    @property
    def tells_all(self) -> bool:
        """Return whether its positions are all that it moved, each with its cost: an event, or a restatement."""
        return self.transaction.event is not None or self.transaction.kind is CashTransactionKind.RESTATEMENT

    @property
    def legs(self) -> tuple[Leg, ...] | None:
        """Return what it moved, asset by asset; None of what opens or mends the books: that may be all there is."""
        if self.transaction.kind in _OF_ALL:
            return None
        return self.moves

    @property
    def balances(self) -> bool:
        """Return whether ``cash + sum of basis == net deposits + realized``, as changes: the law of events."""
        moved, basis = self.transaction, Money.zero()
        for leg in self.moves:
            basis = basis + leg.basis_delta
        return moved.cash_delta + basis == moved.net_deposits_delta + moved.realized_delta

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


class RecordedCashEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A cash transaction as kept."""

    id: int
    entry: CashEntry

    @property
    def fingerprint(self) -> str | None:
        """Return the digest of what was asked for."""
        return self.entry.fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEntry:
    """An entry at its place in the ledger; None where nothing can be made of its row.

    ``digest`` tells it from any other that could be in its place, see ``audit.entry_digest``.
    """

    revision: int
    digest: str
    entry: BookedTrade | RecordedCashEntry | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedCashEntry:
    """A deposit, a withdrawal or an event that was refused, as kept: the answer to every later copy of it.

    One without a key is kept under one that the service made. ``stated`` has by name what was asked for, as texts;
    refusals of before that was kept have nothing.
    """

    portfolio_id: int
    owner: str
    client_transaction_id: str
    fingerprint: str
    refusal: Refusal
    decided_at: datetime
    stated: Mapping[str, str] = field(default_factory=dict)
