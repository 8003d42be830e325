"""Price ports in memory, as much of them as the price use cases need."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import cast

from portfolio.application.clock import Clock
from portfolio.application.errors import FeedFailed, LeaseLost
from portfolio.application.ledger.ports import Ledger
from portfolio.application.prices.records import Close, Fence, PriceUpdate
from portfolio.application.prices.sources import FeedReport, SourceCondition, SourceState
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.mark import Mark
from portfolio.domain.money import Price, Quantity
from portfolio.domain.prices.quote import Quote
from portfolio.domain.symbol import Symbol

BTC, ETH, SOL = Symbol("BTC"), Symbol("ETH"), Symbol("SOL")


def price(text: str | int) -> Price:
    """So many dollars."""
    return Price(Decimal(text))


def holding(marks: Mapping[Symbol, str | None], at: datetime, *, quantity: str = "1") -> Portfolio:
    """A portfolio of so many units of each symbol, last priced as given; None where no price is known."""
    positions = {
        symbol: Position(
            symbol=symbol,
            quantity=Quantity(Decimal(quantity)),
            mark=None if text is None else Mark(price(text), "coinbase", at),
        )
        for symbol, text in marks.items()
    }
    return Portfolio(id=1, positions=positions)


class LoadedLedger:
    """A ledger of which nothing is asked but the portfolio."""

    def __init__(self, portfolio: Portfolio) -> None:
        self.portfolio = portfolio
        self.error: Exception | None = None
        self.loads = 0

    async def newest(self, portfolio_id: int) -> Portfolio:
        """The same: nobody else writes here."""
        return await self.load(portfolio_id)

    async def load(self, portfolio_id: int) -> Portfolio:
        """The portfolio as it is now."""
        self.loads += 1
        if self.error is not None:
            raise self.error
        assert portfolio_id == self.portfolio.id
        return self.portfolio

    def as_port(self) -> Ledger:
        """This, where a whole ledger is asked for."""
        return cast("Ledger", self)


class RecordingPrices:
    """Remembers what was written; ``ledger``, if given, sees the new marks."""

    def __init__(self, ledger: LoadedLedger | None = None) -> None:
        self.updates: list[PriceUpdate] = []
        self.fences: list[Fence | None] = []
        self.kept: list[Close] = []
        self.thinned: list[datetime] = []
        self.old_ticks: list[int] = []
        self.thins = asyncio.Event()
        self.thins.set()
        self.error: Exception | None = None
        self.lost: Fence | None = None
        self.executions: dict[Symbol, list[Mark]] = {}
        self._ledger = ledger

    async def record(self, portfolio_id: int, update: PriceUpdate, fence: Fence | None) -> int:
        """Write marks."""
        if self.error is not None:
            raise self.error
        if fence is not None and fence == self.lost:
            raise LeaseLost("scripted")
        self.updates.append(update)
        self.fences.append(fence)
        if self._ledger is not None:
            self._ledger.portfolio = self._ledger.portfolio.marked(update.marks)
        return len(self.updates)

    async def executed(self, portfolio_id: int, since: Mapping[Symbol, datetime]) -> Mapping[Symbol, Mark]:
        """Give back the newest of the executions scripted, oldest first."""
        return {
            s: marks[-1] for s, marks in self.executions.items() if s in since and marks and marks[-1].at >= since[s]
        }

    async def add_closes(self, closes: Sequence[Close]) -> int:
        """Keep closes."""
        if self.error is not None:
            raise self.error
        self.kept.extend(closes)
        return len(closes)

    async def closes(self, symbols: Collection[Symbol], *, since: date, until: date) -> Sequence[Close]:
        """Give closes back."""
        return [c for c in self.kept if c.symbol in symbols and since <= c.day <= until]

    async def changed_closes(self, *, after: int) -> Collection[Symbol]:
        """All of them."""
        return {close.symbol for close in self.kept}

    async def thin_ticks(self, older_than: datetime) -> int:
        """Thin a day, of which each has so many."""
        if self.error is not None:
            raise self.error
        self.thinned.append(older_than)
        await self.thins.wait()
        return self.old_ticks.pop(0) if self.old_ticks else 0


class ScriptedFeed:
    """Says what it is told to: ``prices`` by symbol, from ``sources`` where not from its own."""

    def __init__(self, clock: Clock, prices: Mapping[Symbol, str], source: str = "coinbase") -> None:
        self._clock = clock
        self.source = source
        self.prices = dict(prices)
        self.observed_ago = timedelta()
        self.assumed_rate = False
        self.asked: list[list[Symbol]] = []
        self.asked_elsewhere: list[Mapping[Symbol, str]] = []
        self.was_asked = asyncio.Event()
        self.answers = asyncio.Event()
        self.answers.set()
        self.error: BaseException | None = None
        self.state = SourceState(state=SourceCondition.ANSWERING, last_success=clock.now())

    async def quotes(self, symbols: Sequence[Symbol]) -> FeedReport:
        """What was scripted, once ``answers`` is set."""
        self.asked.append(list(symbols))
        self.was_asked.set()
        await self.answers.wait()
        if self.error is not None:
            raise self.error
        quotes = {
            symbol: Quote(
                symbol=symbol,
                price=price(self.prices[symbol]),
                source=self.source,
                observed_at=self._clock.now() - self.observed_ago,
                assumed_rate=self.assumed_rate,
            )
            for symbol in symbols
            if symbol in self.prices
        }
        return FeedReport(quotes=quotes, failures={s: "scripted: none" for s in symbols if s not in quotes})

    async def quotes_elsewhere(self, asked: Mapping[Symbol, str]) -> FeedReport:
        """The same, as a second opinion."""
        self.asked_elsewhere.append(asked)
        return await self.quotes(list(asked))

    def states(self) -> Mapping[str, SourceState]:
        """All is well, unless a test says otherwise."""
        return {self.source: self.state}


class ScriptedCloses:
    """So many dollars a day for every symbol but those that fail."""

    def __init__(self, failing: Collection[Symbol] = (), *, at: int = 1) -> None:
        self.failing = failing
        self.at = at
        self.asked: list[tuple[Symbol, date, date]] = []
        self.at_once = 0
        self.most_at_once = 0

    async def daily_closes(self, symbol: Symbol, start: date, end: date) -> Sequence[Close]:
        """All days of the span."""
        self.asked.append((symbol, start, end))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        if symbol in self.failing:
            raise FeedFailed("scripted", "none")
        days = [start + timedelta(days=n) for n in range((end - start).days + 1)]
        return [Close(symbol=symbol, day=day, price=price(self.at), source="scripted") for day in days]


class OneLease:
    """A lease that ``owner`` holds; None means it is free. It is told who has it once ``answers`` is set."""

    def __init__(self) -> None:
        self.owner: str | None = None
        self.token = 0
        self.acquired: list[float] = []
        self.released: list[str] = []
        self.error: Exception | None = None
        self.answers = asyncio.Event()
        self.answers.set()
        self._asked = 0
        self._is_asked = asyncio.Condition()

    async def until_asked(self, times: int) -> None:
        """Return once somebody has asked for it so many times."""
        async with self._is_asked:
            await self._is_asked.wait_for(lambda: self._asked >= times)

    async def acquire(self, name: str, holder: str, seconds: float) -> Fence | None:
        """Take it if it is free."""
        async with self._is_asked:
            self._asked += 1
            self._is_asked.notify_all()
        await self.answers.wait()
        if self.error is not None:
            raise self.error
        self.acquired.append(seconds)
        if self.owner is None:
            self.owner = holder
            self.token += 1
        return Fence(name=name, holder=holder, token=self.token) if self.owner == holder else None

    async def release(self, name: str, holder: str) -> None:
        """Give it up."""
        if self.error is not None:
            raise self.error
        self.released.append(holder)
        self.owner = None
