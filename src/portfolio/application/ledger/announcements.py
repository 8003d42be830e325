"""Events of the ledger."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from portfolio.application.announcer import Announcement
from portfolio.application.ledger.cash_records import CashEntry
from portfolio.application.ledger.ports import LedgerUnit
from portfolio.application.ledger.records import TradeEntry


@dataclass(frozen=True, slots=True)
class TradeBooked(Announcement):
    """A trade was booked, or a trade was reversed by booking its opposite. ``trade_id`` is the new trade's."""

    trade_id: int
    entry: TradeEntry


@dataclass(frozen=True, slots=True)
class CashMoved(Announcement):
    """An entry that is no trade was booked: a deposit, a withdrawal, the baseline, or an adjustment."""

    entry: CashEntry


WithinBooking = Callable[[LedgerUnit, Sequence[TradeBooked]], Awaitable[Sequence[Announcement]]]
"""What is to be done in the unit of work that books trades: committed with them, or not at all.

It returns the events that its own changes are.
"""
