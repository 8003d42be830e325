"""The closes of statistics on the books of a fake ledger."""

from __future__ import annotations

from portfolio.application.clock import Clock
from portfolio.application.prices.closes import ReadCloses
from portfolio.application.prices.joined_closes import JoinedCloses
from portfolio.application.prices.joins import ReadJoins
from portfolio.application.prices.ports import PriceStore
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_lookups import FakeLookups


def joined_closes(
    prices: PriceStore,
    clock: Clock,
    ledger: FakeLedger,
    *,
    prefers_simulated: bool = False,
    deadline_seconds: float = 5.0,
) -> JoinedCloses:
    """Return what reads the closes of a store, joined as the ledger says."""
    closes = ReadCloses(prices, clock, prefers_simulated=prefers_simulated, deadline_seconds=deadline_seconds)
    return JoinedCloses(closes, ReadJoins(FakeLookups(ledger), 1), deadline_seconds=deadline_seconds)
