"""The commands ``portfolio backtest run | lookahead``: the live rules on past closes, and the proof that they do not
look ahead.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from portfolio.entrypoints.cli.backtest.options import LARGEST_SEED, asked, gathered
from portfolio.entrypoints.cli.backtest.sweep import sweep
from portfolio.entrypoints.cli.composition import Composition
from portfolio.entrypoints.cli.optimise import joins_lines, percent
from portfolio.entrypoints.cli.parameters import GivenPath
from portfolio.entrypoints.cli.reporting import progress_on
from portfolio.entrypoints.cli.whole_files import whole_file
from portfolio.settings import read_settings

# The parts of a backtest are imported where they are used: the other commands start sooner without them.
if TYPE_CHECKING:
    from portfolio.application.backtest.decision import Solve
    from portfolio.application.backtest.lookahead import LookAhead
    from portfolio.application.backtest.panel import Panel
    from portfolio.application.backtest.records import BacktestResult, SeriesFigures
    from portfolio.application.backtest.request import BacktestRequest
    from portfolio.application.backtest.state import BacktestState, Holdings

EXIT_CHANGED: Final = 1
LOOKAHEAD_DAYS: Final = 120


@click.group()
def backtest() -> None:
    """Run the rules of the service on past closes. Nothing is traded, and the books stay as they are."""


@backtest.command()
@asked
@click.option("--json", "as_json", is_flag=True, help="Print the result, its days and its trades as JSON.")
@click.option("--parquet", "folder", type=GivenPath(file_okay=False, path_type=Path), help="Write both as Parquet.")
@click.pass_obj
def run(composition: Composition, /, *, as_json: bool, folder: Path | None, **given: Any) -> None:
    """Run a policy, or weights of an objective, day by day on the stored closes, and say what came of it."""
    request, panel, holdings, solve = gathered(composition, given)
    state = _computed(request, panel, holdings, solve)
    _print(state, panel, as_json=as_json, folder=folder)


def _computed(request: BacktestRequest, panel: Panel, holdings: Holdings, solve: Solve | None) -> BacktestState:
    from portfolio.application.backtest.run import start
    from portfolio.application.backtest.sweeping.runs import days_further

    state = start(request, panel, holdings)
    days = (request.last - request.first).days + 1
    with progress_on(sys.stderr) as tell:
        while not state.is_done:
            state = days_further(state, panel, solve)
            tell("days", len(state.equity), days)
    return state


def _print(state: BacktestState, panel: Panel, *, as_json: bool, folder: Path | None) -> None:
    import msgspec

    from portfolio.application.backtest.result import result, trades

    found, rows = result(state, panel), trades(state)
    if folder is not None:
        _write(folder, {"equity": state.equity, "trades": rows})
    if as_json:
        whole = {"request": state.request, "result": found, "equity": state.equity, "trades": rows}
        encode = msgspec.json.Encoder(decimal_format="number", order="deterministic", enc_hook=dict).encode
        click.echo(encode(whole).decode())
    else:
        click.echo("\n".join(_lines(found)))


def _write(folder: Path, tables: Mapping[str, Sequence[Any]]) -> None:
    from portfolio.analytics.files.parquet import parquet
    from portfolio.application.backtest.records import EquityRow, TradeRow
    from portfolio.application.errors import NotInstalled

    folder.mkdir(parents=True, exist_ok=True)
    for kind, (name, rows) in zip((EquityRow, TradeRow), tables.items(), strict=True):
        columns = {field: [_cell(getattr(row, field)) for row in rows] for field in kind.__struct_fields__}
        try:
            content = parquet(columns)
        except ImportError as error:
            raise NotInstalled("polars", "parquet") from error
        with whole_file(folder / f"{name}.parquet") as made:
            made.write(content)


def _cell(value: object) -> object:
    return str(value) if isinstance(value, str) else value  # the name of a side, not an enumeration


def _lines(found: BacktestResult) -> Iterator[str]:
    """Yield what a person wants to know first."""
    import msgspec

    yield f"{found.first} to {found.last}: {found.start_value:,.2f} became {found.end_value:,.2f} dollars"
    yield f"{'':14}{'return':>10}{'a year':>10}{'Sharpe':>8}{'+-':>6}{'drawdown':>10}"
    for name, figures in (
        ("this", found.figures),
        ("do nothing", found.do_nothing),
        ("equal weights", found.equal_weight),
        ("BTC", found.btc),
    ):
        if figures is not None:
            yield f"{name:14}{_figures(figures)}"
    costs = found.costs
    yield f"{costs.trades} trades for {costs.traded:,.2f}: fees {costs.fees:,.2f}, slippage {costs.slippage:,.2f}"
    yield f"to sell everything at the end would cost {found.liquidation_cost:,.2f}"
    yield f"against doing nothing {found.difference:+,.2f}{', of which' if found.attribution else ''}"
    for row in found.attribution:
        yield f"  {row.rule:24}{row.total:>+14,.2f} in {row.trades} trades"
    interval = found.against_do_nothing
    if interval is not None:
        low, high = percent(interval.low), percent(interval.high)
        yield f"  {low} to {high} a year more than doing nothing, at {100 * interval.confidence:.0f} % confidence"
    if found.remarks:
        yield f"remarks: {', '.join(found.remarks)}"
    yield from joins_lines(msgspec.to_builtins([*found.joined_history, *found.unjoined_history]))
    if found.left_out:
        yield f"left out, without a close when it began: {', '.join(found.left_out)}"


def _figures(figures: SeriesFigures) -> str:
    total = "" if figures.total_return_percent is None else f"{figures.total_return_percent:.2f} %"
    sharpe, error = (
        "" if value is None else f"{value:.2f}" for value in (figures.sharpe_ratio, figures.sharpe_standard_error)
    )
    return (
        f"{total:>10}{percent(figures.annualized_return):>10}{sharpe:>8}{error:>6}{percent(figures.max_drawdown):>10}"
    )


@backtest.command()
@click.option("--policy", "policy_file", required=True, help="The policy file to prove.")
@click.option("--cuts", type=click.IntRange(1, LOOKAHEAD_DAYS), default=25, show_default=True)
@click.option("--seed", type=click.IntRange(0, LARGEST_SEED), default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print {cuts, decisions, changed, closes}.")
@click.pass_obj
def lookahead(composition: Composition, *, policy_file: str, cuts: int, seed: int, as_json: bool) -> None:
    """Prove that decisions under a policy do not know the future; exit status 1 if one does.

    The closes after each of 25 days are made missing, noise, and a thousandfold: every decision up to that day has to
    be the same, byte for byte. It takes the stored closes of what is held, or made-up ones where those are too few.
    """
    policy = composition.policy(policy_file)
    panel, holdings, why = asyncio.run(_closes_to_prove(composition, seed))
    from portfolio.application.backtest.lookahead import request_on

    found = _proof(request_on(policy, panel, holdings, seed), panel, holdings, cuts)
    kind = "stored" if why is None else "simulated"
    if as_json:
        changed = [{"cut": str(one.cut), "future": one.future, "day": str(one.day)} for one in found.changed]
        said = {"cuts": found.cuts, "decisions": found.decisions, "changed": changed, "closes": kind}
        click.echo(json.dumps(said if why is None else {**said, "why": why}))
    else:
        click.echo(f"{kind} closes of {', '.join(panel.symbols)}" + (f": {why}" if why else ""))
        changed_of = f"{len(found.changed)} of {found.decisions} decisions changed"
        click.echo(f"{changed_of} under other futures ({found.cuts} cuts)")
        for one in found.changed:
            click.echo(f"changed: the decision of {one.day} when closes after {one.cut} are {one.future}")
    sys.exit(EXIT_CHANGED if found.changed else 0)


async def _closes_to_prove(composition: Composition, seed: int) -> tuple[Panel, Holdings | None, str | None]:
    """Return the closes of what is held, and it; made-up ones where there is too little, and why."""
    from portfolio.application.backtest.lookahead import has_enough, simulated_panel
    from portfolio.application.backtest.request import DAYS_BEFORE
    from portfolio.application.errors import LedgerUnavailable, PortfolioMissing, SchemaUnknown

    try:
        panel, holdings = await composition.stored_closes(read_settings(), (), LOOKAHEAD_DAYS + DAYS_BEFORE)
    except (LedgerUnavailable, PortfolioMissing, SchemaUnknown) as error:
        return simulated_panel(seed), None, str(error)
    if has_enough(panel, holdings):
        return panel, holdings, None
    return simulated_panel(seed), None, "the closes stored of what is held are too few"


def _proof(request: BacktestRequest, panel: Panel, holdings: Holdings | None, cuts: int) -> LookAhead:
    from portfolio.application.backtest.decision import ByPolicy
    from portfolio.application.backtest.lookahead import look_ahead

    found = None
    with progress_on(sys.stderr) as tell:
        for found in look_ahead(request, panel, holdings, lambda _: ByPolicy(request.policy), cuts=cuts):
            tell("cuts", found.cuts, cuts)
    assert found is not None
    return found


backtest.add_command(sweep)
