"""However lookups, loads, encodings and writes interleave, no answer is older than a write acknowledged before it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from portfolio.application.errors import LedgerUnavailable
from portfolio.application.ledger.opening import OpenBooks
from portfolio.application.ledger.records import Revisions
from portfolio.application.ledger.snapshots import Snapshot
from portfolio.application.performance.records import DailyValue
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.mark import Mark
from portfolio.domain.money import Money, Price, Quantity
from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.http.portfolio.answer_cache import CachedAnswer, Encoded
from portfolio.entrypoints.http.portfolio.controller import PortfolioAnswers
from portfolio.settings import Settings
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_lookups import FakeLookups
from tests.support.fakes.fake_probe import FakeProbe
from tests.support.fakes.fake_stores import FakeDays, FakeLeases, FakePriceStore, FakeSignals
from tests.support.services.http_service import BUY, Service, assemble, soon

pytestmark = pytest.mark.unmeasured

T = TypeVar("T")

BTC = Symbol("BTC")
STEPS = ("write", "write", "read", "read", "read", *["answer"] * 5, "tick", "pass", "leave", "away", "back")
ALL = ["answer"] * 6


class ScheduledLedger(FakeLedger):
    """What is read is as it stands when it is asked for, and comes back when the schedule says so."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[asyncio.Future[None]] = []

    async def revisions(self, portfolio_id: int) -> Revisions:
        return await self.later(await super().revisions(portfolio_id))

    async def version(self, portfolio_id: int) -> str:
        return await self.later(await super().version(portfolio_id))

    async def load(self, portfolio_id: int) -> Portfolio:
        return await self.later(await super().load(portfolio_id))

    async def later(self, found: T) -> T:
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append(answered)
        await answered
        self.answer()
        return found


class ScheduledDays(FakeDays):
    """The days of the same books, on the same schedule."""

    def __init__(self, ledger: ScheduledLedger) -> None:
        super().__init__(ledger)
        self._schedule = ledger

    async def values(self, portfolio_id: int, **since: Any) -> list[DailyValue]:
        return await self._schedule.later(list(await super().values(portfolio_id, **since)))


@dataclass
class Schedule:
    """Books whose position is as large as their revision, readers of them, and the order of what happens."""

    ledger: ScheduledLedger
    clock: FakeClock
    answers: PortfolioAnswers
    readers: list[tuple[int, asyncio.Task[Encoded]]] = field(default_factory=list)
    revision: int = 1

    @classmethod
    async def begin(cls) -> Schedule:
        ledger, clock = ScheduledLedger(), FakeClock()
        await OpenBooks(ledger, clock, Money(Decimal(100_000)))(1)
        prices = FakePriceStore(ledger, FakeLeases())
        days, signals, settings = ScheduledDays(ledger), FakeSignals(ledger), Settings(log_file="")
        cases, _ = assemble(
            ledger,
            FakeLookups(ledger),
            FakeProbe(ledger),
            prices,
            days,
            signals,
            clock=clock,
            settings=settings,
        )
        schedule = cls(ledger, clock, PortfolioAnswers(cases))
        schedule.write()
        return schedule

    def write(self) -> None:
        """Another instance's booking is acknowledged."""
        self.revision += 1
        portfolio = self.ledger.books.portfolio
        assert portfolio is not None
        held = Position(
            symbol=BTC,
            quantity=Quantity(Decimal(self.revision)),
            cost_basis=Money(Decimal(1)),
            mark=Mark(Price(Decimal(1)), "coinbase", self.clock.now()),
        )
        self.ledger.books.portfolio = replace(portfolio, revision=self.revision, positions={BTC: held})

    def read(self, which: Callable[[], Coroutine[Any, Any, Encoded]]) -> None:
        self.readers.append((self.revision, asyncio.create_task(which())))

    def answer(self) -> None:
        if self.ledger.waiting:
            self.ledger.waiting.pop(0).set_result(None)

    async def follow(self, steps: list[str], which: Callable[[], Coroutine[Any, Any, Encoded]]) -> None:
        for step in steps:
            if step == "write":
                self.write()
            elif step == "read":
                self.read(which)
            elif step == "answer":
                self.answer()
            elif step == "leave":
                for _, task in self.readers[-1:]:
                    task.cancel()
            elif step in {"away", "back"}:
                self.ledger.away = step == "away"
            else:
                self.clock.advance(0.4 if step == "tick" else 3.0)
            await soon()

    async def end(self) -> list[tuple[int, Encoded]]:
        """The revision that each reader who stayed had to see, and its answer."""
        while not all(task.done() for _, task in self.readers):
            self.answer()
            await soon()
        stayed = [(least, task) for least, task in self.readers if not task.cancelled()]
        return [(least, task.result()) for least, task in stayed if not _was_away_from_the_start(task)]


def _was_away_from_the_start(task: asyncio.Task[Encoded]) -> bool:
    return isinstance(task.exception(), LedgerUnavailable)


def _is_as_new(answer: Encoded, least: int) -> bool:
    """Whether it holds the revision, or says that it may not."""
    body = msgspec.json.decode(answer.body)
    shown = body.get("portfolio", body)
    [position] = shown["positions"]
    return bool(shown["stale"]) or position["quantity"] >= least


@pytest.mark.parametrize("route", ["portfolio", "positions"])
@given(steps=st.lists(st.sampled_from(STEPS), max_size=40))
@example(steps=["read", *ALL, "write", "read", *ALL])
@example(steps=["read", *ALL, "read", "write", "read", *ALL])
@settings(max_examples=150, deadline=None)
def test_no_answer_is_older_than_a_write_acknowledged_before_its_request(route: str, steps: list[str]) -> None:
    async def run() -> list[tuple[int, Encoded]]:
        schedule = await Schedule.begin()
        await schedule.follow(steps, getattr(schedule.answers, route))
        return await schedule.end()

    assert all(_is_as_new(answer, least) for least, answer in asyncio.run(run()))


async def test_who_asks_in_the_same_second_gets_the_same_bytes_and_they_are_as_freshly_made(service: Service) -> None:
    await service.http.post("/holdings/update", json=BUY)
    answers = PortfolioAnswers(service.cases)
    first, positions = await answers.portfolio(), await answers.positions()
    service.clock.advance(0.9)
    assert await answers.portfolio() is first
    assert await answers.positions() is positions
    service.clock.advance(0.1)
    assert (await answers.portfolio()).body != first.body
    assert (await answers.portfolio()).etag == first.etag
    for seconds in (0, 1, 298, 1, 1, 86_400):
        service.clock.advance(seconds)
        fresh = PortfolioAnswers(service.cases)
        assert await answers.portfolio() == await fresh.portfolio()
        assert await answers.positions() == await fresh.positions()


async def test_an_answer_given_to_many_has_each_ones_own_headers(service: Service) -> None:
    await service.http.post("/holdings/update", json=BUY)
    for path in ("/portfolio", "/positions"):
        ids = [f"reader-{number}" for number in range(3)]
        answers = [await service.http.get(path, headers={"X-Request-ID": name}) for name in ids]
        assert [answer.headers.get_list("X-Request-ID") for answer in answers] == [[name] for name in ids]
        assert len({answer.content for answer in answers}) == 1
        assert {answer.headers["Cache-Control"] for answer in answers} == {answers[0].headers["Cache-Control"]}
        assert answers[0].headers["Content-Length"] == str(len(answers[0].content))


async def test_an_answer_that_failed_is_made_anew(service: Service) -> None:
    async def fail_first(_snapshot: Snapshot, _now: datetime) -> Encoded:
        made.append(len(made))
        if len(made) == 1:
            raise LedgerUnavailable("gone for a moment")
        return Encoded(b"{}")

    made: list[int] = []
    standing = CachedAnswer(service.cases, fail_first)
    with pytest.raises(LedgerUnavailable):
        await standing()
    assert (await standing()).body == b"{}"
    assert made == [0, 1]


async def test_of_an_answer_that_takes_seconds_no_second_one_is_in_the_making(service: Service) -> None:
    async def make(_snapshot: Snapshot, _now: datetime) -> Encoded:
        made.append(len(made))
        await goes_on.wait()
        return Encoded(b"{}")

    made: list[int] = []
    goes_on = asyncio.Event()
    standing = CachedAnswer(service.cases, make)
    asking = []
    for _ in range(3):
        asking.append(asyncio.create_task(standing()))
        for _ in range(100):  # turns of the event loop: it has looked at the books, and waits
            await asyncio.sleep(0)
        service.clock.advance(1)
    goes_on.set()
    assert [answer.body for answer in await asyncio.gather(*asking)] == [b"{}"] * 3
    assert made == [0]
