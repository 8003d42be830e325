"""What is new beside the books: signals, and how the service is doing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from portfolio.application.errors import LedgerUnavailable
from portfolio.application.operations.health import Health, ReadHealth
from portfolio.application.rebalancing.records import LIVE, Signal, SignalStatus
from portfolio.application.rebalancing.signals import ListSignals
from portfolio.application.stream.records import Pace

MOST_SIGNALS: Final = 100


class News:
    """The newest signals and the newest health, each with a number that grows when there is something new."""

    def __init__(self, list_signals: ListSignals, health: ReadHealth, portfolio_id: int, pace: Pace) -> None:
        self._pace = pace
        self._list_signals = list_signals
        self._read_health = health
        self._portfolio_id = portfolio_id
        self._signals: dict[str, tuple[int, Signal, SignalStatus]] = {}
        self._kept: tuple[Any, ...] = ()
        self._health_at = 0.0
        self.signals_number = 0
        self.health_number = 0
        self.health: Health | None = None

    def expect_health(self) -> None:
        """Have health looked at the next time, whenever that was done last."""
        self._health_at = 0.0

    async def look(self, *, signals: bool, health: bool) -> bool:
        """Look at what is asked for, and return whether anything is new."""
        found = False
        if signals:
            found = await self._look_at_signals()
        now = asyncio.get_running_loop().time()
        if health and now >= self._health_at:
            self._health_at = now + self._pace.health
            found = await self._look_at_health() or found
        return found

    def signals_since(self, number: int, *, ended: bool) -> Sequence[Signal]:
        """Return the signals that are new, or are something else, since a number; to who knows none, those that live.

        With ``ended`` those that have ended are told from the beginning too.
        """
        return [
            signal
            for since, signal, status in self._signals.values()
            if since > number and (number or ended or status in LIVE)
        ]

    async def _look_at_signals(self) -> bool:
        try:
            page, now = await self._list_signals(self._portfolio_id, limit=MOST_SIGNALS)
        except LedgerUnavailable:
            return False  # health tells; they are looked at again
        known, number = self._signals, self.signals_number + 1
        self._signals = {signal.id: self._numbered(signal, known, number, now) for signal in reversed(page.items)}
        is_new = any(since == number for since, _, _ in self._signals.values())
        self.signals_number += is_new
        return is_new

    @staticmethod
    def _numbered(
        signal: Signal, known: dict[str, tuple[int, Signal, SignalStatus]], number: int, now: datetime
    ) -> tuple[int, Signal, SignalStatus]:
        status, before = signal.status_at(now), known.get(signal.id)
        if before is not None and (before[1], before[2]) == (signal, status):
            return before
        return number, signal, status

    async def _look_at_health(self) -> bool:
        health = await self._read_health()
        kept = _lasting(health)
        if self.health is not None and kept == self._kept:
            return False
        self.health, self._kept = health, kept
        self.health_number += 1
        return True


def _lasting(health: Health) -> tuple[Any, ...]:
    """Return what of it is news when it is another: no ages, and no times of answers."""
    database, prices = health.database, health.prices
    return (
        health.condition,
        health.can_book,
        database.condition,
        database.schema_revision,
        database.refused_bookings,
        tuple(database.unreadable_rows),
        health.comparison.status,
        tuple(prices.stale),
        tuple(prices.missing),
        tuple(prices.quarantined),
        {name: source.state for name, source in prices.sources.items()},
        health.leader,
        health.interval_seconds,
        health.unreconciled,
        tuple(health.unreconciled_lines),
    )
