"""Entries of the ledger that are no trades."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from portfolio.domain.money import Money


class CashTransactionKind(StrEnum):
    """The kind of a cash transaction."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    BASELINE = "baseline"
    ADJUSTMENT = "adjustment"
    REBUILD = "rebuild"


@dataclass(frozen=True, slots=True, kw_only=True)
class CashTransaction:
    """An entry that is not a trade: its changes of the sums, and the portfolio's value just before."""

    kind: CashTransactionKind
    cash_delta: Money
    net_deposits_delta: Money
    realized_delta: Money = Money.zero()
    value_before: Money
    at: datetime
