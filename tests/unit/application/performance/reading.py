"""Reads the performance of books in memory."""

from __future__ import annotations

from decimal import Decimal

from portfolio.application.ledger.snapshots import Snapshots
from portfolio.application.performance.benchmark import ReadBenchmark
from portfolio.application.performance.days.ledger_days import LedgerDays
from portfolio.application.performance.history import ReadHistory
from portfolio.application.performance.period import ReadPerformance
from portfolio.domain.symbol import Symbol
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_lookups import FakeLookups
from tests.support.fakes.fake_stores import FakeDays, FakeLeases, FakePriceStore
from tests.support.fakes.joined_closes import joined_closes


def reader(
    ledger: FakeLedger,
    clock: FakeClock,
    *,
    snapshots: Snapshots | None = None,
    days: FakeDays | None = None,
    entries: LedgerDays | None = None,
    prices: FakePriceStore | None = None,
    risk_free_rate: Decimal = Decimal(0),
) -> ReadPerformance:
    """Return the use case on these books; the days and the entries are the same books' where none are given."""
    newest = snapshots or Snapshots(ledger, clock, 1)
    booked = entries or LedgerDays(ledger, FakeLookups(ledger))
    benchmark = ReadBenchmark(
        joined_closes(prices or FakePriceStore(ledger, FakeLeases()), clock, ledger), Symbol("BTC")
    )
    history = ReadHistory(days or FakeDays(ledger), booked, newest, benchmark, clock, risk_free_rate=risk_free_rate)
    return ReadPerformance(history, newest)
