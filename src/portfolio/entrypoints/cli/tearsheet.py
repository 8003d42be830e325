"""The command ``portfolio tearsheet``: one HTML file about the last completed days."""

from __future__ import annotations

from pathlib import Path

import click

from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.cli.composition import Composition, carried_out
from portfolio.entrypoints.cli.parameters import SYMBOL, GivenPath
from portfolio.entrypoints.cli.whole_files import whole_file
from portfolio.settings import read_settings


@click.command()
@click.option("--days", type=click.IntRange(1, 3650), default=365, show_default=True, help="How many completed days.")
@click.option("--benchmark", type=SYMBOL, help="The asset to compare with; none: PORTFOLIO_BENCHMARK.")
@click.option("--private", is_flag=True, help="Shares and an index of 100 alone: no amount of the own books.")
@click.option(
    "-o",
    "--output",
    "file",
    required=True,
    type=GivenPath(path_type=Path, dir_okay=False),
    help="The file to write; one that is there is replaced, once the new one is whole.",
)
@click.pass_obj
def tearsheet(composition: Composition, *, days: int, benchmark: Symbol | None, private: bool, file: Path) -> None:
    """Write one HTML file about the last completed days: what there is, how it did, and what is risky.

    The file has no script and asks nobody for anything. The same position of the books gives the same bytes.
    """
    from portfolio.entrypoints.http.reports.tearsheet import MakeTearSheet, SheetRequest

    wanted, settings = SheetRequest(days=days, benchmark=benchmark, private=private), read_settings()
    content = carried_out(
        composition.use_cases(settings), lambda cases: MakeTearSheet(cases, simulated=settings.is_simulated)(wanted)
    )
    with whole_file(file) as made:
        made.write(content)
    click.echo(f"{file}: {len(content):,} bytes")
