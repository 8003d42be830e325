"""The performance over several periods at once, with the part of each position."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from portfolio.application.errors import LedgerUnavailable
from portfolio.application.performance.daily_positions import Attribution, attribute, positions_of
from portfolio.application.performance.history import History
from portfolio.application.performance.measures import is_ruined
from portfolio.application.performance.period import Performance, ReadPerformance, measure
from portfolio.application.performance.ports import DayPositionsStore
from portfolio.application.performance.records import DayPositions, MeasuredDay
from portfolio.domain.days import DAY
from portfolio.domain.money import Money
from portfolio.domain.symbol import Symbol

ALL: Final = "all"
DAYS: Final = {"1d": 1, "7d": 7, "30d": 30, "90d": 90, "1y": 365, "5y": 1825}
TO_DATE: Final = ("wtd", "mtd", "ytd")
NAMES: Final = ("1d", "7d", "30d", "90d", *TO_DATE, "1y", "5y", ALL)
GIVEN: Final = "from-to"

# Counted from the entries, which are known however short the history of values is.
_OF_TRADES = frozenset({
    "win_rate", "profit_factor", "expectancy", "average_win", "average_loss", "largest_win", "largest_loss",
    "average_holding_days",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeframe:
    """The figures from the end of ``start`` to the end of ``end``, and what they are made of; today ends now.

    Where the history does not reach over the whole period every figure of values is None, and ``incomplete`` says why:

    - ``history_too_short``: the first recorded day is after ``start``
    - ``no_value_at_start``, ``no_value_at_end``, ``no_value_yesterday``: nothing was recorded on that day; ``backfill``
      fills it
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
    """Every timeframe in the order of ``NAMES``: of completed days, and those that end now."""

    frames: Sequence[Timeframe]
    to_now: Sequence[Timeframe]
    as_of: datetime
    stale: bool


class ReadTimeframes(msgspec.Struct, frozen=True):
    """Measures the portfolio over every timeframe, from one reading of its days."""

    performance: ReadPerformance
    days: DayPositionsStore

    async def __call__(self, benchmark: Symbol | None = None) -> Timeframes:
        """Return the figures of all timeframes; with the database away, of the days last seen.

        They are compared with the benchmark that is set where none is given.
        """
        history = await self.performance.history(benchmark)
        yesterday, today = history.today - DAY, history.today
        frames = [_frame(name, history, _start(name, history, yesterday), yesterday) for name in NAMES]
        to_now = [_frame(name, history, _start(name, history, today), today) for name in NAMES]
        attributed = await self._with_parts(history, [*frames, *to_now])
        return Timeframes(
            frames=attributed[: len(NAMES)],
            to_now=attributed[len(NAMES) :],
            as_of=history.snapshot.as_of,
            stale=history.stale,
        )

    async def between(self, first: date | None, last: date | None, benchmark: Symbol | None = None) -> Timeframe:
        """Return the figures from the beginning of ``first``, or of all, to the end of ``last``, or until now."""
        history = await self.performance.history(benchmark)
        end = history.today if last is None else min(last, history.today)
        start = _start(ALL, history, end) if first is None else max(first, date.min + DAY) - DAY
        return await self.of(history, start, end)

    async def of(self, history: History, start: date | None, end: date) -> Timeframe:
        """Return the figures from the end of ``start`` to the end of ``end``, of a history read already."""
        [frame] = await self._with_parts(history, [_frame(GIVEN, history, start, end)])
        return frame

    async def _with_parts(self, history: History, frames: Sequence[Timeframe]) -> Sequence[Timeframe]:
        ends = {day for f in frames if f.incomplete is None and f.start is not None for day in (f.start, f.end)}
        held = None if history.snapshot.database_away else await self._held(history, ends)
        return [_attributed(frame, held, [*history.finals, history.now]) for frame in frames]

    async def _held(self, history: History, days: Collection[date]) -> Mapping[date, DayPositions] | None:
        if not days:
            return {}
        try:
            held = dict(await self.days.positions(history.snapshot.portfolio.id, days))
        except LedgerUnavailable:
            return None
        if history.opening is not None and not history.entries.begins_with_positions:
            held.setdefault(history.opening.day, {})
        held[history.today] = positions_of(history.snapshot.portfolio)
        return held


def _frame(name: str, history: History, start: date | None, end: date) -> Timeframe:
    days = [*history.finals, history.now] if end == history.today else history.finals
    if name == ALL and days:
        end = days[-1].day
    incomplete = _incomplete(start, end, days, history.today)
    used = [day for day in days if start <= day.day <= end] if start and not incomplete else []
    booked = history.booked(start or date.min, end)
    measured = measure(history, used, booked, (end - start).days if start else 0)
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


def _start(name: str, history: History, end: date) -> date | None:
    """Return the day at whose end the period begins; None where nothing was ever recorded."""
    today = history.today
    if name == ALL:
        return history.finals[0].day if history.finals else None
    if name in DAYS:
        return end - timedelta(days=DAYS[name])
    first = {"wtd": today - timedelta(days=today.weekday()), "mtd": today.replace(day=1)}
    return first.get(name, today.replace(month=1, day=1)) - DAY


def _incomplete(start: date | None, end: date, days: Sequence[MeasuredDay], today: date) -> str | None:
    known = {day.day for day in days}
    if start is not None and start >= end:
        return "no_completed_day"
    if start is None or start < min(known, default=end):
        return "history_too_short"
    if start not in known:
        return "no_value_at_start"
    if end not in known:
        return "no_value_yesterday" if end == today - DAY else "no_value_at_end"
    return None


def _attributed(frame: Timeframe, held: Mapping[date, DayPositions] | None, days: Sequence[MeasuredDay]) -> Timeframe:
    if frame.start is None or frame.incomplete is not None:
        return frame
    if held is None:
        return replace(frame, unattributed="database_away")
    start, end = held.get(frame.start), held.get(frame.end)
    if start is None or end is None:
        return replace(frame, unattributed="positions_not_recorded")
    total = frame.performance.total_return
    assert total is not None  # both ends have a row
    used = [day for day in days if frame.start <= day.day <= frame.end]
    attribution = attribute(total, start, end, Money.zero() if is_ruined(used) else used[0].total_value)
    return replace(frame, attribution=attribution, unattributed=None)
