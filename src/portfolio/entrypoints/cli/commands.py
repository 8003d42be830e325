"""The command line: ``portfolio serve | migrate | verify | reconcile | backfill | key | optimise | tearsheet ...``."""

from __future__ import annotations

import os
import secrets

import click

from portfolio import __version__
from portfolio.application.ledger.opening import Opening
from portfolio.entrypoints.cli.backtest import jobs  # noqa: F401  it adds its commands to those of backtests
from portfolio.entrypoints.cli.backtest.command import backtest
from portfolio.entrypoints.cli.books import backfill, reconcile, run, told_settings, verify
from portfolio.entrypoints.cli.composition import Composition
from portfolio.entrypoints.cli.demo import demo
from portfolio.entrypoints.cli.exports import export
from portfolio.entrypoints.cli.imports import import_files
from portfolio.entrypoints.cli.kept_imports import imports_group
from portfolio.entrypoints.cli.lots import gains, lots
from portfolio.entrypoints.cli.optimise import optimise
from portfolio.entrypoints.cli.reporting import InWords
from portfolio.entrypoints.cli.tearsheet import tearsheet
from portfolio.entrypoints.cli.watch.command import watch
from portfolio.entrypoints.http.shell.auth import ADOPT_OPEN, KEY_NAME, Scope
from portfolio.settings import read_settings

_OPENED = {Opening.CREATED: "opened", Opening.ADOPTED: "adopted what the rows hold", Opening.NOTHING: "open"}


@click.group(cls=InWords, context_settings={"help_option_names": ["-h", "--help"]})
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
        if start and end[:4].isdigit() and end[:4] < start[:4]:
            raise click.UsageError("--to is before --from: a script leads up; `portfolio migrate --to` leads down")
        click.echo(composition.migration_script(read_settings(), start or "base", end, dialect or "mysql"))
        return
    if start or dialect:
        raise click.UsageError("--from and --dialect are for --sql: without it the database says where to start.")
    settings = told_settings(composition)
    click.echo(f"schema revision {composition.migrate(settings, end)}")
    if end == "head":
        opening = run(composition, settings, lambda use_cases: use_cases.open_books(use_cases.portfolio_id))
        click.echo(f"books: {_OPENED[opening]}")


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
    if not KEY_NAME.fullmatch(name):
        raise click.UsageError("NAME is 1 to 64 letters, digits, '.', '_', '-', the first a letter or a digit")
    if not set(scopes.split("+")) <= {*Scope, ADOPT_OPEN} or not set(scopes.split("+")) & set(Scope):
        raise click.UsageError("--scopes are read, trade and admin, joined by '+'")
    click.echo(entry)


for command in (
    backfill,
    backtest,
    demo,
    export,
    gains,
    import_files,
    imports_group,
    lots,
    optimise,
    reconcile,
    tearsheet,
    verify,
    watch,
):
    commands.add_command(command)
