"""The command ``portfolio import``: books the rows of other programs' files, or says what they would become."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from portfolio.application.errors import ApplicationError
from portfolio.application.imports.already.likes import by_whom, looks_like
from portfolio.application.imports.kept.answers import event_answer, printed
from portfolio.application.imports.kept.records import LEAVE_OUT
from portfolio.application.imports.progress import Tell
from portfolio.application.imports.recognition import FORMAT_NAMES
from portfolio.application.imports.records import Options, Preview
from portfolio.domain.decimal_text import counted, plain
from portfolio.entrypoints.cli.composition import Composition
from portfolio.entrypoints.cli.parameters import ZONE, ReadFile
from portfolio.entrypoints.cli.reporting import print_table, progress_on
from portfolio.entrypoints.printable import printable
from portfolio.settings import SettingsError, read_settings

if TYPE_CHECKING:
    from portfolio.application.exports.again.records import AgainRow, BookedAgain, ExportedFile
    from portfolio.application.imports.booking import ImportWish

EXIT_REPORTED = 2

_EXPORTED: Final = "portfolio-events"
_FIGURES: Final = ("quantity", "amount", "cash_delta", "net_deposits_delta", "realized_delta")
_SHOWN: Final = 40
_AS_READ: Final = ("at", "kind", "symbol", "quantity", "amount", "quote")
_COLUMNS: Final = ("row", *_AS_READ, "fee", "changes")


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=ReadFile())
@click.option("--format", "format_name", type=click.Choice(FORMAT_NAMES), help="By default the header tells.")
@click.option("--account", default="", help="Which account the files are of: ids are compared within one.")
@click.option("--zone", type=ZONE, help="The zone of times that have none: +02:00, Europe/Vienna.")
@click.option("--decimal", type=click.Choice([",", "."]), help="The decimal sign of tables, where it is not certain.")
@click.option("--date-order", type=click.Choice(["dmy", "mdy", "ymd"]), help="The order of day, month and year.")
@click.option("--funding", type=click.Choice(["implied"]), help="Deposit the dollars that are missing, exactly.")
@click.option("--opening", is_flag=True, help="Transfer in what is sold and was not there; its cost is assumed.")
@click.option("--rates", type=ReadFile(), help="CSV: date, currency, dollars.")
@click.option("--partial", is_flag=True, help="Book what is good of a file of which rows are reported.")
@click.option(
    "--like-booked",
    type=click.Choice(["book", LEAVE_OUT]),
    help="Rows that look like trades an engine has booked: book them too (and say so), or leave them out.",
)
@click.option("--dry-run", is_flag=True, help="Say what every row becomes, and book nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print all of it, one object a file.")
@click.pass_obj
def import_files(composition: Composition, /, *, dry_run: bool, as_json: bool, **given: Any) -> int:
    """Book FILES of exchanges and programs, in the order in which their events happened.

    A file of `portfolio export events` (CSV or JSON) is booked again into empty books, each row as it was; it is
    imported alone, with no option but --dry-run and --json.

    Each row is in one place: booked, ignored, reported, or known already. Of a file with a reported row nothing is
    booked, unless --partial. The exit status is 2 where a row is reported, and 0 where none is.
    """
    exported = _exported(given)
    if exported is not None:
        with progress_on(sys.stderr) as tell:
            found = asyncio.run(composition.book_again(read_settings(), exported, tell, dry_run=dry_run))
        _show_again(exported, found, dry_run=dry_run, as_json=as_json)
        return EXIT_REPORTED if found.reported else 0
    wish = _wish(composition, given, dry_run=dry_run)
    # Many small objects that all live until they are printed: to look for garbage among them takes a third of the time.
    gc.disable()
    try:
        with progress_on(sys.stderr) as tell:
            previews = _carried_out(composition, wish, tell)
        _say(previews, wish, as_json=as_json)
    finally:
        gc.enable()
    return EXIT_REPORTED if any(preview.reported for preview in previews) else 0


def _exported(given: Mapping[str, Any]) -> ExportedFile | None:
    """Return the file of exported events that is to be booked again; None where there is none."""
    from portfolio.entrypoints.exports.read_back import is_export, read_back

    exports = [path for path in given["files"] if is_export(path)]
    if not exports:
        return None
    options = sorted(name for name, value in given.items() if name != "files" and value)
    if len(given["files"]) > 1 or options:
        besides = f"--{options[0].replace('_name', '').replace('_', '-')}" if options else "another file"
        raise click.UsageError(f"{exports[0]} is an export of the books: it is imported alone, without {besides}")
    return read_back(exports[0])


def _say(previews: Sequence[Preview], wish: ImportWish, *, as_json: bool) -> None:
    if as_json:
        for piece in printed(previews):
            click.echo(piece, nl=False)
        click.echo()
        return
    for preview in previews:
        _show(preview, wish)


def _wish(composition: Composition, given: Mapping[str, Any], *, dry_run: bool) -> ImportWish:
    from portfolio.application.imports.booking import ImportWish
    from portfolio.application.imports.entering import Allowed
    from portfolio.application.imports.kept.records import ACCOUNT_NAME, is_account_name
    from portfolio.application.imports.worth import RatesRefused

    account = given["account"]
    if not is_account_name(account):
        raise click.BadParameter(ACCOUNT_NAME, param_hint="--account")
    try:
        rates = composition.read_rates(given["rates"]) if given["rates"] else {}
    except RatesRefused as refused:
        raise click.BadParameter(str(refused), param_hint="--rates") from refused
    names = ("zone", "decimal", "date_order")
    return ImportWish(
        paths=given["files"],
        options=Options(format=given["format_name"], account=account, **{name: given[name] for name in names}),
        allowed=Allowed(funding=given["funding"] is not None, opening=given["opening"]),
        rates=rates,
        partial=given["partial"],
        dry_run=dry_run,
        leaves_out=given["like_booked"] == LEAVE_OUT,
    )


def _carried_out(composition: Composition, wish: ImportWish, tell: Tell) -> list[Preview]:
    """Return what became of the files; in a dry run without books, what they would be in books that allow all."""
    previews: list[Preview] = []

    async def carry_out() -> None:
        # Not its result: asyncio.run() writes that out as a text, for an error that it drops, before it returns.
        previews.extend(await composition.book_import(read_settings(), wish, tell))

    try:
        asyncio.run(carry_out())
    except (ApplicationError, SettingsError) as error:
        if not wish.dry_run:
            raise
        click.echo(f"portfolio: the files alone were looked at, not what is in the books: {error}", err=True)
        return composition.preview_import()(wish.paths, wish.options, tell)
    return previews


def _show(preview: Preview, wish: ImportWish) -> None:
    """Print what a person wants to know of a file."""
    click.echo("\n".join(_head(preview, wish)))
    if preview.events:
        print_table(_COLUMNS, [_cells(event_answer(one)) for one in preview.events[:_SHOWN]])
    click.echo("\n".join(_foot(preview)))


def _head(preview: Preview, wish: ImportWish) -> Iterator[str]:
    counts = ", ".join(
        f"{len(listed)} {name}"
        for name, listed in (
            ("events", preview.events),
            ("ignored", preview.ignored),
            ("reported", preview.reported),
            ("known", preview.known),
        )
    )
    yield f"{printable(preview.name)}: {preview.format or 'not recognised'}, {counted(preview.rows, 'row')}: {counts}"
    for one in preview.reported[:_SHOWN]:
        yield f"  row {printable(str(one.row))}: {printable(one.reason)}"
    yield from _more(len(preview.reported))
    good, would = counted(len(preview.events), "event"), "would be" if wish.dry_run else "was"
    if preview.reported and preview.events:
        yield (
            f"  {good} {would} booked without them"
            if wish.partial
            else f"  nothing of it {would} booked: see --partial"
        )
    yield from _likes(preview, wish)
    yield from (f"  {printable(remark)}" for remark in preview.remarks)
    for added in preview.implied[:_SHOWN]:
        yield f"  implied before row {printable(str(added.row))}: {added.symbol} {plain(added.quantity)}"
    yield from _more(len(preview.implied))


def _likes(preview: Preview, wish: ImportWish) -> Iterator[str]:
    """Yield which rows look like what was booked already, and what can be done."""
    if not preview.like_booked:
        return
    is_booked = not (wish.dry_run or preview.is_given_up)
    count, would = len(preview.like_booked), "were" if is_booked else "would be"
    events = counted(len(preview.events), "event")
    way_out = "leaves them out" + (", once `portfolio imports reverse` took this back" if is_booked else "")
    by = printable(by_whom(preview.like_booked))
    yield f"  like what {f'{by} booked' if by else 'is booked'} already: {count} of {events}, {would} booked once more:"
    yield f"    --like-booked={LEAVE_OUT} {way_out}"
    for like in preview.like_booked[:_SHOWN]:
        rows = ",".join(map(str, like.rows[:3])) + (",..." if len(like.rows) > 3 else "")
        yield f"  row {printable(rows)} {printable(looks_like(like.booked))}"
    yield from _more(count)


def _foot(preview: Preview) -> Iterator[str]:
    yield from _more(len(preview.events))
    for name, listed in (("ignored", preview.ignored), ("known", preview.known)):
        reasons = Counter(one.reason for one in listed).most_common()
        for reason, count in reasons[:_SHOWN]:
            yield f"  {name}: {counted(count, 'row')}: {printable(reason)}"
        yield from _more(len(reasons))
    for name, amounts in (("quantities", preview.quantities), ("cash", preview.cash_change)):
        if amounts:
            yield f"  {name}: {', '.join(f'{symbol} {plain(amount)}' for symbol, amount in amounts.items())}"


def _cells(event: Mapping[str, Any]) -> Iterator[str]:
    rows = event["row"] if isinstance(event["row"], list) else [event["row"]]
    yield printable(",".join(map(str, rows[:3])) + (",..." if len(rows) > 3 else ""))
    for name in _AS_READ:
        yield event[name] or ""
    yield f"{event['fee']} {event['fee_symbol']}" if event["fee"] else ""
    yield ", ".join(f"{symbol} {change}" for symbol, change in event["legs"].items())


def _more(count: int) -> Iterator[str]:
    if count > _SHOWN:
        yield f"  ... and {count - _SHOWN} more: --json prints them all"


def _show_again(file: ExportedFile, found: BookedAgain, *, dry_run: bool, as_json: bool) -> None:
    """Print what became of the rows of a file."""
    if as_json:
        click.echo(json.dumps(_answer(found)))
        return
    booked, would = counted(len(found.booked), "row"), "would be booked" if dry_run else "booked"
    click.echo(
        f"{printable(file.name)}: {_EXPORTED}, {counted(found.rows, 'row')}: {booked} {would}, "
        f"{len(found.reported)} reported, {len(found.known)} known"
    )
    for one in found.reported[:_SHOWN]:
        click.echo(f"  row {one.row}: {printable(one.reason)}")
    for line in _more(len(found.reported)):
        click.echo(line)
    for kind, count in Counter(one.entry.kind for one in found.booked).most_common():
        click.echo(f"  {kind}: {counted(count, 'row')}")


def _answer(found: BookedAgain) -> dict[str, Any]:
    return {
        "format": _EXPORTED,
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
