"""What backtests of the command line are asked with, and what they are computed of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import reduce
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from portfolio.domain.decimal_text import shortest
from portfolio.domain.errors import OutOfRange
from portfolio.domain.money import round_to_step
from portfolio.entrypoints.cli.composition import Composition
from portfolio.entrypoints.cli.optimise import ESTIMATORS, OBJECTIVES
from portfolio.entrypoints.cli.parameters import DAY, SYMBOL
from portfolio.settings import Settings, read_settings

# The parts of a backtest are imported where they are used: the other commands start sooner without them.
if TYPE_CHECKING:
    from portfolio.application.backtest.decision import Solve
    from portfolio.application.backtest.panel import Panel
    from portfolio.application.backtest.request import BacktestRequest
    from portfolio.application.backtest.state import Holdings

F = TypeVar("F", bound=Callable[..., Any])

MOST_CASH: Final = 10**20 - 1
MOST_BPS: Final = 1000
LARGEST_SEED: Final = 2**31 - 1


class Number(click.ParamType[Decimal]):
    """A number of 18 decimals, as a request has it: of 0 or more, unless it is ``signed``, and of ``most`` at most."""

    name = "number"

    def __init__(self, *, signed: bool = False, most: int | None = None) -> None:
        self._signed, self._most = signed, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """Return the number."""
        try:
            number = Decimal(value)
        except InvalidOperation:
            self.fail(f"{value!r} is no number", param, ctx)
        if not number.is_finite():
            self.fail(f"{value!r} is no number", param, ctx)
        if number < 0 and not self._signed:
            self.fail(f"{value!r} is not a number of 0 or more", param, ctx)
        if self._most is not None and number > self._most:
            self.fail(f"{value!r} is more than {self._most}", param, ctx)
        try:
            return shortest(round_to_step(number))
        except OutOfRange as error:
            self.fail(str(error), param, ctx)


_OPTIONS: Final = (
    click.option(
        "--policy", "policy_file", default="", help="A policy file; by default that of PORTFOLIO_POLICY_FILE."
    ),
    click.option("--objective", type=click.Choice(OBJECTIVES), help="Weights of this objective instead of a policy."),
    click.option("--estimator", type=click.Choice(ESTIMATORS), help="Of an objective; by default ledoit_wolf."),
    click.option("--look-back", type=click.IntRange(20, 1000), help="Days of an objective; by default 180."),
    click.option(
        "--symbol",
        "symbols",
        type=SYMBOL,
        multiple=True,
        help="An asset that may be bought, again for each.",
    ),
    click.option("--from", "first", type=DAY, required=True, help="The first decision is at 24:00 UTC of this day."),
    click.option("--to", "last", type=DAY, help="The last fill is at the close of this day; by default yesterday."),
    click.option(
        "--weight", "weights", multiple=True, metavar="SYMBOL=SHARE", help="Begin with this, not what is held."
    ),
    click.option("--cash", type=Number(most=MOST_CASH), help="Begin with so much cash; with --weight: so much in all."),
    click.option("--every-days", type=click.IntRange(1, 365), help="By default 1, and 30 for an objective."),
    click.option("--same-close", is_flag=True, help="Fill at the close of the decision, which nobody can have."),
    click.option("--fee-bps", type=Number(most=MOST_BPS), help="By default the policy's."),
    click.option("--slippage-bps", type=Number(most=MOST_BPS), default="10", show_default=True),
    click.option(
        "--recovery-percent", type=Number(most=100), default="0", show_default=True, help="What a write-down brings."
    ),
    click.option("--seed", type=click.IntRange(0, LARGEST_SEED), default=0, show_default=True, help="Of all draws."),
)
_OF_AN_OBJECTIVE: Final = {"symbols": "--symbol", "estimator": "--estimator", "look_back": "--look-back"}
_OPTION_OF: Final = {
    "from": "--from",
    "to": "--to",
    "initial_value": "--cash",
    "weights": "--weight",
    "optimise.days": "--look-back",
}


def asked(function: F) -> F:
    """Give a command the options that say which backtest."""
    return reduce(lambda given, option: option(given), reversed(_OPTIONS), function)


def gathered(
    composition: Composition, given: Mapping[str, Any]
) -> tuple[BacktestRequest, Panel, Holdings, Solve | None]:
    """Return the backtest that the options ask for, the closes for it, what is held, and what computes weights."""
    from portfolio.application.backtest.jobs.asking import days_back, symbols_of
    from portfolio.application.backtest.request import Start, faults
    from portfolio.application.backtest.run import check
    from portfolio.application.errors import NotBacktestable

    settings = read_settings()
    request = _request(composition, settings, given)
    today = datetime.now(UTC).date()
    for fault in faults(request, today):
        raise click.UsageError(f"{_OPTION_OF[fault.field]}: {fault.reason}")
    try:
        days = days_back(request, today)
    except NotBacktestable as error:  # what the closes say is asked later: it is the option that cannot be
        raise click.UsageError(f"--from: {error}") from error
    stored = composition.stored_closes(
        settings, symbols_of(request, None), days, of_held=request.start is Start.HOLDINGS
    )
    panel, holdings = asyncio.run(stored)
    check(request, panel, holdings)
    return request, panel, holdings, composition.solve() if request.optimise else None


def _request(composition: Composition, settings: Settings, given: Mapping[str, Any]) -> BacktestRequest:
    from portfolio.analytics.optimisation.problem import Estimator, Objective
    from portfolio.application.backtest.request import BacktestRequest, FillAt, Kind, Start
    from portfolio.application.optimisation.records import Targets

    weights: dict[str, Decimal] = {}
    for symbol, share in map(_weight, given["weights"]):
        if symbol in weights:
            raise click.UsageError(f"--weight names {symbol} twice")
        weights[symbol] = share
    symbols = tuple(sorted(symbol.code for symbol in given["symbols"])) or None
    if twice := [symbol for symbol, following in pairwise(symbols or ()) if symbol == following]:
        raise click.UsageError(f"--symbol names {twice[0]} twice")
    start = Start.WEIGHTS if weights else Start.HOLDINGS if given["cash"] is None else Start.CASH
    targets = None
    if given["objective"]:
        targets = Targets(
            objective=Objective(given["objective"]),
            estimator=Estimator(given["estimator"] or Estimator.LEDOIT_WOLF),
            days=given["look_back"] or 180,
            symbols=symbols,
        )
    elif option := next((option for name, option in _OF_AN_OBJECTIVE.items() if given[name]), None):
        raise click.UsageError(f"{option} goes with --objective: a policy trades what is held")
    return BacktestRequest(
        kind=Kind.TARGETS if targets else Kind.POLICY,
        policy=composition.policy(given["policy_file"], settings.policy_file),
        optimise=targets,
        first=given["first"],
        last=given["last"] or datetime.now(UTC).date() - timedelta(days=1),
        start=start,
        initial_value=Decimal(100_000) if given["cash"] is None else given["cash"],
        weights=weights,
        every_days=given["every_days"],
        fill=FillAt.SAME_CLOSE if given["same_close"] else FillAt.NEXT_CLOSE,
        fee_bps=given["fee_bps"],
        slippage_bps=given["slippage_bps"],
        recovery_percent=given["recovery_percent"],
        seed=given["seed"],
    ).at(settings.risk_free_rate)


def _weight(text: str) -> tuple[str, Decimal]:
    symbol, _, share = text.partition("=")
    if not share:
        raise click.UsageError(f"--weight takes SYMBOL=SHARE, not {text!r}")
    return SYMBOL.convert(symbol, None, None).code, Number(most=1).convert(share, None, None)
