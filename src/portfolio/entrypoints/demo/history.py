"""Makes the books of the demonstration: two years, day by day, through the use cases that the routes use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from portfolio.application.ledger.cash import MoveCash
from portfolio.application.ledger.records import Acceptance, BookingReply, BookTrade
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.money import Money
from portfolio.entrypoints.assembly import Adapters, Assembly
from portfolio.entrypoints.demo.clock import HistoryClock
from portfolio.entrypoints.demo.engines import Engines, Prices
from portfolio.entrypoints.demo.script import DAYS, REBALANCING_DAYS, REVERSED_DAYS, SIGNALS_SINCE, assets, cash_moves
from portfolio.settings import Settings

_DAYS_OF_PRICES_BEFORE: Final = 120
_SIGNALS_CARRIED_OUT: Final = 2
_MOST_CLOSES: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoReport:
    """What the demonstration's books hold."""

    first: date
    last: date
    trades: int
    refused: int
    cash_transactions: int
    days: int
    signals: int


class _NoRefresher:
    """No price task runs while the history is made."""

    is_leader = False
    interval_seconds = 60.0
    last_cycle_age_seconds = None


class MakeHistory:
    """Makes the history of the days before ``now`` on an empty, migrated database, and the prices and signals of now.

    The entries of the ledger depend on the seed and the day of ``now`` alone; they end on the day before.
    """

    def __init__(self, adapters: Adapters, clock: HistoryClock, settings: Settings, portfolio_id: int) -> None:
        self._of = adapters
        self._clock = clock
        self._portfolio_id = portfolio_id
        self._parts = Assembly(adapters, settings, portfolio_id=portfolio_id)
        self._use = self._parts.use_cases(_NoRefresher())
        self._booked = self._refused = self._moves = 0

    async def __call__(self, now: datetime, seed: int) -> DemoReport:
        """Return what was made; the clock has to stand at the beginning, ``first_moment`` of ``now``."""
        engines, first = Engines(seed), first_moment(now).date()
        await self._add_closes(first, now.date())
        await self._parts.open_books()()
        for day in range(DAYS):
            morning = datetime.combine(first + timedelta(days=day), time(9, 30), tzinfo=UTC)
            self._clock.set(max(morning, self._clock.now()))
            for move in cash_moves(day):
                await self._move(move.kind, Money(move.amount), move.note)
            if engines.trades_on(day):
                await self._trade(engines, day)
                if day >= SIGNALS_SINCE:
                    await self._use.generate_signals()  # for the scorecard: nobody claims these
            if day in REBALANCING_DAYS:
                await self._rebalance(engines)
        self._clock.set(now)
        final = await self._parts.make_final()(self._portfolio_id)
        await self._use.refresh()
        signals = await self._use.generate_signals()
        await self._use.booking.close()
        return DemoReport(
            first=first,
            last=now.date() - timedelta(days=1),
            trades=self._booked,
            refused=self._refused,
            cash_transactions=self._moves,
            days=len(final.written),
            signals=len(signals.signals),
        )

    async def _add_closes(self, first: date, today: date) -> None:
        start, end = first - timedelta(days=_DAYS_OF_PRICES_BEFORE), today - timedelta(days=1)
        closes = [close for symbol in assets() for close in await self._of.closes.daily_closes(symbol, start, end)]
        for index in range(0, len(closes), _MOST_CLOSES):
            await self._of.prices.add_closes(closes[index : index + _MOST_CLOSES])

    async def _move(self, kind: CashTransactionKind, amount: Money, note: str) -> None:
        self._moves += 1
        key = f"bank-{self._moves:04d}"
        wish = MoveCash(kind=kind, amount=amount, owner="", client_transaction_id=key, note=note)
        await self._use.move_cash(self._portfolio_id, wish)

    async def _trade(self, engines: Engines, day: int) -> None:
        prices = await self._prices()
        portfolio = await self._of.ledger.load(self._portfolio_id)
        bookings = engines.bookings(day, portfolio, prices, self._clock.now())
        await self._book(bookings)
        if day in REVERSED_DAYS and bookings:
            [trade_id] = await self._book([engines.again(bookings[-1])])
            self._clock.set(self._clock.now() + timedelta(hours=2))
            await self._use.reverse(self._portfolio_id, trade_id, owner="", notes="the engine sent it twice")

    async def _rebalance(self, engines: Engines) -> None:
        """Have the rebalancer claim the first trade of the plan and book it, and again of the plan after it."""
        prices = await self._prices()
        for _ in range(_SIGNALS_CARRIED_OUT):
            open_ones = (await self._use.generate_signals()).signals
            if not open_ones:
                return
            claimed = await self._use.acknowledge_signal(open_ones[0].id, owner="rebalancer")
            await self._book([engines.carry_out(claimed, prices, self._clock.now())])

    async def _prices(self) -> Prices:
        """Return the prices of this moment, after a refresh of what is held."""
        await self._use.refresh()
        return {symbol: quote.price for symbol, quote in (await self._of.feed.quotes(assets())).quotes.items()}

    async def _book(self, bookings: Sequence[BookTrade]) -> list[int]:
        """Book each alone, in order, and return the ids of those that were booked."""
        ids = []
        for booking in bookings:
            [result] = await self._use.booking.book([booking])
            if isinstance(result, BookingReply) and isinstance(result.outcome.result, Acceptance):
                ids.append(result.outcome.result.trade_id)
            else:
                self._refused += 1
        self._booked += len(ids)
        return ids


def first_moment(now: datetime) -> datetime:
    """Return when the history that ends before ``now`` begins."""
    return datetime.combine(now.date() - timedelta(days=DAYS), time(9), tzinfo=UTC)
