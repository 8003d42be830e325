"""Each implementation of the database ports in turn: in memory, on SQLite, on a MySQL-family server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from portfolio.adapters.database.database import open_database
from portfolio.adapters.database.schema.migration import migrate
from portfolio.application.ledger.ports import Ledger
from portfolio.application.performance.ports import Days
from portfolio.application.prices.ports import Leases, PriceStore
from portfolio.application.rebalancing.ports import Signals
from tests.support.database.databases import DatabaseUnderTest
from tests.support.fakes.fake_ledger import FakeDays, FakeLeases, FakeLedger, FakePriceStore, FakeSignals


@dataclass
class Ports:
    """The ports of one implementation."""

    ledger: Ledger
    prices: PriceStore
    days: Days
    leases: Leases
    signals: Signals


@pytest.fixture(params=["fake", "sqlite", "mysql"])
async def ports(request: pytest.FixtureRequest) -> AsyncIterator[Ports]:
    if request.param == "fake":
        ledger, leases = FakeLedger(), FakeLeases()
        yield Ports(ledger, FakePriceStore(ledger, leases), FakeDays(ledger), leases, FakeSignals(ledger))
        return
    under_test: DatabaseUnderTest = request.getfixturevalue(f"{request.param}_database")
    migrate(under_test.migration_url, under_test.prices_schema)
    database = open_database(under_test.url, prices_schema=under_test.prices_schema)
    try:
        yield Ports(database.ledger, database.prices, database.days, database.leases, database.signals)
    finally:
        await database.close()
