"""The newest entries of the ledger, trades and others in one list."""

from __future__ import annotations

from collections.abc import Sequence

from portfolio.application.ledger.cash_records import RecordedCashEntry
from portfolio.application.ledger.ports import Lookups
from portfolio.application.ledger.records import BookedTrade, TradeFilter


async def newest_entries(lookups: Lookups, portfolio_id: int, limit: int) -> Sequence[BookedTrade | RecordedCashEntry]:
    """Return at most ``limit`` entries, newest first; rows that other programs wrote are none.

    Raises:
        LedgerUnavailable: the database is away.
    """
    trades = await lookups.trades(portfolio_id, TradeFilter(limit=limit))
    others = await lookups.cash_transactions(portfolio_id, before=None, limit=limit)
    entries: list[BookedTrade | RecordedCashEntry] = [trade for trade in trades.items if trade.entry is not None]
    return sorted([*entries, *others.items], key=revision_of, reverse=True)[:limit]


def revision_of(entry: BookedTrade | RecordedCashEntry) -> int:
    """Return the ledger's revision after an entry."""
    assert entry.entry is not None
    return entry.entry.revision
