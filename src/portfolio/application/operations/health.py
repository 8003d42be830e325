"""How the service is doing: the database, the prices, the refresher, the books."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

import msgspec

from portfolio.application.clock import Clock
from portfolio.application.errors import (
    ApplicationError,
    BooksContradicted,
    LedgerRefused,
    PortfolioMissing,
    SchemaUnknown,
)
from portfolio.application.ledger.booking_queue import BookingQueue
from portfolio.application.ledger.snapshots import Snapshot, Snapshots
from portfolio.application.ledger.verification import describe_unreconciled
from portfolio.application.operations.comparison import CompareBooks, Comparison
from portfolio.application.operations.ports import Probe
from portfolio.application.prices.ports import PriceFeed
from portfolio.application.prices.refresh import RefreshPrices
from portfolio.application.prices.sources import SourceState
from portfolio.domain.errors import DomainError
from portfolio.domain.ledger.position import Position
from portfolio.domain.mark import TRADE_SOURCE
from portfolio.domain.money import Money
from portfolio.domain.prices.freshness import Freshness, PriceDoubt, freshness_of

PROBE_SECONDS = 0.8
WRITE_SECONDS = 2.0
NO_REFRESH = frozenset({TRADE_SOURCE, "legacy"})


class Condition(StrEnum):
    """How the service is doing."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


class DatabaseCondition(StrEnum):
    """How the database is doing."""

    UP = "up"
    AWAY = "away"
    REFUSING = "refusing"
    SCHEMA_UNKNOWN = "schema_unknown"
    BOOKS_NOT_OPEN = "books_not_open"
    BOOKS_CONTRADICTED = "books_contradicted"


class Refresher(Protocol):
    """The periodic price task of this instance."""

    @property
    def is_leader(self) -> bool:
        """Return whether this instance is the one that refreshes."""

    @property
    def interval_seconds(self) -> float:
        """Return the time between two refreshes."""

    @property
    def last_cycle_age_seconds(self) -> float | None:
        """Return the seconds since the last refresh cycle; None before the first."""


class DatabaseHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What the last probe of the database found; ``detail`` says what is wrong."""

    condition: DatabaseCondition
    latency_ms: float | None = None
    schema_revision: str | None = None
    refused_bookings: int | None = None
    unreadable_rows: Sequence[str] = ()
    detail: str | None = None


class PriceHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How old the prices are, and how their sources do. Symbols are in order."""

    last_refresh: datetime | None = None
    oldest_age_seconds: int | None = None
    freshness: Freshness = msgspec.field(default_factory=lambda: Freshness(None))
    quarantined: Sequence[str] = ()
    sources: Mapping[str, SourceState] = msgspec.field(default_factory=dict)

    @property
    def stale(self) -> Sequence[str]:
        """Return what has a price that is too old."""
        return self.freshness.symbols(PriceDoubt.STALE)

    @property
    def missing(self) -> Sequence[str]:
        """Return what has no price."""
        return self.freshness.symbols(PriceDoubt.MISSING)


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How the service is doing; ``can_book`` is whether a booking could be committed now."""

    condition: Condition
    can_book: bool
    database: DatabaseHealth
    prices: PriceHealth
    leader: bool
    interval_seconds: float
    last_cycle_age_seconds: float | None
    unreconciled: Money | None
    unreconciled_lines: Sequence[str]
    comparison: Comparison


@dataclass(slots=True)
class ReadHealth:
    """Says how the service is doing within a second, whatever the database does."""

    probe: Probe
    snapshots: Snapshots
    booking: BookingQueue
    refresh: RefreshPrices
    refresher: Refresher
    feed: PriceFeed
    compare: CompareBooks
    clock: Clock
    max_price_age: timedelta
    _probing: asyncio.Task[tuple[DatabaseHealth, Comparison]] | None = field(default=None, init=False)
    _refused: int | None = field(default=None, init=False)
    _unreadable: Sequence[str] = field(default=(), init=False)
    _written_at: float | None = field(default=None, init=False)
    _is_refused: bool = field(default=False, init=False)

    async def __call__(self) -> Health:
        """Return how the service is doing; never raises."""
        database, comparison = await self._database()
        snapshot = self.snapshots.last
        prices = self._prices(snapshot)
        unreconciled, lines = _unreconciled(snapshot)
        return Health(
            condition=_condition(database, snapshot, prices),
            can_book=database.condition is DatabaseCondition.UP,
            database=database,
            prices=prices,
            leader=self.refresher.is_leader,
            interval_seconds=self.refresher.interval_seconds,
            last_cycle_age_seconds=self.refresher.last_cycle_age_seconds,
            unreconciled=unreconciled,
            unreconciled_lines=lines,
            comparison=comparison,
        )

    async def _database(self) -> tuple[DatabaseHealth, Comparison]:
        """Return the result of a probe. Only one runs at a time, because a silent database would collect them."""
        probe = self._probing
        if probe is None or probe.done():
            probe = self._probing = asyncio.create_task(self._probe_compared(), name="health-probe")
        done, _ = await asyncio.wait({probe}, timeout=PROBE_SECONDS)
        # Its own: another who asks may have begun the next one before this task goes on.
        if done:
            return probe.result()
        return self._failed(DatabaseCondition.AWAY, f"no answer within {PROBE_SECONDS:g} s"), self.compare.last

    async def _probe_compared(self) -> tuple[DatabaseHealth, Comparison]:
        """Return a probe's result with the comparison of before it: a database that is up is never told to differ."""
        comparison = self.compare.last
        return await self._probe_database(), comparison

    async def _probe_database(self) -> DatabaseHealth:
        started = self.clock.monotonic()
        try:
            revision = await self.probe.ping()
            latency_ms = (self.clock.monotonic() - started) * 1000
            self._refused = await self.probe.count_refusals(self.snapshots.portfolio_id)
            snapshot = await self.snapshots.newest()
            unreadable = [f"mock_holdings {name!r}" for name in snapshot.portfolio.unreadable_rows]
            self._unreadable = [*unreadable, *await self.probe.unreadable_rows(self.snapshots.portfolio_id)]
            if snapshot.contradiction is not None:
                return self._failed(DatabaseCondition.BOOKS_CONTRADICTED, snapshot.contradiction)
            if snapshot.database_away:
                self._written_at = None  # a trial may tell more
            await self._try_write()
        except SchemaUnknown as error:
            return self._failed(DatabaseCondition.SCHEMA_UNKNOWN, str(error), schema_revision=error.found)
        except BooksContradicted as error:
            return self._failed(DatabaseCondition.BOOKS_CONTRADICTED, str(error))
        except PortfolioMissing as error:
            return self._failed(DatabaseCondition.BOOKS_NOT_OPEN, str(error))
        except LedgerRefused as error:
            self._is_refused, self._written_at = True, None  # what is tried next tells whether the cause is gone
            return self._failed(DatabaseCondition.REFUSING, str(error))
        except (ApplicationError, DomainError) as error:
            return self._failed(DatabaseCondition.AWAY, str(error))
        if cause := self.booking.failures.cause:
            return self._failed(DatabaseCondition.REFUSING, f"bookings fail: {cause}", schema_revision=revision)
        condition = DatabaseCondition.UP if snapshot.portfolio.revision > 0 else DatabaseCondition.BOOKS_NOT_OPEN
        return DatabaseHealth(
            condition=DatabaseCondition.AWAY if snapshot.database_away else condition,
            detail=self.snapshots.away_because if snapshot.database_away else None,
            latency_ms=latency_ms,
            schema_revision=revision,
            refused_bookings=self._refused,
            unreadable_rows=self._unreadable,
        )

    async def _try_write(self) -> None:
        """Raise an error if a booking could not be committed. A good result of the last two seconds counts.

        While bookings fail it does not: a trial that fails as they do can tell later that the cause is gone. Once the
        database takes again what it refused here, bookings that failed before say nothing any more.
        """
        now = self.clock.monotonic()
        is_old = self._written_at is None or now - self._written_at >= WRITE_SECONDS
        if is_old or self.booking.failures.cause:
            self._written_at = None
            await self.probe.check_server()
            await self.probe.try_write(self.snapshots.portfolio_id)
            self._written_at = now
            if self._is_refused:
                self._is_refused = False
                self.booking.failures.forget()

    def _failed(
        self, condition: DatabaseCondition, detail: str, *, schema_revision: str | None = None
    ) -> DatabaseHealth:
        return DatabaseHealth(
            condition=condition,
            refused_bookings=self._refused,
            unreadable_rows=self._unreadable,
            detail=detail,
            schema_revision=schema_revision,
        )

    def _prices(self, snapshot: Snapshot | None) -> PriceHealth:
        now = self.clock.now()
        held = snapshot.portfolio.open_positions if snapshot else []
        quarantined = self.refresh.quarantined_in(snapshot.portfolio) if snapshot else {}
        ages = {p.symbol.code: max(now - p.mark.at, timedelta(0)) for p in held if p.mark}
        return PriceHealth(
            last_refresh=self.refresh.last_refresh or _newest_mark(held),
            oldest_age_seconds=int(max(ages.values()).total_seconds()) if ages else None,
            freshness=freshness_of(held, now, self.max_price_age, trusts_assumed_rates=True),
            quarantined=sorted(symbol.code for symbol in quarantined),
            sources=self.feed.states(),
        )


def _unreconciled(snapshot: Snapshot | None) -> tuple[Money | None, Sequence[str]]:
    """Return what is unreconciled: its value, None where it is out of range, and one line for each row."""
    if snapshot is None:
        return None, ()
    try:
        return snapshot.portfolio.unreconciled, [
            *describe_unreconciled(snapshot.portfolio),
            *snapshot.portfolio.foreign_rows,
        ]
    except DomainError as error:
        return None, (str(error),)


def _newest_mark(held: Sequence[Position]) -> datetime | None:
    """Return when a price last came in, from whichever instance; a trade's or an adopted row's is no refresh."""
    return max((p.mark.at for p in held if p.mark and p.mark.source not in NO_REFRESH), default=None)


def _condition(database: DatabaseHealth, snapshot: Snapshot | None, prices: PriceHealth) -> Condition:
    if snapshot is None or database.condition in {
        DatabaseCondition.SCHEMA_UNKNOWN,
        DatabaseCondition.BOOKS_NOT_OPEN,
        DatabaseCondition.BOOKS_CONTRADICTED,
    }:
        return Condition.UNHEALTHY
    if database.condition is not DatabaseCondition.UP or database.unreadable_rows:
        return Condition.DEGRADED
    if not prices.freshness.is_enough:
        return Condition.DEGRADED
    return Condition.HEALTHY
