"""Restated days and lots of long books, in this process: the folds alone, without the reading of entries and closes."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import time
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, cast

import psutil

from benchmarks.harness.rows import Row, by_turns, ratio_row
from benchmarks.harness.stage import Stage
from portfolio.application.history.restating import RestateDays
from portfolio.application.in_thread import in_fold_thread, later_in_fold_thread
from portfolio.application.ledger.lots.journal import Entries, Journal, Moved, kept
from portfolio.application.ledger.lots.movement import Movement
from portfolio.application.ledger.lots.reading import ReadLots
from portfolio.application.ledger.snapshots import Snapshots
from portfolio.application.prices.ports import PriceStore
from portfolio.application.prices.records import Close
from portfolio.domain.ledger.lots.records import LotMethod
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import Money, Price, Quantity
from portfolio.domain.symbol import Symbol
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_picked_sales import FakePickedSales

ROUNDS: Final = 3
ENTRIES: Final = 100_000
ASSETS: Final = 50
YEARS: Final = 5
WHOLE_SECONDS: Final = 10.0
LATE_SECONDS: Final = 1.0
TODAY_SECONDS: Final = 0.01
MOST_MB: Final = 500
ALLOWED_MS: Final = 50.0
FIRST: Final = datetime(2021, 1, 1, tzinfo=UTC)


def histories(stage: Stage) -> Sequence[Row]:
    """Return the rows of restated days, whole and after a late trade, and of lots with the lag of the event loop."""
    books = _Books.made(2_000 if stage.is_quick else ENTRIES)
    rounds = stage.rounds(ROUNDS)
    after = [_after(books, rounds, f"one late trade, of {YEARS / 2:g} years ago", YEARS / 2, LATE_SECONDS)]
    after.append(_after(books, rounds, "a trade of today", YEARS, TODAY_SECONDS))
    return [_whole(books, rounds), *after, *_lots(books, rounds)]


@dataclass(slots=True)
class _Books:
    """Entries and closes in memory, where the folds read them."""

    moved: Moved
    symbols: Sequence[Symbol]
    days: int = YEARS * 365
    last: Entries | None = None

    @classmethod
    def made(cls, count: int) -> _Books:
        chance, symbols = random.Random(8026), [Symbol(f"A{n}") for n in range(ASSETS)]
        books = cls(moved=kept(()), symbols=symbols)
        made = [books.trade(number + 1, chance, chance.randrange(books.days * 86_400)) for number in range(count)]
        made.sort(key=lambda one: one.executed_at)
        books.moved += made
        return books

    def trade(self, revision: int, chance: random.Random, seconds: int) -> Movement:
        side, quantity = chance.choice([Side.BUY, Side.SELL]), Quantity(Decimal(chance.randrange(1, 10**9)).scaleb(-6))
        cash = quantity.at(Price(Decimal(chance.randrange(90, 110))))
        at = FIRST + timedelta(seconds=seconds)
        return Movement(
            id=revision,
            revision=revision,
            owner="",
            symbol=chance.choice(self.symbols),
            side=side,
            quantity=quantity,
            cash_delta=-cash if side is Side.BUY else cash,
            fees=Money.zero(),
            realized_pnl=Money.zero(),
            closes=side is Side.SELL,
            executed_at=at,
            booked_at=at,
        )

    @property
    def portfolio(self) -> Portfolio:
        return Portfolio(id=1, revision=len(self.moved))

    @property
    def today(self) -> date:
        return FIRST.date() + timedelta(days=self.days)

    async def read(self, _: Portfolio) -> Entries:
        """Return other entries each time, and forget what was made of the last, as the journal does with new ones."""
        last, self.last = self.last, Entries(revision=len(self.moved), moved=self.moved[:], is_complete=True)
        if last is not None:
            later_in_fold_thread(last.derived.forget_all)
        return self.last

    async def fold(self, *told: Any) -> Any:
        return await in_fold_thread(told[-1])

    async def newest(self) -> _Books:
        return self

    async def closes(self, symbols: Collection[Symbol], *, since: date, until: date) -> Sequence[Close]:
        await asyncio.sleep(0)  # as a database does
        days = [since + timedelta(days=n) for n in range((until - since).days + 1)]
        price = Price(Decimal("100.25"))
        return [Close(symbol=one, day=day, price=price, source="bench") for one in symbols for day in days]

    async def changed_closes(self, *, after: int) -> Collection[Symbol]:
        return ()

    def restate(self) -> RestateDays:
        return RestateDays(cast("Journal", self), cast("PriceStore", self))

    def read_lots(self) -> ReadLots:
        return ReadLots(
            cast("Journal", self), cast("Snapshots", self), FakePickedSales(), FakeClock(), long_term_days=365
        )


def _whole(books: _Books, rounds: int) -> Row:
    process, grown = psutil.Process(os.getpid()), list[float]()

    def run() -> float:
        before = process.memory_info().rss
        seconds = _seconds(lambda: books.restate()(books.portfolio, books.today))
        grown.append((process.memory_info().rss - before) / 1e6)
        return seconds

    [figures] = by_turns(rounds, run)
    return _row(
        f"restated days of {len(books.moved):,} entries, {YEARS} years, {ASSETS} assets",
        WHOLE_SECONDS,
        figures,
        notes=[f"{max(grown):.0f} MB more at most"],
        broken=f"over {MOST_MB} MB" if max(grown) > MOST_MB else "",
    )


def _after(books: _Books, rounds: int, what: str, years: float, limit: float) -> Row:
    restate, chance = books.restate(), random.Random(15)
    asyncio.run(restate(books.portfolio, books.today))

    def run() -> float:
        books.moved.append(books.trade(len(books.moved) + 1, chance, int(years * 365 * 86_400)))
        return _seconds(lambda: restate(books.portfolio, books.today))

    [figures] = by_turns(rounds, run)
    return _row(f"the same after {what}", limit, figures)


def _lots(books: _Books, rounds: int) -> Sequence[Row]:
    lags, waited = list[float](), list[float]()
    gc.collect()
    gc.freeze()  # as the service does when it has started: its modules are no garbage

    async def run() -> None:
        ticking = asyncio.create_task(_longest_gap_ms(done := asyncio.Event()))
        await asyncio.sleep(0)
        await books.read_lots()(LotMethod.FIFO)
        gc.collect()  # the one that follows it anyway, sooner or later
        await books.read(books.portfolio)  # once something was booked, what was made is forgotten
        await in_fold_thread(len, ())
        done.set()
        held, gap = await ticking
        lags.append(held)
        waited.append(gap)

    [figures] = by_turns(rounds, lambda: _seconds(run))
    lags = lags[1:]
    return [
        _row(f"first lots of {len(books.moved):,} trades, fifo, the fold alone", WHOLE_SECONDS, figures),
        ratio_row(
            work=f"lag of the event loop meanwhile, of {ALLOWED_MS:g} ms allowed",
            floor="what it may be",
            unit="ms",
            floors=[ALLOWED_MS] * len(lags),
            figures=lags,
            limit=1.0,
            at_most=True,
            notes=[
                "with the collection of garbage that follows a fold, by this process's own time",
                f"by the clock, with what other programs took of the machine, {max(waited):.0f} ms at most",
            ],
        ),
    ]


def _row(work: str, seconds: float, figures: Sequence[float], *, notes: Sequence[str] = (), broken: str = "") -> Row:
    return ratio_row(
        work=work,
        floor="the seconds that it may take",
        unit="s",
        floors=[seconds] * len(figures),
        figures=figures,
        limit=1.0,
        at_most=True,
        notes=notes,
        broken=broken,
    )


def _seconds(work: Callable[[], Coroutine[Any, Any, object]]) -> float:
    before = time.perf_counter()
    asyncio.run(work())
    return time.perf_counter() - before


async def _longest_gap_ms(done: asyncio.Event) -> tuple[float, float]:
    """Return the longest time between two turns of the event loop that were due 2 ms apart.

    The first figure has no more of each than what this process itself was busy meanwhile, the second all of it.
    """
    held, longest = 0.0, 0.0
    last, last_own = time.perf_counter(), time.process_time()
    while not done.is_set():
        await asyncio.sleep(0.002)
        now, own = time.perf_counter(), time.process_time()
        gap = now - last - 0.002
        held, longest = max(held, min(gap, own - last_own)), max(longest, gap)
        last, last_own = now, own
    return held * 1_000, longest * 1_000
