"""The performance of the last days, as it stands beside the portfolio: measured once a state."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final, Protocol

from portfolio.application.clock import Clock
from portfolio.application.errors import LedgerUnavailable
from portfolio.application.ledger.snapshots import Snapshot
from portfolio.application.performance.period import Performance
from portfolio.application.performance.records import Basis
from portfolio.domain.errors import OutOfRange

METRICS_DAYS: Final = 30
HISTORY_SECONDS: Final = 1.0
HISTORY_PAUSE_SECONDS: Final = 15.0


class MeasuresDays(Protocol):
    """What measures the last completed days."""

    async def of(self, snapshot: Snapshot, days: int) -> Performance:
        """Return the figures at a snapshot; raises LedgerUnavailable where days cannot be read and never were."""


@dataclass(slots=True)
class RecentPerformance:
    """The performance of the last 30 days, measured once a snapshot and kept while it stands, and while ``basis`` says
    that it would be of the same days.

    A history that does not answer, as one whose table another program has locked, holds up one reader for a second, and
    the next one not before a while: the others get what was measured last, as stale.
    """

    performance: MeasuresDays
    clock: Clock
    read_deadline_seconds: float
    basis: Callable[[], Basis] = lambda: Basis.RECORDED
    _measured: Performance | None = field(default=None, init=False)
    _of: tuple[datetime, date, Basis] | None = field(default=None, init=False)
    _asks_again_at: float = field(default=-math.inf, init=False)

    async def __call__(self, snapshot: Snapshot, now: datetime) -> Performance | None:
        """Return the figures at a snapshot; None where they could not be read and were never measured."""
        of = (snapshot.as_of, now.date(), self.basis())
        if of == self._of:
            return self._measured
        if snapshot.database_away or self.clock.monotonic() < self._asks_again_at:
            return self._stale()
        try:
            async with asyncio.timeout(min(HISTORY_SECONDS, self.read_deadline_seconds)):
                measured = await self.performance.of(snapshot, METRICS_DAYS)
        except TimeoutError:
            self._asks_again_at = self.clock.monotonic() + HISTORY_PAUSE_SECONDS
            return self._stale()
        except (LedgerUnavailable, OutOfRange):  # or a past that would have reached 1e20, in its own order
            return self._stale()
        self._measured, self._of = measured, of
        return measured

    def _stale(self) -> Performance | None:
        return replace(self._measured, stale=True) if self._measured else None
