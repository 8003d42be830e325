"""The ports beside the ledger on the books in memory: signals, prices, days and leases."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta

from portfolio.application.errors import LeaseLost
from portfolio.application.ledger.ports import LedgerUnit
from portfolio.application.ledger.records import (
    Page,
)
from portfolio.application.performance.daily_positions import positions_of
from portfolio.application.performance.day_results import daily_value
from portfolio.application.performance.records import DailyValue, DayPositions, FilledDay
from portfolio.application.prices.records import Close, Fence, PriceUpdate
from portfolio.application.rebalancing.records import Advice, Signal, SignalFilter
from portfolio.domain.mark import TRADE_SOURCE, Mark
from portfolio.domain.symbol import Symbol
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_unit import FakeSignalBook, FakeUnit


class FakeSignals:
    """The port ``Signals`` on the same books."""

    def __init__(self, ledger: FakeLedger) -> None:
        self._ledger = ledger

    def within(self, unit: LedgerUnit) -> FakeSignalBook:
        assert isinstance(unit, FakeUnit)
        return FakeSignalBook(unit.books)

    async def reasons(self, portfolio_id: int, signal_ids: Collection[str]) -> Mapping[str, str]:
        self._ledger.answer(portfolio_id)
        return {s.id: s.reason.value for s in self._ledger.books.signals.values() if s.id in signal_ids}

    async def page(self, portfolio_id: int, wanted: SignalFilter) -> Page[Signal]:
        self._ledger.answer(portfolio_id)
        found = [
            signal
            for number, signal in sorted(self._ledger.books.signals.items(), reverse=True)
            if wanted.before is None or number < wanted.before
            if wanted.status is None or signal.status_at(wanted.now) is wanted.status
        ]
        more = len(found) > wanted.limit
        return Page(found[: wanted.limit], found[wanted.limit - 1].number if more else None)

    async def advices(self, portfolio_id: int, *, since: datetime) -> Sequence[Advice]:
        self._ledger.answer(portfolio_id)
        made = [one for _, one in sorted(self._ledger.books.signals.items()) if one.created_at >= since]
        goes_on = {(one.superseded_by, one.symbol, one.reason) for one in made}
        found = [
            Advice(
                **{one.name: getattr(signal, one.name) for one in fields(Advice) if one.name != "begins"},
                begins=(signal.id, signal.symbol, signal.reason) not in goes_on,
            )
            for signal in made
        ]
        return [one for one in found if one.begins or one.executed_trade_id is not None]


class FakePriceStore:
    """The port ``PriceStore`` on the same books."""

    def __init__(self, ledger: FakeLedger, leases: FakeLeases) -> None:
        self._ledger = ledger
        self._leases = leases

    async def record(self, portfolio_id: int, update: PriceUpdate, fence: Fence | None) -> int:
        books, portfolio = self._ledger.books, await self._ledger.load(portfolio_id)
        if fence is not None:
            self._leases.check(fence)
        marks = update.marks_for(portfolio)
        marked = portfolio.marked(marks)
        books.portfolio = replace(marked, price_revision=portfolio.price_revision + 1)
        observed = {symbol: mark for symbol, mark in marks.items() if not mark.is_execution}
        books.ticks.update({(symbol, mark.at): mark for symbol, mark in observed.items()})
        day = update.at.astimezone(UTC).date()
        late = {symbol for symbol, mark in observed.items() if mark.at.astimezone(UTC).date() < day}
        books.closes_changed.update(dict.fromkeys(late, portfolio.price_revision + 1))
        if not any(later > day for later in books.days):
            books.days[day] = daily_value(marked, day)
            books.day_positions[day] = positions_of(marked)
        return books.portfolio.price_revision

    async def executed(self, portfolio_id: int, since: Mapping[Symbol, datetime]) -> Mapping[Symbol, Mark]:
        trades = [(i, entry.trade) for i, entry in self._ledger.books.trades.items() if entry is not None]
        reversed_ones = {trade.reverses for _, trade in trades}
        counted = [(trade.executed_at, i, trade) for i, trade in trades if trade.reverses is None]
        return {
            trade.symbol: Mark(trade.price, TRADE_SOURCE, at)
            for at, i, trade in sorted(counted, key=lambda one: one[:2])
            if i not in reversed_ones and trade.symbol in since and at >= since[trade.symbol]
        }

    async def add_closes(self, closes: Sequence[Close]) -> int:
        new = {(close.symbol, close.day): close for close in closes}
        books = self._ledger.books
        books.closes.update(new)
        revision = books.portfolio.price_revision + 1 if books.portfolio is not None else 1
        books.closes_changed.update({symbol: revision for symbol, _ in new})
        if books.portfolio is not None and new:
            books.portfolio = replace(books.portfolio, price_revision=revision)
        return len(new)

    async def closes(self, symbols: Collection[Symbol], *, since: date, until: date) -> Sequence[Close]:
        books = self._ledger.books
        found, asked = {**self._last_ticks(), **books.closes}, frozenset(symbols)
        return [found[key] for key in sorted(key for key in found if since <= key[1] <= until and key[0] in asked)]

    async def changed_closes(self, *, after: int) -> Collection[Symbol]:
        return {symbol for symbol, revision in self._ledger.books.closes_changed.items() if revision > after}

    async def thin_ticks(self, older_than: datetime) -> int:
        books = self._ledger.books
        day = min((key[1].date() for key in books.ticks), default=date.max)
        if day >= older_than.astimezone(UTC).date():
            return 0
        old = [key for key in books.ticks if key[1].date() == day]
        for key, close in self._last_ticks().items():
            if key[1] == day:
                books.closes.setdefault(key, close)
        for tick in old:
            del books.ticks[tick]
        return len(old)

    def _last_ticks(self) -> dict[tuple[Symbol, date], Close]:
        ticks = sorted(self._ledger.books.ticks.items(), key=lambda item: item[0][1])
        return {
            (symbol, at.date()): Close(symbol=symbol, day=at.date(), price=mark.price, source=mark.source)
            for (symbol, at), mark in ticks
            if at.hour == 23
        }


class FakeDays:
    """The port ``Days`` on the same books."""

    def __init__(self, ledger: FakeLedger) -> None:
        self._ledger = ledger

    async def values(self, portfolio_id: int, *, since: date, today: date) -> Sequence[DailyValue]:
        self._ledger.answer()
        return [value for day, value in sorted(self._ledger.books.days.items()) if since <= day <= today]

    async def positions(self, portfolio_id: int, days: Collection[date]) -> Mapping[date, DayPositions]:
        self._ledger.answer()
        return {day: held for day, held in self._ledger.books.day_positions.items() if day in days}

    async def write(self, portfolio_id: int, days: Sequence[FilledDay]) -> None:
        books, portfolio = self._ledger.books, await self._ledger.load(portfolio_id)
        for day in days:
            books.days[day.value.day] = day.value
            if day.positions is not None:
                books.day_positions[day.value.day] = day.positions
        books.portfolio = replace(portfolio, price_revision=portfolio.price_revision + 1)


class FakeLeases:
    """The port ``Leases`` by a clock of its own, which the test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.held: dict[str, tuple[str, int]] = {}
        self._expires: dict[str, datetime] = {}

    async def acquire(self, name: str, holder: str, seconds: float) -> Fence | None:
        held_by, token = self.held.get(name, ("", 0))
        if held_by not in {"", holder}:
            left = self._expires[name] - self.now
            if timedelta() <= left <= 4 * timedelta(seconds=seconds):
                return None
        token += held_by != holder
        self.held[name], self._expires[name] = (holder, token), self.now + timedelta(seconds=seconds)
        return Fence(name=name, holder=holder, token=token)

    async def release(self, name: str, holder: str) -> None:
        if self.held.get(name, ("", 0))[0] == holder:
            self._expires[name] = self.now - timedelta(seconds=1)

    def check(self, fence: Fence) -> None:
        if self.held.get(fence.name) != (fence.holder, fence.token):
            raise LeaseLost(f"another instance holds the lease {fence.name!r} now")
        if self._expires[fence.name] < self.now:
            raise LeaseLost(f"the lease {fence.name!r} has run out")
