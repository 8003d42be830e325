"""The command line: ``portfolio serve | migrate | verify | reconcile | backfill | key | optimise | tearsheet ...``."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol, TypeVar

import click

from portfolio import __version__
from portfolio.application.errors import ApplicationError, BooksContradicted
from portfolio.application.ledger.opening import OpenBooks, Opening
from portfolio.application.ledger.rebuilding import RebuildBooks
from portfolio.application.ledger.verification import ReconcileBooks, Verification, VerifyBooks
from portfolio.application.performance.final_days import FinalReport, MakeFinal
from portfolio.application.prices.backfill import Backfill, BackfillReport
from portfolio.domain.decimal_text import counted
from portfolio.domain.errors import DomainError
from portfolio.entrypoints.cli import backtest_jobs  # noqa: F401  it adds its commands to those of backtests
from portfolio.entrypoints.cli.backtest import backtest
from portfolio.entrypoints.cli.demo import demo
from portfolio.entrypoints.cli.exports import export
from portfolio.entrypoints.cli.imports import import_files
from portfolio.entrypoints.cli.kept_imports import imports_group
from portfolio.entrypoints.cli.lots import gains, lots
from portfolio.entrypoints.cli.optimise import optimise
from portfolio.entrypoints.cli.tearsheet import tearsheet
from portfolio.entrypoints.cli.watch import watch
from portfolio.entrypoints.http.shell.auth import ADOPT_OPEN, Keyring
from portfolio.settings import Settings, SettingsError, read_settings

T = TypeVar("T")

# Each says one thing, whichever command ends with it; docs/operations.md lists them.
EXIT_UNRECONCILED = 1
EXIT_BROKEN = 2
EXIT_FAILED = 3
EXIT_USAGE = 64
EXIT_FAULT = 70
EXIT_INTERRUPTED = 130

_OPENED = {Opening.CREATED: "opened", Opening.ADOPTED: "adopted what the rows hold", Opening.NOTHING: "open"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """The use cases that the commands carry out, on an open database, and the portfolio that they are for.

    ``notes`` are what is to be said of the database.
    """

    portfolio_id: int
    notes: Sequence[str] = ()
    open_books: OpenBooks
    verify: VerifyBooks
    reconcile: ReconcileBooks
    rebuild: RebuildBooks
    backfill: Backfill
    make_final: MakeFinal


class Composition(Protocol):
    """What the composition root hands to the command line."""

    def identity(self, settings: Settings) -> Mapping[str, str]:
        """Return which version this is, for which schema, on which database."""
        ...

    def commands(self, settings: Settings) -> AbstractAsyncContextManager[Commands]:
        """Open the database and yield the use cases; raises SchemaUnknown on a schema of another version."""
        ...

    def serve(self, settings: Settings) -> None:
        """Answer HTTP until told to stop."""
        ...

    def migrate(self, settings: Settings, target: str) -> str:
        """Bring the schema to ``target`` and return the revision reached."""
        ...

    def migration_script(self, settings: Settings, start: str, end: str, dialect: str) -> str:
        """Return the SQL that leads from one revision to the other, as this kind of server knows it."""
        ...


class _InWords(click.Group):
    """Commands that say what went wrong in a sentence, and end with a status that tells."""

    def main(self, *given: Any, **named: Any) -> NoReturn:
        """Carry out the command line, and end the process."""
        try:
            status = super().main(*given, **{**named, "standalone_mode": False})
        except click.ClickException as error:
            error.show()
            status = EXIT_USAGE
        except click.Abort:
            _tell("interrupted")
            status = EXIT_INTERRUPTED
        except BooksContradicted as error:
            _tell(error)
            status = EXIT_BROKEN
        except (ApplicationError, DomainError, SettingsError, OSError, MemoryError) as error:
            _tell(error if str(error) else "not enough memory")
            status = EXIT_FAILED
        except Exception:  # noqa: BLE001  whoever runs it reports what it prints
            _tell(f"a fault of the program; please report it\n{traceback.format_exc()}")
            status = EXIT_FAULT
        sys.exit(status)


def _tell(what: object) -> None:
    """Say something beside the result, on the standard error, where anybody can be told."""
    with suppress(OSError):
        click.echo(f"portfolio: {what}", err=True)


@click.group(cls=_InWords, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="portfolio")
def commands() -> None:
    """Keep a crypto portfolio exact, and say what it is worth.

    Settings come from the environment (PORTFOLIO_*) and from a .env file; the README lists them.
    """
    # What is written (the log, the embedded database) is for its own user alone.
    os.umask(os.umask(0o077) | 0o077)


@commands.command()
@click.pass_obj
def serve(composition: Composition) -> None:
    """Answer HTTP on PORTFOLIO_HOST:PORTFOLIO_PORT and refresh prices until SIGTERM."""
    composition.serve(read_settings())


@commands.command()
@click.option("--sql", "as_sql", is_flag=True, help="Print the SQL for MySQL or MariaDB instead; run nothing.")
@click.option("--from", "start", help="With --sql: the revision to start at, if it is not an empty database.")
@click.option("--to", "end", default="head", show_default=True, help="The revision to end at.")
@click.option(
    "--dialect",
    type=click.Choice(["mysql", "mariadb"]),
    help="With --sql: for which server. MySQL is the default, and its script runs on MariaDB too.",
)
@click.pass_obj
def migrate(composition: Composition, *, as_sql: bool, start: str | None, end: str, dialect: str | None) -> None:
    """Bring the database's schema up to date and open the books.

    An existing database is adopted: every row stays, and what its rows hold becomes the baseline. With --sql nothing is
    touched and no connection is made; the service opens the books itself when it first starts on the new schema.
    """
    if as_sql:
        click.echo(composition.migration_script(read_settings(), start or "base", end, dialect or "mysql"))
        return
    if start or dialect:
        raise click.UsageError("--from and --dialect are for --sql: without it the database says where to start.")
    settings = _settings(composition)
    click.echo(f"schema revision {composition.migrate(settings, end)}")
    if end == "head":
        opening = _run(composition, settings, lambda use_cases: use_cases.open_books(use_cases.portfolio_id))
        click.echo(f"books: {_OPENED[opening]}")


@commands.command()
@click.option("--head", help="A digest that was noted before: the entries of that time have to be among those of now.")
@click.pass_obj
def verify(composition: Composition, *, head: str | None) -> None:
    """Replay every entry and compare with everything that the books say; print the digest of them all.

    Exit status: 0 all holds; 1 it holds, but other programs moved or removed rows; 2 the books do not add up; 3 it
    could not be found out.
    """
    sys.exit(_status(_verified(composition, head)))


@commands.command()
@click.option("--accept", is_flag=True, help="Book what is unreconciled as an adjustment; without it, only show it.")
@click.option("--rebuild", is_flag=True, help="Make the books' rows anew where they are not what the entries say.")
@click.option(
    "--as",
    "kind",
    type=click.Choice(["result", "contribution"]),
    help="What the difference's value is. By default a result where a position moved, else a contribution.",
)
@click.pass_obj
def reconcile(composition: Composition, *, accept: bool, rebuild: bool, kind: str | None) -> None:
    """Show what other programs wrote into the shared rows, and take it into the books.

    Where the portfolio's row is gone, or is behind the ledger's entries, it is made anew of them first. Nothing is
    accepted that the entries contradict. Exit status: as of verify.
    """
    if accept and rebuild:
        raise click.UsageError("--rebuild first, and --accept when you have seen what is left")
    if not accept:
        sys.exit(_status(_shown(composition, rebuild=rebuild)))
    as_realized = None if kind is None else kind == "result"
    booked = _run(
        composition,
        _settings(composition),
        lambda use_cases: use_cases.reconcile(use_cases.portfolio_id, as_realized=as_realized),
    )
    if booked is None:
        click.echo("nothing is unreconciled: nothing to book")
        return
    transaction = booked.transaction
    click.echo(
        f"booked at ledger revision {booked.revision}: cash {transaction.cash_delta}, "
        f"contribution {transaction.net_deposits_delta}, result {transaction.realized_delta}, "
        f"{counted(len(booked.positions), 'position')}"
    )


@commands.command()
@click.option("--days", type=click.IntRange(1, 3650), default=30, show_default=True, help="How many completed days.")
@click.pass_obj
def backfill(composition: Composition, days: int) -> None:
    """Fetch the daily closes of all that was ever held and of the benchmark, and fill days without the service.

    A missing day of the performance history, from its first one until yesterday, is made of the ledger and of closes.
    """
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task("history", total=None)

        def show(done: int, total: int, symbol: str) -> None:
            progress.update(bar, completed=done, total=total, description=symbol)

        async def work(use_cases: Commands) -> tuple[BackfillReport, FinalReport]:
            portfolio_id = use_cases.portfolio_id
            return await use_cases.backfill(portfolio_id, days, show), await use_cases.make_final(portfolio_id)

        report, final = _run(composition, _settings(composition), work)
    click.echo(f"{counted(report.closes, 'close')} of {counted(len(report.symbols), 'asset')}")
    click.echo(f"{counted(len(final.written), 'day')} of the performance history filled or mended")
    for symbol, reason in sorted(report.failed.items()):
        click.echo(f"failed {symbol}: {reason}", err=True)
    for day, symbols in sorted(final.carried.items()):
        codes = ", ".join(symbol.code for symbol in symbols)
        click.echo(f"carried {day}: the last close before it, or the cost of a small rest, of {codes}")
    for day, reason in sorted(final.failed.items()):
        click.echo(f"still missing {day}: {reason}", err=True)
    sys.exit(EXIT_FAILED if report.failed or final.failed else 0)


@commands.command()
@click.argument("name")
@click.option("--scopes", default="read+trade", show_default=True, help="read, trade, admin, joined by +.")
@click.option(
    "--adopt-open",
    is_flag=True,
    help="The key answers for what was booked while there were no API keys: retries replay.",
)
def key(name: str, scopes: str, *, adopt_open: bool) -> None:
    """Make an API key for NAME and print the entry for PORTFOLIO_API_KEYS or the keys file."""
    entry = f"{name}:{scopes}{f'+{ADOPT_OPEN}' if adopt_open else ''}:{secrets.token_urlsafe(32)}"
    Keyring.of(Settings(api_keys=entry))
    click.echo(entry)


commands.add_command(backtest)
commands.add_command(demo)
commands.add_command(export)
commands.add_command(gains)
commands.add_command(import_files)
commands.add_command(imports_group)
commands.add_command(lots)
commands.add_command(optimise)
commands.add_command(tearsheet)
commands.add_command(watch)


def _settings(composition: Composition) -> Settings:
    """Return the settings, and say on the standard error what works on which database."""
    settings = read_settings()
    tell_identity(composition.identity(settings))
    return settings


def tell_identity(identity: Mapping[str, str]) -> None:
    """Say which version works for which schema on which database: on the standard error, which is no result."""
    _tell(", ".join(f"{name} {value}" for name, value in identity.items()))


def _run(composition: Composition, settings: Settings, work: Callable[[Commands], Awaitable[T]]) -> T:
    async def use() -> T:
        async with composition.commands(settings) as use_cases:
            for note in use_cases.notes:
                click.echo(f"portfolio: {note}", err=True)
            return await work(use_cases)

    return asyncio.run(use())


def _verified(composition: Composition, head: str | None = None) -> Verification:
    """Compare the books with their entries, and print what was found."""
    found = _run(
        composition, _settings(composition), lambda use_cases: use_cases.verify(use_cases.portfolio_id, head=head)
    )
    entries = f"{counted(found.trades, 'trade')} and {counted(found.transactions, 'transaction')}"
    click.echo(f"{entries}, ledger revision {found.revision}")
    if found.is_new:
        click.echo("nothing was booked since these books were opened: is this the right database?")
    for line in found.differences:
        click.echo(f"BROKEN {line}")
    for line in found.lost:
        click.echo(f"lost  {line}; the next copy of the booking brings it back")
    for line in found.unreconciled:
        click.echo(f"unreconciled  {line}")
    for line in found.foreign:
        click.echo(f"foreign  {line}")
    if found.unreconciled:
        click.echo(f"unreconciled: {found.unreconciled_value}; book it with: portfolio reconcile --accept")
    if found.head:
        click.echo(f"head {found.head}")
    if found.holds and not found.is_proved:
        click.echo("the entries have no digests yet, so nobody can tell: run portfolio migrate, or start the service")
    else:
        click.echo("the books hold" if found.holds else "the books do not add up")
    return found


def _status(found: Verification) -> int:
    if not found.holds:
        return EXIT_BROKEN
    if not found.is_proved:
        return EXIT_FAILED
    return EXIT_UNRECONCILED if found.unreconciled or found.foreign or found.lost else 0


def _shown(composition: Composition, *, rebuild: bool) -> Verification:
    """Print how the books compare with the entries, of which the rows are made anew before where that is asked for.

    It is also done, without a loss, where the portfolio's row is gone or behind: whoever runs this has decided.
    """
    if not rebuild:
        try:
            return _verified(composition)
        except BooksContradicted as error:
            if error.is_lossy:
                raise
            _tell(error)
    made = _run(composition, _settings(composition), lambda use_cases: use_cases.rebuild(use_cases.portfolio_id))
    click.echo(f"rebuilt at ledger revision {made.revision}: {made.note}")
    return _verified(composition)
