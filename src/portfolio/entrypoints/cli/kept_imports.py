"""The command ``portfolio imports``: what was imported, and how it is taken back as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
import msgspec

from portfolio.application.errors import NotFound
from portfolio.domain.decimal_text import counted
from portfolio.entrypoints.cli.composition import Composition, carried_out
from portfolio.entrypoints.printable import printable
from portfolio.settings import read_settings

if TYPE_CHECKING:
    from portfolio.application.imports.kept.ports import Imports
    from portfolio.application.imports.kept.reversal import ReverseImport
    from portfolio.application.ledger.happenings.imported import KeptImport

OWNER = "import"
"""Whose entries take an import back by this command: the owner of its entries."""

_MOST = 2**63 - 1
"""No database numbers further."""
_NUMBER = click.argument("number", type=click.IntRange(1, _MOST))


class KeptImports(msgspec.Struct, frozen=True, kw_only=True):
    """What these commands are carried out by."""

    portfolio_id: int
    imports: Imports
    reverse: ReverseImport


@click.group("imports")
def imports_group() -> None:
    """What was imported, by the command or over HTTP."""


@imports_group.command("list")
@click.option("--limit", type=click.IntRange(1, 1_000), default=20, show_default=True, help="How many, newest first.")
@click.pass_obj
def list_imports(composition: Composition, *, limit: int) -> None:
    """Print imports, newest first."""
    found = carried_out(
        composition.kept_imports(read_settings()),
        lambda kept: kept.imports.page(kept.portfolio_id, before=None, limit=limit),
    )
    for one in found.items:
        click.echo(_line(one))


@imports_group.command("show")
@_NUMBER
@click.pass_obj
def show_import(composition: Composition, *, number: int) -> None:
    """Print one import with its files."""
    found = carried_out(
        composition.kept_imports(read_settings()), lambda kept: kept.imports.named(kept.portfolio_id, number)
    )
    if found is None:
        raise NotFound("import", str(number))
    click.echo("\n".join([_line(found), *_files(found)]))


@imports_group.command("reverse")
@_NUMBER
@click.option("--dry-run", is_flag=True, help="Say whether it can be taken back, and book nothing.")
@click.pass_obj
def reverse_import(composition: Composition, *, number: int, dry_run: bool) -> None:
    """Take import NUMBER back: the opposite of each of its entries, newest first, whole or not at all.

    Its files can be imported again afterwards. Once taken back, it is only said so.
    """
    found = carried_out(
        composition.kept_imports(read_settings()),
        lambda kept: kept.reverse(kept.portfolio_id, number, owner=OWNER, dry_run=dry_run),
    )
    entries = "1 entry" if found.entries == 1 else f"{found.entries} entries"
    said = "was taken back before" if found.replayed else "would be taken back" if dry_run else "was taken back"
    click.echo(f"import {number} {said}, by {entries}")
    if found.left:
        click.echo(f"  of its entries {found.left} had been taken back alone before")
    if found.note is not None:
        click.echo(f"  {printable(found.note)}")


def _line(kept: KeptImport) -> str:
    account = f" of {printable(kept.account)}" if kept.account else ""
    entries = "no entry" if kept.first_revision is None else f"revisions {kept.first_revision} to {kept.last_revision}"
    taken = f", {kept.reversed_at:%Y-%m-%d %H:%M:%S} UTC" if kept.reversed_at is not None else ""
    return f"{kept.id}: {kept.imported_at:%Y-%m-%d %H:%M:%S} UTC{account}, {entries}: {kept.state}{taken}"


def _files(kept: KeptImport) -> Iterator[str]:
    for one in kept.counts:
        parts = f"{one.events} events, {one.ignored} ignored, {one.reported} reported, {one.known} known"
        name, form = printable(one.name), one.format or "not recognised"
        yield f"  {name}: {form}, {counted(one.rows, 'row')}: {parts}"
