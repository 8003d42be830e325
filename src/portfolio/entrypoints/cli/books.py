"""The commands on the books themselves: ``portfolio verify | reconcile | backfill``."""

from __future__ import annotations

import re
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

import click
import msgspec

from portfolio.application.errors import BooksContradicted
from portfolio.application.ledger.opening import OpenBooks
from portfolio.application.ledger.rebuilding import RebuildBooks
from portfolio.application.ledger.verification import ReconcileBooks, Verification, VerifyBooks
from portfolio.application.performance.final_days import FinalReport, MakeFinal
from portfolio.application.prices.backfill import Backfill, BackfillReport
from portfolio.domain.decimal_text import counted
from portfolio.entrypoints.cli.composition import Composition, carried_out
from portfolio.entrypoints.cli.reporting import (
    EXIT_BROKEN,
    EXIT_FAILED,
    EXIT_UNRECONCILED,
    progress_on,
    tell,
    tell_identity,
)
from portfolio.settings import Settings, read_settings

T = TypeVar("T")


class Commands(msgspec.Struct, frozen=True, kw_only=True):
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


def _digest(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """Return a noted digest as the books have it: what is none says nothing of them."""
    head = value.strip().lower() if value is not None else None
    if head is not None and not re.fullmatch("[0-9a-f]{64}", head):
        raise click.BadParameter(f"{value!r} is no digest: 64 hexadecimal digits, as verify prints them after `head`")
    return head


@click.command()
@click.option(
    "--head",
    callback=_digest,
    help="A digest that was noted before: the entries of that time have to be among those of now.",
)
@click.pass_obj
def verify(composition: Composition, *, head: str | None) -> None:
    """Replay every entry and compare with everything that the books say; print the digest of them all.

    Exit status: 0 all holds; 1 it holds, but other programs moved or removed rows; 2 the books do not add up; 3 it
    could not be found out.
    """
    sys.exit(_status(_verified(composition, head)))


@click.command()
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
    booked = run(
        composition,
        told_settings(composition),
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


@click.command()
@click.option("--days", type=click.IntRange(1, 3650), default=30, show_default=True, help="How many completed days.")
@click.pass_obj
def backfill(composition: Composition, days: int) -> None:
    """Fetch the daily closes of all that was ever held and of the benchmark, and fill days without the service.

    A missing day of the performance history, from its first one until yesterday, is made of the ledger and of closes.
    """
    with progress_on(sys.stderr) as show:

        async def work(use_cases: Commands) -> tuple[BackfillReport, FinalReport]:
            report = await use_cases.backfill(use_cases.portfolio_id, days, partial(show, "closes"))
            return report, await use_cases.make_final(use_cases.portfolio_id)

        report, final = run(composition, told_settings(composition), work)
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


def told_settings(composition: Composition) -> Settings:
    """Return the settings, and say on the standard error what works on which database."""
    settings = read_settings()
    tell_identity(composition.identity(settings))
    return settings


def run(composition: Composition, settings: Settings, work: Callable[[Commands], Awaitable[T]]) -> T:
    """Return what came of the work on an open database, of which is said what there is to be said."""

    async def told(use_cases: Commands) -> T:
        for note in use_cases.notes:
            click.echo(f"portfolio: {note}", err=True)
        return await work(use_cases)

    return carried_out(composition.commands(settings), told)


def _verified(composition: Composition, head: str | None = None) -> Verification:
    """Compare the books with their entries, and print what was found."""
    found = run(
        composition, told_settings(composition), lambda use_cases: use_cases.verify(use_cases.portfolio_id, head=head)
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
            tell(error)
    made = run(composition, told_settings(composition), lambda use_cases: use_cases.rebuild(use_cases.portfolio_id))
    click.echo(f"rebuilt at ledger revision {made.revision}: {made.note}")
    return _verified(composition)
