"""Makes the days that are over final: from the ledger's entries and the closes of each day."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, replace
from datetime import date, timedelta
from typing import Final

import msgspec

from portfolio.application.clock import Clock
from portfolio.application.errors import FeedFailed
from portfolio.application.ledger.ports import Ledger
from portfolio.application.performance.days.ledger_days import LedgerDays
from portfolio.application.performance.days.splits import Splits
from portfolio.application.performance.past_books import DayBooks, books_of
from portfolio.application.performance.ports import Days
from portfolio.application.performance.records import EARLIEST, DailyValue, DayPositions, FilledDay
from portfolio.application.prices.ports import CloseFeed, PriceStore
from portfolio.domain.days import DAY, day_of, each_day
from portfolio.domain.money import LIMIT, Money, Price, Quantity, sum_of
from portfolio.domain.prices.freshness import is_small_rest
from portfolio.domain.symbol import Symbol

MOST_DAYS_CARRIED: Final = 7

Prices = Mapping[tuple[Symbol, date], Price]


class FinalReport(msgspec.Struct, frozen=True, kw_only=True):
    """Which days were made final or mended, which assets stand at a close of another day in them, or at their cost,
    where nobody knows one and they are at most 5 % of the value, and which days could not be.

    ``lacking`` are the assets whose own close of a day was not known: asked again later, it may be.
    """

    written: Sequence[date] = msgspec.field(default_factory=list)
    carried: Mapping[date, Sequence[Symbol]] = msgspec.field(default_factory=dict)
    failed: Mapping[date, str] = msgspec.field(default_factory=dict)
    lacking: Collection[Symbol] = msgspec.field(default_factory=set)


@dataclass(slots=True)
class MakeFinal:
    """Makes final the days from the opening of the books until yesterday, those without a row as well.

    The entries of the days until a day's end say what was held then, the day's closes what it was worth. Where there is
    no close, the price that was recorded on the day counts, else the newest close of the seven days before it. What is
    learned later mends the day when this is done again.

    What other programs wrote is in the recorded rows and in no entry: rows from before it was reconciled stay.
    Closes of the benchmark are fetched with the others.
    """

    ledger: Ledger
    entries: LedgerDays
    days: Days
    prices: PriceStore
    closes: CloseFeed
    clock: Clock
    _: KW_ONLY
    benchmark: Symbol | None = None
    most_seconds: float = math.inf

    async def __call__(self, portfolio_id: int, last: int | None = None) -> FinalReport:
        """Return which days were written, oldest first; of the ``last`` days alone where it is given."""
        today = day_of(self.clock.now())
        books = await self._books(portfolio_id, today, today - timedelta(days=last) if last else EARLIEST)
        first = books[0].day if books else today
        rows = {row.day: row for row in await self.days.values(portfolio_id, since=first, today=today)}
        books = [one for one in books if one.is_reconciled or one.day not in rows]
        if not books:
            return FinalReport()
        recorded = await self.days.positions(portfolio_id, [one.day for one in books])
        wanted = {(symbol, one.day) for one in books for symbol in one.held}
        if self.benchmark is not None:
            wanted |= {(self.benchmark, one.day - timedelta(days=n)) for one in books for n in (0, 1)}
        making = _Making(await self._closes_of(wanted) if wanted else {}, recorded, rows, self.entries.splits)
        days = [day for one in books if (day := making.day(one)) is not None]
        if days:
            await self.days.write(portfolio_id, days)
        return FinalReport(
            written=[day.value.day for day in days],
            carried=making.carried,
            failed=making.failed,
            lacking=making.lacking,
        )

    async def _books(self, portfolio_id: int, today: date, since: date) -> Sequence[DayBooks]:
        """Return the books of the days from ``since``, or from the opening, until yesterday."""
        portfolio = await self.ledger.load(portfolio_id)
        await self.entries.read(portfolio_id, portfolio.revision)
        while self.entries.revision > portfolio.revision:  # booked meanwhile
            portfolio = await self.ledger.load(portfolio_id)
        if self.entries.opened is None:
            return []
        first = max(self.entries.opened, self.entries.whole_since, since)
        return books_of(portfolio, self.entries, each_day(first, today - DAY))

    async def _closes_of(self, wanted: Collection[tuple[Symbol, date]]) -> Prices:
        """Return the closes; those of assets sold since were never fetched, so they are asked for now.

        That takes no longer than it may: the rest is asked for the next time.
        """
        days = [day for _, day in wanted]
        since, until = min(days) - timedelta(days=MOST_DAYS_CARRIED), max(days)
        kept = await self.prices.closes({symbol for symbol, _ in wanted}, since=since, until=until)
        found = {(close.symbol, close.day): close.price for close in kept}
        lacking: defaultdict[Symbol, list[date]] = defaultdict(list)
        for symbol, day in wanted:
            if (symbol, day) not in found:
                lacking[symbol].append(day)
        until_seconds = self.clock.monotonic() + self.most_seconds
        for symbol, on in sorted(lacking.items()):
            if self.clock.monotonic() >= until_seconds:
                break
            with suppress(FeedFailed):
                fetched = await self.closes.daily_closes(symbol, min(on), max(on))
                await self.prices.add_closes(fetched)
                found.update({(symbol, close.day): close.price for close in fetched})
        return found


class _Making(msgspec.Struct):
    """Values the books of days, and notes what was lacking."""

    closes: Prices
    recorded: Mapping[date, DayPositions]
    rows: Mapping[date, DailyValue]
    splits: Splits
    carried: defaultdict[date, list[Symbol]] = msgspec.field(default_factory=lambda: defaultdict(list))
    failed: dict[date, str] = msgspec.field(default_factory=dict)
    lacking: set[Symbol] = msgspec.field(default_factory=set)

    def day(self, books: DayBooks) -> FilledDay | None:
        """Return the day; None where its row says the same already, or a price is lacking."""
        worth = {symbol: self._worth(symbol, quantity, books.day) for symbol, quantity in sorted(books.held.items())}
        known = {symbol: money for symbol, money in worth.items() if money is not None}
        lacking = {symbol: books.past[symbol].cost_basis for symbol in worth if symbol not in known}
        total = sum_of([books.cash, *known.values(), *lacking.values()])
        if total.value.copy_abs() >= LIMIT:
            self.failed[books.day] = "at its closes it would be worth 1e20 or more"
            return None
        if lacking and not is_small_rest(sum_of(map(abs, lacking.values())), total):
            self.failed[books.day] = f"no close of {', '.join(s.code for s in worth if s not in known)}"
            return None
        if lacking:
            self.carried[books.day] += lacking
        known |= lacking
        value = DailyValue(
            day=books.day,
            total_value=total,
            cash=books.cash,
            unit_value=books.units.value(total),
            net_deposits=books.net_deposits,
            realized_pnl=books.realized_pnl,
        )
        row = self.rows.get(books.day)
        if row is not None and replace(row, result=None) == value:
            return None
        positions = books.positions(known) if books.is_reconciled else None
        return FilledDay(value=value, num_positions=len(known), positions=positions)

    def _worth(self, symbol: Symbol, quantity: Quantity, day: date) -> Money | None:
        close = self.closes.get((symbol, day))
        if close is not None:
            return quantity.worth(close)
        self.lacking.add(symbol)
        recorded = self.recorded.get(day, {}).get(symbol)
        if recorded is not None and recorded.quantity and recorded.is_priced:
            return recorded.market_value.portion(quantity, recorded.quantity)
        for before in (day - timedelta(days=days) for days in range(1, MOST_DAYS_CARRIED + 1)):
            carried = self.closes.get((symbol, before))
            if carried is not None:
                self.carried[day].append(symbol)
                price = self.splits.carried(symbol, carried.value, before, day)
                return None if price is None else quantity.worth(price)
        return None
