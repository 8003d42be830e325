"""The composition root: settings in, application out. It and ``wiring`` are the only places that name adapters."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

from portfolio import __version__
from portfolio.adapters.clock import SystemClock
from portfolio.adapters.database.connection.tls import tls_of
from portfolio.adapters.database.connection.url import place_of
from portfolio.adapters.database.database import COMMAND_SECONDS, Database, refuse_what_cannot_work
from portfolio.adapters.database.schema.revision import SCHEMA_REVISION
from portfolio.adapters.files.imports import LocalImportFiles
from portfolio.adapters.files.policy import read_policy
from portfolio.application.errors import LedgerRefused, NotInstalled
from portfolio.application.imports.preview import PreviewImport
from portfolio.application.ledger.opening import OpenBooks
from portfolio.application.ledger.rebuilding import RebuildBooks
from portfolio.application.ledger.verification import ReconcileBooks, VerifyBooks
from portfolio.application.performance.days.ledger_days import LedgerDays
from portfolio.application.performance.final_days import MakeFinal
from portfolio.application.prices.backfill import Backfill
from portfolio.domain.money import Money
from portfolio.entrypoints.cli.books import Commands
from portfolio.entrypoints.cli.commands import commands
from portfolio.entrypoints.cli.reporting import tell_identity
from portfolio.settings import Settings
from portfolio.wiring import IMPORT_SECONDS, PORTFOLIO_ID, adapters_of, exchanges_of

if TYPE_CHECKING:
    from portfolio.application.backtest.decision import Solve
    from portfolio.application.backtest.panel import Panel
    from portfolio.application.backtest.state import Holdings
    from portfolio.application.exports.again.records import BookedAgain, ExportedFile
    from portfolio.application.imports.booking import ImportWish
    from portfolio.application.imports.progress import Tell
    from portfolio.application.imports.records import Preview
    from portfolio.application.imports.worth import Rates
    from portfolio.domain.rebalancing.policy import RebalancePolicy
    from portfolio.entrypoints.cli.kept_imports import KeptImports
    from portfolio.entrypoints.demo.history import DemoReport
    from portfolio.entrypoints.http.app import PortfolioApp
    from portfolio.entrypoints.http.shell.use_cases import UseCases


def main() -> None:
    """Carry out the command line."""
    commands(obj=CompositionRoot())


class CompositionRoot:  # shape: a method for each command
    """Wires the parts together, for one command or for the service."""

    def identity(self, settings: Settings) -> Mapping[str, str]:
        """Return which version this is, for which schema, on which database."""
        database = place_of(settings.database_url, settings.further_hosts)
        return {"version": __version__, "schema": SCHEMA_REVISION, "database": database}

    @asynccontextmanager
    async def _opened(self, settings: Settings, *, least_seconds: float = COMMAND_SECONDS) -> AsyncIterator[Database]:
        """Yield the database of a command, which answers, having said what works on it as the other commands do."""
        tell_identity(self.identity(settings))
        database = Database.of(settings, PORTFOLIO_ID, for_commands=True, least_seconds=least_seconds)
        try:
            await database.probe.ping()
            yield database
        finally:
            await database.close()

    def migrate(self, settings: Settings, target: str) -> str:
        """Bring the schema to ``target`` and return the revision reached."""
        from portfolio.adapters.database.schema.migration import migrate

        return migrate(settings.database_url, settings.prices_schema, target=target, tls=tls_of(settings))

    def migration_script(self, settings: Settings, start: str, end: str, dialect: str) -> str:
        """Return the SQL that leads a MySQL or MariaDB database from one revision to the other."""
        from portfolio.adapters.database.schema.migration import migration_sql

        return migration_sql(settings.prices_schema, start=start, end=end, dialect=dialect)

    @asynccontextmanager
    async def commands(self, settings: Settings) -> AsyncIterator[Commands]:
        """Open the database and yield the use cases of the command line."""
        clock, database = SystemClock(), Database.of(settings, PORTFOLIO_ID, for_commands=True)
        exchanges, ledger = exchanges_of(settings, clock), database.ledger
        try:
            await database.probe.ping()
            yield Commands(
                notes=await self._notes_of(database),
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

    async def _notes_of(self, database: Database) -> Sequence[str]:
        """Return what is to be said of the server; an unfit one may be read, and nothing is written to it."""
        try:
            return await database.probe.check_server()
        except LedgerRefused as error:
            return (str(error),)

    def serve(self, settings: Settings) -> None:
        """Answer HTTP until the process is stopped; refuse to start where the service could not work."""
        gc.disable()  # until all is put together, which stays, and `run` has looked through it once
        try:
            from portfolio.entrypoints.server import refuse_taken_address, run

            refuse_taken_address(settings)
            notes = asyncio.run(refuse_what_cannot_work(settings))
            run(self.application(settings), settings, self.identity(settings), notes)
        finally:
            gc.enable()

    def application(self, settings: Settings) -> PortfolioApp:
        """Return the application of the settings, which opens the books when it starts."""
        from portfolio.entrypoints.assembly.application import assemble

        database = Database.of(settings, PORTFOLIO_ID)
        adapters = adapters_of(settings, SystemClock(), database)
        adapters = replace(adapters, close=(*adapters.close, database.close))
        return assemble(adapters, settings, portfolio_id=PORTFOLIO_ID)

    @asynccontextmanager
    async def use_cases(self, settings: Settings) -> AsyncIterator[UseCases]:
        """Open the database and yield the use cases of the service, without its loops."""
        from portfolio.entrypoints.assembly.service import Assembly

        async with self._opened(settings) as database:
            adapters = adapters_of(settings, SystemClock(), database)
            parts = Assembly(adapters, settings, portfolio_id=PORTFOLIO_ID)
            try:
                yield parts.use_cases(parts.price_loop())
            finally:
                for close in adapters.close:
                    await close()

    async def stored_closes(self, settings: Settings, symbols: Sequence[str], days: int) -> tuple[Panel, Holdings]:
        """Return the stored closes of what is held and of ``symbols``, and what is held."""
        from portfolio.application.backtest.gathering import GatherCloses

        async with self.use_cases(settings) as cases:
            return await GatherCloses(cases.market)(symbols, days)

    async def stored_backtest(self, settings: Settings, job_id: str, *, cancels: bool) -> bytes:
        """Return the answer of GET /backtests/{id}, having cancelled it where that is asked for."""
        from portfolio.application.backtest.jobs.reading import ReadBacktest
        from portfolio.entrypoints.http.backtest.views import backtest_answer
        from portfolio.entrypoints.http.shell.responses import encode

        clock = SystemClock()
        async with self._opened(settings) as database:
            if cancels:
                await database.backtests.cancel(job_id, clock.now())
            return encode(backtest_answer(*await ReadBacktest(database.backtests)(job_id), at=clock.now()))

    def policy(self, path: str) -> RebalancePolicy:
        """Return the policy of a file, the usual one where none is named."""
        return read_policy(path)

    def solve(self) -> Solve:
        """Return what computes weights, in this process: a command has no ledger to keep it from."""
        from portfolio.adapters.compute.optimiser import EXTRA, LIBRARIES
        from portfolio.adapters.compute.worker import choose

        missing = [name for name in LIBRARIES if find_spec(name) is None]
        if missing:
            raise NotInstalled(" and ".join(missing), EXTRA)
        return choose

    def preview_import(self) -> PreviewImport:
        """Return the dry run of an import, on files of this machine."""
        return PreviewImport(LocalImportFiles(), SystemClock())

    def read_rates(self, path: str) -> Rates:
        """Return the rates of a file of this machine."""
        from portfolio.application.imports.worth import read_rates

        return read_rates(LocalImportFiles(), path)

    async def book_import(self, settings: Settings, wish: ImportWish, tell: Tell) -> list[Preview]:
        """Book files of this machine; books that are not there yet are opened, but for a dry run."""
        from portfolio.application.imports.booking import BookImport

        clock, rules = SystemClock(), settings.booking_rules
        exchanges = exchanges_of(settings, clock)
        async with self._opened(settings, least_seconds=IMPORT_SECONDS) as database:
            try:
                if not wish.dry_run:
                    await database.probe.check_server()
                    await OpenBooks(database.ledger, clock, Money(settings.initial_cash))(PORTFOLIO_ID)
                ledger, prices = database.ledger, database.prices
                book = BookImport(self.preview_import(), ledger, prices, clock, rules, feed=exchanges.closes)
                return await book(PORTFOLIO_ID, wish, tell)
            finally:
                await exchanges.close()

    async def book_again(self, settings: Settings, file: ExportedFile, tell: Tell, *, dry_run: bool) -> BookedAgain:
        """Book exported events again, into books that are opened for it; in a dry run only say what would be."""
        from portfolio.application.exports.again.booking import BookAgain

        async with self._opened(settings, least_seconds=IMPORT_SECONDS) as database:
            if not dry_run:
                await database.probe.check_server()
            return await BookAgain(database.ledger, database.lookups)(PORTFOLIO_ID, file, dry_run=dry_run, tell=tell)

    @asynccontextmanager
    async def kept_imports(self, settings: Settings) -> AsyncIterator[KeptImports]:
        """Open the database, and yield what lists imports and takes them back."""
        from portfolio.application.imports.kept.reversal import ReverseImport
        from portfolio.entrypoints.cli.kept_imports import KeptImports

        async with self._opened(settings, least_seconds=IMPORT_SECONDS) as database:
            reverse = ReverseImport(database.ledger, SystemClock(), settings.booking_rules)
            yield KeptImports(portfolio_id=PORTFOLIO_ID, imports=database.imports, reverse=reverse)

    async def make_demo(self, settings: Settings, seed: int) -> DemoReport:
        """Make the demonstration's history on the empty, migrated database of the settings."""
        from portfolio.entrypoints.demo.clock import HistoryClock
        from portfolio.entrypoints.demo.history import MakeHistory, first_moment

        # On a busy machine it is as slow as anything else, and nobody else waits for these books.
        database = Database.of(settings, PORTFOLIO_ID, for_commands=True, least_seconds=IMPORT_SECONDS)
        now = SystemClock().now()
        clock = HistoryClock(first_moment(now))
        try:
            return await MakeHistory(adapters_of(settings, clock, database), clock, settings, PORTFOLIO_ID)(now, seed)
        finally:
            await database.close()
