"""The command ``portfolio export``: a table of the books as a file."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from portfolio.application.exports.tables import DATED, PAST, Wanted, What
from portfolio.application.performance.records import Basis
from portfolio.domain.ledger.lots.records import LotMethod
from portfolio.entrypoints.cli.composition import Composition
from portfolio.entrypoints.cli.parameters import MOMENT, GivenPath, as_of_option, known_at_option
from portfolio.entrypoints.cli.whole_files import whole_file
from portfolio.settings import read_settings

if TYPE_CHECKING:
    from portfolio.application.ledger.lots.journal import KnownAt
    from portfolio.entrypoints.exports.files import FileFormat

STANDARD_OUTPUT = "-"


@click.command()
@click.argument("what", type=click.Choice([what.value for what in What]))
@click.option("--format", "kind", type=click.Choice(["csv", "parquet", "json"]), default="csv", show_default=True)
@click.option("--since", type=MOMENT, help="From this moment on: 2026-01-01T00:00:00Z.")
@click.option(
    "--method",
    type=click.Choice([method.value for method in LotMethod]),
    help="Of gains: which lot a sale takes; fifo where it is not said.",
)
@as_of_option
@known_at_option
@click.option("--basis", type=click.Choice([basis.value for basis in Basis]), help="Of performance: whose days.")
@click.option(
    "-o",
    "--output",
    "file",
    required=True,
    type=GivenPath(path_type=Path, dir_okay=False, allow_dash=True),
    help="The file to write, - for the standard output; one that is there is replaced, once the new one is whole.",
)
@click.pass_obj
def export(
    composition: Composition,
    *,
    what: str,
    kind: str,
    since: datetime | None,
    method: str | None,
    as_of: datetime | None,
    known_at: KnownAt | None,
    basis: str | None,
    file: Path,
) -> None:
    """Write a table of the books: every row, with every digit.

    Decimals are text in CSV, exact numbers in JSON and decimal columns in Parquet. By which convention and as of when
    stands in the first line of CSV, which begins with #, beside the rows of JSON, and in the metadata of Parquet.
    """
    from portfolio.entrypoints.exports.files import FileFormat, require

    wanted = Wanted(
        what=What(what),
        since=since,
        method=LotMethod(method or "fifo"),
        as_of=as_of,
        known_at=known_at,
        basis=Basis(basis) if basis else None,
    )
    _refuse(wanted)
    if method is not None and wanted.what is not What.GAINS:
        raise click.UsageError("--method is for gains: the others are of average cost, or of none")
    require(FileFormat(kind))
    pieces = _pieces(composition, wanted, FileFormat(kind))
    if str(file) == STANDARD_OUTPUT:
        asyncio.run(_print(pieces))
    else:
        click.echo(f"{file}: {asyncio.run(_write(pieces, file)):,} bytes")


def _refuse(wanted: Wanted) -> None:
    if wanted.since is not None and wanted.what not in DATED:
        raise click.UsageError(
            "--since is for trades, events, gains, performance and closes: positions have no time of their own"
        )
    if wanted.is_past and wanted.what not in PAST:
        raise click.UsageError("--as-of and --known-at are for positions, gains and performance")
    if wanted.basis is not None and wanted.what is not What.PERFORMANCE:
        raise click.UsageError("--basis is for performance")
    if wanted.is_past and wanted.basis is Basis.RECORDED:
        raise click.UsageError("recorded days are told as they are: --as-of and --known-at take --basis restated")


async def _pieces(composition: Composition, wanted: Wanted, kind: FileFormat) -> AsyncGenerator[bytes]:
    from portfolio.entrypoints.exports.files import FileFormat, written
    from portfolio.entrypoints.http.price_label import labelled

    settings = read_settings()
    async with composition.use_cases(settings) as cases:
        has_label = kind is not FileFormat.JSON or not settings.is_simulated
        async for piece in written(await cases.performance.exports(wanted), kind):
            yield piece if has_label else labelled(piece)
            has_label = True


async def _print(pieces: AsyncGenerator[bytes]) -> None:
    # Closed here where it cannot be printed: left to the end of the loop, the books would be closed under the query.
    async with aclosing(pieces):
        async for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.flush()


async def _write(pieces: AsyncGenerator[bytes], file: Path) -> int:
    count = 0
    async with aclosing(pieces):
        with whole_file(file) as made:
            async for piece in pieces:
                count += made.write(piece)
    return count
