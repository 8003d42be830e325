"""The charts of the page of backtests."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from msgspec import Raw

from portfolio.application.backtest.records import BacktestResult, EquityRow
from portfolio.application.backtest.records import Interval as Difference
from portfolio.domain.arithmetic import HUNDRED, exact
from portfolio.domain.money import round_to_step
from portfolio.entrypoints.charts import (
    DOLLARS,
    FRACTION,
    PERCENT,
    PLAIN,
    Frame,
    Interval,
    Series,
    Step,
    Tone,
    interval_chart,
    line_chart,
    waterfall_chart,
)
from portfolio.entrypoints.http.pages.backtests.tables import SERIES, rule_name
from portfolio.entrypoints.http.pages.frame.figures import Cell, Chart
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.pages.series_charts import places_shown
from portfolio.entrypoints.http.shell.numbers import number, number_or_null, percent, ratio

DIFFERENCE: Final = "Difference"
NAMES: Final = ("value", "do_nothing", "equal_weight", "btc")


def equity_chart(rows: Sequence[EquityRow], *, private: bool) -> Chart:
    """Return the value of each day beside doing nothing and equal weights."""
    return _values("equity", "Value beside doing nothing and 1/N", rows, (0, 1, 2), private=private)


def btc_chart(rows: Sequence[EquityRow], *, private: bool) -> Chart | None:
    """Return the value of each day beside all of it in BTC; None without closes of BTC."""
    if not rows or rows[0].btc is None:
        return None
    return _values("btc", "Value beside BTC", rows, (0, 3), private=private)


@exact
def attribution_chart(result: BacktestResult, *, private: bool) -> Chart:
    """Return what the trades of each rule brought against doing nothing: exactly the difference at the end."""
    parts: list[tuple[str, Sequence[Decimal | None]]] = [
        (rule_name(one.rule), (one.price_effect, one.fees, one.slippage, one.total)) for one in result.attribution
    ]
    if result.rounding:
        parts.append(("rounding", (None, None, None, result.rounding)))
    parts.append((DIFFERENCE, (None, None, None, result.difference)))
    if private:
        parts = [(label, [_share(one, result) for one in values]) for label, values in parts]
    steps = [Step(label, values[-1], is_total=label == DIFFERENCE) for label, values in parts]
    kinds = (Kind.CHANGE,) * 4 if private else (Kind.RESULT, Kind.COST, Kind.COST, Kind.RESULT)
    title = "What each rule brought, in percent of the start" if private else "What each rule brought"
    frame = Frame("attribution-chart", title, unit=PERCENT if private else DOLLARS)
    return Chart.of(
        frame,
        waterfall_chart(frame, steps),
        ("Rule", "Price effect", "Fees", "Slippage", "In all"),
        [
            [
                label,
                *(
                    Cell(_written(value, private=private), kind, "not_of_a_rule")
                    for value, kind in zip(values, kinds, strict=True)
                ),
            ]
            for label, values in parts
        ],
        "The price effect is the sum of quantity x (price at the end - close at the fill). Less fees and slippage "
        "it is the value at the end less that of doing nothing, exactly.",
    )


def intervals_chart(name: str, title: str, pairs: Sequence[tuple[str, Difference | None]]) -> Chart | None:
    """Return how sure it is that it was better than each of these; None where there are too few days to tell."""
    known = [(label, one) for label, one in pairs if one is not None]
    if not known:
        return None
    intervals = [Interval(label=f"than {label}", value=one.mean, low=one.low, high=one.high) for label, one in known]
    first = known[0][1]
    frame = Frame(f"{name}-chart", title, unit=FRACTION)
    return Chart.of(
        frame,
        interval_chart(frame, intervals),
        ("Better than", "A year", "From", "To", "Draws above zero"),
        [
            [label, *(Cell(ratio(each), Kind.FRACTION) for each in (one.mean, one.low, one.high, one.share_above))]
            for label, one in known
        ],
        f"Of the mean daily log return, times 365: {first.resamples:,} draws of the days in blocks of "
        f"{first.block_days}, seed {first.seed}. Where zero lies within the interval, luck alone may have done it.",
    )


@exact
def _values(name: str, title: str, rows: Sequence[EquityRow], places: Sequence[int], *, private: bool) -> Chart:
    """Return values of each day as lines; of a private page each is 100 before anything is traded."""
    kind, unit = (Kind.NUMBER, PLAIN) if private else (Kind.MONEY, DOLLARS)
    lines = {place: [_value(row, NAMES[place], rows[0] if private else None) for row in rows] for place in places}
    series = [
        Series(name=SERIES[place], points=list(zip((row.day for row in rows), values, strict=True)), tone=tone)
        for (place, values), tone in zip(lines.items(), Tone, strict=False)
    ]
    shown = places_shown([row.day for row in rows])
    frame = Frame(f"{name}-chart", title, unit=unit)
    return Chart.of(
        frame,
        line_chart(frame, series),
        ("Day (UTC)", *(SERIES[place] for place in places)),
        [
            [rows[n].day.isoformat(), *(Cell(number_or_null(values[n]), kind) for values in lines.values())]
            for n in shown
        ],
        f"{'Each is 100 on the first day, before anything is traded. ' if private else ''}"
        f"{'The table has the last day of each month.' if len(shown) < len(rows) else ''}".strip(),
    )


def _value(row: EquityRow, name: str, first: EquityRow | None) -> Decimal | None:
    value: Decimal | None = getattr(row, name)
    if value is None or first is None:
        return value
    return round_to_step(value * HUNDRED / first.do_nothing)


def _share(value: Decimal | None, result: BacktestResult) -> Decimal | None:
    return None if value is None else value * HUNDRED / result.start_value


def _written(value: Decimal | None, *, private: bool) -> Raw | None:
    if value is None:
        return None
    return percent(value) if private else number(value)
