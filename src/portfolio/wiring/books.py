"""What the commands on the books and on the schema are given."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from portfolio.adapters.clock import SystemClock
from portfolio.adapters.database.connection.tls import tls_of
from portfolio.adapters.database.database import Database
from portfolio.application.errors import LedgerRefused
from portfolio.application.ledger.opening import OpenBooks
from portfolio.application.ledger.rebuilding import RebuildBooks
from portfolio.application.ledger.verification import ReconcileBooks, VerifyBooks
from portfolio.application.performance.days.ledger_days import LedgerDays
from portfolio.application.performance.final_days import MakeFinal
from portfolio.application.prices.backfill import Backfill
from portfolio.domain.money import Money
from portfolio.entrypoints.cli.books import Commands
from portfolio.settings import Settings
from portfolio.wiring.adapters import PORTFOLIO_ID, exchanges_of
from portfolio.wiring.opened import identity_of


class BooksWiring:
    """Wires the commands on the books: ``portfolio migrate | verify | reconcile | backfill``."""

    def identity(self, settings: Settings) -> Mapping[str, str]:
        return identity_of(settings)

    def migrate(self, settings: Settings, target: str) -> str:
        from portfolio.adapters.database.schema.migration import migrate

        return migrate(settings.database_url, settings.prices_schema, target=target, tls=tls_of(settings))

    def migration_script(self, settings: Settings, start: str, end: str, dialect: str) -> str:
        from portfolio.adapters.database.schema.migration import migration_sql

        return migration_sql(settings.prices_schema, start=start, end=end, dialect=dialect)

    @asynccontextmanager
    async def commands(self, settings: Settings) -> AsyncIterator[Commands]:
        clock, database = SystemClock(), Database.of(settings, PORTFOLIO_ID, for_commands=True)
        exchanges, ledger = exchanges_of(settings, clock), database.ledger
        try:
            await database.probe.ping()
            yield Commands(
                notes=await _notes_of(database),
                portfolio_id=PORTFOLIO_ID,
                open_books=OpenBooks(ledger, clock, Money(settings.initial_cash)),
                verify=VerifyBooks(ledger),
                reconcile=ReconcileBooks(ledger, clock),
                rebuild=RebuildBooks(database.repair, clock),
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


async def _notes_of(database: Database) -> Sequence[str]:
    """Return what is to be said of the server; an unfit one may be read, and nothing is written to it."""
    try:
        return await database.probe.check_server()
    except LedgerRefused as error:
        return (str(error),)
