"""The composition root: settings in, application out. The only place that names adapters."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from portfolio.adapters.categories_file import read_categories
from portfolio.adapters.clock import SystemClock
from portfolio.adapters.database.database import Database, open_database
from portfolio.adapters.database.engine import Limits
from portfolio.adapters.database.tables import SCHEMA_REVISION
from portfolio.adapters.feeds.exchanges import Exchanges
from portfolio.adapters.feeds.simulated import SimulatedExchanges
from portfolio.application.backfill import Backfill
from portfolio.application.booking import BookTrades
from portfolio.application.booking_queue import BookingQueue
from portfolio.application.cash import MoveCashInOrOut
from portfolio.application.errors import LedgerUnavailable
from portfolio.application.health import ReadHealth
from portfolio.application.opening import OpenBooks
from portfolio.application.performance import ReadPerformance
from portfolio.application.price_refresh import RefreshPrices
from portfolio.application.reversal import ReverseTrade
from portfolio.application.snapshots import Snapshots
from portfolio.application.verification import ReconcileBooks, VerifyBooks
from portfolio.domain.money import Money
from portfolio.domain.portfolio import BookingRules
from portfolio.domain.quarantine import QuoteRules
from portfolio.entrypoints.cli import Desk, commands
from portfolio.entrypoints.lifecycle import Lifecycle
from portfolio.entrypoints.price_loop import PriceLoop
from portfolio.settings import PriceFeedKind, Settings, SettingsError

ID = 1


def main() -> None:
    """Carry out the command line."""
    commands(obj=CompositionRoot())


class CompositionRoot:
    """Wires the parts together, for one command or for the service."""

    def migrate(self, settings: Settings, target: str) -> str:
        """Bring the schema to ``target`` and return the revision reached."""
        from portfolio.adapters.database.schema import migrate  # noqa: PLC0415  the service needs no Alembic

        return migrate(settings.database_url, settings.prices_schema, target=target)

    def migration_script(self, settings: Settings, start: str, end: str) -> str:
        """Return the SQL that leads a MySQL or MariaDB database from one revision to the other."""
        from portfolio.adapters.database.schema import migration_sql  # noqa: PLC0415

        return migration_sql(settings.prices_schema, start=start, end=end)

    @asynccontextmanager
    async def desk(self, settings: Settings) -> AsyncIterator[Desk]:
        """Open the database and yield the use cases of the command line."""
        clock, database = SystemClock(), _database(settings)
        exchanges = _exchanges(settings, clock)
        ledger = database.ledger
        try:
            await database.check_schema()
            yield Desk(
                open_books=OpenBooks(ledger, clock, Money(settings.initial_cash), ID),
                verify=VerifyBooks(ledger, portfolio_id=ID),
                reconcile=ReconcileBooks(ledger, clock, portfolio_id=ID),
                backfill=Backfill(ledger, database.prices, exchanges.closes, clock, ID),
            )
        finally:
            await exchanges.close()
            await database.close()

    def serve(self, settings: Settings) -> None:
        """Answer HTTP until told to stop; refuse to start where the service could not work."""
        # Heavy, and for this command alone.
        from portfolio.entrypoints.http.app import create_app  # noqa: PLC0415
        from portfolio.entrypoints.http.use_cases import UseCases  # noqa: PLC0415
        from portfolio.entrypoints.logs import configure_logging  # noqa: PLC0415
        from portfolio.entrypoints.server import run  # noqa: PLC0415

        asyncio.run(_refuse_what_cannot_work(settings))
        configure_logging(settings)
        clock, database, max_age = SystemClock(), _database(settings), timedelta(seconds=settings.price_max_age_seconds)
        exchanges, ledger, rules = _exchanges(settings, clock), database.ledger, _rules(settings)
        snapshots = Snapshots(ledger, clock, portfolio_id=ID)
        queue = BookingQueue(BookTrades(ledger, clock, rules, portfolio_id=ID))
        refresh = RefreshPrices(
            ledger,
            database.prices,
            exchanges.prices,
            clock,
            ID,
            cross_check=exchanges.prices,
            rules=QuoteRules(max_age=max_age),
        )
        loop = PriceLoop(
            refresh,
            database.leases,
            database.prices,
            clock,
            interval_seconds=settings.refresh_seconds,
            holder=f"{socket.gethostname()}:{os.getpid()}",
            least_interval=exchanges.least_interval_seconds,
            retention_days=settings.tick_retention_days,
        )
        use_cases = UseCases(
            ledger=ledger,
            booking=queue,
            move_cash=MoveCashInOrOut(ledger, clock, rules, portfolio_id=ID),
            reverse=ReverseTrade(ledger, clock, rules, portfolio_id=ID),
            snapshots=snapshots,
            performance=ReadPerformance(ledger, snapshots, clock, portfolio_id=ID),
            refresh=refresh,
            health=ReadHealth(
                ledger,
                snapshots,
                refresh,
                loop,
                exchanges.prices,
                clock,
                max_price_age=max_age,
                schema_revision=SCHEMA_REVISION,
            ),
            clock=clock,
            categories=read_categories(settings.categories_file),
            max_price_age=max_age,
        )
        lifecycle = Lifecycle(
            check=database.check_schema,
            open_books=OpenBooks(ledger, clock, Money(settings.initial_cash), ID),
            price_loop=loop,
            finish=(queue.close,),
            close=(refresh.close, exchanges.close, database.close),
        )
        run(create_app(use_cases, settings, on_startup=[lifecycle.start], on_shutdown=[lifecycle.stop]), settings)


def _database(settings: Settings) -> Database:
    return open_database(
        settings.database_url,
        prices_schema=settings.prices_schema,
        hosts=settings.further_hosts,
        pool_size=settings.database_pool_size,
        limits=Limits(
            statement_seconds=settings.request_deadline_seconds, commit_seconds=settings.request_deadline_seconds
        ),
    )


def _exchanges(settings: Settings, clock: SystemClock) -> Exchanges | SimulatedExchanges:
    if settings.price_feed is PriceFeedKind.SIMULATED:
        return SimulatedExchanges(clock)
    return Exchanges(
        clock,
        coinbase_url=settings.coinbase_url,
        binance_url=settings.binance_url,
        candles_url=settings.candles_url,
    )


def _rules(settings: Settings) -> BookingRules:
    return BookingRules(
        amount_tolerance_percent=settings.amount_tolerance_percent, allow_negative_cash=settings.allow_negative_cash
    )


async def _refuse_what_cannot_work(settings: Settings) -> None:
    """Refuse an unknown schema, and made-up prices on real books; a database that is away may come back."""
    database = _database(settings)
    try:
        await database.check_schema()
        simulated = settings.price_feed is PriceFeedKind.SIMULATED and not settings.is_embedded
        if simulated and await database.ledger.holds_trades():
            raise SettingsError("PORTFOLIO_PRICE_FEED=simulated: this ledger holds trades, and made-up prices would value them")
    except LedgerUnavailable:
        return
    finally:
        await database.close()
