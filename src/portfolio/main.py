"""The composition root: settings in, application out. It and ``wiring`` are the only places that name adapters."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import replace
from typing import TYPE_CHECKING

from portfolio.adapters.clock import SystemClock
from portfolio.adapters.database.database import Database, refuse_what_cannot_work
from portfolio.entrypoints.cli.commands import commands
from portfolio.entrypoints.cli.composition import Composition
from portfolio.settings import Settings
from portfolio.wiring.adapters import IMPORT_SECONDS, PORTFOLIO_ID, adapters_of
from portfolio.wiring.books import BooksWiring
from portfolio.wiring.imports import ImportsWiring
from portfolio.wiring.reads import ReadsWiring

if TYPE_CHECKING:
    from portfolio.entrypoints.demo.history import DemoReport
    from portfolio.entrypoints.http.app import PortfolioApp


def main() -> None:
    """Carry out the command line."""
    root: Composition = CompositionRoot()
    commands(obj=root)


class CompositionRoot(BooksWiring, ImportsWiring, ReadsWiring):
    """Wires the parts together, for one command or for the service."""

    def serve(self, settings: Settings) -> None:
        """Answer HTTP until the process is stopped; refuse to start where the service could not work."""
        gc.disable()  # until all is put together, which stays
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

    async def make_demo(self, settings: Settings, seed: int) -> DemoReport:
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
