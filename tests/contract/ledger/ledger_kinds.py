"""Each implementation of the database ports in turn: in memory, on SQLite, on a MySQL-family server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from portfolio.adapters.database.database import Database
from portfolio.application.imports.kept.ports import Imports
from portfolio.application.ledger.ports import Ledger, Lookups
from portfolio.application.operations.ports import Probe
from portfolio.application.performance.ports import Days
from portfolio.application.prices.ports import ExchangeRulesStore, Leases, PriceStore
from portfolio.application.rebalancing.ports import Signals
from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.migrated import bring_up_to_date
from tests.support.fakes.fake_imports import FakeImports
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_lookups import FakeLookups
from tests.support.fakes.fake_probe import FakeProbe
from tests.support.fakes.fake_rules import FakeExchangeRules
from tests.support.fakes.fake_stores import FakeDays, FakeLeases, FakePriceStore, FakeSignals


@dataclass
class Ports:
    """The ports of one implementation."""

    ledger: Ledger
    lookups: Lookups
    probe: Probe
    prices: PriceStore
    days: Days
    leases: Leases
    signals: Signals
    exchange_rules: ExchangeRulesStore
    imports: Imports


def ports_of(database: Database) -> Ports:
    """The ports of a database."""
    names = Ports.__dataclass_fields__
    return Ports(**{name: getattr(database, name) for name in names})


@pytest.fixture(params=["fake", "sqlite", "mysql"])
async def ports(request: pytest.FixtureRequest) -> AsyncIterator[Ports]:
    if request.param == "fake":
        ledger, leases = FakeLedger(), FakeLeases()
        yield Ports(
            ledger,
            FakeLookups(ledger),
            FakeProbe(ledger),
            FakePriceStore(ledger, leases),
            FakeDays(ledger),
            leases,
            FakeSignals(ledger),
            FakeExchangeRules(leases),
            FakeImports(ledger),
        )
        return
    under_test: DatabaseUnderTest = request.getfixturevalue(f"{request.param}_database")
    bring_up_to_date(under_test)
    database = under_test.opened()
    try:
        yield ports_of(database)
    finally:
        await database.close()
