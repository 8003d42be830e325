"""The section about what the figures rest on: gaps, estimates, prices, and what is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from functools import partial
from typing import Final

from portfolio.analytics.closes import Join
from portfolio.application.performance.benchmark import Benchmark
from portfolio.application.performance.series.daily import ADOPTED, NO_CLOSE, DailySeries
from portfolio.application.prices.closes import Closes
from portfolio.application.prices.valuation import PriceStatus
from portfolio.application.risk.state import MarketState
from portfolio.application.risk.value_at_risk import value_at_risk_of
from portfolio.domain.days import DAY
from portfolio.domain.decimal_text import counted, listed, plain
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.pages.frame.reasons import in_words
from portfolio.entrypoints.http.reports.content import Count, Line, Section

MOST_NAMED: Final = 20
named: Final = partial(listed, most=MOST_NAMED)
RESTATED: Final = (
    "Entries were booked long after they took effect: days are restated, each by all that is known by now, and differ "
    "from those that were recorded."
)


def data_quality(series: DailySeries, state: MarketState, *, simulated: bool, restated: bool = False) -> Section:
    """Return what is to be known before the figures are believed."""
    performance, freshness = series.performance, state.valuation.freshness
    lines: list[Line | Count] = [
        Count("days_covered", "Days covered", performance.days_covered),
        Count("observations", "Daily returns", performance.observations),
        Count("gaps", "Days without a value", len(series.gaps)),
        Line("fresh_share_percent", "Value with a fresh price", freshness.percent, Kind.PERCENT, "nothing_held"),
        Line("benchmark_covered_percent", "Days with a close of the benchmark", performance.benchmark_covered_percent,
             Kind.PERCENT, performance.reasons.get("benchmark_covered_percent")),
    ]  # fmt: skip
    return Section(
        id="data-quality",
        title="Data quality",
        lines=lines,
        notes=[
            *([RESTATED] if restated else []),
            *_of_days(series),
            *_of_prices(state, simulated=simulated),
            *_of_joins((state.closes, series.history.benchmark)),
            *_left_out(series, state),
        ],
    )


def _of_days(series: DailySeries) -> Iterator[str]:
    if series.gaps:
        yield f"Days without a value: {named(list(spans(series.gaps)))}. No return is made over them."
    estimates = Counter(day.estimated for day in series.days)
    if estimates[ADOPTED]:
        yield f"{counted(estimates[ADOPTED], 'day')} recorded by another program before the adoption."
    if estimates[NO_CLOSE]:
        assets = Counter(str(symbol) for day in series.days for symbol in day.without_close)
        names = named([f"{symbol} ({counted(days, 'day')})" for symbol, days in sorted(assets.items())])
        yield (
            f"{counted(estimates[NO_CLOSE], 'day')} valued without a close of something held, "
            f"by the price in the day's row or the close of a day before: {names}."
        )
    if not series.estimates_known:
        yield "The closes could not be read: which days are estimates is not known."
    if series.performance.benchmark_missing_days:
        missing = named(list(spans(series.performance.benchmark_missing_days)))
        yield f"Days without a close of {series.benchmark}: {missing}."


def _of_prices(state: MarketState, *, simulated: bool) -> Iterator[str]:
    if simulated:
        yield "The prices are simulated: they are made up, and of no market."
    for status, words in ((PriceStatus.STALE, "Stale prices, older than the newest by more than they may be"),
                          (PriceStatus.MISSING, "Without any price, valued at cost")):  # fmt: skip
        symbols = [str(one.position.symbol) for one in state.valuation.positions if one.price_status is status]
        if symbols:
            yield f"{words}: {named(symbols)}."
    held = [one.position for one in state.valuation.positions]
    assumed = [str(one.symbol) for one in held if one.mark is not None and one.mark.has_assumed_rate]
    if assumed:
        yield f"Prices converted at an assumed rate: {named(assumed)}."
    if state.closes.assumed_rate_history:
        yield f"Closes converted at an assumed rate: {named(state.closes.assumed_rate_history)}."
    if state.closes.simulated_history:
        yield "The closes behind the risk figures are simulated."
    if state.closes.mixed_history:
        yield f"Closes of the other kind (real, or simulated) are not mixed in: {named(state.closes.mixed_history)}."


def _of_joins(read: Sequence[Closes | Benchmark]) -> Iterator[str]:
    joined = dict.fromkeys(join for one in read for join in one.joined_history)
    apart = dict.fromkeys(join for one in read for join in one.unjoined_history)
    for joins in (joined, apart):
        yield from first([_joined(join) for join in joins])


def _joined(join: Join) -> str:
    ratio = plain(join.ratio)
    what = (
        f"split: {join.symbol}"
        if join.symbol == join.from_symbol
        else f"rename: {join.from_symbol} became {join.symbol}"
    )
    told = f"across a {what} on {join.on}, {ratio} for 1"
    return f"Closes joined {told}." if join.reason is None else f"Closes not joined {told}: {in_words(join.reason)}."


def _left_out(series: DailySeries, state: MarketState) -> Iterator[str]:
    excluded = value_at_risk_of(state, series.period_days).excluded
    yield from first([f"Value at risk is made without {one.symbol}: {in_words(one.reason)}." for one in excluded])
    if state.valuation.portfolio.has_unreconciled:
        yield "Other programs wrote into the rows, and it is not reconciled yet."


def first(lines: Sequence[str]) -> Iterator[str]:
    """Yield what is said alike of many, of each for its own reason; of a long list the first, and how many more."""
    yield from lines[:MOST_NAMED]
    if (more := len(lines) - MOST_NAMED) > 0:
        yield f"{more:,} more {'is' if more == 1 else 'are'} not named here."


def spans(days: Sequence[date]) -> Iterator[str]:
    """Yield adjacent days as one text, as ``2026-01-03 to 2026-01-05``."""
    start = 0
    for place, day in enumerate(days):
        if place + 1 == len(days) or days[place + 1] - day != DAY:
            yield str(day) if place == start else f"{days[start]} to {day}"
            start = place + 1
