"""Walk-forward: settings are chosen on the past alone, and looked at on the days after it, again and again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from portfolio.application.backtest.panel import Panel
from portfolio.application.backtest.records import Interval, SeriesFigures
from portfolio.application.backtest.request import BacktestRequest, FillAt, Kind, Start
from portfolio.application.backtest.result import figures_of, interval_of
from portfolio.application.backtest.run import advance, start
from portfolio.application.backtest.state import BacktestState, Holdings
from portfolio.application.backtest.sweeping.trials import Trial, of_one_run, with_policy
from portfolio.application.backtest.sweeping.variants import Variant
from portfolio.application.errors import NotBacktestable
from portfolio.domain.backtest.fills import recovery_of
from portfolio.domain.days import DAY

_NONE_AT_ALL: Final = Decimal("-Infinity")


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """The days that settings are chosen on, and those after them on which they decide."""

    train_first: date
    train_last: date
    test_first: date
    test_last: date


class Fold(msgspec.Struct, frozen=True, kw_only=True):
    """What was chosen in a window: the Sharpe ratio that it had on the days of the choice, and what came after."""

    window: Window
    settings: dict[str, Decimal]
    train_sharpe_ratio: Decimal | None
    test_return_percent: Decimal | None


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """The best variant so far on the days of a choice: its place, its settings, and the Sharpe ratio that it had."""

    place: int
    settings: dict[str, Decimal]
    sharpe_ratio: Decimal | None


class WalkedForward(msgspec.Struct, frozen=True, kw_only=True):
    """The days after the choices, one after the other, as one portfolio; ``do_nothing`` holds what there was first."""

    folds: Sequence[Fold]
    figures: SeriesFigures
    do_nothing: SeriesFigures
    against_do_nothing: Interval | None


def windows(request: BacktestRequest) -> list[Window]:
    """Return the windows of a request, the last one cut off at its end; none where it asks for none.

    Raises:
        NotBacktestable: there are fewer days than one choice needs, and one day after it.
    """
    found: list[Window] = []
    begins, walk = request.first, request.walk_forward
    if walk is None:
        return found
    while (test_first := begins + timedelta(days=walk.train_days)) < request.last:
        found.append(
            Window(
                train_first=begins,
                train_last=test_first,
                test_first=test_first,
                test_last=min(test_first + timedelta(days=walk.test_days), request.last),
            )
        )
        begins += timedelta(days=walk.test_days)
    if not found:
        raise NotBacktestable(f"to choose on {walk.train_days} days there are too few")
    return found


def training(request: BacktestRequest, window: Window) -> BacktestRequest:
    """Return the request of the days that a window chooses on."""
    return msgspec.structs.replace(of_one_run(request), first=window.train_first, last=window.train_last)


def better(found: Choice | None, place: int, trial: Trial) -> Choice:
    """Return what is to be chosen after one more trial."""
    if found is not None and _rank(trial.sharpe_ratio) <= _rank(found.sharpe_ratio):
        return found
    return Choice(place=place, settings=trial.settings, sharpe_ratio=trial.sharpe_ratio)


def handed_on(states: Sequence[BacktestState], panel: Panel, window: Window) -> Holdings | None:
    """Return what the windows before this one have left, None where it is the first. What is written down on the day on
    which they meet is cash: at the same close the earlier one has ended before that day.
    """
    if not states:
        return None
    left, place = states[-1].main.own.copy(), panel.place(window.test_first)
    recovery, marks = recovery_of(states[-1].main.recovery_percent), panel.marks_on(place)
    for symbol in panel.gone_on(place):
        left.write_down(symbol, marks[symbol], recovery, window.test_first)
    return Holdings(cash=left.cash, quantities=left.quantities)


def following(request: BacktestRequest, variant: Variant, window: Window, left: Holdings | None) -> BacktestRequest:
    """Return the request of the days after a choice, which begin with what was ``handed_on``.

    On the day on which two windows meet the later one decides. At the same close the earlier one would too: it ends
    the day before.
    """
    meets = request.fill is FillAt.SAME_CLOSE and window.test_last < request.last
    last = window.test_last - DAY if meets else window.test_last
    begins = request.start if left is None else Start.HOLDINGS
    return msgspec.structs.replace(with_policy(request, variant), first=window.test_first, last=last, start=begins)


def left_alone(request: BacktestRequest, panel: Panel, holdings: Holdings | None) -> BacktestState:
    """Return the state at the end of a backtest from the first day after a choice on, of which doing nothing is read;
    what decides in it is the policy, as that takes no optimiser.
    """
    own = msgspec.structs.replace(of_one_run(request), first=windows(request)[0].test_first, kind=Kind.POLICY)
    return advance(start(own, panel, holdings), panel, own.last)


def walked(
    request: BacktestRequest, choices: Sequence[Choice], states: Sequence[BacktestState], beside: BacktestState
) -> WalkedForward:
    """Return what came of the windows that have been chosen in; ``states`` are those at their ends."""
    rows: dict[date, Decimal] = {}
    for state in states:
        for row in state.equity:
            rows.setdefault(row.day, row.value)
    begun = {state.equity[0].day: state.series("value")[0] for state in states}
    days = list(rows)
    values = [begun[days[0]], *list(rows.values())[1:]]
    idle = [row.do_nothing for row in beside.equity][: len(days)]
    return WalkedForward(
        folds=[
            Fold(
                window=window,
                settings=choice.settings,
                train_sharpe_ratio=choice.sharpe_ratio,
                test_return_percent=_figures(rows | begun, window, request.yearly_rate).total_return_percent,
            )
            for window, choice in zip(windows(request), choices, strict=True)
        ],
        figures=figures_of(days, values, request.yearly_rate),
        do_nothing=figures_of(days, idle, request.yearly_rate),
        against_do_nothing=interval_of(values, idle, request.seed),
    )


def _rank(sharpe_ratio: Decimal | None) -> Decimal:
    return _NONE_AT_ALL if sharpe_ratio is None else sharpe_ratio


def _figures(rows: Mapping[date, Decimal], window: Window, rate: Decimal) -> SeriesFigures:
    """Return the figures of the days of a window, from the value at the choice to that at the next one: each before
    what is chosen trades.
    """
    days = [day for day in rows if window.test_first <= day <= window.test_last]
    return figures_of(days, [rows[day] for day in days], rate)
