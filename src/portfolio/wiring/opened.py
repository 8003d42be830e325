"""The database of a command, opened and closed; which version works on it is said first."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from portfolio import __version__
from portfolio.adapters.database.connection.url import place_of
from portfolio.adapters.database.database import COMMAND_SECONDS, Database
from portfolio.adapters.database.schema.revision import SCHEMA_REVISION
from portfolio.entrypoints.cli.reporting import tell, tell_identity
from portfolio.settings import Settings
from portfolio.wiring.adapters import PORTFOLIO_ID


def identity_of(settings: Settings) -> Mapping[str, str]:
    """Return which version this is, for which schema, on which database."""
    database = place_of(settings.database_url, settings.further_hosts)
    return {"version": __version__, "schema": SCHEMA_REVISION, "database": database}


@asynccontextmanager
async def opened(settings: Settings, *, least_seconds: float = COMMAND_SECONDS) -> AsyncIterator[Database]:
    """Yield the database of a command, which answers, having said what works on it as the other commands do."""
    tell_identity(identity_of(settings))
    if settings.is_simulated:
        tell("prices are made up: PORTFOLIO_PRICE_FEED is simulated")
    database = Database.of(settings, PORTFOLIO_ID, for_commands=True, least_seconds=least_seconds)
    try:
        await database.probe.ping()
        yield database
    finally:
        await database.close()
