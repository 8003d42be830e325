"""Books in memory that two processes serve, one of which has a flaky database; and what it answers beside a new one."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import httpx
import msgspec

from portfolio.application.errors import OutcomeUnknown
from portfolio.application.ledger.opening import OpenBooks
from portfolio.domain.money import Money
from tests.fuzz.deeds import HELD, Deeds
from tests.fuzz.flaky_ports import FlakyPort, Weather, threads_by_dice, turns
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_backtests import FakeBacktests
from tests.support.fakes.fake_imports import FakeImports
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_lookups import FakeLookups
from tests.support.fakes.fake_picked_sales import FakePickedSales
from tests.support.fakes.fake_prices import ScriptedCloses
from tests.support.fakes.fake_probe import FakeProbe
from tests.support.fakes.fake_rules import FakeExchangeRules
from tests.support.fakes.fake_stores import FakeDays, FakeLeases, FakePriceStore, FakeSignals
from tests.support.services.http_service import SETTINGS, ScriptedFeed, _answering, assemble

OF_THE_MOMENT: Final = frozenset({
    "timestamp", "as_of", "price_age_seconds", "server_time", "request_id", "stale", "last_updated", "generated_at",
})  # fmt: skip
"""Fields that say when it was asked, not what the books are."""
AWAY: Final = "database_away"
OF_PERIODS: Final = "/performance?days", "/performance/period"
OF_WHAT_IS_LACKING: Final = "reasons", "benchmark_", "excess_return", "joined_history"
"""Fields that say which figures could not be made without the database."""
UNHURRIED: Final = msgspec.structs.replace(
    SETTINGS, rate_limit_per_minute=10**9, rate_limit_bookings_per_minute=10**9, request_deadline_seconds=300
)
SEEN_SECONDS: Final = 20
"""After so long what other processes wrote has been looked for."""


@dataclass(frozen=True)
class Process:
    """What serves the books, and the exchange that it asks for prices."""

    http: httpx.AsyncClient
    feed: ScriptedFeed


@dataclass
class Scene:
    """The books, the processes that serve them, and the dice."""

    dice: random.Random
    weather: Weather
    clock: FakeClock
    ledger: FakeLedger
    ports: Mapping[str, Any]
    flaky_ports: Mapping[str, Any]
    started: AsyncExitStack
    deeds: Deeds
    flaky: Process
    other: Process
    compared: int = 0

    async def step(self) -> None:
        """Let some things happen at once, and some be asked; whoever asks may go away before the answer."""
        self.weather.share = self.dice.choice((0, 0.2, 0.5, 0.5, 1))
        at_once = [
            self.deeds.any(self.dice.choice((self.flaky, self.other)).http) for _ in range(self.dice.randrange(3))
        ]
        if self.dice.random() < 0.25:
            await self.deeds.closes()
        if self.dice.random() < 0.05:
            self.flaky = await self.started.enter_async_context(process(self.flaky_ports, self.clock))
        if self.dice.random() < 0.05:
            self.ledger.fail_next = OutcomeUnknown("the answer to the commit was lost, by the dice")
            self.ledger.fail_after_commit = self.dice.random() < 0.5
        if self.dice.random() < 0.05:
            await self._move_on()
        at_once += [self.flaky.http.get(target) for target in self.dice.sample(self._asked_meanwhile(), 5)]
        tasks = [asyncio.create_task(one) for one in at_once]
        if self.dice.random() < 0.5:
            await turns(self.dice.randrange(60))
            self.dice.choice(tasks).cancel()
        for answer in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(answer, httpx.Response):
                assert answer.status_code < 500 or answer.status_code == 503, f"{answer.url} {answer.text[:2000]}"
            elif not isinstance(answer, asyncio.CancelledError):
                raise answer

    def _asked_meanwhile(self) -> list[str]:
        """All but downloads: what has begun is cut off without the database, which httpx takes for our failure."""
        return [target for target in self.targets() if not target.startswith("/exports/")]

    async def _move_on(self) -> None:
        """Let time pass; prices are others then, and known to be."""
        self.clock.advance(self.dice.choice((5, 600, 30_000, 86_400)))
        for process_ in (self.flaky, self.other):
            process_.feed.prices = {symbol.code: str(self.dice.randrange(80, 130)) for symbol in HELD}
        await self.other.http.post("/portfolio/refresh")

    async def compare(self) -> None:
        """Hold what the process of the flaky database answers, now that it is there again, against a new process.

        Without the database it then says the same of a period, or nothing; and so does one that has only begun
        to read.
        """
        self.weather.share = 0
        self.clock.advance(SEEN_SECONDS)
        async with process(self.ports, self.clock) as new:
            wanted = {target: said(await new.http.get(target)) for target in self.targets()}
        await self._hold_against(wanted, self.flaky)
        if self.dice.random() < 0.5:
            wanted = {target: new for target, new in wanted.items() if _is_of_a_period(target)}
            async with process(self.flaky_ports, self.clock) as young:
                await young.http.get("/positions")
                self.weather.share = 0.6
                for target in self.dice.sample([*wanted], 3):
                    await young.http.get(target)
                self.weather.share = 1
                for each in (self.flaky, young):
                    await self._hold_against(wanted, each, but_lacking=True)

    async def _hold_against(self, wanted: Mapping[str, Any], of: Process, *, but_lacking: bool = False) -> None:
        for target, new in wanted.items():
            found = said(await of.http.get(target))
            if found != new and not (but_lacking and found[0] == 503):
                differing = [*differences(found, new, but_lacking=but_lacking)]
                assert not differing, f"{target}\n" + "\n".join(differing)
            self.compared += 1

    def targets(self) -> Iterator[str]:
        """What is asked, of days and moments by the dice."""
        dice, now = self.dice, self.clock.now()
        past = (now - timedelta(hours=dice.randrange(24, 600))).strftime("%Y-%m-%dT%H:%M:%SZ")
        known = dice.randrange(1, 60)
        period = f"from={(now - timedelta(days=12)).date()}&to={(now - timedelta(days=dice.randrange(9))).date()}"
        for basis in ("basis=restated", "basis=recorded", ""):
            yield f"/performance?days={dice.choice((3, 10, 30))}&{basis}".rstrip("&")
            yield f"/performance/history?days={dice.choice((5, 30))}&{basis}".rstrip("&")
            yield f"/performance/timeframes?{basis}".rstrip("?")
            yield f"/performance/period?{period}&{basis}".rstrip("&")
            for by in ("engine", "symbol"):
                yield f"/attribution?by={by}&days={dice.choice((5, 30))}&{basis}".rstrip("&")
        for target in ("/portfolio", "/positions", "/performance", "/performance/history", "/lots", "/gains"):
            yield target
            yield f"{target}?{dice.choice((f'as_of={past}', f'known_at={known}', f'as_of={past}&known_at={known}'))}"
        yield from (f"/{what}?method={dice.choice(('hifo', 'average', 'picked'))}" for what in ("lots", "gains"))
        yield from (f"/attribution?by=engine&known_at={known}", f"/shadows?days={dice.choice((5, 20))}")
        yield f"/exports/{dice.choice(('trades', 'events', 'positions', 'gains', 'performance', 'closes'))}?format=json"
        yield from ("/risk/concentration", "/risk/sector-allocation", "/risk/portfolio-health", "/rebalance/analysis")
        yield from (f"/risk/{what}?days=30" for what in ("correlation-matrix", "volatility-analysis", "value-at-risk"))
        yield from ("/trades", "/cash/transactions", "/events", "/imports", "/entries?after=start")
        yield from ("/events?status=refused", "/bookings?status=refused")
        yield from ("/rebalance/signals", "/signals/scorecard", "/reports/tearsheet?days=30")


@asynccontextmanager
async def scene_of(seed: int) -> AsyncIterator[Scene]:
    """Open books, and serve them."""
    dice, clock, ledger, leases = random.Random(seed), FakeClock(), FakeLedger(), FakeLeases()
    weather = Weather(dice)
    threads_by_dice(weather)
    prices = FakePriceStore(ledger, leases)
    ports = {
        "ledger": ledger,
        "lookups": FakeLookups(ledger),
        "probe": FakeProbe(ledger),
        "prices": prices,
        "days": FakeDays(ledger),
        "signals": FakeSignals(ledger),
        "exchange_rules": FakeExchangeRules(leases),
        "backtests": FakeBacktests(),
        "imports": FakeImports(ledger),
        "picked_sales": FakePickedSales(),
    }
    flaky_ports = {name: FlakyPort(port, weather) for name, port in ports.items()}
    deeds = Deeds(dice, clock, prices)
    await OpenBooks(ledger, clock, Money(Decimal(dice.choice((1_000, 500_000)))))(1)
    await deeds.first_closes()
    async with AsyncExitStack() as started, process(flaky_ports, clock) as flaky, process(ports, clock) as other:
        yield Scene(dice, weather, clock, ledger, ports, flaky_ports, started, deeds, flaky, other)


@asynccontextmanager
async def process(ports: Mapping[str, Any], clock: FakeClock) -> AsyncIterator[Process]:
    """Serve the books over these ports."""
    cases, feed = assemble(**ports, clock=clock, settings=UNHURRIED, closes=ScriptedCloses())
    async with _answering(cases, UNHURRIED) as (_, http):
        yield Process(http, feed)


def _is_of_a_period(target: str) -> bool:
    """Whether figures of a period are asked for, on a basis that must not be another."""
    return target.startswith(OF_PERIODS) and "basis=" in target


def said(answer: httpx.Response) -> Any:
    """What an answer says of the books."""
    if answer.headers["content-type"].startswith("application/json"):
        return answer.status_code, _lasting(answer.json())
    return answer.status_code, re.sub(r"\d\d:\d\d(:\d\d)?", "", answer.text).splitlines()


def _lasting(body: Any) -> Any:
    if isinstance(body, dict):
        return {name: _lasting(value) for name, value in body.items() if name not in OF_THE_MOMENT}
    return [_lasting(value) for value in body] if isinstance(body, list) else body


def differences(one: Any, other: Any, place: str = "", *, but_lacking: bool) -> Iterator[str]:
    """Where two answers differ, and by what; ``but_lacking`` is not where the one says that the database is away."""
    if isinstance(one, dict) and isinstance(other, dict):
        reasons = (one.get("reasons") or {}) if but_lacking else {}
        for name in sorted(one.keys() | other.keys()):
            if reasons.get(name) != AWAY and not (but_lacking and name.startswith(OF_WHAT_IS_LACKING)):
                yield from differences(one.get(name), other.get(name), f"{place}.{name}", but_lacking=but_lacking)
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        for number, (mine, its) in enumerate(zip(one, other, strict=True)):
            yield from differences(mine, its, f"{place}[{number}]", but_lacking=but_lacking)
    elif one != other:
        yield f"{place}: {one!r:.200} is {other!r:.200}"
