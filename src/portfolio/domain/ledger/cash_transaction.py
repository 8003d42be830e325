"""Entries of the ledger that are not trades: deposits, withdrawals, events, adjustments and more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from portfolio.domain.money import Money


class CashTransactionKind(StrEnum):
    """The kind of an entry that is not a trade: money that moved, what opens or mends the books, or an event."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    BASELINE = "baseline"
    ADJUSTMENT = "adjustment"
    REBUILD = "rebuild"
    RESTATEMENT = "restatement"
    TRANSFER_IN = "transfer_in"
    TRANSFER_OUT = "transfer_out"
    INCOME = "income"
    SWAP = "swap"
    EXCHANGE = "exchange"
    SPLIT = "split"
    LOSS = "loss"
    INTEREST = "interest"
    CHARGE = "charge"


EVENT_KINDS: Final = tuple(CashTransactionKind)[tuple(CashTransactionKind).index(CashTransactionKind.TRANSFER_IN) :]
"""The kinds of events: what happens to the books beside trades, deposits and withdrawals."""

TRADES_OF_A_SWAP: Final = 2
"""They follow the entry of the swap: what was given, and what was got."""

SPLITS_AND_EXCHANGES: Final = (CashTransactionKind.SPLIT, CashTransactionKind.EXCHANGE)
"""The kinds of events with which what is held goes on in other quantities, of the same asset or of another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTerms:
    """What an entry says that is of an event.

    ``flow_value`` is the market value of what came from outside, below zero of what left: where cost is not value, the
    units see this. ``effective_at`` is when it happened. ``ratio`` is how many of the new there are for one of the old,
    of a split or an exchange. ``is_basis_assumed`` says that nobody stated what was transferred had cost.
    ``reverses_revision`` is the ledger revision of the event that it takes out.
    """

    flow_value: Money = Money.zero()
    effective_at: datetime
    is_basis_assumed: bool = False
    ratio: Decimal | None = None
    label: str | None = None
    group: str | None = None
    reverses_revision: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CashTransaction:
    """An entry that is not a trade: its changes of the sums, and the portfolio's value just before.

    ``event`` is None where it is of no event.
    """

    kind: CashTransactionKind
    cash_delta: Money
    net_deposits_delta: Money
    realized_delta: Money = Money.zero()
    value_before: Money
    at: datetime
    event: EventTerms | None = None

    @property
    def flow(self) -> Money:
        """Return the value that came from outside, below zero what left: what units are bought and given back for.

        A restatement corrects what deposits had cost, and nothing comes or leaves.
        """
        if self.event is not None:
            return self.event.flow_value
        return Money.zero() if self.kind is CashTransactionKind.RESTATEMENT else self.net_deposits_delta

    @property
    def paid_in(self) -> Money:
        """Return what was paid in, zero of what was paid out."""
        is_paid = self.net_deposits_delta.value > 0 and self.kind is not CashTransactionKind.RESTATEMENT
        return self.net_deposits_delta if is_paid else Money.zero()

    @property
    def comes_in(self) -> bool:
        """Return whether value came from outside, or a reversal takes out what came: else it left, or nothing moved."""
        is_reversal = self.event is not None and self.event.reverses_revision is not None
        return self.flow.value < 0 if is_reversal else self.flow.value > 0

    @property
    def effective_at(self) -> datetime:
        """Return when it took effect: an event when it happened, any other when it was booked."""
        return self.at if self.event is None else self.event.effective_at

    @property
    def day_at(self) -> datetime:
        """Return the moment whose day it is of: its own, but that of the booking where units changed with it."""
        if self.event is None or self.event.flow_value:
            return self.at
        return min(self.event.effective_at, self.at)
