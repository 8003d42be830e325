"""Runs a backtest: pure functions from a request and closes to a state, and from a state to a later one."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_DOWN

from portfolio.analytics.backtest.known import DAYS_UNTIL_WRITTEN_DOWN
from portfolio.application.backtest.day import BTC, DaysOf
from portfolio.application.backtest.decision import Decide, Solve, decide_of
from portfolio.application.backtest.panel import Panel
from portfolio.application.backtest.request import LEAST_WORTH, BacktestRequest, Kind, Start, faults
from portfolio.application.backtest.state import BacktestState, Branch, Holdings
from portfolio.application.errors import BacktestOutOfRange, NotBacktestable
from portfolio.domain.arithmetic import exact, total
from portfolio.domain.backtest.fills import Wallet
from portfolio.domain.days import DAY
from portfolio.domain.errors import OutOfRange
from portfolio.domain.money import LIMIT, STEP


@exact
def start(
    request: BacktestRequest, panel: Panel, holdings: Holdings | None = None, *, goes_on: bool = False
) -> BacktestState:
    """Return the state before the first day; ``holdings`` are wanted for ``start: holdings``. One that ``goes_on`` with
    what another has left may begin with nothing, as one that loses everything goes on without it.

    What is held without a close in the seven days before is left out, and named. Weights are bought at the close of the
    first day, without costs.

    Raises:
        NotBacktestable: the request has ``faults``, the closes do not cover the days, an asset has no close on the
            first one, one that may be bought has none at all, or there is nothing to begin with.
        BacktestOutOfRange: it would begin with 1e20 dollars or more.
    """
    for fault in faults(request):
        raise NotBacktestable(f"{fault.field}: {fault.reason}")
    first = request.first
    if first < panel.first or request.last > panel.last:
        raise NotBacktestable(f"there are closes from {panel.first} to {panel.last} alone")
    place = panel.place(first)
    wallet, left_out = _first_wallet(request, panel, place, holdings)
    universe = sorted({*wallet.quantities, *request.may_be_bought})
    if missing := [one for one in universe if one not in panel.columns or panel.age[-1, panel.columns[one]] < 0]:
        raise NotBacktestable(f"no closes of {', '.join(missing)}")
    worth = wallet.value(panel.marks_on(place))
    if worth < LEAST_WORTH and not goes_on:
        raise NotBacktestable(f"what there is at the start, on {first}, is worth nothing")
    if worth >= LIMIT:
        raise BacktestOutOfRange.on(first, worth)
    btc = panel.closes_on(place, [BTC]).get(BTC)
    return BacktestState(
        request=request,
        panel=panel.fingerprint,
        next_day=first,
        universe=tuple(universe),
        left_out=tuple(left_out),
        main=Branch(recovery_percent=request.recovery_percent, own=wallet, idle=wallet.copy(), equal=wallet.copy()),
        btc_units=None if btc is None else (worth / btc).quantize(STEP, rounding=ROUND_DOWN),
    )


def check(request: BacktestRequest, panel: Panel, holdings: Holdings | None = None) -> None:
    """See that a backtest can begin, and that its decisions are about something.

    Raises:
        NotBacktestable: it cannot, as ``start`` says, or there is no asset that targets might give a weight.
    """
    if not start(request, panel, holdings).universe and request.kind is Kind.TARGETS:
        raise NotBacktestable("nothing is held at the start that might get a weight: name assets in optimise.symbols")


def advance(
    state: BacktestState, panel: Panel, until: date, *, solve: Solve | None = None, decide: Decide | None = None
) -> BacktestState:
    """Return the state at the end of ``until``, or of the last day; ``solve`` computes weights of targets.

    The panel is the one that the state began with. A state that was encoded and decoded goes on to the same bytes.
    ``decide`` stands in the place of what the request says.

    Raises:
        BacktestOutOfRange: at the closes of a day it would come to 1e20 dollars or more.
    """
    assert panel.fingerprint == state.panel, "the panel that it began with"
    later = state.copy()
    until = min(until, state.request.last)
    if state.next_day <= until:
        days = DaysOf(later, panel, decide or decide_of(state.request, state.universe, solve))
        for place in range(panel.place(state.next_day), panel.place(until) + 1):
            try:
                days.pass_day(place)
            except OutOfRange as error:
                raise BacktestOutOfRange.on(panel.day(place), error.value) from error
        later.next_day = until + DAY
    return later


def _first_wallet(
    request: BacktestRequest, panel: Panel, place: int, holdings: Holdings | None
) -> tuple[Wallet, list[str]]:
    """Return what there is at the start, and what was held and is left out."""
    if request.start is Start.CASH:
        return Wallet(cash=request.initial_value, quantities={}), []
    if request.start is Start.WEIGHTS:
        return _bought(request, panel, place), []
    if holdings is None:
        raise NotBacktestable("a start from holdings wants holdings")
    held = {symbol: quantity for symbol, quantity in sorted(holdings.quantities.items()) if quantity}
    left_out = [symbol for symbol in held if not _has_price(panel, place, symbol)]
    there = {symbol: quantity for symbol, quantity in held.items() if symbol not in left_out}
    return Wallet(cash=holdings.cash, quantities=there), left_out


def _bought(request: BacktestRequest, panel: Panel, place: int) -> Wallet:
    weights = {symbol: weight for symbol, weight in sorted(request.weights.items()) if weight}
    closes = panel.closes_on(place, [symbol for symbol in weights if symbol in panel.columns])
    if missing := [symbol for symbol in weights if symbol not in closes]:
        raise NotBacktestable(
            f"no close on the first day of {', '.join(missing)}: begin later, or fetch older ones: portfolio backfill"
        )
    quantities = {
        symbol: (request.initial_value * weight / closes[symbol]).quantize(STEP, rounding=ROUND_DOWN)
        for symbol, weight in weights.items()
    }
    spent = total(quantity * closes[symbol] for symbol, quantity in quantities.items())
    return Wallet(cash=request.initial_value - spent, quantities=quantities)


def _has_price(panel: Panel, place: int, symbol: str) -> bool:
    if symbol not in panel.columns:
        return False
    return 0 <= int(panel.age[place, panel.columns[symbol]]) < DAYS_UNTIL_WRITTEN_DOWN
