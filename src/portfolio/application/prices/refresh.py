"""Refreshes the prices of the positions."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from portfolio.application.announcer import NO_LISTENERS, Announcement, Announcer
from portfolio.application.clock import Clock
from portfolio.application.errors import LeaseLost
from portfolio.application.ledger.ports import Ledger
from portfolio.application.prices.ports import CrossCheck, PriceFeed, PriceStore
from portfolio.application.prices.records import Fence, PriceUpdate
from portfolio.application.prices.sources import FeedReport, why_unreachable
from portfolio.application.uncancelled import end_tasks, fetch_error
from portfolio.domain.arithmetic import exact, total
from portfolio.domain.errors import OutOfRange
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.mark import Mark
from portfolio.domain.money import LIMIT
from portfolio.domain.prices.quarantine import Quarantine, QuoteRules, Suspect
from portfolio.domain.prices.quote import Quote
from portfolio.domain.symbol import Symbol

REFERENCE: Final = Symbol("BTC")
NOT_COVERED: Final = "the refresh had begun before this was held"
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshReport:
    """What one refresh brought.

    Every held symbol is in ``refreshed`` or in ``failed``, with the reason. ``quarantined`` are those whose
    newest price waits for confirmation, ``missing`` those without any price at all, ``assumed_rate`` those
    converted at a rate that nobody confirmed. ``unreachable`` says why no source has ever answered.
    """

    refreshed: Mapping[Symbol, Mark]
    failed: Mapping[Symbol, str]
    quarantined: Mapping[Symbol, str] = field(default_factory=dict)
    missing: frozenset[Symbol] = frozenset()
    assumed_rate: frozenset[Symbol] = frozenset()
    unreachable: str | None = None
    at: datetime
    duration_seconds: float

    @property
    def is_fruitless(self) -> bool:
        """Return whether something is held and nothing could be refreshed."""
        return bool(self.failed) and not self.refreshed

    def not_covered(self, held: Iterable[Symbol]) -> Mapping[Symbol, str]:
        """Return what is held now and was not when the refresh began, with that reason: it may have been shared."""
        return {symbol: NOT_COVERED for symbol in held if symbol not in self.refreshed and symbol not in self.failed}


@dataclass(frozen=True, slots=True)
class PricesRefreshed(Announcement):
    """Prices of these symbols were written; ``price_revision`` is the portfolio's after it."""

    portfolio_id: int
    price_revision: int
    symbols: frozenset[Symbol]
    at: datetime


@dataclass(slots=True)
class RefreshPrices:
    """Asks the feed for the prices of all positions, judges the quotes, and writes the believed ones once.

    One refresh runs at a time: who asks while one is running shares its report, which may lack what came since; see
    ``RefreshReport.not_covered``.
    """

    ledger: Ledger
    prices: PriceStore
    feed: PriceFeed
    clock: Clock
    portfolio_id: int
    _: KW_ONLY
    cross_check: CrossCheck | None = None
    rules: QuoteRules | None = None
    announce: Announcer = NO_LISTENERS
    _quarantine: Quarantine = field(init=False)
    _running: asyncio.Task[RefreshReport] | None = field(default=None, init=False)
    last_report: RefreshReport | None = field(default=None, init=False)
    """What the newest refresh brought; None before the first."""
    last_refresh: datetime | None = field(default=None, init=False)
    """When a refresh last brought what it should: a price, or the news that nothing is held."""

    def __post_init__(self) -> None:
        self._quarantine = Quarantine(rules=self.rules or QuoteRules())

    def quarantined_in(self, portfolio: Portfolio) -> Mapping[Symbol, Suspect]:
        """Return the wild prices that this instance met and that wait for confirmation."""
        return self._quarantine.waiting({position.symbol: position.mark for position in portfolio.open_positions})

    @property
    def quarantined_total(self) -> int:
        """Return how many quotes were ever held back."""
        return self._quarantine.caught

    async def __call__(self, fence: Fence | None = None) -> RefreshReport:
        """Return what a refresh brought, the running one's if there is one; lost symbols are in it, never
        raised.

        Raises:
            LeaseLost: ``fence`` is no longer the newest, or its lease has run out; nothing was written.
        """
        try:
            return await self._shared(fence)
        except LeaseLost:
            # The lease is the periodic task's business: who asked without one had joined a refresh of that task.
            if fence is not None:
                raise
        return await self._shared(None)

    async def close(self) -> None:
        """Stop the running refresh, if there is one, and wait until it has ended."""
        await end_tasks([self._running] if self._running else [])

    async def _shared(self, fence: Fence | None) -> RefreshReport:
        running = self._running
        if running is None:
            running = self._running = asyncio.create_task(self._refresh(fence), name="price refresh")
            running.add_done_callback(self._ended)
        # A caller who goes away must not take the refresh from the others.
        return await asyncio.shield(running)

    def _ended(self, task: asyncio.Task[RefreshReport]) -> None:
        self._running = None
        fetch_error(task)

    async def _refresh(self, fence: Fence | None) -> RefreshReport:
        started = self.clock.monotonic()
        portfolio = await self.ledger.newest(self.portfolio_id)
        marks = {position.symbol: position.mark for position in portfolio.open_positions}
        report = await self._ask(sorted(marks))
        others = await self._second_opinions(report.quotes, marks)
        judged = self._quarantine.judge(
            report.quotes,
            marks,
            others=others,
            now=self.clock.now(),
            uptime=timedelta(seconds=self.clock.monotonic()),
        )
        self._quarantine = judged.quarantine
        refreshed, too_large = _fitting(_marks(judged.believed), portfolio)
        at = self.clock.now()
        unpriced = {symbol: mark for symbol, mark in marks.items() if mark and symbol not in refreshed}
        newer = await _executed(self.prices, portfolio.id, unpriced, at, self._quarantine.rules.max_age)
        executed = _fitting(newer, portfolio.marked(refreshed))[0] if newer else {}
        replaced = {symbol: unpriced[symbol] for symbol in executed}
        update = PriceUpdate(
            marks={**refreshed, **executed}, at=at, since=portfolio.price_revision, instead_of=replaced
        )
        revision = await self.prices.record(self.portfolio_id, update, fence)
        self.announce([PricesRefreshed(portfolio.id, revision, frozenset(update.marks), at)])
        reasons = {**report.failures, **judged.refused, **too_large}
        result = RefreshReport(
            refreshed=refreshed,
            failed={s: reasons.get(s, "no source answered") for s in marks if s not in refreshed},
            quarantined={s: str(suspect) for s, suspect in judged.quarantine.suspects.items()},
            missing=frozenset(s for s, mark in marks.items() if mark is None and s not in refreshed),
            assumed_rate=frozenset(s for s, quote in judged.believed.items() if quote.assumed_rate),
            unreachable=None if refreshed else why_unreachable(self.feed.states()),
            at=at,
            duration_seconds=self.clock.monotonic() - started,
        )
        self.last_report = result
        if not result.is_fruitless and result.unreachable is None:
            self.last_refresh = at
        return result

    async def _ask(self, symbols: Sequence[Symbol]) -> FeedReport:
        """Return what the feed answers. While nothing is held, a known asset shows whether anybody can be reached."""
        if symbols:
            return await self.feed.quotes(symbols)
        if not any(state.last_success for state in self.feed.states().values()):
            await self.feed.quotes([REFERENCE])
        return FeedReport(quotes={})

    async def _second_opinions(
        self, quotes: Mapping[Symbol, Quote], marks: Mapping[Symbol, Mark | None]
    ) -> Mapping[Symbol, Quote]:
        if self.cross_check is None:
            return {}
        wild: dict[Symbol, str] = {}
        for symbol, mark in marks.items():
            quote = quotes.get(symbol)
            if quote is not None and mark is not None and self._quarantine.rules.is_wild(quote.price, mark.price):
                wild[symbol] = quote.source
        return (await self.cross_check.quotes_elsewhere(wild)).quotes if wild else {}


async def _executed(
    prices: PriceStore, portfolio_id: int, marks: Mapping[Symbol, Mark], now: datetime, max_age: timedelta
) -> Mapping[Symbol, Mark]:
    """Return the executions that are the price now, of symbols that no feed has a price of.

    Those are newer than a feed's price that is stale; or the newest one left, where the execution known was reversed.
    """
    asked = {symbol: mark.at for symbol, mark in marks.items() if mark.is_execution or not mark.is_live(now, max_age)}
    found = dict(await prices.executed(portfolio_id, asked)) if asked else {}
    undone = {symbol: EARLIEST for symbol in asked if marks[symbol].is_execution and symbol not in found}
    if undone:
        found |= await prices.executed(portfolio_id, undone)
    return {
        symbol: mark
        for symbol, mark in found.items()
        if mark != marks[symbol] and (symbol in undone or marks[symbol].yields_to(mark, now, max_age))
    }


def _marks(quotes: Mapping[Symbol, Quote]) -> dict[Symbol, Mark]:
    return {symbol: Mark(quote.price, quote.marked_source, quote.observed_at) for symbol, quote in quotes.items()}


@exact
def _fitting(marks: Mapping[Symbol, Mark], portfolio: Portfolio) -> tuple[dict[Symbol, Mark], dict[Symbol, str]]:
    """Return the marks at which every sum of the portfolio stays below 1e20, and why the others are left out.

    One absurd price must not stop the others: those that make the largest positions are left out.
    """
    extents: dict[Symbol, Decimal] = {}
    too_large: dict[Symbol, str] = {}
    for symbol, mark in marks.items():
        try:
            extents[symbol] = portfolio.position(symbol).marked(mark).extent
        except OutOfRange as error:
            too_large[symbol] = f"the position's value: {error}"
    moved = (extent - portfolio.position(symbol).extent for symbol, extent in extents.items())
    reach = total([portfolio.reach, *moved])
    while reach >= LIMIT and extents:
        largest = max(extents, key=lambda symbol: (extents[symbol], symbol))
        reach = total([reach, -extents.pop(largest), portfolio.position(largest).extent])
        too_large[largest] = "the value of all positions would be out of range: amounts stay below 1e20"
    return {symbol: marks[symbol] for symbol in extents}, too_large
