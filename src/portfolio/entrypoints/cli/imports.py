"""The command ``portfolio import``: what the rows of other programs' files would become in the books."""

from __future__ import annotations

import gc
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from decimal import Decimal
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import click

from portfolio.application.imports.preview import PreviewImport
from portfolio.application.imports.recognition import FORMAT_NAMES
from portfolio.application.imports.records import Identified, Options, Preview
from portfolio.domain.decimal_text import counted, plain
from portfolio.domain.imports.moments import offset_in
from portfolio.domain.imports.records import Ignored, Place, Reported, RowRefused

EXIT_REPORTED = 2

_SHOWN = 40


class ImportComposition(Protocol):
    """What the composition root hands to this command."""

    def preview_import(self) -> PreviewImport:
        """Return the use case, on files of this machine."""
        ...


class _Zone(click.ParamType[tzinfo]):
    """An offset such as +02:00, or a name such as Europe/Vienna."""

    name = "zone"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tzinfo:
        try:
            return offset_in(value)
        except RowRefused:
            try:
                return ZoneInfo(value)
            except (KeyError, ValueError, OSError):
                self.fail(f"{value!r} is neither an offset such as +02:00 nor a zone such as Europe/Vienna", param, ctx)


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
@click.option("--format", "format_name", type=click.Choice(FORMAT_NAMES), help="By default the header tells.")
@click.option("--account", default="", help="Which account the files are of: ids are compared within one.")
@click.option("--zone", type=_Zone(), help="The zone of times that have none: +02:00, Europe/Vienna.")
@click.option("--decimal", type=click.Choice([",", "."]), help="The decimal sign of tables, where it is not certain.")
@click.option("--date-order", type=click.Choice(["dmy", "mdy", "ymd"]), help="The order of day, month and year.")
@click.option("--partial", is_flag=True, help="Take what is good of a file of which rows are reported.")
@click.option("--dry-run", is_flag=True, help="Say what every row becomes, and book nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print all of it, one object a file.")
@click.pass_obj
def import_files(composition: ImportComposition, /, *, dry_run: bool, as_json: bool, **given: Any) -> int:
    """Print what each row of FILES becomes: an event, ignored, reported, or known already.

    The exit status is 2 where a row is reported, and 0 where none is.
    """
    if not dry_run:
        click.echo("portfolio: imports cannot be booked yet: --dry-run says what they would be", err=True)
        return EXIT_REPORTED
    options = Options(
        format=given["format_name"],
        account=given["account"],
        zone=given["zone"],
        decimal=given["decimal"],
        date_order=given["date_order"],
    )
    # Many small objects that all live until the answer: to look for garbage among them takes a third of the time.
    gc.disable()
    try:
        previews = composition.preview_import()(given["files"], options)
    finally:
        gc.enable()
    if as_json:
        answers = [answer_of(preview) for preview in previews]
        click.echo(json.dumps(answers[0] if len(answers) == 1 else answers))
    else:
        for preview in previews:
            _show(preview, partial=given["partial"])
    return EXIT_REPORTED if any(preview.reported for preview in previews) else 0


def answer_of(preview: Preview) -> dict[str, Any]:
    """Return a preview as JSON has it: numbers are exact text."""
    return {
        "format": preview.format,
        "rows": preview.rows,
        "events": [_event(one) for one in preview.events],
        "ignored": _placed(preview.ignored),
        "reported": _placed(preview.reported),
        "known": _placed(preview.known),
        "quantities": _exact(preview.quantities),
        "cash_change": _exact(preview.cash_change),
    }


def _event(identified: Identified) -> dict[str, Any]:
    event = identified.event
    return {
        "row": event.rows[0] if len(event.rows) == 1 else list(event.rows),
        "at": _moment(identified),
        "kind": event.kind.value,
        "symbol": event.symbol,
        "quantity": plain(event.quantity),
        "price": _text(event.price),
        "amount": _text(event.amount),
        "quote": event.quote,
        "fee": _text(event.fee),
        "fee_symbol": event.fee_symbol,
        "external_id": identified.external_id,
        "legs": _exact(event.legs),
    }


def _placed(listed: Sequence[Ignored | Reported]) -> list[dict[str, Place]]:
    return [{"row": one.row, "reason": one.reason} for one in listed]


def _exact(amounts: Mapping[str, Decimal]) -> dict[str, str]:
    return {symbol: plain(amount) for symbol, amount in amounts.items()}


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else plain(amount)


def _moment(identified: Identified) -> str:
    """Return the moment, as exact as the file has it."""
    text = identified.event.at.replace(tzinfo=None).isoformat()
    return f"{text.rstrip('0') if '.' in text else text}Z"


def _show(preview: Preview, *, partial: bool) -> None:
    """Print what a person wants to know of a file."""
    # For this command alone: the others start sooner without it.
    from rich.console import Console  # noqa: PLC0415  # for this command alone
    from rich.table import Table  # noqa: PLC0415  # for this command alone

    click.echo("\n".join(_head(preview, partial=partial)))
    if preview.events:
        table = Table(box=None, pad_edge=False)
        for name in ("row", "at", "kind", "symbol", "quantity", "amount", "quote", "fee", "changes"):
            table.add_column(name, justify="right" if name in {"row", "quantity", "amount"} else "left")
        for one in preview.events[:_SHOWN]:
            table.add_row(*_cells(_event(one)))
        Console(width=200, markup=False, highlight=False, emoji=False).print(table)
    click.echo("\n".join(_foot(preview)))


def _head(preview: Preview, *, partial: bool) -> Iterator[str]:
    counts = ", ".join(
        f"{len(listed)} {name}"
        for name, listed in (
            ("events", preview.events),
            ("ignored", preview.ignored),
            ("reported", preview.reported),
            ("known", preview.known),
        )
    )
    yield f"{_printable(preview.name)}: {preview.format or 'not recognised'}, {counted(preview.rows, 'row')}: {counts}"
    for one in preview.reported[:_SHOWN]:
        yield f"  row {_printable(str(one.row))}: {_printable(one.reason)}"
    yield from _more(len(preview.reported))
    if preview.reported and preview.events:
        good = counted(len(preview.events), "event")
        yield f"  {good} would be booked without them" if partial else "  nothing of it would be booked: see --partial"


def _foot(preview: Preview) -> Iterator[str]:
    yield from _more(len(preview.events))
    for name, listed in (("ignored", preview.ignored), ("known", preview.known)):
        for reason, count in Counter(one.reason for one in listed).most_common(_SHOWN):
            yield f"  {name}: {counted(count, 'row')}: {_printable(reason)}"
    for name, amounts in (("quantities", preview.quantities), ("cash", preview.cash_change)):
        if amounts:
            yield f"  {name}: {', '.join(f'{symbol} {plain(amount)}' for symbol, amount in amounts.items())}"


def _cells(event: Mapping[str, Any]) -> Iterator[str]:
    rows = event["row"] if isinstance(event["row"], list) else [event["row"]]
    yield _printable(",".join(map(str, rows[:3])) + (",..." if len(rows) > 3 else ""))
    for name in ("at", "kind", "symbol", "quantity", "amount", "quote"):
        yield event[name] or ""
    yield f"{event['fee']} {event['fee_symbol']}" if event["fee"] else ""
    yield ", ".join(f"{symbol} {change}" for symbol, change in event["legs"].items())


def _more(count: int) -> Iterator[str]:
    if count > _SHOWN:
        yield f"  ... and {count - _SHOWN} more: --json prints them all"


def _printable(text: str) -> str:
    """Return a text of a file as a terminal may see it."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)
