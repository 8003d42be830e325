"""The command ``portfolio backtest sweep``: many policies on the same closes, and how much of the best is chance."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import click

from portfolio.domain.decimal_text import counted
from portfolio.entrypoints.cli.backtest.options import Number, asked, gathered
from portfolio.entrypoints.cli.composition import Composition
from portfolio.entrypoints.cli.reporting import progress_on

# The parts of a backtest are imported where they are used: the other commands start sooner without them.
if TYPE_CHECKING:
    from portfolio.application.backtest.decision import Solve
    from portfolio.application.backtest.panel import Panel
    from portfolio.application.backtest.request import BacktestRequest
    from portfolio.application.backtest.state import Holdings
    from portfolio.application.backtest.sweeping.runs import RunPlan, Runs
    from portfolio.application.backtest.sweeping.trials import Trial

SHOWN: Final = 6


@click.command()
@asked
@click.option("--set", "grid", multiple=True, metavar="NAME=A,B,...", help="Values of a setting, again for each.")
@click.option("--samples", type=click.IntRange(1, 1000), help="So many policies of the grid, drawn by --seed.")
@click.option("--stability", is_flag=True, help="Each setting 10 and 25 % off, and 100 policies with all of them off.")
@click.option("--walk-forward", metavar="DAYS/DAYS", help="Choose on so many days, look at so many after: 365/90.")
@click.option("--json", "as_json", is_flag=True, help="Print every trial, and what they say together, as JSON.")
@click.pass_obj
def sweep(composition: Composition, /, *, as_json: bool, **given: Any) -> None:
    """Run many policies on the same closes, and say how much of the best one may be chance.

    Each is run from the same start. All are listed: the best of many looks good because it is the best of many.
    """
    import msgspec

    from portfolio.application.backtest.request import Sweep, WalkForward
    from portfolio.application.backtest.sweeping.outcome import walked_of
    from portfolio.application.backtest.sweeping.trials import stability_of, sweep_result

    grid = _grid(given["grid"])
    if bool(grid) == given["stability"]:
        raise click.UsageError("--set NAME=A,B,... for a sweep, or --stability")
    walk = None if given["walk_forward"] is None else WalkForward(**_days(given["walk_forward"]))
    if walk is not None and not grid:
        raise click.UsageError("--walk-forward chooses among the policies of --set")
    if given["samples"] and not grid:
        raise click.UsageError("--samples draws from the policies of --set")
    request, panel, holdings, solve = gathered(composition, given)
    request = msgspec.structs.replace(request, walk_forward=walk)
    of_grid = Sweep(grid=grid, samples=given["samples"], seed=request.seed) if grid else None
    asked_for = msgspec.structs.replace(request, sweep=of_grid, stability=of_grid is None)
    plan = _plan(asked_for, panel, holdings)
    plan.check()
    runs = _tried(plan, solve)
    trials = runs.trials
    said = {"stability": None if grid else stability_of(trials), "walk_forward": walked_of(runs, plan)}
    result = sweep_result(trials) if grid else None
    encode = msgspec.json.Encoder(decimal_format="number", order="deterministic", enc_hook=dict).encode
    if as_json:
        click.echo(encode({"request": request, "trials": trials, "result": result, **said}).decode())
    else:
        found = json.loads(encode({"sweep": result, **said}), parse_float=Decimal)
        click.echo("\n".join([*_lines(trials), *said_lines(found)]))


def _plan(request: BacktestRequest, panel: Panel, holdings: Holdings) -> RunPlan:
    """Return what is to be run; what the closes say was asked before, and it is the options that cannot be.

    Raises:
        UsageError: no policy may have such values, they are too many, or there are fewer days than a window needs.
    """
    from portfolio.application.backtest.sweeping.runs import RunPlan
    from portfolio.application.errors import NotBacktestable

    try:
        return RunPlan.of(request, panel, holdings)
    except NotBacktestable as error:
        raise click.UsageError(str(error)) from error


def _grid(texts: Sequence[str]) -> dict[str, tuple[Decimal, ...]]:
    grid: dict[str, tuple[Decimal, ...]] = {}
    for name, values in map(_values, texts):
        if name in grid:
            raise click.UsageError(f"--set names {name} twice: give all its values at once, separated by commas")
        grid[name] = values
    return grid


def _values(text: str) -> tuple[str, tuple[Decimal, ...]]:
    name, _, values = text.partition("=")
    if not values:
        raise click.UsageError(f"--set takes NAME=A,B,..., not {text!r}")
    number = Number(signed=True)
    return name, tuple(number.convert(value, None, None) for value in values.split(","))


def _days(text: str) -> dict[str, int]:
    parts = text.split("/")
    if len(parts) != 2 or not all(re.fullmatch("[1-9][0-9]{0,3}", part) for part in parts):
        raise click.UsageError(f"--walk-forward takes DAYS/DAYS, each 1 to 9999, not {text!r}")
    return {"train_days": int(parts[0]), "test_days": int(parts[1])}


def _tried(plan: RunPlan, solve: Solve | None) -> Runs:
    """Return the runs of a plan without that of its own policy, which nobody asked for."""
    from portfolio.application.backtest.run import start
    from portfolio.application.backtest.sweeping.runs import Runs

    runs = Runs(own=start(plan.request, plan.panel, plan.holdings))
    with progress_on(sys.stderr) as tell:
        while not runs.is_done(plan):
            runs.advance(plan, solve)
            tell("runs", runs.progress(plan) * plan.count, plan.count)
    return runs


def _lines(trials: Sequence[Trial]) -> Iterator[str]:
    """Yield every trial, in the order in which they were tried."""
    yield f"{'at the end':>16}{'to doing nothing':>18}{'Sharpe':>8}{'drawdown':>10}{'trades':>8}  settings"
    for trial in trials:
        sharpe = "" if trial.sharpe_ratio is None else f"{trial.sharpe_ratio:.2f}"
        fall = "" if trial.max_drawdown is None else f"{100 * trial.max_drawdown:.2f} %"
        settings = "all" if trial.setting is None and len(trial.settings) > SHOWN else _settings(trial.settings)
        yield f"{trial.end_value:>16,.2f}{trial.difference:>+18,.2f}{sharpe:>8}{fall:>10}{trial.trades:>8}  {settings}"


def said_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the trials of a backtest say together, as it is in an answer: all that was asked for."""
    yield from _of_sweep(found.get("sweep"))
    yield from _of_stability(found.get("stability"))
    yield from _chosen(found.get("walk_forward"))


def _of_sweep(found: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield what may be chance in a sweep."""
    if found is None:
        return
    yield f"{_percent(found['beat_do_nothing'])} of the policies of the sweep did better than doing nothing"
    if found["highest"] is None:
        trials = counted(found["trials"], "trial")
        yield f"  {trials} on these closes, none with a Sharpe ratio: that takes 64 returns of a value that moves"
        return
    highest, likely = found["highest"], _percent(found["deflated_sharpe_ratio"])
    yield f"  the highest Sharpe ratio, {highest['sharpe_ratio']:.2f}, is of {_settings(highest['settings'])}"
    yield f"  of {found['trials']} trials on these closes the best has {found['best_by_chance']:.2f} by chance alone;"
    yield f"  {likely} likely is the true one above that (deflated Sharpe ratio)"
    if found["probability_of_overfitting"] is not None:
        yield f"  probability of backtest overfitting: {_percent(found['probability_of_overfitting'])}"


def _of_stability(found: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield how far the values at the end spread around one's own policy."""
    if found is not None and found["joint"]:
        spread = ", ".join(f"{value:,.2f}" for value in found["joint"])
        yield f"with all settings off, {found['joint_draws']} times: {spread} (least, quartiles, greatest)"
        yield f"  {_percent(found['joint_beat_do_nothing'])} of these did better than doing nothing"


def _chosen(found: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield what was chosen on the past, and what came after."""
    if found is None:
        return
    yield "chosen on the past alone:"
    for fold in found["folds"]:
        window, after = fold["window"], fold["test_return_percent"]
        brought = ", and nothing was left" if after is None else f" brought {after:.2f} %"
        yield f"  {_settings(fold['settings'])} on {window['test_first']} to {window['test_last']}{brought}"
    own, idle = (found[name]["total_return_percent"] for name in ("figures", "do_nothing"))
    if own is not None and idle is not None:
        yield f"  together {own:.2f} %, doing nothing {idle:.2f} %"


def _settings(settings: Mapping[str, object]) -> str:
    """Return settings with their values."""
    return " ".join(f"{name}={value}" for name, value in settings.items())


def _percent(share: Decimal | float | None) -> str:
    """Return a fraction in percent."""
    return "an unknown part" if share is None else f"{100 * share:.1f} %"
