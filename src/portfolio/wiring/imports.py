"""What the commands on files of imports and exports are given."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from portfolio.adapters.clock import SystemClock
from portfolio.adapters.files.imports import LocalImportFiles
from portfolio.application.imports.preview import PreviewImport
from portfolio.application.ledger.opening import OpenBooks
from portfolio.domain.money import Money
from portfolio.settings import Settings
from portfolio.wiring.adapters import IMPORT_SECONDS, PORTFOLIO_ID, ClosesOnDemand
from portfolio.wiring.opened import opened

if TYPE_CHECKING:
    from portfolio.application.exports.again.records import BookedAgain, ExportedFile
    from portfolio.application.imports.booking import ImportWish
    from portfolio.application.imports.progress import Tell
    from portfolio.application.imports.records import Preview
    from portfolio.application.imports.worth import Rates
    from portfolio.entrypoints.cli.kept_imports import KeptImports


class ImportsWiring:
    """Wires the commands on files: ``portfolio import | imports``."""

    def preview_import(self) -> PreviewImport:
        return PreviewImport(LocalImportFiles(), SystemClock())

    def read_rates(self, path: str) -> Rates:
        from portfolio.application.imports.worth import read_rates

        return read_rates(LocalImportFiles(), path)

    async def book_import(self, settings: Settings, wish: ImportWish, tell: Tell) -> list[Preview]:
        from portfolio.application.imports.booking import BookImport

        clock, rules = SystemClock(), settings.booking_rules
        closes = ClosesOnDemand(settings, clock)
        async with opened(settings, least_seconds=IMPORT_SECONDS) as database:
            try:
                if not wish.dry_run:
                    await database.probe.check_server()
                    await OpenBooks(database.ledger, clock, Money(settings.initial_cash))(PORTFOLIO_ID)
                ledger, prices = database.ledger, database.prices
                book = BookImport(self.preview_import(), ledger, prices, clock, rules, feed=closes)
                standing = partial(database.imports.standing, PORTFOLIO_ID, wish.options.account)
                return await book(PORTFOLIO_ID, wish, tell, standing=standing)
            finally:
                await closes.close()

    async def book_again(self, settings: Settings, file: ExportedFile, tell: Tell, *, dry_run: bool) -> BookedAgain:
        from portfolio.application.exports.again.booking import BookAgain

        async with opened(settings, least_seconds=IMPORT_SECONDS) as database:
            if not dry_run:
                await database.probe.check_server()
            return await BookAgain(database.ledger, database.lookups)(PORTFOLIO_ID, file, dry_run=dry_run, tell=tell)

    @asynccontextmanager
    async def kept_imports(self, settings: Settings) -> AsyncIterator[KeptImports]:
        from portfolio.application.imports.kept.reversal import ReverseImport
        from portfolio.entrypoints.cli.kept_imports import KeptImports

        async with opened(settings, least_seconds=IMPORT_SECONDS) as database:
            reverse = ReverseImport(database.ledger, SystemClock(), settings.booking_rules)
            yield KeptImports(portfolio_id=PORTFOLIO_ID, imports=database.imports, reverse=reverse)
