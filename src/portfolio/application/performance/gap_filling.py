"""Fills the days on which the service did not run, from the ledger and the closes of the day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta

from portfolio.application.clock import Clock
from portfolio.application.errors import FeedFailed, NotFound
from portfolio.application.ledger.past_books import DayBooks, PastBooks, booked_on
from portfolio.application.ledger.ports import Ledger, Lookups
from portfolio.application.ledger.records import CashEntry, Entry, TradeEntry, TradeFilter
from portfolio.application.ledger.verification import PAGE_SIZE
from portfolio.application.performance.period import EARLIEST
from portfolio.application.performance.ports import Days
from portfolio.application.performance.records import DailyValue, DayPositions, FilledDay, MeasuredDay, PositionOnDay
from portfolio.application.prices.ports import CloseFeed, PriceStore
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.trade import Trade
from portfolio.domain.money import Money, Price, Quantity
from portfolio.domain.symbol import Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class GapReport:
    """Which days were filled, and why the others could not be."""

    filled: Sequence[date] = ()
    failed: Mapping[date, str] = field(default_factory=dict)


class FillGaps:
    """Fills the days without a row, from the first one that this service recorded until yesterday.

    The entries booked until a day's end say what was held then, closes what it was worth. A day is filled whole or not
    at all: without a close of anything held it stays a gap.
    """

    def __init__(  # shape: its ports, injected
        self, ledger: Ledger, lookups: Lookups, days: Days, prices: PriceStore, closes: CloseFeed, clock: Clock
    ) -> None:
        self._ledger = ledger
        self._lookups = lookups
        self._days = days
        self._prices = prices
        self._closes = closes
        self._clock = clock

    async def __call__(self, portfolio_id: int) -> GapReport:
        """Return which days were filled, oldest first.

        Raises:
            LedgerUnavailable: the database is away; nothing was filled.
            PortfolioMissing: there is no portfolio yet.
        """
        portfolio = await self._ledger.load(portfolio_id)
        rows = await self._days.values(portfolio_id, since=EARLIEST)
        missing = _missing(rows, self._clock.now().date())
        if not missing:
            return GapReport()
        past = PastBooks(missing)
        await self._add_up(portfolio_id, past, portfolio.revision)
        held = {(s, day) for day, books in past.books.items() for s, q in books.quantities.items() if q}
        prices = await self._prices_of(held) if held else {}
        filled, failed = _fill(missing, rows, past, prices, portfolio)
        await self._days.fill(portfolio_id, filled)
        return GapReport(filled=[day.value.day for day in filled], failed=failed)

    async def _prices_of(self, held: Collection[tuple[Symbol, date]]) -> Mapping[tuple[Symbol, date], Price]:
        """Return the closes; those of assets sold since were never fetched, so they are asked for now."""
        days = [day for _, day in held]
        kept = await self._prices.closes({s for s, _ in held}, since=min(days), until=max(days))
        found = {(close.symbol, close.day): close.price for close in kept}
        lacking: defaultdict[Symbol, list[date]] = defaultdict(list)
        for symbol, day in held:
            if (symbol, day) not in found:
                lacking[symbol].append(day)
        for symbol, on in sorted(lacking.items()):
            with suppress(FeedFailed):
                fetched = await self._closes.daily_closes(symbol, min(on), max(on))
                await self._prices.add_closes(fetched)
                found.update({(symbol, close.day): close.price for close in fetched})
        return found

    async def _add_up(self, portfolio_id: int, past: PastBooks, until: int) -> None:
        while True:
            entries = await self._ledger.entries(portfolio_id, after=past.revision, limit=PAGE_SIZE)
            for entry in entries:
                if entry.revision <= until:
                    past.add(entry, await self._reversed_by(portfolio_id, entry))
            if not entries or entries[-1].revision >= until:
                break
        past.finish()

    async def _reversed_by(self, portfolio_id: int, entry: Entry) -> Trade | None:
        """Return the trade that an entry takes back; None where it takes none back."""
        reverses = entry.trade.reverses if isinstance(entry, TradeEntry) else None
        if reverses is None:
            return None
        page = await self._lookups.trades(portfolio_id, TradeFilter(before=reverses + 1, limit=1))
        found = page.items[0] if page.items else None
        if found is None or found.id != reverses or found.entry is None:
            raise NotFound("trade", str(reverses))
        return found.entry.trade


def _missing(rows: Sequence[DailyValue], today: date) -> list[date]:
    """Return the days without a row, from the first one with a unit value on until yesterday."""
    known = {row.day for row in rows}
    first = min((row.day for row in rows if row.measured), default=today)
    span = [first + timedelta(days=n) for n in range((today - first).days)]
    return [day for day in span if day not in known]


def _fill(
    missing: Sequence[date],
    rows: Sequence[DailyValue],
    past: PastBooks,
    prices: Mapping[tuple[Symbol, date], Price],
    portfolio: Portfolio,
) -> tuple[list[FilledDay], dict[date, str]]:
    now = past.sums()
    filled: list[FilledDay] = []
    failed: dict[date, str] = {}
    anchors = [m for row in rows if (m := row.measured)]
    for day in missing:
        books = past.books[day]
        unpriced = [s.code for s, held in sorted(books.quantities.items()) if held and (s, day) not in prices]
        if unpriced:
            failed[day] = f"no close of {', '.join(unpriced)}"
            continue
        anchor = max((a for a in anchors if a.day < day), key=lambda a: a.day)
        flows = _flows(past.transactions, anchor, day)
        if flows is None:
            failed[day] = f"the row of {anchor.day} does not fit the books"
            continue
        worth = {s: held.at(prices[s, day]) for s, held in books.quantities.items() if held}
        value = _value(day, books, worth, anchor, flows)
        positions = _positions(books, worth, now, portfolio)
        filled.append(FilledDay(value=value, num_positions=len(worth), positions=positions))
        anchors += filter(None, [value.measured])
    return filled, failed


def _flows(transactions: Sequence[CashEntry], anchor: MeasuredDay, day: date) -> list[CashEntry] | None:
    """Return the transactions after the anchor's row until the end of ``day``; None where the row fits none of them.

    The row is as old as the last refresh of its day: a deposit after that is not in it.
    """
    until = [entry for entry in transactions if booked_on(entry) <= day]
    for place in range(len(until), 0, -1):
        entry = until[place - 1]
        if booked_on(entry) <= anchor.day and entry.net_deposits_after == anchor.net_deposits:
            return until[place:]
        if booked_on(entry) < anchor.day:
            break
    return None


def _value(
    day: date, books: DayBooks, worth: Mapping[Symbol, Money], anchor: MeasuredDay, flows: Sequence[CashEntry]
) -> DailyValue:
    total = books.cash
    for money in worth.values():
        total = total + money
    units = anchor.units
    for entry in flows:
        units = units.after_flow(entry.transaction.value_before, entry.transaction.net_deposits_delta)
    return DailyValue(
        day=day,
        total_value=total,
        cash=books.cash,
        unit_value=units.value(total),
        net_deposits=books.net_deposits,
        realized_pnl=books.realized_pnl,
        trade_counts=books.trade_counts,
    )


def _positions(
    books: DayBooks, worth: Mapping[Symbol, Money], now: DayBooks, portfolio: Portfolio
) -> DayPositions | None:
    """Return what was held: today's costs and results, less what the entries since added to them.

    None where other programs wrote positions since: what these had cost before is not known.
    """
    if books.adjustments != now.adjustments or portfolio.unreconciled_positions:
        return None
    zero, none = Money.zero(), Quantity.zero()
    return {
        symbol: PositionOnDay(
            quantity=books.quantities.get(symbol, none),
            market_value=worth.get(symbol, zero),
            cost_basis=position.cost_basis - now.costs.get(symbol, zero) + books.costs.get(symbol, zero),
            realized_pnl=position.realized_pnl - now.results.get(symbol, zero) + books.results.get(symbol, zero),
            is_priced=True,
        )
        for symbol, position in portfolio.positions.items()
    }
