"""The result of a period by engine, key, reason or symbol."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import partial

import msgspec

from portfolio.application.in_thread import in_fold_thread
from portfolio.application.ledger.lots.journal import Entries, Journal, KnownAt
from portfolio.application.ledger.lots.movement import Movement
from portfolio.application.ledger.snapshots import Snapshots
from portfolio.application.performance.final_days import MOST_DAYS_CARRIED
from portfolio.application.performance.history import History, ReadsHistory
from portfolio.application.performance.measures import gain
from portfolio.application.performance.ports import DayPositionsStore, SignalReasons
from portfolio.application.performance.records import DayPositions
from portfolio.application.performance.tags.results import PeriodEnd, TagResult, results_of
from portfolio.application.performance.tags.sums import PeriodSums, TagOf, TagPeriod, signals_of, sums_of
from portfolio.application.prices.ports import PriceStore
from portfolio.domain.days import DAY
from portfolio.domain.errors import OutOfRange
from portfolio.domain.money import Money, Price
from portfolio.domain.symbol import Symbol

_CARRIED = MOST_DAYS_CARRIED * DAY


class TagKind(StrEnum):
    """What trades are told apart by: who reported them, under which API key, the rule that asked, or the asset."""

    ENGINE = "engine"
    KEY = "key"
    REASON = "reason"
    SYMBOL = "symbol"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggedResults:
    """The results of the tags from the end of ``start`` to the end of ``end``, which are together the ``total``.

    Where there is none ``reasons`` says why: ``no_history`` without two final days in the period,
    ``positions_not_recorded`` on one of the two, ``database_away``.
    """

    by: TagKind
    start: date | None
    end: date | None
    rows: Sequence[TagResult] | None
    total: Money | None
    as_of: datetime
    stale: bool
    is_complete: bool = True
    reasons: Mapping[str, str] = field(default_factory=dict)


class TagSources(msgspec.Struct, frozen=True, kw_only=True):
    """What is read beside days: the entries, closes, and why trades were made."""

    snapshots: Snapshots
    journal: Journal
    prices: PriceStore
    reasons: SignalReasons


@dataclass(slots=True)
class ReadTaggedResults:
    """Adds the entries up by tag, over the completed days that ``ReadPerformance`` measures on the same basis.

    ``days`` has the positions at their ends; ``by_effect`` says that these are the restated ones.
    """

    sources: TagSources
    history: ReadsHistory
    days: DayPositionsStore
    _: KW_ONLY
    by_effect: bool = False

    async def __call__(self, by: TagKind, days: int, known_at: KnownAt | None = None) -> TaggedResults:
        """Return the results over the last ``days`` completed days, of the entries that were known then."""
        snapshot = await self.sources.snapshots.newest()
        history = await self.history(snapshot, days + 1)
        if snapshot.database_away:
            return _undefined(by, history, "database_away")
        if len(history.finals) < 2:
            return _undefined(by, history, "no_history")
        first, last = history.finals[0], history.finals[-1]
        held = await self._held(history, first.day, last.day)
        if held is None:
            return _undefined(by, history, "positions_not_recorded")
        every = await self.sources.journal.read(snapshot.portfolio)
        entries = every if known_at is None else await in_fold_thread(every.known, known_at)
        tag_of = await self._tag_of(by, entries)
        is_first = self.by_effect and first is history.opening
        period = TagPeriod(start=first.day, end=last.day, by_effect=self.by_effect, is_first=is_first)
        total = gain(first, last)
        try:
            what = sums_of, by, period
            summed = partial(entries.sums.once, what, partial(sums_of, entries.moved, tag_of, period))
            sums = await self.sources.journal.fold(entries, known_at, what, summed)
            start, end = await self._ends(sums, held, first.day, last.day)
            rows = results_of(sums, start, end, total)
        except OutOfRange:  # one tag may have bought all that others sold, and more than there ever was
            return _undefined(by, history, "out_of_range")
        return TaggedResults(
            by=by,
            start=first.day,
            end=last.day,
            rows=rows,
            total=total,
            as_of=snapshot.as_of,
            stale=history.stale,
            is_complete=entries.is_complete,
        )

    async def _held(self, history: History, start: date, end: date) -> Mapping[date, DayPositions] | None:
        """Return what was held at both ends; None where it was not recorded.

        At the end of the opening nothing was held. Of restated days it is the day before the first return, and what
        the books were opened on came after it.
        """
        held = dict(await self.days.positions(history.snapshot.portfolio.id, {start, end}))
        if history.opening is not None and (self.by_effect or not history.entries.begins_with_positions):
            held.setdefault(history.opening.day, {})
        return held if {start, end} <= held.keys() else None

    async def _tag_of(self, by: TagKind, entries: Entries) -> TagOf:
        if by is not TagKind.REASON:
            return _TAGS[by]
        signals = await self.sources.journal.fold(entries, None, signals_of, partial(signals_of, entries.moved))
        reasons = await self.sources.reasons.reasons(self.sources.snapshots.portfolio_id, signals) if signals else {}
        return lambda moved: reasons.get(moved.signal_id or "") if isinstance(moved, Movement) else None

    async def _ends(
        self, sums: PeriodSums, held: Mapping[date, DayPositions], start: date, end: date
    ) -> tuple[PeriodEnd, PeriodEnd]:
        """Return both ends, with prices of what one engine had bought and another had sold of it all."""
        ends = []
        for day, last in ((start, sums.executed_until_start), (end, sums.executed_until_end)):
            found = PeriodEnd(positions=held[day], prices={})
            named = sums.named.values()
            unpriced = found.unpriced(one.at_start if day == start else one.at_end for one in named)
            prices = await self._prices_on(day, unpriced, last)
            ends.append(PeriodEnd(positions=held[day], prices=prices))
        return ends[0], ends[1]

    async def _prices_on(
        self, day: date, symbols: Collection[Symbol], executions: Mapping[Symbol, Movement]
    ) -> Mapping[Symbol, Price]:
        """Return the newest close of the day or the seven before it, else the price of the last execution.

        One that no price can be is left out, and what has none counts as worth nothing: others have the difference.
        """
        if not symbols:
            return {}
        prices = {}
        for symbol, execution in executions.items():
            if symbol in symbols:
                with suppress(OutOfRange):
                    prices[symbol] = execution.notional.per(execution.quantity)
        closes = await self.sources.prices.closes(symbols, since=day - _CARRIED, until=day)
        return prices | {close.symbol: close.price for close in closes}


_TAGS: Mapping[TagKind, TagOf] = {
    TagKind.ENGINE: lambda moved: moved.engine if isinstance(moved, Movement) else None,
    TagKind.KEY: lambda moved: moved.owner or None if isinstance(moved, Movement) else None,
    TagKind.SYMBOL: lambda moved: moved.symbol.code,
}


def _undefined(by: TagKind, history: History, why: str) -> TaggedResults:
    return TaggedResults(
        by=by,
        start=None,
        end=None,
        rows=None,
        total=None,
        as_of=history.snapshot.as_of,
        stale=history.stale,
        reasons=dict.fromkeys(("from", "to", "rows", "total"), why),
    )
