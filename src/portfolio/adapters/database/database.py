"""The database as the composition root sees it: one object that holds the ports."""

from __future__ import annotations

from collections.abc import Sequence
from ssl import SSLContext

from portfolio.adapters.database.backtest.backtests import DatabaseBacktests
from portfolio.adapters.database.connection.connections import Connections
from portfolio.adapters.database.connection.engine import create_engine
from portfolio.adapters.database.connection.revision_lookup import RevisionLookup
from portfolio.adapters.database.connection.sqlite_file import DatabaseFile
from portfolio.adapters.database.connection.timeouts import Timeouts
from portfolio.adapters.database.connection.tls import tls_of
from portfolio.adapters.database.connection.url import service_url
from portfolio.adapters.database.imports.imports import DatabaseImports
from portfolio.adapters.database.ledger.ledger import DatabaseLedger
from portfolio.adapters.database.ledger.lookups import DatabaseLookups
from portfolio.adapters.database.ledger.picked_sales import DatabasePickedSales
from portfolio.adapters.database.ledger.portfolio_row import PortfolioRow
from portfolio.adapters.database.operations.probe import DatabaseProbe
from portfolio.adapters.database.performance.days import DatabaseDays
from portfolio.adapters.database.prices.exchange_rules import DatabaseExchangeRules
from portfolio.adapters.database.prices.leases import DatabaseLeases
from portfolio.adapters.database.prices.prices import DatabasePriceStore
from portfolio.adapters.database.rebalancing.signals import DatabaseSignals
from portfolio.application.errors import LedgerUnavailable
from portfolio.settings import Settings, SettingsError

COMMAND_SECONDS = 30.0


class Database:
    """The ports on one pool of connections, and one connection that looks for changes.

    ``repair`` is the ledger for who makes its rows anew: it takes whatever row it finds.
    """

    def __init__(
        self, connections: Connections, lookup: RevisionLookup, *, prices_schema: str | None, portfolio_id: int
    ) -> None:
        row = PortfolioRow(portfolio_id)
        self._connections = connections
        self._lookup = lookup
        self.ledger = DatabaseLedger(connections, row, lookup)
        self.repair = DatabaseLedger(connections, PortfolioRow(portfolio_id, is_trusted=True), lookup)
        self.lookups = DatabaseLookups(connections, row)
        self.days = DatabaseDays(connections, row)
        self.prices = DatabasePriceStore(connections, row, self.days.write_day, prices_schema=prices_schema)
        self.probe = DatabaseProbe(connections, row, self.prices, prices_schema)
        self.leases = DatabaseLeases(connections)
        self.signals = DatabaseSignals(connections, row)
        self.exchange_rules = DatabaseExchangeRules(connections)
        self.picked_sales = DatabasePickedSales(connections, row)
        self.backtests = DatabaseBacktests(connections, row.unreadable)
        self.imports = DatabaseImports(connections, row)

    @staticmethod
    def of(
        settings: Settings, portfolio_id: int = 1, *, for_commands: bool = False, least_seconds: float = COMMAND_SECONDS
    ) -> Database:
        """Return the database of the settings; nothing is connected yet.

        Its limits fit a request's deadline; no request waits for a command, so a busy database may take longer there:
        at least ``least_seconds``, and a unit as long as each of its statements is answered.
        """
        limits = Timeouts.within(settings.request_deadline_seconds)
        if for_commands:
            limits = Timeouts.without_end(max(settings.request_deadline_seconds, least_seconds))
        return open_database(
            settings.database_url,
            prices_schema=settings.prices_schema,
            hosts=settings.further_hosts,
            pool_size=settings.database_pool_size,
            limits=limits,
            tls=tls_of(settings),
            portfolio_id=portfolio_id,
        )

    @property
    def is_unfit(self) -> bool:
        """Return whether the server was found to break a promise."""
        return bool(self._connections.unfit)

    async def close(self) -> None:
        """Close all connections."""
        await self._lookup.close()
        await self._connections.close()


def open_database(  # shape: where the database is, and how it is used
    url: str,
    *,
    prices_schema: str | None = None,
    hosts: Sequence[str] = (),
    pool_size: int = 10,
    limits: Timeouts | None = None,
    tls: SSLContext | None = None,
    portfolio_id: int = 1,
) -> Database:
    """Return the database at ``url``; nothing is connected yet.

    ``prices_schema`` is the second database of a MySQL server, and means nothing on SQLite. ``hosts`` are further ones
    to try, ``host`` or ``host:port``, with the same user and database. ``tls`` is how connections to a server are
    encrypted. ``portfolio_id`` is the number of the portfolio
    that its tables hold.
    """
    limits = limits or Timeouts()
    file = DatabaseFile(str(service_url(url, hosts).database))
    engine, lookups = (
        create_engine(url, hosts=hosts, pool_size=size, limits=limits, tls=tls, file=file) for size in (pool_size, 1)
    )
    schema = None if engine.dialect.name == "sqlite" else prices_schema
    lookup = RevisionLookup(Connections(lookups, limits), limits)
    return Database(Connections(engine, limits), lookup, prices_schema=schema, portfolio_id=portfolio_id)


async def refuse_what_cannot_work(settings: Settings) -> Sequence[str]:
    """Refuse an unknown schema, an unfit server, and made-up prices on real books; a database away may come back.

    Returns what is to be said of the server.

    Raises:
        SchemaUnknown: the database is at another schema revision, or at none.
        LedgerRefused: what the server is breaks a promise.
        SettingsError: prices are to be made up, and the ledger on the server holds trades.
    """
    database = Database.of(settings)
    try:
        await database.probe.ping()
        if settings.is_simulated and not settings.is_embedded and await database.lookups.holds_trades():
            raise SettingsError(
                "PORTFOLIO_PRICE_FEED=simulated: this ledger holds trades, made-up prices are not for it"
            )
        return await database.probe.check_server()
    except LedgerUnavailable:
        if database.is_unfit:
            raise
        return ()
    finally:
        await database.close()
