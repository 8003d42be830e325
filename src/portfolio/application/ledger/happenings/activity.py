"""Entries of all kinds, for who looks through them."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

import msgspec

from portfolio.application.ledger.cash_records import RecordedCashEntry
from portfolio.application.ledger.records import BookedTrade
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.trade import Side
from portfolio.domain.symbol import Symbol

EntryKind: TypeAlias = Side | CashTransactionKind
"""What an entry is: a trade by its side, any other by its kind."""


class EntryFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries are wanted; what is None leaves none out.

    ``since`` and ``until``, itself not included, are about when an entry took effect. ``symbol`` is an asset that it
    moves: the entry of a swap moves none, its trades do. ``revision`` is that of one entry alone; ``before`` is the
    revision that the last page ended with.
    """

    kind: EntryKind | None = None
    symbol: Symbol | None = None
    since: datetime | None = None
    until: datetime | None = None
    revision: int | None = None
    before: int | None = None
    limit: int = 100


class ListedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry with its ledger revision; ``taken_out_by`` is the revision of the event that takes this event out.

    Of a trade its record says which trade reversed it.
    """

    revision: int
    recorded: BookedTrade | RecordedCashEntry
    taken_out_by: int | None = None
