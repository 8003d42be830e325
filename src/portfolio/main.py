"""The composition root: settings in, application out. The only place that names adapters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

import msgspec

from portfolio import __version__
from portfolio.adapters.clock import SystemClock
from portfolio.adapters.database.connection.tls import tls_of
from portfolio.adapters.database.connection.url import place_of
from portfolio.adapters.database.database import COMMAND_SECONDS, Database, refuse_what_cannot_work
from portfolio.adapters.database.schema.tables import SCHEMA_REVISION
from portfolio.adapters.feeds.exchanges import Exchanges
from portfolio.adapters.feeds.simulated import SimulatedExchanges
from portfolio.adapters.files.categories import read_categories
from portfolio.adapters.files.imports import GivenFiles, LocalImportFiles
from portfolio.adapters.files.policy import read_policy
from portfolio.application.clock import Clock
from portfolio.application.errors import LedgerRefused, NotInstalled
from portfolio.application.imports.preview import PreviewImport
from portfolio.application.ledger.opening import OpenBooks
from portfolio.application.ledger.rebuilding import RebuildBooks
from portfolio.application.ledger.verification import ReconcileBooks, VerifyBooks
from portfolio.application.performance.final_days import MakeFinal
from portfolio.application.performance.ledger_days import LedgerDays
from portfolio.application.prices.backfill import Backfill
from portfolio.domain.money import Money
from portfolio.entrypoints.cli.commands import Commands, commands, tell_identity
from portfolio.settings import Settings

if TYPE_CHECKING:
    from datetime import datetime

    from portfolio.adapters.compute.cluster import Cluster
    from portfolio.adapters.compute.workers import Workers
    from portfolio.application.backtest.decision import Solve
    from portfolio.application.backtest.panel import Panel
    from portfolio.application.backtest.state import Holdings
    from portfolio.application.exports.again.records import BookedAgain, ExportedFile
    from portfolio.application.exports.reading import Wanted
    from portfolio.application.imports.booking import ImportWish
    from portfolio.application.imports.progress import Tell
    from portfolio.application.imports.records import Preview
    from portfolio.application.imports.worth import Rates
    from portfolio.application.ledger.lots.journal import KnownAt
    from portfolio.application.optimisation.records import Wish
    from portfolio.domain.ledger.lots import LotMethod
    from portfolio.domain.rebalancing.policy import RebalancePolicy
    from portfolio.entrypoints.assembly.adapters import Adapters
    from portfolio.entrypoints.cli.kept_imports import KeptImports
    from portfolio.entrypoints.demo.history import DemoReport
    from portfolio.entrypoints.exports.files import FileFormat
    from portfolio.entrypoints.http.app import PortfolioApp
    from portfolio.entrypoints.http.ledger.lot_answers import GainsAnswer, LotsAnswer
    from portfolio.entrypoints.http.reports.tearsheet import SheetRequest
    from portfolio.entrypoints.http.shell.use_cases import UseCases

PORTFOLIO_ID = 1

IMPORT_SECONDS = 120.0
"""How long an import of many rows may hold the lock: no request waits for it longer than its own deadline."""


def main() -> None:
    """Carry out the command line."""
    commands(obj=CompositionRoot())


class CompositionRoot:  # shape: a method for each command
    """Wires the parts together, for one command or for the service."""

    def identity(self, settings: Settings) -> Mapping[str, str]:
        """Return which version this is, for which schema, on which database."""
        database = place_of(settings.database_url, settings.further_hosts)
        return {"version": __version__, "schema": SCHEMA_REVISION, "database": database}

    def _open(self, settings: Settings, *, least_seconds: float = COMMAND_SECONDS) -> Database:
        """Return the database for a command, having said what works on it, as the other commands do."""
        tell_identity(self.identity(settings))
        return Database.of(settings, PORTFOLIO_ID, for_commands=True, least_seconds=least_seconds)

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
        from portfolio.entrypoints.server import refuse_taken_address, run  # noqa: PLC0415  for this command alone

        refuse_taken_address(settings)
        notes = asyncio.run(refuse_what_cannot_work(settings))
        run(self.application(settings), settings, self.identity(settings), notes)

    def application(self, settings: Settings) -> PortfolioApp:
        """Return the application of the settings, which opens the books when it starts."""
        from portfolio.entrypoints.assembly.service import assemble  # noqa: PLC0415  the server is for one command alone

        adapters = _adapters(settings, SystemClock(), Database.of(settings, PORTFOLIO_ID))
        return assemble(adapters, settings, portfolio_id=PORTFOLIO_ID)

    async def tear_sheet(self, settings: Settings, wanted: SheetRequest) -> bytes:
        """Return the tear sheet of the books, by the use cases of the service."""
        from portfolio.entrypoints.http.reports.tearsheet import MakeTearSheet  # noqa: PLC0415  # for this command alone

        async with self._use_cases(settings) as cases:
            return await MakeTearSheet(cases, simulated=settings.is_simulated)(wanted)

    async def optimise(self, settings: Settings, wish: Wish) -> bytes:
        """Return the answer of POST /optimise on the books, by the use cases of the service."""
        # For this command alone, as above.
        from portfolio.entrypoints.http.optimisation.views import optimisation_answer  # noqa: PLC0415  # for this command alone
        from portfolio.entrypoints.http.shell.responses import encode  # noqa: PLC0415  # for this command alone

        async with self._use_cases(settings) as cases:
            return encode(optimisation_answer(await cases.optimise(await cases.market.newest(), wish)))

    async def export(self, settings: Settings, wanted: Wanted, kind: FileFormat) -> AsyncIterator[bytes]:
        """Yield the file of a table, by the use cases of the service."""
        from portfolio.entrypoints.exports.files import written  # noqa: PLC0415  # for this command alone

        async with self._use_cases(settings) as cases:
            async for piece in written(await cases.exports(wanted), kind):
                yield piece

    async def lots(
        self, settings: Settings, method: LotMethod, as_of: datetime | None, known_at: KnownAt | None
    ) -> LotsAnswer:
        """Return the answer of GET /lots on the books, with all rows."""
        from portfolio.entrypoints.http.ledger.lot_answers import lots_answer  # noqa: PLC0415  # for this command alone

        async with self._use_cases(settings) as cases:
            found = await cases.read_lots(method, as_of, known_at)
            return lots_answer(found, cases.clock.now(), settings.long_term_days)

    async def gains(  # shape: what is asked for
        self,
        settings: Settings,
        method: LotMethod,
        year: int | None,
        as_of: datetime | None,
        known_at: KnownAt | None,
    ) -> GainsAnswer:
        """Return the answer of GET /gains on the books, with all rows."""
        from portfolio.entrypoints.http.ledger.lot_answers import gains_answer  # noqa: PLC0415  # for this command alone

        async with self._use_cases(settings) as cases:
            return gains_answer(await cases.read_lots.gains(method, year, as_of, known_at), cases.clock.now())

    @asynccontextmanager
    async def _use_cases(self, settings: Settings) -> AsyncIterator[UseCases]:
        """Open the database and yield the use cases of the service, without its loops."""
        from portfolio.entrypoints.assembly.service import Assembly  # noqa: PLC0415  # for some commands alone

        database = self._open(settings)
        adapters = _adapters(settings, SystemClock(), database)
        try:
            await database.probe.ping()
            parts = Assembly(adapters, settings, portfolio_id=PORTFOLIO_ID)
            yield parts.use_cases(parts.price_loop())
        finally:
            for close in adapters.close:
                await close()

    async def stored_closes(self, settings: Settings, symbols: Sequence[str], days: int) -> tuple[Panel, Holdings]:
        """Return the stored closes of what is held and of ``symbols``, and what is held."""
        # For this command alone, as above.
        from portfolio.application.backtest.gathering import GatherCloses  # noqa: PLC0415  # for this command alone

        async with self._use_cases(settings) as cases:
            return await GatherCloses(cases.market)(symbols, days)

    async def stored_backtest(self, settings: Settings, job_id: str, *, cancels: bool) -> bytes:
        """Return the answer of GET /backtests/{id}, having cancelled it where that is asked for."""
        # For this command alone, as above.
        from portfolio.application.backtest.jobs.reading import ReadBacktest  # noqa: PLC0415  # for this command alone
        from portfolio.entrypoints.http.backtest.views import backtest_answer  # noqa: PLC0415  # for this command alone
        from portfolio.entrypoints.http.shell.responses import encode  # noqa: PLC0415  # for this command alone

        clock, database = SystemClock(), self._open(settings)
        try:
            await database.probe.ping()
            if cancels:
                await database.backtests.cancel(job_id, clock.now())
            return encode(backtest_answer(*await ReadBacktest(database.backtests)(job_id), at=clock.now()))
        finally:
            await database.close()

    def policy(self, path: str) -> RebalancePolicy:
        """Return the policy of a file, the usual one where none is named."""
        return read_policy(path)

    def solve(self) -> Solve:
        """Return what computes weights, in this process: a command has no ledger to keep it from."""
        from portfolio.adapters.compute.optimiser import EXTRA, LIBRARIES  # noqa: PLC0415  for this command alone
        from portfolio.adapters.compute.worker import choose  # noqa: PLC0415  for this command alone

        missing = [name for name in LIBRARIES if find_spec(name) is None]
        if missing:
            raise NotInstalled(" and ".join(missing), EXTRA)
        return choose

    def preview_import(self) -> PreviewImport:
        """Return the dry run of an import, on files of this machine."""
        return PreviewImport(LocalImportFiles(), SystemClock())

    def read_rates(self, path: str) -> Rates:
        """Return the rates of a file of this machine."""
        from portfolio.application.imports.worth import read_rates  # noqa: PLC0415  # for this command alone

        return read_rates(LocalImportFiles(), path)

    async def book_import(self, settings: Settings, wish: ImportWish, tell: Tell) -> list[Preview]:
        """Book files of this machine; books that are not there yet are opened, but for a dry run."""
        from portfolio.application.imports.booking import BookImport  # noqa: PLC0415  # for this command alone

        clock, database = SystemClock(), self._open(settings, least_seconds=IMPORT_SECONDS)
        exchanges = _exchanges(settings, clock)
        try:
            await database.probe.ping()
            if not wish.dry_run:
                await database.probe.check_server()
                await OpenBooks(database.ledger, clock, Money(settings.initial_cash))(PORTFOLIO_ID)
            rules = settings.booking_rules
            prices, feed = database.prices, exchanges.closes
            book = BookImport(self.preview_import(), database.ledger, prices, clock, rules, feed=feed)
            return await book(PORTFOLIO_ID, wish, tell)
        finally:
            await exchanges.close()
            await database.close()

    async def book_again(self, settings: Settings, file: ExportedFile, tell: Tell, *, dry_run: bool) -> BookedAgain:
        """Book exported events again, into books that are opened for it; in a dry run only say what would be."""
        from portfolio.application.exports.again.booking import BookAgain  # noqa: PLC0415  # for this command alone

        database = self._open(settings, least_seconds=IMPORT_SECONDS)
        try:
            await database.probe.ping()
            if not dry_run:
                await database.probe.check_server()
            book = BookAgain(database.ledger, database.lookups)
            return await book(PORTFOLIO_ID, file, dry_run=dry_run, tell=tell)
        finally:
            await database.close()

    @asynccontextmanager
    async def kept_imports(self, settings: Settings) -> AsyncIterator[KeptImports]:
        """Open the database, and yield what lists imports and takes them back."""
        # For these commands alone.
        from portfolio.application.imports.kept.reversal import ReverseImport  # noqa: PLC0415  # for these alone
        from portfolio.entrypoints.cli.kept_imports import KeptImports  # noqa: PLC0415  # for these alone

        database = self._open(settings, least_seconds=IMPORT_SECONDS)
        try:
            await database.probe.ping()
            reverse = ReverseImport(database.ledger, SystemClock(), settings.booking_rules)
            yield KeptImports(portfolio_id=PORTFOLIO_ID, imports=database.imports, reverse=reverse)
        finally:
            await database.close()

    async def make_demo(self, settings: Settings, seed: int) -> DemoReport:
        """Make the demonstration's history on the empty, migrated database of the settings."""
        # For this command alone, as above.
        from portfolio.entrypoints.demo.clock import HistoryClock  # noqa: PLC0415  # for this command alone
        from portfolio.entrypoints.demo.history import MakeHistory, first_moment  # noqa: PLC0415  # for this command alone

        # On a busy machine it is as slow as anything else, and nobody else waits for these books.
        database = Database.of(settings, PORTFOLIO_ID, for_commands=True, least_seconds=IMPORT_SECONDS)
        now = SystemClock().now()
        clock = HistoryClock(first_moment(now))
        try:
            make = MakeHistory(_adapters(settings, clock, database), clock, settings, PORTFOLIO_ID)
            return await make(now, seed)
        finally:
            await database.close()


def _adapters(settings: Settings, clock: Clock, database: Database) -> Adapters:
    """Return the ports on a database, with the exchanges of the settings."""
    from portfolio.adapters.compute.backtester import SpawnedBacktester  # noqa: PLC0415  as below
    from portfolio.adapters.compute.optimiser import SpawnedOptimiser  # noqa: PLC0415  as below
    from portfolio.entrypoints.assembly.adapters import Adapters  # noqa: PLC0415  the server is for one command alone

    exchanges, workers = _exchanges(settings, clock), _workers(settings)
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
        close=(workers.close, exchanges.close, long.close, database.close),
    )


def _workers(settings: Settings) -> Workers | Cluster:
    from portfolio.adapters.compute.cluster import Cluster  # noqa: PLC0415  as below
    from portfolio.adapters.compute.workers import Workers  # noqa: PLC0415  numpy with it: few commands compute

    return Cluster(settings.dask_scheduler) if settings.dask_scheduler else Workers(settings.compute_workers)


def _exchanges(settings: Settings, clock: Clock) -> Exchanges | SimulatedExchanges:
    return SimulatedExchanges(clock) if settings.is_simulated else Exchanges(settings, clock)
