"""Makes the books of the demonstration: two years, day by day, through the use cases that the routes use."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import msgspec

from portfolio.application.errors import LedgerUnavailable
from portfolio.application.imports.booking import BookImport, ImportWish
from portfolio.application.imports.preview import PreviewImport
from portfolio.application.imports.records import Options
from portfolio.application.ledger.cash import MoveCash
from portfolio.application.ledger.happenings.records import EventReply, RecordedEvent
from portfolio.application.ledger.records import Acceptance, BookingReply, BookTrade
from portfolio.application.rebalancing.records import Signal
from portfolio.domain.days import DAY, day_of
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.money import Money
from portfolio.entrypoints.assembly.adapters import Adapters
from portfolio.entrypoints.assembly.service import Assembly
from portfolio.entrypoints.demo.clock import HistoryClock
from portfolio.entrypoints.demo.engines import Engines, Prices
from portfolio.entrypoints.demo.events import (
    FILE_NAME,
    FILE_SYMBOL,
    LATE_SYMBOL,
    REPEATED_DAY,
    MadeUpFiles,
    happenings,
    late_purchase,
    made_up_file,
)
from portfolio.entrypoints.demo.script import (
    ASIDE,
    DAYS,
    EXECUTED_DAY,
    IMPORT_DAY,
    LATE_DAY,
    REBALANCING_DAYS,
    RESTATED_DAY,
    REVERSED_DAYS,
    SIGNALS_SINCE,
    assets,
    cash_moves,
)
from portfolio.settings import Settings

_DAYS_OF_PRICES_BEFORE: Final = 120
_SIGNALS_CARRIED_OUT: Final = 2
_MOST_CLOSES: Final = 2_000
_ATTEMPTS: Final = 5


class DemoReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the demonstration's books hold."""

    first: date
    last: date
    trades: int
    refused: int
    cash_transactions: int
    events: int
    imported: int
    days: int
    signals: int


class MakeHistory:
    """Makes the history of the days before ``now`` on an empty, migrated database, and the prices and signals of now.

    The entries of the ledger depend on the seed and the day of ``now`` alone; they end on the day before.
    """

    def __init__(self, adapters: Adapters, clock: HistoryClock, settings: Settings, portfolio_id: int) -> None:
        self._of = adapters
        self._clock = clock
        self._portfolio_id = portfolio_id
        self._parts = Assembly(adapters, settings, portfolio_id=portfolio_id)
        self._rules = settings.booking_rules
        self._booked = self._refused = self._moves = self._events = self._imported = self._recorded = 0

    async def __call__(self, now: datetime, seed: int) -> DemoReport:
        """Return what was made; the clock has to stand at the beginning, ``first_moment`` of ``now``."""
        engines, first = Engines(seed), first_moment(now).date()
        await self._add_closes(first, now.date())
        await self._parts.ledger.open_books()
        for day in range(DAYS):
            morning = datetime.combine(first + timedelta(days=day), time(9, 30), tzinfo=UTC)
            self._clock.set(max(morning, self._clock.now()))
            for move in cash_moves(day):
                await self._move(move.kind, Money(move.amount), move.note)
            await self._happen(day)
            await self._tell_late(day, first)
            if engines.trades_on(day):
                await self._trade(engines, day)
                if day >= SIGNALS_SINCE:
                    await self._signals()  # for the scorecard: nobody claims these
            if day in REBALANCING_DAYS:
                await self._rebalance(engines)
        self._clock.set(now)
        final = await self._parts.performance.make_final(self._portfolio_id, DAYS - LATE_DAY)
        await self._parts.prices.refresh()
        signals = await self._signals()
        await self._parts.ledger.booking.close()
        return DemoReport(
            first=first,
            last=now.date() - DAY,
            trades=self._booked,
            refused=self._refused,
            cash_transactions=self._moves,
            events=self._events,
            imported=self._imported,
            days=self._recorded + len(final.written),
            signals=len(signals),
        )

    async def _add_closes(self, first: date, today: date) -> None:
        start, end = first - timedelta(days=_DAYS_OF_PRICES_BEFORE), today - DAY
        closes = [close for symbol in assets() for close in await self._of.closes.daily_closes(symbol, start, end)]
        for index in range(0, len(closes), _MOST_CLOSES):
            await self._of.prices.add_closes(closes[index : index + _MOST_CLOSES])

    async def _move(self, kind: CashTransactionKind, amount: Money, note: str) -> None:
        self._moves += 1
        key = f"bank-{self._moves:04d}"
        wish = MoveCash(kind=kind, amount=amount, owner="", client_transaction_id=key, note=note)
        await self._parts.ledger.move_cash(self._portfolio_id, wish)

    async def _happen(self, day: int) -> None:
        """Book the events of a day; the second of two equal ones is taken out again."""
        prices = await self._quotes()
        portfolio = await self._of.ledger.load(self._portfolio_id)
        results = []
        for event in happenings(day, self._clock.now(), portfolio, prices):
            self._events += 1
            keyed = replace(event, client_event_id=f"wallet-{self._events:04d}")
            results += await self._parts.ledger.book_events(self._portfolio_id, [keyed])
        if day == REPEATED_DAY:
            booked = results[-1]
            assert isinstance(booked, EventReply)
            assert isinstance(booked.event, RecordedEvent)
            assert booked.event.id is not None
            await self._parts.ledger.reverse_event(self._portfolio_id, booked.event.id, owner="")

    async def _tell_late(self, day: int, first: date) -> None:
        """Book what happened months ago: a trade, a file, and the average cost as all in order makes it."""
        if day == LATE_DAY:
            # As these days are recorded, none knows what is told from now on.
            self._recorded = len((await self._parts.performance.make_final(self._portfolio_id)).written)
            on = first + timedelta(days=EXECUTED_DAY)
            [close] = await self._of.closes.daily_closes(LATE_SYMBOL, on, on)
            await self._book([late_purchase(datetime.combine(on, time(20), tzinfo=UTC), close.price)])
        elif day == IMPORT_DAY:
            await self._import(first)
        elif day == RESTATED_DAY:
            await self._parts.performance.restate(self._portfolio_id, owner="operator")

    async def _import(self, first: date) -> None:
        """Book a made-up file of an exchange, as ``portfolio import`` does."""
        closes = await self._of.closes.daily_closes(FILE_SYMBOL, first, day_of(self._clock.now()))
        files = MadeUpFiles(made_up_file(first, {close.day: close.price for close in closes}))
        book = BookImport(PreviewImport(files, self._clock), self._of.ledger, self._of.prices, self._clock, self._rules)
        [preview] = await book(self._portfolio_id, ImportWish(paths=[FILE_NAME], options=Options(account="demo")))
        assert not preview.reported, preview.reported
        self._imported = len(preview.events)

    async def _trade(self, engines: Engines, day: int) -> None:
        prices = await self._prices()
        portfolio = await self._of.ledger.load(self._portfolio_id)
        bookings = engines.bookings(day, portfolio, prices, self._clock.now())
        await self._book(bookings)
        if day in REVERSED_DAYS:
            portfolio = await self._of.ledger.load(self._portfolio_id)
            [trade_id] = await self._book([engines.again(portfolio)])
            self._clock.set(self._clock.now() + timedelta(hours=2))
            await self._parts.ledger.reverse(self._portfolio_id, trade_id, owner="", notes="the engine sent it twice")

    async def _rebalance(self, engines: Engines) -> None:
        """Have the rebalancer claim the first trade of the plan that is not of a wallet's asset and book it, and again
        of the plan after it.
        """
        prices = await self._prices()
        for _ in range(_SIGNALS_CARRIED_OUT):
            signals = await self._signals()
            first = next((signal for signal in signals if signal.symbol not in ASIDE), None)
            if first is None:
                return
            claimed = await self._parts.rebalancing.acknowledge_signal(first.id, owner="rebalancer")
            await self._book([engines.carry_out(claimed, prices, self._clock.now())])

    async def _signals(self) -> Sequence[Signal]:
        """Return the signals of now; asked for again where a busy machine reads longer than a service would wait."""
        for _ in range(_ATTEMPTS - 1):
            with suppress(LedgerUnavailable):
                return (await self._parts.rebalancing.generate_signals()).signals
        return (await self._parts.rebalancing.generate_signals()).signals

    async def _prices(self) -> Prices:
        """Return the prices of this moment, after a refresh of what is held."""
        await self._parts.prices.refresh()
        return await self._quotes()

    async def _quotes(self) -> Prices:
        return {symbol: quote.price for symbol, quote in (await self._of.feed.quotes(assets())).quotes.items()}

    async def _book(self, bookings: Sequence[BookTrade]) -> list[int]:
        """Book each alone, in order, and return the ids of those that were booked."""
        ids = []
        for booking in bookings:
            [result] = await self._parts.ledger.booking.book([booking])
            if isinstance(result, BookingReply) and isinstance(result.outcome.result, Acceptance):
                ids.append(result.outcome.result.trade_id)
            else:
                self._refused += 1
        self._booked += len(ids)
        return ids


def first_moment(now: datetime) -> datetime:
    """Return when the history that ends before ``now`` begins."""
    return datetime.combine(now.date() - timedelta(days=DAYS), time(9), tzinfo=UTC)
