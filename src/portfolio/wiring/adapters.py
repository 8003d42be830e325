"""The ports of the service, made of the adapters that the settings ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from portfolio.adapters.database.database import Database
from portfolio.adapters.files.configuration import read_categories, read_policy
from portfolio.adapters.files.imports import GivenFiles
from portfolio.application.clock import Clock
from portfolio.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from portfolio.adapters.feeds.exchanges import Exchanges
    from portfolio.adapters.feeds.simulated import SimulatedExchanges
    from portfolio.application.prices.records import Close
    from portfolio.domain.symbol import Symbol
    from portfolio.entrypoints.assembly.adapters import Adapters

PORTFOLIO_ID = 1

IMPORT_SECONDS = 120.0
"""What the waits of an import for the database are shares of: no request waits for it longer than its own deadline."""


def adapters_of(settings: Settings, clock: Clock, database: Database) -> Adapters:
    """Return the ports on a database, which whoever opened it closes, with the exchanges of the settings."""
    from portfolio.adapters.compute.backtester import SpawnedBacktester
    from portfolio.adapters.compute.cluster import Cluster
    from portfolio.adapters.compute.optimiser import SpawnedOptimiser
    from portfolio.adapters.compute.workers import Workers
    from portfolio.entrypoints.assembly.adapters import Adapters

    exchanges = exchanges_of(settings, clock)
    workers = Cluster(settings.dask_scheduler) if settings.dask_scheduler else Workers(settings.compute_workers)
    # Connections of their own: an import takes longer than a request has, and is not to be cut by its limits.
    few = msgspec.structs.replace(settings, database_pool_size=2)
    long = Database.of(few, PORTFOLIO_ID, for_commands=True, least_seconds=IMPORT_SECONDS)
    return Adapters(
        clock=clock,
        ledger=database.ledger,
        lookups=database.lookups,
        probe=database.probe,
        prices=database.prices,
        days=database.days,
        leases=database.leases,
        signals=database.signals,
        exchange_rules=database.exchange_rules,
        backtests=database.backtests,
        imports=long.imports,
        import_ledger=long.ledger,
        read_given=GivenFiles,
        picked_sales=database.picked_sales,
        feed=exchanges.prices,
        closes=exchanges.closes,
        rules=exchanges.rules,
        compute=SpawnedOptimiser(workers),
        compute_slices=SpawnedBacktester(workers),
        categories=read_categories(settings.categories_file),
        policy=read_policy(settings.policy_file),
        least_interval_seconds=exchanges.least_interval_seconds,
        close=(workers.close, exchanges.close, long.close),
    )


def exchanges_of(settings: Settings, clock: Clock) -> Exchanges | SimulatedExchanges:
    """Return the exchanges that are asked, or what takes their place where prices are simulated."""
    if settings.is_simulated:
        from portfolio.adapters.feeds.simulated import SimulatedExchanges

        return SimulatedExchanges(clock)
    from portfolio.adapters.feeds.exchanges import Exchanges

    return Exchanges(settings, clock)


class ClosesOnDemand:
    """The closes that exchanges have. They are opened when the first is asked for, which few imports do."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._exchanges: Exchanges | SimulatedExchanges | None = None

    async def daily_closes(self, symbol: Symbol, start: date, end: date) -> Sequence[Close]:
        if self._exchanges is None:
            self._exchanges = exchanges_of(self._settings, self._clock)
        return await self._exchanges.closes.daily_closes(symbol, start, end)

    async def close(self) -> None:
        """Close what was opened."""
        if self._exchanges is not None:
            await self._exchanges.close()
