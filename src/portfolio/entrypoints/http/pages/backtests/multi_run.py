"""What the page of backtests shows of one with many runs: a sweep, stability, walk-forward."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from portfolio.application.backtest.sweeping.outcome import TrialOf, TrialRow, WholeResult
from portfolio.application.backtest.sweeping.trials import Stability, SweepResult, Trial
from portfolio.application.backtest.sweeping.variants import FACTORS
from portfolio.application.backtest.sweeping.walk_forward import WalkedForward
from portfolio.domain.arithmetic import HUNDRED, ONE, exact
from portfolio.entrypoints.charts import PERCENT, Frame, Interval, interval_chart
from portfolio.entrypoints.http.backtest.result_answers import WalkedForwardView
from portfolio.entrypoints.http.pages.backtests.asked import settings_text
from portfolio.entrypoints.http.pages.backtests.drawings import intervals_chart
from portfolio.entrypoints.http.pages.backtests.tables import series_rows
from portfolio.entrypoints.http.pages.frame.figures import Cell, Chart, Row
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.pages.words import named
from portfolio.entrypoints.http.shell.numbers import number, percent, ratio
from portfolio.entrypoints.http.views import view

TRIALS_SHOWN: Final = 100
LIKELY: Final = Decimal("0.95")
"""A deflated Sharpe ratio under this leaves it open whether the highest one is more than chance."""
EVEN: Final = Decimal("0.5")

_FEW_DAYS: Final = "too_few_observations"
_SAYS: Final = (
    ("Trials on these closes", "trials", Kind.COUNT),
    ("Highest Sharpe ratio of this sweep", "highest", Kind.RATIO),
    ("What the best of so many has by chance", "best_by_chance", Kind.RATIO),
    ("Deflated Sharpe ratio", "deflated_sharpe_ratio", Kind.RATIO),
    ("Probability of overfitting", "probability_of_overfitting", Kind.FRACTION),
    ("Better than doing nothing, of this sweep", "beat_do_nothing", Kind.FRACTION),
)
_OF_TRIALS: Final = (
    ("Trades", "trades", Kind.COUNT, None),
    ("Turnover a year", "turnover", Kind.FRACTION, "no_trades"),
    ("Cost drag a year", "cost_drag", Kind.FRACTION, "no_trades"),
    ("Sharpe ratio", "sharpe_ratio", Kind.RATIO, _FEW_DAYS),
    ("Deepest fall", "max_drawdown", Kind.FRACTION, None),
)
_QUARTILES: Final = ("Least", "Lower quarter", "Middle", "Upper quarter", "Greatest")
_SHARE_OF_START: Final = "in percent of the start"


def multi_run_content(result: WholeResult, trials: Sequence[TrialRow], *, private: bool) -> dict[str, Any] | None:
    """Return what the page shows of the runs beside one's own, each None where it was not asked; None without any."""
    sweep, stability, walked = result.sweep, result.stability, result.walk_forward
    if sweep is None and stability is None:
        return None
    return {
        "sweep": None if sweep is None else _sweep(result, sweep, trials, private=private),
        "stability": None if stability is None else _stability(result, stability),
        "joint": () if stability is None else _joint(result, stability, private=private),
        "walked": None if walked is None else _walked(walked, private=private),
    }


def _sweep(result: WholeResult, said: SweepResult, trials: Sequence[TrialRow], *, private: bool) -> dict[str, Any]:
    """Return what all trials say together, in numbers and in words, and each of them."""
    swept = [one for one in trials if one.of is TrialOf.SWEEP]
    names = sorted({name for one in swept for name in one.settings})
    money = (
        () if private else (("Value at the end", "end_value", Kind.MONEY), ("Difference", "difference", Kind.RESULT))
    )
    return {
        "says": [[label, Cell(_said(said, name), kind, _FEW_DAYS)] for label, name, kind in _SAYS],
        "words": list(_words(said)),
        "columns": (
            "Trial",
            *map(named, names),
            *(label for label, _, _ in money),
            f"Difference, {_SHARE_OF_START}",
            *(label for label, *_ in _OF_TRIALS),
        ),
        "trials": [
            [
                str(place),
                *(Cell(one.settings[name], Kind.NUMBER) for name in names),
                *(Cell(getattr(one, name), kind) for _, name, kind in money),
                Cell(percent(_share(one.difference, result)), Kind.CHANGE),
                *(_figure(one, *about) for about in _OF_TRIALS),
            ]
            for place, one in enumerate(swept[:TRIALS_SHOWN], 1)
        ],
        "more_trials": max(0, len(swept) - TRIALS_SHOWN),
    }


def _said(said: SweepResult, name: str) -> Decimal | int | None:
    found: Decimal | Trial | int | None = getattr(said, name)
    return found.sharpe_ratio if isinstance(found, Trial) else found


def _figure(trial: Trial, label: str, name: str, kind: Kind, reason: str | None) -> Cell:
    value = getattr(trial, name)
    return Cell(ratio(value) if kind in {Kind.RATIO, Kind.FRACTION} else value, kind, reason)


def _words(said: SweepResult) -> Iterator[str]:
    """Yield what the numbers mean; never that the best is good."""
    if said.highest is not None:
        yield f"The highest Sharpe ratio is that of: {settings_text(said.highest.settings)}."
    if said.deflated_sharpe_ratio is None:
        yield "There are too few days, or trials, to tell how much of the highest Sharpe ratio is chance."
    elif said.deflated_sharpe_ratio < LIKELY:
        yield (
            "The highest Sharpe ratio may be the luck of so many tries: the deflated one, how likely it is that the "
            f"true ratio is above what the best has by chance, is under {LIKELY}."
        )
    else:
        yield (
            "So high a Sharpe ratio is not to be had by so many tries alone, if days to come are like these: the "
            f"deflated one is {LIKELY} or more."
        )
    if said.probability_of_overfitting is not None and said.probability_of_overfitting >= EVEN:
        yield (
            "Choosing the best is worth nothing here: what was best on one half of the days was in the lower half "
            "of the policies on the other as often as not, or more often."
        )


@exact
def _stability(result: WholeResult, found: Stability) -> Chart:
    """Return what becomes of the difference where settings are moved: each alone, and all together."""
    own, idle = result.difference, result.end_value - result.difference
    by_setting: dict[str, dict[Decimal, Decimal]] = {}
    for one in found.alone:
        by_setting.setdefault(one.setting, {ONE: own})[one.factor] = one.difference
    moved = {name: [_share(one, result) for one in by_factor.values()] for name, by_factor in by_setting.items()}
    intervals = [
        Interval(label=named(name), value=_share(own, result), low=min(values), high=max(values))
        for name, values in moved.items()
    ]
    if found.joint:
        least, _, middle, _, greatest = (_share(end - idle, result) for end in found.joint)
        intervals.append(Interval(label="all together", value=middle, low=least, high=greatest))
    factors = sorted([*FACTORS, ONE])
    title = f"Difference from doing nothing if settings are moved, {_SHARE_OF_START}"
    frame = Frame("stability-chart", title, unit=PERCENT)
    return Chart.of(
        frame,
        interval_chart(frame, intervals),
        ("Setting", *(f"{(factor * HUNDRED).normalize():f} % of it" for factor in factors)),
        [
            [named(name), *(_moved(by_factor.get(factor), result) for factor in factors)]
            for name, by_factor in by_setting.items()
        ],
        "The line is the policy as it is, the bar reaches from the worst to the best of 75, 90, 110 and 125 % of "
        f"the setting. All together: the line is the middle of {found.joint_draws} draws. Where the bar is wide, the "
        "result hangs on a choice that nobody can make in advance.",
    )


def _moved(difference: Decimal | None, result: WholeResult) -> Cell:
    value = None if difference is None else percent(_share(difference, result))
    return Cell(value, Kind.CHANGE, "no_such_policy")


@exact
def _joint(result: WholeResult, found: Stability, *, private: bool) -> Sequence[Row]:
    """Return the values at the end over the joint draws; of a private page in percent of the start."""
    kind = Kind.PERCENT if private else Kind.MONEY
    rows: list[Row] = [
        [label, Cell(percent(_share(end, result)) if private else number(end), kind)]
        for label, end in zip(_QUARTILES, found.joint, strict=False)
    ]
    beat = Cell(found.joint_beat_do_nothing, Kind.FRACTION, "no_such_policy")
    return [*rows, ["Better than doing nothing", beat]]


def _walked(found: WalkedForward, *, private: bool) -> dict[str, Any]:
    """Return the folds of a walk-forward, and what came of the days after its choices as one portfolio."""
    seen = view(WalkedForwardView, found)
    return {
        "folds": [
            [
                f"{one.window.train_first} to {one.window.train_last}",
                settings_text(one.settings),
                f"{one.window.test_first} to {one.window.test_last}",
                Cell(one.train_sharpe_ratio, Kind.RATIO, _FEW_DAYS),
                Cell(one.test_return_percent, Kind.CHANGE, "value_not_positive"),
            ]
            for one in seen.folds
        ],
        "figures": series_rows((seen.figures, seen.do_nothing), private=private),
        "intervals": intervals_chart(
            "walked",
            "By how much the choices were better a year, and how sure that is",
            (("doing nothing", found.against_do_nothing),),
        ),
    }


@exact
def _share(value: Decimal, result: WholeResult) -> Decimal:
    return value * HUNDRED / result.start_value
