"""The performance over several periods at once, with the part of each position."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from portfolio.application.errors import LedgerUnavailable
from portfolio.application.performance.daily_positions import Attribution, attribute
from portfolio.application.performance.period import (
    EARLIEST,
    History,
    Performance,
    ReadPerformance,
    measure,
    trade_counts_at_end_of,
)
from portfolio.application.performance.ports import Days
from portfolio.application.performance.records import DayPositions, MeasuredDay

ALL: Final = "all"
YEAR_TO_DATE: Final = "ytd"
DAYS: Final = {"1d": 1, "7d": 7, "30d": 30, "90d": 90, "1y": 365}
NAMES: Final = ("1d", "7d", "30d", "90d", YEAR_TO_DATE, "1y", ALL)

# Counted from the bookings, which are known however short the history of values is.
_OF_TRADES = frozenset({"win_rate", "profit_factor"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeframe:
    """The figures from the end of ``start`` to the end of ``end``, and what they are made of.

    Where the history does not reach over the whole period every figure of values is None, and ``incomplete`` says why:

    - ``history_too_short``: the first recorded day is after ``start``
    - ``no_value_at_start``, ``no_value_yesterday``: nothing was recorded on that day; ``backfill`` fills it
    - ``no_completed_day``: the period has only begun

    ``attribution`` is None too then, and where ``unattributed`` says why: ``positions_not_recorded`` on one of the two
    days, or ``database_away``.
    """

    name: str
    start: date | None
    end: date
    performance: Performance
    attribution: Attribution | None
    incomplete: str | None
    unattributed: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeframes:
    """Every timeframe, in the order of ``NAMES``."""

    frames: Sequence[Timeframe]
    as_of: datetime
    stale: bool


class ReadTimeframes:
    """Measures the portfolio over every timeframe, from one reading of its days."""

    def __init__(self, performance: ReadPerformance, days: Days) -> None:
        self._performance = performance
        self._days = days

    async def __call__(self) -> Timeframes:
        """Return the figures of all timeframes; with the database away, of the days last seen.

        Raises:
            LedgerUnavailable: the database is away, and not all days were ever read.
            PortfolioMissing: the books were never opened.
        """
        history = await self._performance.history()
        frames = [_frame(name, history) for name in NAMES]
        ends = {day for f in frames if f.incomplete is None and f.start is not None for day in (f.start, f.end)}
        held = None if history.snapshot.database_away else await self._held(history.snapshot.portfolio.id, ends)
        values = {day.day: day for day in history.finals}
        attributed = [_attributed(frame, held, values) for frame in frames]
        return Timeframes(frames=attributed, as_of=history.snapshot.as_of, stale=history.stale)

    async def _held(self, portfolio_id: int, days: Collection[date]) -> Mapping[date, DayPositions] | None:
        if not days:
            return {}
        try:
            return await self._days.positions(portfolio_id, days)
        except LedgerUnavailable:
            return None


def _frame(name: str, history: History) -> Timeframe:
    start, end = _bounds(name, history.finals, history.today)
    incomplete = _incomplete(start, end, history.finals)
    used = [day for day in history.finals if start <= day.day <= end] if start and not incomplete else []
    before = trade_counts_at_end_of(history.rows, start or EARLIEST)
    measured = measure(history, used, before, (end - start).days if start else 0)
    if incomplete:
        reasons = {n: why if n in _OF_TRADES else incomplete for n, why in measured.reasons.items()}
        measured = replace(measured, reasons=reasons)
    return Timeframe(
        name=name,
        start=start,
        end=end,
        performance=measured,
        attribution=None,
        incomplete=incomplete,
        unattributed=incomplete,
    )


def _bounds(name: str, finals: Sequence[MeasuredDay], today: date) -> tuple[date | None, date]:
    """Return the days from whose end to whose end the period lasts; no start where nothing was ever recorded."""
    yesterday = today - timedelta(days=1)
    if name == ALL:
        return (finals[0].day, finals[-1].day) if finals else (None, yesterday)
    if name == YEAR_TO_DATE:
        return date(today.year, 1, 1) - timedelta(days=1), yesterday
    return yesterday - timedelta(days=DAYS[name]), yesterday


def _incomplete(start: date | None, end: date, finals: Sequence[MeasuredDay]) -> str | None:
    known = {day.day for day in finals}
    if start == end:
        return "no_completed_day"
    if start is None or start < min(known, default=end):
        return "history_too_short"
    if start not in known:
        return "no_value_at_start"
    return None if end in known else "no_value_yesterday"


def _attributed(
    frame: Timeframe, held: Mapping[date, DayPositions] | None, values: Mapping[date, MeasuredDay]
) -> Timeframe:
    if frame.start is None or frame.incomplete is not None:
        return frame
    if held is None:
        return replace(frame, unattributed="database_away")
    start, end = held.get(frame.start), held.get(frame.end)
    if start is None or end is None:
        return replace(frame, unattributed="positions_not_recorded")
    total = frame.performance.total_return
    assert total is not None  # both ends have a row
    attribution = attribute(total, start, end, values[frame.start].total_value)
    return replace(frame, attribution=attribution, unattributed=None)
