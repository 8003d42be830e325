"""The rules of exchanges are fetched by whoever refreshes prices, and prices do not wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from structlog.testing import capture_logs

from portfolio.application.errors import LedgerUnavailable
from portfolio.application.prices.exchange_rules import RulesReport
from portfolio.application.prices.records import Fence
from portfolio.entrypoints.kept_lease import KeptLease
from portfolio.entrypoints.rules_loop import AGAIN_SECONDS, RETRY_SECONDS, WAITING_SECONDS, RulesLoop
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_stores import FakeLeases

NOTHING = RulesReport({}, {})


class World:
    """A loop that runs for a number of steps, on a lease, with results of a script."""

    def __init__(self, *results: RulesReport | Exception) -> None:
        self.clock = FakeClock()
        self.lease = KeptLease(FakeLeases(), self.clock, holder="me")
        self.fences: list[Fence | None] = []
        self.noted = 0
        self.done = asyncio.Event()
        self._results = list(results)
        self.loop = RulesLoop(self._fetch, self.lease, self._note, wait=self._wait)
        self.pauses: list[float] = []

    async def _fetch(self, fence: Fence | None) -> RulesReport:
        self.fences.append(fence)
        result = self._results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    def _note(self) -> None:
        self.noted += 1

    async def _wait(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if not self._results:
            self.done.set()
            await asyncio.Event().wait()

    async def run(self) -> Sequence[Any]:
        """Run until the script is at its end, and return what was logged."""
        with capture_logs() as lines:
            self.loop.start()
            await asyncio.wait_for(self.done.wait(), 5)
            await self.loop.stop()
        return lines


async def test_nothing_is_fetched_without_the_lease() -> None:
    world = World()
    assert await world.run() == []
    assert (world.fences, world.pauses, world.noted) == ([], [WAITING_SECONDS], 0)


async def test_who_holds_the_lease_fetches_with_its_fence_once_an_hour_and_tells_of_it() -> None:
    world = World(RulesReport({"coinbase": (390, 2)}, {}), NOTHING)
    fence = await world.lease.take()
    lines = await world.run()
    assert world.fences == [fence, fence]
    assert (world.pauses, world.noted) == ([AGAIN_SECONDS, AGAIN_SECONDS], 2)
    assert lines == [
        {"event": "exchange_rules.fetched", "log_level": "info", "venue": "coinbase", "known": 390, "unknown": 2}
    ]


async def test_a_lease_that_has_run_out_is_none() -> None:
    world = World()
    await world.lease.take()
    world.clock.advance(16)
    await world.run()
    assert world.fences == []


async def test_what_fails_is_said_once_while_it_lasts_and_tried_again() -> None:
    fails = RulesReport({}, {"binance": "no answer within 30 s"})
    away = LedgerUnavailable("the database is away")
    world = World(fails, fails, NOTHING, fails, away, away, RuntimeError("odd"), NOTHING)
    await world.lease.take()
    lines = await world.run()
    assert [(line["event"], line["venue"], line["reason"]) for line in lines] == [
        ("exchange_rules.not_fetched", "binance", "no answer within 30 s"),
        ("exchange_rules.not_fetched", "binance", "no answer within 30 s"),
        ("exchange_rules.not_fetched", "all", "the database is away"),
        ("exchange_rules.not_fetched", "all", "RuntimeError: odd"),
    ]
    assert world.pauses == [*[AGAIN_SECONDS] * 4, *[RETRY_SECONDS] * 2, *[AGAIN_SECONDS] * 2]


async def test_a_loop_that_was_never_started_stops() -> None:
    await World().loop.stop()
