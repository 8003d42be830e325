"""The commands ``portfolio backtest show | cancel``: backtests that the service was asked for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from typing import Any

import click

from portfolio.entrypoints.cli.backtest.command import backtest
from portfolio.entrypoints.cli.backtest.sweep import said_lines
from portfolio.entrypoints.cli.composition import Composition
from portfolio.entrypoints.cli.optimise import joins_lines
from portfolio.entrypoints.cli.reporting import print_answer
from portfolio.settings import read_settings

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print the answer of GET /backtests/{id}.")


@backtest.command()
@click.argument("job_id", metavar="ID")
@AS_JSON
@click.pass_obj
def show(composition: Composition, job_id: str, *, as_json: bool) -> None:
    """Print how far the backtest ID is, that the service was asked for, and what came of it."""
    _print(composition, job_id, cancels=False, as_json=as_json)


@backtest.command()
@click.argument("job_id", metavar="ID")
@AS_JSON
@click.pass_obj
def cancel(composition: Composition, job_id: str, *, as_json: bool) -> None:
    """Cancel the backtest ID; the instance that computes it leaves it within seconds. One that has ended stays."""
    _print(composition, job_id, cancels=True, as_json=as_json)


def _print(composition: Composition, job_id: str, *, cancels: bool, as_json: bool) -> None:
    settings = read_settings()
    answer = asyncio.run(composition.stored_backtest(settings, job_id, cancels=cancels))
    if as_json:
        print_answer(answer, is_simulated=settings.is_simulated)
    else:
        click.echo("\n".join(_lines(json.loads(answer)["backtest"])))


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a person wants to know first."""
    request, result = found["request"], found["result"]
    said = f": {found['error']}" if found["error"] else f", {100 * found['progress']:.0f} % computed"
    yield f"{found['id']} is {found['state']}{said}"
    yield f"{request['kind']} from {request['from']} to {request['to']}, start {request['start']}"
    if result is None:
        return
    yield f"worth {result['end_value']:,.2f} dollars at the end, {result['difference']:+,.2f} beside doing nothing"
    for rule in result["attribution"]:
        yield f"  {rule['rule']:24}{rule['total']:+16,.2f}  in {rule['trades']} trades"
    yield from said_lines(result)
    if result["remarks"]:
        yield f"keep in mind: {', '.join(result['remarks'])}"
    yield from joins_lines([*result["joined_history"], *result["unjoined_history"]])
    if result["left_out"]:
        yield f"left out, without a close when it began: {', '.join(result['left_out'])}"
