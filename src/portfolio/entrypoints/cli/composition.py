"""What the composition root hands to the commands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Protocol, TypeVar

from portfolio.settings import Settings

if TYPE_CHECKING:
    from portfolio.application.backtest.decision import Solve
    from portfolio.application.backtest.panel import Panel
    from portfolio.application.backtest.state import Holdings
    from portfolio.application.exports.again.records import BookedAgain, ExportedFile
    from portfolio.application.imports.booking import ImportWish
    from portfolio.application.imports.preview import PreviewImport
    from portfolio.application.imports.progress import Tell
    from portfolio.application.imports.records import Preview
    from portfolio.application.imports.worth import Rates
    from portfolio.domain.rebalancing.policy import RebalancePolicy
    from portfolio.entrypoints.cli.books import Commands
    from portfolio.entrypoints.cli.kept_imports import KeptImports
    from portfolio.entrypoints.demo.history import DemoReport
    from portfolio.entrypoints.http.shell.use_cases import UseCases


T = TypeVar("T")
Opened = TypeVar("Opened")


class Composition(Protocol):
    """The composition root, as commands know it: it opens what they ask for on the database of the settings.

    What needs the database raises LedgerUnavailable without one, and SchemaUnknown on a schema of another version.
    """

    def serve(self, settings: Settings) -> None:
        """Answer HTTP until told to stop."""

    def identity(self, settings: Settings) -> Mapping[str, str]:
        """Return which version this is, for which schema, on which database."""

    def migrate(self, settings: Settings, target: str) -> str:
        """Bring the schema to ``target`` and return the revision reached."""

    def migration_script(self, settings: Settings, start: str, end: str, dialect: str) -> str:
        """Return the SQL that leads a MySQL or MariaDB database from one revision to the other."""

    async def make_demo(self, settings: Settings, seed: int) -> DemoReport:
        """Make the demonstration's history on the empty, migrated database of the settings."""

    def commands(self, settings: Settings) -> AbstractAsyncContextManager[Commands]:
        """Open the database and yield the use cases on the books."""

    def use_cases(self, settings: Settings) -> AbstractAsyncContextManager[UseCases]:
        """Open the database, and yield the use cases of the service."""

    def preview_import(self) -> PreviewImport:
        """Return the dry run on files of this machine alone, whatever is in the books."""

    def read_rates(self, path: str) -> Rates:
        """Return the rates of a file; raises RatesRefused where it is none of rates."""

    async def book_import(self, settings: Settings, wish: ImportWish, tell: Tell) -> list[Preview]:
        """Book files into the books, which are opened for it, or say in a dry run what would be."""

    async def book_again(self, settings: Settings, file: ExportedFile, tell: Tell, *, dry_run: bool) -> BookedAgain:
        """Book exported events again, into books that are opened for it, or say in a dry run what would be."""

    def kept_imports(self, settings: Settings) -> AbstractAsyncContextManager[KeptImports]:
        """Open the database, and yield what lists imports and takes them back."""

    async def stored_closes(
        self, settings: Settings, symbols: Sequence[str], days: int, *, of_held: bool = True
    ) -> tuple[Panel, Holdings]:
        """Return the stored closes of ``symbols``, and with ``of_held`` of what is held, and what is held."""

    async def stored_backtest(self, settings: Settings, job_id: str, *, cancels: bool) -> bytes:
        """Return the answer of GET /backtests/{id}, encoded, having cancelled it where that is asked for.

        Raises:
            NotFound: there is no backtest of that name.
        """

    def policy(self, option: str, setting: str = "") -> RebalancePolicy:
        """Return the policy of the file that `--policy` names, else the setting, else the usual one."""

    def solve(self) -> Solve:
        """Return what computes weights, in this process."""


def carried_out(opening: AbstractAsyncContextManager[Opened], work: Callable[[Opened], Awaitable[T]]) -> T:
    """Return what came of the work on what is opened for it."""

    async def use() -> T:
        async with opening as opened:
            return await work(opened)

    return asyncio.run(use())
