"""Trades as a file of comma-separated values."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final

from portfolio.application.ledger.ports import Lookups
from portfolio.application.ledger.records import BookedTrade, Page, TradeFilter
from portfolio.entrypoints.http.ledger.answers import TradeView
from portfolio.entrypoints.http.ledger.csv_rows import header_of, rows_of
from portfolio.entrypoints.http.ledger.trades import trade_views

ROWS_AT_ONCE: Final = 1_000


async def csv_of(
    first: Page[BookedTrade], lookups: Lookups, portfolio_id: int, wanted: TradeFilter
) -> AsyncIterator[str]:
    """Yield the file of the trades ``wanted``, newest first, a thousand at a time; ``first`` are the first of them.

    What is booked meanwhile is not in it: the ids only grow.
    """
    yield header_of(TradeView)
    page = first
    while True:
        yield rows_of(trade_views(page))
        if page.next_before is None:
            return
        page = await lookups.trades(portfolio_id, replace(wanted, before=page.next_before))
