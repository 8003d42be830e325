"""The asset that the portfolio is compared with, and the figures of the two side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from portfolio.analytics.benchmark import beta, capture_ratio, returns_of_both
from portfolio.analytics.closes import SEAM_DAYS, Join
from portfolio.analytics.conventions import MAX_DAYS
from portfolio.analytics.decimals import statistic
from portfolio.analytics.performance import annualized_return
from portfolio.application.ledger.snapshots import Snapshot
from portfolio.application.performance.measures import (
    LEAST_DAYS_TO_ANNUALIZE,
    LEAST_RETURNS,
    VALUE_NOT_POSITIVE,
    days_covered,
    is_ruined,
)
from portfolio.application.performance.reasons import Figures, Reasons
from portfolio.application.performance.records import MeasuredDay
from portfolio.application.prices.joined_closes import JoinedCloses
from portfolio.domain.money import EXACT, PERCENT_STEP
from portfolio.domain.symbol import Symbol

LEAST_COVERED_PERCENT: Final = 90

_SEAM = timedelta(days=SEAM_DAYS)
_OF_BOTH = ("beta", "up_capture", "down_capture")
_OF_ENDS = ("benchmark_return_percent", "excess_return_percent", "annualized_excess_return")


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """An asset and its closes, in dollars, by day; today's is its price now, where it is held.

    ``is_known`` is False where the closes could not be read, ``is_current`` where they are the last ones seen. Closes
    are joined across ``joined_history``, and not across ``unjoined_history``, see ``JoinedCloses``.
    """

    symbol: Symbol
    closes: Mapping[date, float]
    is_known: bool
    is_current: bool
    joined_history: Sequence[Join] = ()
    unjoined_history: Sequence[Join] = ()


class ReadBenchmark(msgspec.Struct, frozen=True):
    """Reads the closes of the asset that is asked for, or of the one that is set."""

    closes: JoinedCloses
    usual: Symbol

    async def __call__(self, snapshot: Snapshot, today: date, since: date, symbol: Symbol | None) -> Benchmark:
        """Return the benchmark with its closes from ``since`` on, at most of the last 3650 days."""
        chosen = symbol or self.usual
        read = await self.closes(
            [chosen.code],
            min(max((today - since).days - 1, 1), MAX_DAYS),
            today=today,
            revisions=snapshot.revisions,
            asks=not snapshot.database_away,
        )
        column = read.history.closes[:, 0].tolist()
        first = read.history.last_day - timedelta(days=len(column) - 1)
        closes = {first + timedelta(days=n): close for n, close in enumerate(column) if not math.isnan(close)}
        held = snapshot.portfolio.position(chosen)
        if held.is_open and held.mark is not None:
            closes[today] = float(held.mark.price.value)
        return Benchmark(
            symbol=chosen,
            closes=closes,
            is_known=read.is_known,
            is_current=read.is_current,
            joined_history=read.joined_history,
            unjoined_history=read.unjoined_history,
        )


def beside(finals: Sequence[MeasuredDay], benchmark: Benchmark, own: Figures, reasons: Reasons) -> Figures:
    """Return the figures of a period beside those of the benchmark; ``own`` are the portfolio's of the same period.

    Where the benchmark has a close on under 90 % of the days, every one of them is None.
    """
    missing = [day.day for day in finals if day.day not in benchmark.closes]
    there, whole = Decimal(100 * (len(finals) - len(missing))), Decimal(len(finals))
    covered = reasons.quotient("benchmark_covered_percent", there, whole, PERCENT_STEP, "no_history")
    figures: Figures = {"benchmark": benchmark.symbol, "benchmark_covered_percent": covered}
    figures |= {
        name: _of_these_days(getattr(benchmark, name), finals) for name in ("joined_history", "unjoined_history")
    }
    why = _why_not(finals, benchmark, covered)
    if why is not None:
        return figures | reasons.undefined(("benchmark_missing_days", *_OF_ENDS, *_OF_BOTH), why)
    return {
        **figures,
        "benchmark_missing_days": missing,
        **_of_ends(finals, benchmark, own, reasons),
        **_of_both(finals, benchmark, reasons),
    }


def _of_these_days(joins: Sequence[Join], finals: Sequence[MeasuredDay]) -> Sequence[Join]:
    return [join for join in joins if finals and finals[0].day < join.on + _SEAM]


def _why_not(finals: Sequence[MeasuredDay], benchmark: Benchmark, covered: Decimal | None) -> str | None:
    if covered is None or len(finals) < 2:
        return "no_history"
    if not covered:
        return "no_benchmark_closes" if benchmark.is_known else "history_unavailable"
    return "too_little_covered" if covered < LEAST_COVERED_PERCENT else None


def _of_ends(finals: Sequence[MeasuredDay], benchmark: Benchmark, own: Figures, reasons: Reasons) -> Figures:
    """Return what the benchmark brought from the first day to the last, and by how much the portfolio brought more."""
    start, end = (benchmark.closes.get(finals[place].day) for place in (0, -1))
    if start is None or end is None:
        return reasons.undefined(_OF_ENDS, "no_benchmark_close_at_" + ("start" if start is None else "end"))
    days = days_covered(finals)
    brought = reasons.percent(_OF_ENDS[0], (end / start - 1.0) * 100.0, "out_of_range")
    yearly = statistic(annualized_return(end / start, days)) if days >= LEAST_DAYS_TO_ANNUALIZE else None
    return {
        _OF_ENDS[0]: brought,
        _OF_ENDS[1]: _more(_OF_ENDS[1], own["total_return_percent"], brought, reasons, of="total_return_percent"),
        _OF_ENDS[2]: _more(_OF_ENDS[2], own["annualized_return"], yearly, reasons, of="annualized_return"),
    }


def _more(name: str, own: Decimal | None, other: Decimal | None, reasons: Reasons, *, of: str) -> Decimal | None:
    if own is None or other is None:
        reasons.noted[name] = reasons.noted.get(of, "out_of_range")
        return None
    return EXACT.subtract(own, other)


def _of_both(finals: Sequence[MeasuredDay], benchmark: Benchmark, reasons: Reasons) -> Figures:
    if is_ruined(finals):
        return reasons.undefined(_OF_BOTH, VALUE_NOT_POSITIVE)
    days, values = [day.day.toordinal() for day in finals], [float(day.unit_value) for day in finals]
    own, other = returns_of_both(days, values, [benchmark.closes.get(day.day, math.nan) for day in finals])
    if own.size < LEAST_RETURNS:
        return reasons.undefined(_OF_BOTH, "too_few_observations")
    gains, losses = (capture_ratio(own, other, of_gains=of_gains) for of_gains in (True, False))
    return {
        "beta": reasons.ratio("beta", beta(own, other), "no_variation"),
        "up_capture": reasons.ratio("up_capture", gains, "no_gains_of_benchmark"),
        "down_capture": reasons.ratio("down_capture", losses, "no_losses_of_benchmark"),
    }
