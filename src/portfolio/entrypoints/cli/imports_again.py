"""What ``portfolio import`` says of a file of exported events."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import click

from portfolio.domain.decimal_text import counted
from portfolio.entrypoints.printable import printable

if TYPE_CHECKING:
    from portfolio.application.exports.again.records import AgainRow, BookedAgain, ExportedFile

FORMAT: Final = "portfolio-events"

_SHOWN: Final = 40
_FIGURES: Final = ("quantity", "amount", "cash_delta", "net_deposits_delta", "realized_delta")


def show_again(file: ExportedFile, found: BookedAgain, *, dry_run: bool, as_json: bool) -> None:
    """Print what became of the rows of a file."""
    if as_json:
        click.echo(json.dumps(_answer(found)))
        return
    booked, would = counted(len(found.booked), "row"), "would be booked" if dry_run else "booked"
    click.echo(
        f"{printable(file.name)}: {FORMAT}, {counted(found.rows, 'row')}: {booked} {would}, "
        f"{len(found.reported)} reported, {len(found.known)} known"
    )
    for one in found.reported[:_SHOWN]:
        click.echo(f"  row {one.row}: {printable(one.reason)}")
    if len(found.reported) > _SHOWN:
        click.echo(f"  ... and {len(found.reported) - _SHOWN} more: --json prints them all")
    for kind, count in Counter(one.entry.kind for one in found.booked).most_common():
        click.echo(f"  {kind}: {counted(count, 'row')}")


def _answer(found: BookedAgain) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "rows": found.rows,
        "events": [_event(one) for one in found.booked],
        "ignored": [],
        "reported": [{"row": one.row, "reason": one.reason} for one in found.reported],
        "known": [{"row": one.place, "reason": "it is in the books"} for one in found.known],
    }


def _event(row: AgainRow) -> dict[str, Any]:
    entry = row.entry
    figures = {name: getattr(entry, name) for name in _FIGURES}
    return {
        "row": row.place,
        "revision": entry.revision,
        "at": entry.effective_at.isoformat().replace("+00:00", "Z") if entry.effective_at else None,
        "kind": entry.kind,
        "symbol": None if entry.symbol is None else entry.symbol.code,
        **{name: None if value is None else str(value) for name, value in figures.items()},
        "reverses": entry.reverses,
    }
