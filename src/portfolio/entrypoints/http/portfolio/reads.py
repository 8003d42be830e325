"""The portfolio as it is read: the newest snapshot, valued now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zlib import crc32

from portfolio.application.ledger.snapshots import Snapshot
from portfolio.application.performance.records import Basis
from portfolio.application.prices.valuation import Valuation
from portfolio.application.risk.metrics import measured, risk_metrics_of
from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.http.ledger.position_views import PositionViews
from portfolio.entrypoints.http.portfolio.answers import PortfolioView
from portfolio.entrypoints.http.portfolio.views import is_stale, portfolio_view
from portfolio.entrypoints.http.shell.responses import encode
from portfolio.entrypoints.http.shell.use_cases import UseCases


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
        """Return the newest state, valued now; the last one seen when the database does not answer in time."""
        return self.at(await self._cases.ledger.snapshots.newest(), self._cases.clock.now())

    def at(self, snapshot: Snapshot, now: datetime) -> Reading:
        """Return a state, valued at a moment."""
        valuation, day = self._cases.rebalancing.market.valued(snapshot, now), now.date()
        etag = snapshot.derived.once(
            (Reading, valuation.statuses, day, snapshot.database_away), lambda: _etag(snapshot, valuation, day)
        )
        return Reading(snapshot=snapshot, valuation=valuation, at=now, etag=etag)


def _etag(snapshot: Snapshot, valuation: Valuation, day: date) -> str:
    portfolio, revisions = valuation.portfolio, snapshot.revisions
    # Other programs write most of these without moving our revision.
    sums = (valuation.total_value, portfolio.cash, valuation.cost_basis, portfolio.realized_pnl, portfolio.fees_paid)
    moving = [day, snapshot.database_away, *map(str, (*sums, portfolio.net_deposits, valuation.unreconciled))]
    for value in valuation.positions:
        held = value.position
        moving += [held.symbol.code, held.quantity.value, held.asset_cost.value, held.cost_basis.value]
        moving += [held.realized_pnl.value, value.price_status.value]
    return f'W/"{revisions.ledger}-{revisions.prices}-{crc32(encode(moving)):08x}"'


class PortfolioReader:
    """Makes the portfolio's view, as every answer shows it; its figures from history are kept while they stand."""

    def __init__(self, cases: UseCases) -> None:
        self.positions = PositionViews()
        self._performance = cases.performance.recent
        self._market = cases.rebalancing.market

    async def __call__(self, reading: Reading) -> PortfolioView:
        """Return the view of a reading."""
        view, _ = await self.versioned(reading)
        return view

    async def versioned(self, reading: Reading) -> tuple[PortfolioView, str]:
        """Return the view of a reading, and its validator.

        What could not be measured may be a moment later, or is measured on other days by then, and nothing of the books
        has changed: that is another version.
        """
        performance = await self._performance(reading.snapshot, reading.at)
        state = await self._market.of(reading.snapshot, valuation=reading.valuation)
        risk = await measured(risk_metrics_of, state)
        positions = self.positions(reading.valuation)
        is_measured = performance is not None and not performance.stale and state.closes.is_current
        etag = reading.etag if is_measured else f'{reading.etag[:-1]}-unmeasured"'
        if performance is not None and performance.basis is Basis.RESTATED:
            etag = f'{etag[:-1]}-restated"'
        return portfolio_view(reading.valuation, reading.snapshot, positions, performance, risk), etag
