"""The commands ``portfolio lots`` and ``portfolio gains``: what is left of each purchase, and what sales brought."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import click
import msgspec

from portfolio.domain.ledger.lots.records import LotMethod
from portfolio.entrypoints.cli.composition import Composition, carried_out
from portfolio.entrypoints.cli.parameters import as_of_option, known_at_option
from portfolio.entrypoints.cli.reporting import print_answer, print_table
from portfolio.settings import read_settings

if TYPE_CHECKING:
    from portfolio.application.ledger.lots.journal import KnownAt
    from portfolio.entrypoints.http.ledger.lot_answers import GainsAnswer, LotsAnswer
    from portfolio.entrypoints.http.shell.use_cases import UseCases

_METHODS = [method.value for method in LotMethod]
_OF_LOTS = ("symbol", "quantity", "basis", "acquired_at", "days_held", "term", "trade_id")
_OF_GAINS = ("symbol", "quantity", "acquired_at", "disposed_at", "days_held", "term", "proceeds", "basis", "gain")
_method = click.option("--method", type=click.Choice(_METHODS), default="fifo", show_default=True, help="What is sold.")
_as_json = click.option("--json", "as_json", is_flag=True, help="Print the answer of the route, with all rows.")


@click.command()
@_method
@as_of_option
@known_at_option
@_as_json
@click.pass_obj
def lots(
    composition: Composition, *, method: str, as_of: datetime | None, known_at: KnownAt | None, as_json: bool
) -> None:
    """Print what is left of each purchase, and what it had cost."""
    from portfolio.entrypoints.http.ledger.lot_answers import lots_answer

    settings = read_settings()

    async def read(cases: UseCases) -> LotsAnswer:
        lots = await cases.ledger.read_lots(LotMethod(method), as_of, known_at)
        return lots_answer(lots, cases.clock.now(), settings.long_term_days)

    found = carried_out(composition.use_cases(settings), read)
    if as_json:
        print_answer(msgspec.json.encode(found), is_simulated=settings.is_simulated)
        return
    _table(_OF_LOTS, found.lots)
    click.echo(f"lots by {method}: {found.count}; cost {_cell(found.basis)}, realized before {_cell(found.gain)}")
    _warn(complete=found.complete, unpicked=found.unpicked)


@click.command()
@_method
@click.option("--year", type=click.IntRange(1970, 9998), help="Realized in this UTC year; none: ever.")
@as_of_option
@known_at_option
@_as_json
@click.pass_obj
def gains(
    composition: Composition,
    *,
    method: str,
    year: int | None,
    as_of: datetime | None,
    known_at: KnownAt | None,
    as_json: bool,
) -> None:
    """Print what each sale took of each lot, and what it brought. `portfolio export gains` writes a file of it."""
    from portfolio.entrypoints.http.ledger.lot_answers import gains_answer

    settings = read_settings()

    async def read(cases: UseCases) -> GainsAnswer:
        sales = await cases.ledger.read_lots.gains(LotMethod(method), year, as_of, known_at)
        return gains_answer(sales, cases.clock.now())

    found = carried_out(composition.use_cases(settings), read)
    if as_json:
        print_answer(msgspec.json.encode(found), is_simulated=settings.is_simulated)
        return
    _table(_OF_GAINS, found.gains)
    parts = ", ".join(f"{name} {_cell(getattr(found, name))}" for name in ("short_term", "long_term", "undated"))
    click.echo(f"gains by {method}: {found.count}; gain {_cell(found.gain)}, of which {parts}")
    _warn(complete=found.complete, unpicked=found.unpicked)


def _table(names: Sequence[str], rows: Sequence[Any]) -> None:
    if rows:
        print_table(names, [[_cell(getattr(row, name)) for name in names] for row in rows])


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, msgspec.Raw):
        return bytes(cast("bytes", value)).decode()
    return value.strftime("%Y-%m-%d %H:%M:%S") if isinstance(value, datetime) else str(cast("Decimal", value))


def _warn(*, complete: bool, unpicked: int | None) -> None:
    if unpicked:
        click.echo(f"portfolio: {unpicked} rows of gains have no picked lot: the oldest was taken", err=True)
    if not complete:
        click.echo("portfolio: entries are missing or cannot be read: `portfolio verify` names them", err=True)
