"""The use cases that routes call: the composition root fills one instance for each application."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from portfolio.application.clock import Clock
from portfolio.application.ledger.ports import Lookups
from portfolio.application.operations.health import ReadHealth
from portfolio.application.stream.broadcast import Broadcast
from portfolio.application.stream.entries import ReadEntries
from portfolio.application.uncancelled import Uncancelled
from portfolio.domain.categories import Categories
from portfolio.entrypoints.assembly.ledger import ImportParts, LedgerParts
from portfolio.entrypoints.assembly.performance import PerformanceParts
from portfolio.entrypoints.assembly.prices import PriceParts
from portfolio.entrypoints.assembly.rebalancing import BacktestParts, RebalancingParts


class UseCases(msgspec.Struct, frozen=True, kw_only=True):
    """The application's verbs by topic, the portfolio that they are for, and look-ups."""

    portfolio_id: int
    ledger: LedgerParts
    imports: ImportParts
    prices: PriceParts
    performance: PerformanceParts
    rebalancing: RebalancingParts
    backtests: BacktestParts
    lookups: Lookups
    health: ReadHealth
    stream: Broadcast
    read_entries: ReadEntries
    clock: Clock
    categories: Categories
    max_price_age: timedelta
    read_deadline_seconds: float
    uncancelled: Uncancelled = msgspec.field(default_factory=Uncancelled)
