"""Writes many entries: trades that follow one another together, any other by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from portfolio.application.announcer import Announcement
from portfolio.application.imports.progress import Tell, tell_nobody
from portfolio.application.ledger.announcements import CashMoved, TradeBooked
from portfolio.application.ledger.cash_records import CashEntry, Entry
from portfolio.application.ledger.ports import LedgerUnit
from portfolio.application.ledger.records import TradeEntry

AT_ONCE: Final = 250
"""So many trades are made into statements in some ten milliseconds, for which nobody else is answered."""


async def write_entries(unit: LedgerUnit, entries: Sequence[Entry], tell: Tell = tell_nobody) -> list[Announcement]:
    """Add entries to the ledger, whose revisions follow one another, and return what is to be told of them.

    ``tell`` hears how many are booked.
    """
    told: list[Announcement] = []
    for some in _runs_of(entries):
        tell("booking", len(told), len(entries))
        told += await _written(unit, some)
    tell("booking", len(told), len(told))
    return told


def _runs_of(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Return entries as they can be written, at most so many at once that the event loop is not held for long."""
    runs: list[list[Entry]] = []
    for entry in entries:
        is_next = runs and isinstance(entry, TradeEntry) and isinstance(runs[-1][0], TradeEntry)
        if is_next and len(runs[-1]) < AT_ONCE:
            runs[-1].append(entry)
        else:
            runs.append([entry])
    return runs


async def _written(unit: LedgerUnit, run: Sequence[Entry]) -> list[Announcement]:
    trades = [entry for entry in run if isinstance(entry, TradeEntry)]
    moved = [entry for entry in run if isinstance(entry, CashEntry)]
    for entry in moved:
        await unit.add_cash_entry(entry)
    ids = await unit.add_trades(trades) if trades else ()
    return [*map(CashMoved, moved), *(TradeBooked(*numbered) for numbered in zip(ids, trades, strict=True))]
