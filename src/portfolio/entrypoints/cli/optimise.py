"""The command ``portfolio optimise``: weights for an objective, from the books as they are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from portfolio.entrypoints.cli.composition import Composition, carried_out
from portfolio.entrypoints.cli.reporting import print_answer
from portfolio.settings import read_settings

if TYPE_CHECKING:
    from portfolio.application.optimisation.records import OptimisationRequest
    from portfolio.entrypoints.http.shell.use_cases import UseCases

OBJECTIVES = ("min_variance", "max_sharpe", "risk_parity", "hrp", "min_cvar", "equal_weight", "inverse_volatility")
ESTIMATORS = ("sample", "ledoit_wolf", "ewma")


@click.command()
@click.argument("objective", type=click.Choice(OBJECTIVES))
@click.option("--estimator", type=click.Choice(ESTIMATORS), default="ledoit_wolf", show_default=True)
@click.option("--half-life-days", help="Of ewma: a day that is so much older counts half. By default 60.")
@click.option("--days", type=int, default=180, show_default=True, help="How many completed days to look at.")
@click.option("--symbol", "symbols", multiple=True, help="An asset to hold, again for each; without any what is held.")
@click.option("--cash-percent", help="How much is to be cash; by default the policy's target.")
@click.option("--max-turnover-percent", help="The most that all trades may be worth.")
@click.option("--limits", type=click.Choice(["policy", "hard"]), help="92 % of each limit (default), or all of it.")
@click.option("--limit", "named", multiple=True, metavar="NAME=SHARE", help="A limit that is to be another one.")
@click.option("--confidence", help="That of CVaR. By default 0.95.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer of POST /optimise.")
@click.pass_obj
def optimise(composition: Composition, /, *, as_json: bool, **given: Any) -> None:
    """Print weights that are best at OBJECTIVE within the policy's limits, and the trades that lead to them.

    Nothing is stored and nothing is traded. Prices are those of the books: a position whose price is not live keeps its
    value.
    """
    from portfolio.domain.errors import InvalidPolicy
    from portfolio.entrypoints.http.errors import RequestError
    from portfolio.entrypoints.http.optimisation.requests import read_optimisation_request

    try:
        request = read_optimisation_request(json.dumps(_body(given)).encode())
    except RequestError as error:
        raise click.UsageError(str(error)) from error
    try:
        settings = read_settings()
        answer = carried_out(composition.use_cases(settings), lambda cases: _optimised(cases, request))
    except InvalidPolicy as error:  # that of the settings was read before: it is a limit of this command line
        raise click.UsageError(f"--limit: {error}") from error
    if as_json:
        print_answer(answer, is_simulated=settings.is_simulated)
    else:
        click.echo("\n".join(_lines(json.loads(answer)["optimisation"])))


def joins_lines(joins: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield across which splits and renames closes are joined, and across which they are not, and why."""
    for join in joins:
        old, new, reason = join["from_symbol"], join["symbol"], join.get("reason")
        what = f"the split of {new}" if old == new else f"{old} becoming {new}"
        how = f"not joined ({reason.replace('_', ' ')})" if reason else "joined"
        yield f"closes are {how} across {what} on {join['on']}"


def _body(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body that would ask the route for the same."""
    named = given["named"]
    if named and given["limits"]:
        raise click.UsageError("--limit names limits of its own: it does not go with --limits")
    if wrong := [text for text in named if "=" not in text]:
        raise click.UsageError(f"--limit takes NAME=SHARE, not {wrong[0]!r}")
    others = {name: value for name, value in given.items() if name not in {"named", "limits", "symbols"}}
    limits = dict(text.split("=", 1) for text in named) or given["limits"] or "policy"
    body = {**others, "limits": limits, "symbols": list(given["symbols"]) or "held"}
    return {name: value for name, value in body.items() if value is not None}


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a person wants to know first."""
    trades = {trade["symbol"]: trade for trade in found["plan"]["recommendations"]}
    spread = found["honesty"]["weight_spread"] or {}
    yield f"{'':12}{'weight':>10}{'+-':>10}  trade"
    for symbol in [*found["weights"], *found["sold"]]:
        trade = trades.get(symbol)
        said = "" if trade is None else _traded(trade)
        yield f"{symbol:12}{percent(found['weights'].get(symbol, 0)):>10}{percent(spread.get(symbol)):>10}  {said}"
    for kept in found["kept"]:
        yield f"{kept['symbol']:12}{percent(kept['weight']):>10}{'':10}  kept: {kept['reason']}"
    yield f"{'cash':12}{percent(found['cash']):>10}"
    for name, figures in (("these", found["expected"]), *found["versus"].items()):
        if figures is not None:
            yield f"{name}: {_figures(figures)}"
    yield from _remarks(found)


def _traded(trade: Mapping[str, Any]) -> str:
    """Return a trade, and what an exchange takes of it where that is known."""
    said = f"{trade['action']} {trade['trade_quantity']} ({trade['trade_value']:,.2f} dollars)"
    if trade["executable_quantity"] is None:
        return said
    taken = trade["executable_reason"] or f"{trade['venue']} takes {trade['executable_quantity']}"
    return f"{said}; {taken}"


def _unknown(trades: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield why nobody knows what an exchange takes, each reason once."""
    reasons: dict[str, list[str]] = {}
    for trade in trades:
        if trade["executable_quantity"] is None:
            reasons.setdefault(trade["executable_reason"], []).append(trade["symbol"])
    for reason, symbols in reasons.items():
        yield f"not known what an exchange takes of {', '.join(symbols)}: {reason}"


def _remarks(found: Mapping[str, Any]) -> Iterator[str]:
    for step in found["fallback_chain"][:-1]:
        yield f"not {step['objective']}: {step['reason']}"
    if found["fallback_chain"][:-1]:
        yield f"but {found['fallback_chain'][-1]['objective']}"
    short = found["shortfall"]
    if short is not None:
        wanted, possible = percent(short["wanted"]), percent(short["possible"])
        yield f"limits leave room for {possible} of {wanted}: {_named(short['limits'])}"
    if found["honesty"]["binding_limits"]:
        yield f"limits reached: {_named(found['honesty']['binding_limits'])}"
    if found["priced_at_close"]:
        yield f"priced at the last daily close: {', '.join(found['priced_at_close'])}"
    yield from joins_lines([*found["joined_history"], *found["unjoined_history"]])
    plan = found["plan"]
    yield from _unknown(plan["recommendations"])
    yield f"costs {plan['estimated_cost']:,.2f} dollars; trades that the policy asks for then: {len(plan['remaining'])}"


def _named(limits: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{limit['rule']} of {limit['category'] or ' and '.join(limit['symbols'])}" for limit in limits)


def _figures(figures: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {figure['value']:.3f} +- {figure['standard_error']:.3f}"
        for name, figure in figures.items()
        if None not in figure.values()
    )


def percent(fraction: Decimal | float | None) -> str:
    """Return a fraction in percent; nothing where there is none."""
    return "" if fraction is None else f"{100 * fraction:.2f} %"


async def _optimised(cases: UseCases, request: OptimisationRequest) -> bytes:
    """Return the answer of the route, encoded."""
    from portfolio.entrypoints.http.optimisation.views import optimisation_answer
    from portfolio.entrypoints.http.shell.responses import encode

    snapshot = await cases.rebalancing.market.newest()
    return encode(optimisation_answer(await cases.rebalancing.optimise(snapshot, request)))
