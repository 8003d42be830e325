"""The portfolio as it is read: the newest snapshot, valued now."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, replace
from datetime import date, datetime
from zlib import crc32

from portfolio.application.errors import LedgerUnavailable
from portfolio.application.ledger.snapshots import Snapshot
from portfolio.application.performance.period import Performance
from portfolio.application.prices.valuation import Valuation
from portfolio.application.risk.metrics import measured, risk_metrics_of
from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.http.ledger.position_views import PositionViews
from portfolio.entrypoints.http.portfolio.answers import PortfolioView
from portfolio.entrypoints.http.portfolio.views import is_stale, portfolio_view
from portfolio.entrypoints.http.shell.use_cases import UseCases

METRICS_DAYS = 30
HISTORY_SECONDS = 1.0
HISTORY_PAUSE_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A snapshot and what it is worth at a moment.

    ``etag`` is the weak validator: it changes with the books, the prices and the statuses, not with ages.
    """

    snapshot: Snapshot
    valuation: Valuation
    at: datetime
    etag: str

    @property
    def held(self) -> list[Symbol]:
        """Return the assets held."""
        return [value.position.symbol for value in self.valuation.positions]

    @property
    def is_stale(self) -> bool:
        """Return whether a part of it may be out of date."""
        return is_stale(self.valuation, self.snapshot)


class Readings:
    """Values what is read."""

    def __init__(self, cases: UseCases) -> None:
        self._cases = cases

    async def newest(self) -> Reading:
        """Return the newest state, valued now; the last one seen when the database does not answer in time.

        Raises:
            LedgerUnavailable: the database is away and no state was ever seen.
            PortfolioMissing: the books were never opened.
        """
        return self.at(await self._cases.snapshots.newest(), self._cases.clock.now())

    def at(self, snapshot: Snapshot, now: datetime) -> Reading:
        """Return a state, valued at a moment."""
        valuation, day = self._cases.market.valued(snapshot, now), now.date()
        etag = snapshot.derived.once(
            (Reading, valuation.statuses, day, snapshot.database_away), lambda: _etag(snapshot, valuation, day)
        )
        return Reading(snapshot=snapshot, valuation=valuation, at=now, etag=etag)


def _etag(snapshot: Snapshot, valuation: Valuation, day: date) -> str:
    portfolio, revisions = valuation.portfolio, snapshot.revisions
    # Other programs write most of these without moving our revision.
    sums = (valuation.total_value, portfolio.cash, valuation.cost_basis, portfolio.realized_pnl, portfolio.fees_paid)
    moving = [day, snapshot.database_away, *sums, portfolio.net_deposits, valuation.unreconciled]
    for value in valuation.positions:
        held = value.position
        moving += [held.symbol.code, held.quantity.value, held.asset_cost.value, held.cost_basis.value]
        moving += [held.realized_pnl.value, value.price_status.value]
    return f'W/"{revisions.ledger}-{revisions.prices}-{crc32(" ".join(map(str, moving)).encode()):08x}"'


class PortfolioReader:
    """Makes the portfolio's view, as every answer shows it; its figures from history are kept while they stand."""

    def __init__(self, cases: UseCases) -> None:
        self.positions = PositionViews()
        self._performance = RecentPerformance(cases)
        self._market = cases.market

    async def __call__(self, reading: Reading) -> PortfolioView:
        """Return the view of a reading."""
        performance = await self._performance(reading)
        state = await self._market.of(reading.snapshot, now=reading.at)
        risk = await measured(risk_metrics_of, state)
        positions = self.positions(reading.valuation)
        return portfolio_view(reading.valuation, reading.snapshot, positions, performance, risk)


class RecentPerformance:
    """The performance of the last 30 days, measured once a snapshot and kept while it stands.

    A history that does not answer, as one whose table another program has locked, holds up one reader for a second, and
    the next one not before a while: the others get what was measured last, as stale.
    """

    def __init__(self, cases: UseCases) -> None:
        self._cases = cases
        self._measured: Performance | None = None
        self._of: tuple[datetime, date] | None = None
        self._asks_again_at = -math.inf

    async def __call__(self, reading: Reading) -> Performance | None:
        """Return the figures; None where they could not be read and were never measured."""
        of, clock = (reading.snapshot.as_of, reading.at.date()), self._cases.clock
        if of == self._of:
            return self._measured
        if reading.snapshot.database_away or clock.monotonic() < self._asks_again_at:
            return self._stale()
        try:
            async with asyncio.timeout(min(HISTORY_SECONDS, self._cases.read_deadline_seconds)):
                measured = await self._cases.performance.of(reading.snapshot, METRICS_DAYS)
        except (LedgerUnavailable, TimeoutError) as error:
            if isinstance(error, TimeoutError):
                self._asks_again_at = clock.monotonic() + HISTORY_PAUSE_SECONDS
            return self._stale()
        self._measured, self._of = measured, of
        return measured

    def _stale(self) -> Performance | None:
        return replace(self._measured, stale=True) if self._measured else None
