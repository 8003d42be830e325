"""The composition root: settings in, application out. The only place that names adapters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from portfolio import __version__
from portfolio.adapters.clock import SystemClock
from portfolio.adapters.database.connection.tls import tls_of
from portfolio.adapters.database.connection.url import place_of
from portfolio.adapters.database.database import Database, refuse_what_cannot_work
from portfolio.adapters.database.schema.tables import SCHEMA_REVISION
from portfolio.adapters.feeds.exchanges import Exchanges
from portfolio.adapters.feeds.simulated import SimulatedExchanges
from portfolio.adapters.files.categories import read_categories
from portfolio.adapters.files.policy import read_policy
from portfolio.application.ledger.opening import OpenBooks
from portfolio.application.ledger.verification import ReconcileBooks, VerifyBooks
from portfolio.application.performance.final_days import MakeFinal
from portfolio.application.performance.ledger_days import LedgerDays
from portfolio.application.prices.backfill import Backfill
from portfolio.domain.money import Money
from portfolio.entrypoints.cli.commands import Commands, commands
from portfolio.settings import Settings

if TYPE_CHECKING:
    from portfolio.entrypoints.http.app import PortfolioApp

PORTFOLIO_ID = 1


def main() -> None:
    """Carry out the command line."""
    commands(obj=CompositionRoot())


class CompositionRoot:
    """Wires the parts together, for one command or for the service."""

    def identity(self, settings: Settings) -> Mapping[str, str]:
        """Return which version this is, for which schema, on which database."""
        database = place_of(settings.database_url, settings.further_hosts)
        return {"version": __version__, "schema": SCHEMA_REVISION, "database": database}

    def migrate(self, settings: Settings, target: str) -> str:
        """Bring the schema to ``target`` and return the revision reached."""
        from portfolio.adapters.database.schema.migration import migrate  # noqa: PLC0415  Alembic is for this command alone

        return migrate(settings.database_url, settings.prices_schema, target=target, tls=tls_of(settings))

    def migration_script(self, settings: Settings, start: str, end: str, dialect: str) -> str:
        """Return the SQL that leads a MySQL or MariaDB database from one revision to the other."""
        from portfolio.adapters.database.schema.migration import migration_sql  # noqa: PLC0415  as above

        return migration_sql(settings.prices_schema, start=start, end=end, dialect=dialect)

    @asynccontextmanager
    async def commands(self, settings: Settings) -> AsyncIterator[Commands]:
        """Open the database and yield the use cases of the command line."""
        clock, database = SystemClock(), Database.of(settings, PORTFOLIO_ID, for_commands=True)
        exchanges, ledger = _exchanges(settings, clock), database.ledger
        try:
            await database.probe.ping()
            yield Commands(
                portfolio_id=PORTFOLIO_ID,
                open_books=OpenBooks(ledger, clock, Money(settings.initial_cash)),
                verify=VerifyBooks(ledger),
                reconcile=ReconcileBooks(ledger, clock),
                backfill=Backfill(ledger, database.prices, exchanges.closes, clock, settings.benchmark_symbol),
                make_final=MakeFinal(
                    ledger,
                    LedgerDays(ledger, database.lookups),
                    database.days,
                    database.prices,
                    exchanges.closes,
                    clock,
                    benchmark=settings.benchmark_symbol,
                ),
            )
        finally:
            await exchanges.close()
            await database.close()

    def serve(self, settings: Settings) -> None:
        """Answer HTTP until the process is stopped; refuse to start where the service could not work."""
        from portfolio.entrypoints.server import refuse_taken_address, run  # noqa: PLC0415  for this command alone

        refuse_taken_address(settings)
        asyncio.run(refuse_what_cannot_work(settings))
        run(self.application(settings), settings, self.identity(settings))

    def application(self, settings: Settings) -> PortfolioApp:
        """Return the application of the settings, which opens the books when it starts."""
        from portfolio.entrypoints.assembly import Adapters, assemble  # noqa: PLC0415  the server is for one command alone

        clock, database = SystemClock(), Database.of(settings, PORTFOLIO_ID)
        exchanges = _exchanges(settings, clock)
        adapters = Adapters(
            clock=clock,
            ledger=database.ledger,
            lookups=database.lookups,
            probe=database.probe,
            prices=database.prices,
            days=database.days,
            leases=database.leases,
            signals=database.signals,
            feed=exchanges.prices,
            closes=exchanges.closes,
            categories=read_categories(settings.categories_file),
            policy=read_policy(settings.policy_file),
            least_interval_seconds=exchanges.least_interval_seconds,
            close=(exchanges.close, database.close),
        )
        return assemble(adapters, settings, portfolio_id=PORTFOLIO_ID)


def _exchanges(settings: Settings, clock: SystemClock) -> Exchanges | SimulatedExchanges:
    return SimulatedExchanges(clock) if settings.is_simulated else Exchanges(settings, clock)
