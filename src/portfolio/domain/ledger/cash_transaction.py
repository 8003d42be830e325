"""Entries of the ledger that are no trades."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from portfolio.domain.money import Money


class CashTransactionKind(StrEnum):
    """Why cash, or what is known of it, moved without a trade."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    BASELINE = "baseline"
    ADJUSTMENT = "adjustment"


@dataclass(frozen=True, slots=True, kw_only=True)
class CashTransaction:
    """An entry that is no trade: by how much it moved the sums, and what the portfolio was worth just before."""

    kind: CashTransactionKind
    cash_delta: Money
    net_deposits_delta: Money
    realized_delta: Money = Money.zero()
    value_before: Money
    at: datetime
