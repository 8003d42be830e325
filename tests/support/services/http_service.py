"""The whole service behind its HTTP routes, on an embedded database of its own, without a network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import msgspec

from portfolio.adapters.clock import SystemClock
from portfolio.adapters.database.database import Database, open_database
from portfolio.adapters.files.imports import GivenFiles
from portfolio.application.backtest.jobs.ports import Backtests
from portfolio.application.clock import Clock
from portfolio.application.imports.kept.ports import Imports
from portfolio.application.ledger.lots.picking import PickedSales
from portfolio.application.ledger.opening import OpenBooks
from portfolio.application.ledger.ports import Ledger, Lookups
from portfolio.application.ledger.records import Revisions
from portfolio.application.operations.ports import Probe
from portfolio.application.performance.ports import Days
from portfolio.application.prices.ports import CloseFeed, ExchangeRulesStore, PriceStore
from portfolio.application.prices.sources import FeedReport, SourceCondition, SourceState
from portfolio.application.rebalancing.ports import Signals
from portfolio.application.stream.records import DEFAULT_PACE, Pace
from portfolio.domain.categories import Categories
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.money import Money, Price
from portfolio.domain.prices.quote import Quote
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.assembly.adapters import Adapters
from portfolio.entrypoints.assembly.service import Assembly
from portfolio.entrypoints.http.app import PortfolioApp, create_app, served
from portfolio.entrypoints.http.shell.use_cases import UseCases
from portfolio.settings import Settings
from tests.support.database.databases import PATIENCE_SECONDS, PATIENT
from tests.support.database.migrated import newest_file
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.compute import InThisProcess, SlicesInThisProcess
from tests.support.fakes.fake_backtests import FakeBacktests
from tests.support.fakes.fake_imports import FakeImports
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_lookups import FakeLookups
from tests.support.fakes.fake_picked_sales import FakePickedSales
from tests.support.fakes.fake_prices import ScriptedCloses
from tests.support.fakes.fake_probe import FakeProbe
from tests.support.fakes.fake_rules import FakeExchangeRules, ScriptedRules
from tests.support.fakes.fake_stores import FakeDays, FakeLeases, FakePriceStore, FakeSignals
from tests.support.run.untraced import untraced

BASE = "http://localhost:8026"
CATEGORIES = Categories({"BTC": "store_of_value", "ETH": "smart_contracts"})
BUY: Mapping[str, Any] = {
    "symbol": "BTC",
    "side": "BUY",
    "quantity": 0.1,
    "price": 45000.0,
    "net_amount": 4500.0,
    "fees": 22.5,
}
KEYS = (
    "engine-a:read+trade:aaaaaaaaaaaaaaaa,engine-b:read+trade:bbbbbbbbbbbbbbbb,boss:read+trade+admin:cccccccccccccccc"
)
SETTINGS = Settings(log_file="", request_deadline_seconds=PATIENCE_SECONDS)
AT_ONCE = Pace(longest=0.0)
"""A stream ends as soon as it is open: no answer of any route goes on and on."""
A, B, BOSS = ({"X-TRADING-API-KEY": letter * 16} for letter in "abc")


class ScriptedFeed:
    """Answers the prices it was told, and fails the other symbols."""

    def __init__(self, clock: Clock) -> None:
        self.prices: dict[str, str] = {}
        self.was_asked, self.answers = asyncio.Event(), asyncio.Event()
        self.answers.set()
        self._clock = clock

    async def quotes(self, symbols: Sequence[Symbol]) -> FeedReport:
        self.was_asked.set()
        await self.answers.wait()
        known = {
            symbol: Quote(
                symbol=symbol,
                price=Price(Decimal(self.prices[symbol.code])),
                source="coinbase",
                observed_at=self._clock.now(),
            )
            for symbol in symbols
            if symbol.code in self.prices
        }
        return FeedReport(quotes=known, failures={s: "no source knows it" for s in symbols if s not in known})

    async def quotes_elsewhere(self, asked: Mapping[Symbol, str]) -> FeedReport:
        return FeedReport(quotes={}, failures=dict.fromkeys(asked, "there is no second opinion"))

    def states(self) -> Mapping[str, SourceState]:
        return {
            "coinbase": SourceState(state=SourceCondition.NEVER_ANSWERED),
            "binance": SourceState(state=SourceCondition.OFF, last_error="451"),
        }


class SilentLedger(FakeLedger):
    """Accepts and, while it is silent, never answers."""

    silent = False

    async def revisions(self, portfolio_id: int) -> Revisions:
        await self._wait()
        return await super().revisions(portfolio_id)

    async def load(self, portfolio_id: int) -> Portfolio:
        await self._wait()
        return await super().load(portfolio_id)

    async def schema(self) -> str:
        await self._wait()
        return await super().schema()

    async def _wait(self) -> None:
        if self.silent:
            await asyncio.Event().wait()


@dataclass(slots=True)
class IdleRefresher:
    """A price task that has not begun."""

    is_leader: bool = False
    interval_seconds: float = 60.0
    last_cycle_age_seconds: float | None = None


@dataclass(slots=True)
class Service:
    """A running service and what a test turns to change its world."""

    app: PortfolioApp
    cases: UseCases
    feed: ScriptedFeed
    ledger: Any
    signals: Signals
    prices: PriceStore
    clock: Any
    http: httpx.AsyncClient
    exchange_rules: ExchangeRulesStore = field(default_factory=FakeExchangeRules)

    @property
    def compute(self) -> InThisProcess:
        """What computes weights, as this service has it."""
        found = self.cases.rebalancing.optimise.compute
        assert isinstance(found, InThisProcess)
        return found

    @property
    def slices(self) -> SlicesInThisProcess:
        """What computes backtests, as this service has it."""
        found = self.cases.backtests.ask.compute
        assert isinstance(found, SlicesInThisProcess)
        return found


def create_database(folder: Path) -> Path:
    """Write a fresh embedded database, with the schema of today."""
    path = folder / "portfolio.db"
    path.write_bytes(newest_file())
    return path


def _imports_in_memory(ledger: Ledger) -> FakeImports:
    """The imports of books in memory; those of others are not asked for."""
    return FakeImports(ledger if isinstance(ledger, FakeLedger) else FakeLedger())


def assemble(
    ledger: Ledger,
    lookups: Lookups,
    probe: Probe,
    prices: PriceStore,
    days: Days,
    signals: Signals,
    *,
    clock: Clock,
    settings: Settings,
    policy: RebalancePolicy | None = None,
    categories: Categories = CATEGORIES,
    closes: CloseFeed | None = None,
    pace: Pace = DEFAULT_PACE,
    exchange_rules: ExchangeRulesStore | None = None,
    backtests: Backtests | None = None,
    imports: Imports | None = None,
    picked_sales: PickedSales | None = None,
) -> tuple[UseCases, ScriptedFeed]:
    """The use cases on these ports; the rules of an exchange that is asked by nobody are those that are kept."""
    feed = ScriptedFeed(clock)
    adapters = Adapters(
        clock=clock,
        ledger=ledger,
        lookups=lookups,
        probe=probe,
        prices=prices,
        days=days,
        leases=FakeLeases(),
        signals=signals,
        exchange_rules=exchange_rules or FakeExchangeRules(),
        feed=feed,
        rules={venue: ScriptedRules(venue, {}) for venue in ("coinbase", "binance")},
        compute=InThisProcess(),
        compute_slices=SlicesInThisProcess(),
        backtests=backtests or FakeBacktests(),
        imports=imports or _imports_in_memory(ledger),
        import_ledger=ledger,
        read_given=GivenFiles,
        picked_sales=picked_sales or FakePickedSales(),
        closes=closes or ScriptedCloses(at=1000),
        categories=categories,
        policy=policy or RebalancePolicy(),
        least_interval_seconds=float,
        close=(),
    )
    return Assembly(adapters, settings, portfolio_id=1, pace=pace).use_cases(IdleRefresher()), feed


@asynccontextmanager
async def running(
    *,
    ledger: FakeLedger | None = None,
    days: type[FakeDays] = FakeDays,
    closes: CloseFeed | None = None,
    categories: Categories = CATEGORIES,
    opened: bool = True,
    **changed: Any,
) -> AsyncIterator[Service]:
    """A service on books in memory, with 100,000 in cash; its clock stands still until a test moves it."""
    clock, books = FakeClock(), ledger or FakeLedger()
    settings = msgspec.structs.replace(SETTINGS, **changed)
    if opened:
        await OpenBooks(books, clock, Money(Decimal(100_000)))(1)
    prices = FakePriceStore(books, FakeLeases())
    signals, rules = FakeSignals(books), FakeExchangeRules()
    cases, feed = assemble(
        books,
        FakeLookups(books),
        FakeProbe(books),
        prices,
        days(books),
        signals,
        clock=clock,
        settings=settings,
        categories=categories,
        closes=closes,
        pace=AT_ONCE,
        exchange_rules=rules,
    )
    async with _answering(cases, settings) as (app, http):
        yield Service(
            app=app,
            cases=cases,
            feed=feed,
            ledger=books,
            signals=signals,
            prices=prices,
            clock=clock,
            http=http,
            exchange_rules=rules,
        )


@asynccontextmanager
async def running_on_sqlite(
    folder: Path,
    *,
    database: Path | None = None,
    policy: RebalancePolicy | None = None,
    categories: Categories = CATEGORIES,
    pace: Pace = DEFAULT_PACE,
    **changed: Any,
) -> AsyncIterator[Service]:
    """A service on an embedded database of its own, or on the migrated one that is given, and the machine's clock."""
    opened = open_database(f"sqlite+aiosqlite:///{database or create_database(folder)}", limits=PATIENT)
    async with running_on(opened, SystemClock(), policy=policy, categories=categories, pace=pace, **changed) as service:
        yield service


@asynccontextmanager
async def running_on(
    opened: Database,
    clock: Clock,
    *,
    policy: RebalancePolicy | None = None,
    categories: Categories = CATEGORIES,
    pace: Pace = DEFAULT_PACE,
    **changed: Any,
) -> AsyncIterator[Service]:
    """A service on a migrated database, which is closed with it, and the given clock."""
    settings = msgspec.structs.replace(SETTINGS, **changed)
    try:
        await OpenBooks(opened.ledger, clock, Money(Decimal(100_000)))(1)
        ledger, prices = opened.ledger, opened.prices
        cases, feed = assemble(
            ledger,
            opened.lookups,
            opened.probe,
            prices,
            opened.days,
            opened.signals,
            clock=clock,
            settings=settings,
            policy=policy,
            categories=categories,
            pace=pace,
            exchange_rules=opened.exchange_rules,
            backtests=opened.backtests,
            imports=opened.imports,
            picked_sales=opened.picked_sales,
        )
        async with _answering(cases, settings) as (app, http):
            yield Service(
                app=app,
                cases=cases,
                feed=feed,
                ledger=ledger,
                signals=opened.signals,
                prices=prices,
                clock=clock,
                http=http,
                exchange_rules=opened.exchange_rules,
            )
    finally:
        await opened.close()


@asynccontextmanager
async def _answering(cases: UseCases, settings: Settings) -> AsyncIterator[tuple[PortfolioApp, httpx.AsyncClient]]:
    with _serving(cases, settings) as app:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as http:
            yield app, http
        await cases.stream.stop()
        await cases.ledger.booking.close()
        await cases.uncancelled.close()
        await cases.prices.refresh.close()


_FREE: list[PortfolioApp] = []
"""Applications that serve nothing any more."""


@contextmanager
def _serving(cases: UseCases, settings: Settings) -> Iterator[PortfolioApp]:
    """An application that serves this: one of before, if any is free, since setting one up takes longer than a test.

    It is set up behind the back of coverage: Litestar takes twice as long for it under a tracer, and the services that
    are started as processes show that it can be set up.
    """
    serves = served(cases, settings)
    if _FREE:
        app = _FREE.pop()
        app.serve(serves)
    else:
        with untraced():
            app = create_app(serves)
    yield app
    _FREE.append(app)


async def soon() -> None:
    """Let everything that is ready run."""
    for _ in range(20):
        await asyncio.sleep(0)


def is_problem(answer: httpx.Response, status: int, slug: str) -> bool:
    """Whether the answer is that problem, in its whole shape."""
    body = answer.json()
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "instance", "errors"} <= set(body)
    assert (body["status"], body["type"]) == (status, f"/problems/{slug}"), body
    return True


def fields(answer: httpx.Response) -> set[str]:
    """The fields that a problem names."""
    return {error["field"] for error in answer.json()["errors"]}
