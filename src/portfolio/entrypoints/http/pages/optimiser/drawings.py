"""The charts of the page of the optimiser."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec

from portfolio.application.optimisation.records import ExpectedFigure, ExpectedFigures, Optimised
from portfolio.domain.arithmetic import ZERO, exact, total
from portfolio.domain.decimal_text import counted
from portfolio.entrypoints.charts import FRACTION, PLAIN, Bar, Frame, Interval, Tone, bar_chart, interval_chart
from portfolio.entrypoints.http.pages.frame.figures import Cell, Chart
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.shell.numbers import number, ratio

ASSETS_SHOWN: Final = 20
COLUMNS: Final = ("These weights", "Today", "1/N")


class Share(msgspec.Struct, frozen=True):
    """What an asset, or cash, has of the total value: by these weights, today, and by equal weights."""

    label: str
    weight: Decimal
    today: Decimal
    equal: Decimal


@exact
def shares_of(found: Optimised) -> Sequence[Share]:
    """Return the shares, which sum to 1 in each column: the 20 largest, the others together, cash."""
    weighed = found.held.weights
    every = [_share(found, symbol) for symbol in weighed]
    every += [Share(f"{one.symbol}, kept", *[one.weight] * 3) for one in found.kept if one.symbol not in weighed]
    every.sort(key=lambda one: (-max(one.weight, one.today), one.label))
    shown, others = every[:ASSETS_SHOWN], every[ASSETS_SHOWN:]
    if others:
        sums = (total(getattr(one, name) for one in others) for name in ("weight", "today", "equal"))
        shown.append(Share(counted(len(others), "other"), *sums))
    return [*shown, Share("Cash", found.cash, found.held.cash, found.equal.cash)]


def weights_chart(found: Optimised) -> Chart:
    """Return the weights beside those of today and equal ones."""
    shares = shares_of(found)
    bars = [Bar(one.label, (one.weight, one.today, one.equal)) for one in shares]
    frame = Frame("weights-chart", "Weights beside those of today and 1/N", unit=FRACTION)
    return Chart.of(
        frame,
        bar_chart(frame, COLUMNS, bars),
        ("Asset", *COLUMNS),
        [
            [
                one.label,
                Cell(number(one.weight), Kind.FRACTION),
                Cell(ratio(one.today), Kind.FRACTION),
                Cell(ratio(one.equal), Kind.FRACTION),
            ]
            for one in shares
        ],
        "Fractions of the total value after the plan's costs. 1/N gives each asset the same, whatever the limits.",
    )


def contributions_chart(found: Optimised) -> Chart | None:
    """Return the weights beside their parts in the variance; None where that is not known."""
    if found.contributions is None:
        return None
    parts = {symbol: found.contributions.get(symbol) for symbol in _largest(found)}
    names = ("Weight", "Part in the variance")
    bars = [Bar(symbol, (found.weights[symbol], part)) for symbol, part in parts.items()]
    frame = Frame("contributions-chart", "Weight beside risk contribution", unit=FRACTION)
    return Chart.of(
        frame,
        bar_chart(frame, names, bars, (Tone.OWN, Tone.OTHER)),
        ("Asset", *names),
        [
            [symbol, Cell(number(found.weights[symbol]), Kind.FRACTION), Cell(ratio(part), Kind.FRACTION)]
            for symbol, part in parts.items()
        ],
        _of_the_largest("The parts in the variance sum to 100 %; cash has none.", found),
    )


def spread_chart(found: Optimised) -> Chart | None:
    """Return how far each weight moves when the days are drawn anew; None where that is not known."""
    spread = found.honesty.weight_spread
    if spread is None:
        return None
    known = {symbol: spread.get(symbol) for symbol in _largest(found)}
    title = "How far the weights move when the days are drawn anew"
    frame = Frame("spread-chart", title, desc="Each weight, one deviation down and up.", unit=FRACTION)
    return Chart.of(
        frame,
        interval_chart(frame, [_interval(symbol, found.weights[symbol], off) for symbol, off in known.items()]),
        ("Asset", "Weight", "Deviation"),
        [
            [symbol, Cell(number(found.weights[symbol]), Kind.FRACTION), Cell(ratio(off), Kind.FRACTION)]
            for symbol, off in known.items()
        ],
        _of_the_largest(
            "The bar is one standard deviation down and up, over 20 draws of the days in blocks, in the same limits.",
            found,
        ),
    )


def sharpe_chart(found: Optimised) -> Chart | None:
    """Return the Sharpe ratios with their standard errors, beside each other; None where they are not known."""
    every = list(zip(COLUMNS, (found.expected, found.current, found.equal_weight), strict=True))
    known = [(label, figures.sharpe) for label, figures in every if figures is not None]
    if not known:
        return None
    title = "Sharpe ratios, and how sure they are"
    frame = Frame("sharpe-chart", title, desc="Each ratio, one standard error down and up.", unit=PLAIN)
    return Chart.of(
        frame,
        interval_chart(frame, [_interval(label, one.value, one.standard_error) for label, one in known]),
        ("Weights", "Sharpe ratio", "Standard error"),
        [[label, *cells_of(one, Kind.RATIO)] for label, one in known],
        "A bar is one standard error to each side. Where the bars overlap, the days do not tell which is better.",
    )


def cells_of(figure: ExpectedFigure, kind: Kind) -> tuple[Cell, Cell]:
    """Return a figure and its standard error."""
    return Cell(ratio(figure.value), kind), Cell(ratio(figure.standard_error), kind)


def expected_rows(found: Optimised) -> Sequence[Sequence[str | Cell]]:
    """Return what the weights promise, beside the promises of those of today and of equal ones."""
    every: Sequence[ExpectedFigures | None] = (found.expected, found.current, found.equal_weight)
    missing = Cell(None, Kind.RATIO, "too_few_common_days")
    return [
        [
            label,
            *(
                cell
                for figures in every
                for cell in ((missing, missing) if figures is None else cells_of(getattr(figures, name), kind))
            ),
        ]
        for label, name, kind in (
            ("Return a year", "annual_return", Kind.FRACTION),
            ("Volatility a year", "volatility", Kind.FRACTION),
            ("Sharpe ratio", "sharpe", Kind.RATIO),
            ("CVaR of a day", "cvar", Kind.FRACTION),
        )
    ]


def _share(found: Optimised, symbol: str) -> Share:
    today = found.held.weights[symbol]
    # What is neither weighted nor sold stays: no weights were found.
    weight = found.weights.get(symbol, ZERO if symbol in found.sold else today)
    return Share(symbol, weight, today, found.equal.weights.get(symbol, ZERO))


def _largest(found: Optimised) -> Sequence[str]:
    return sorted(found.weights, key=lambda symbol: (-found.weights[symbol], symbol))[:ASSETS_SHOWN]


def _of_the_largest(note: str, found: Optimised) -> str:
    left = len(found.weights) - ASSETS_SHOWN
    return (
        f"{note} Of the {ASSETS_SHOWN} largest weights: {counted(left, 'asset')} more have one." if left > 0 else note
    )


def _interval(label: str, value: Decimal | None, off: Decimal | None) -> Interval:
    if value is None or off is None:
        return Interval(label=label, value=value, low=None, high=None)
    return Interval(label=label, value=value, low=value - off, high=value + off)
