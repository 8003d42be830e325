"""Signals while the database is away, or the answer to their commit is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from portfolio.application.errors import LedgerUnavailable, OutcomeUnknown
from portfolio.application.rebalancing.records import Signal
from portfolio.application.rebalancing.signal_rules import SignalRules
from portfolio.application.rebalancing.signals import GenerateSignals, LockedPlan
from portfolio.application.risk.state import MarketState
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_unit import FakeUnit
from tests.support.services.http_service import BUY, Service, is_problem, running


class ClusterLedger(FakeLedger):
    """Loses the commits of some looks. Prices are others by the second, and the first commit comes in after it."""

    def __init__(self, *, loses: Collection[int]) -> None:
        super().__init__()
        self.is_watched = False
        self._loses = loses
        self._looks = 0
        self._lost: Mapping[int, Signal] = {}

    async def transact(self, portfolio_id: int, work: Callable[[FakeUnit], Awaitable[Any]], **hints: Any) -> Any:
        async def run(unit: FakeUnit) -> Any:
            made = await work(unit)
            if self._looks == 1:
                self._lost = dict(unit.books.signals)
            return made

        if not self.is_watched:
            return await super().transact(portfolio_id, work, **hints)
        self._looks += 1
        if self._looks in self._loses:
            self.fail_next = OutcomeUnknown("lost")
        if self._looks == 2:
            assert self.books.portfolio is not None
            self.books.portfolio = replace(self.books.portfolio, price_revision=self.books.portfolio.price_revision + 1)
        try:
            return await super().transact(portfolio_id, run, **hints)
        finally:
            if self._looks == 2:
                self.books.signals = dict(self._lost)


async def buy(service: Service) -> None:
    """Hold more of one asset than the policy allows, at a live price."""
    body = {**BUY, "quantity": 1, "net_amount": 45_000, "fees": 0}
    assert (await service.http.post("/holdings/update", json=body)).status_code == 200
    service.feed.prices["BTC"] = "45000"
    assert (await service.http.post("/portfolio/refresh")).status_code == 200


@pytest.mark.parametrize("committed", [True, False])
async def test_signals_whose_commit_was_lost_are_looked_up_and_are_new_all_the_same(committed: bool) -> None:
    ledger = FakeLedger()
    async with running(ledger=ledger) as service:
        await buy(service)
        ledger.fail_next, ledger.fail_after_commit = OutcomeUnknown("lost"), committed
        made = (await service.http.post("/rebalance/generate-signals")).json()
        assert made["signals_created"] == len(made["signals"]) == 1
        listed = (await service.http.get("/rebalance/signals")).json()["signals"]
        assert [signal["id"] for signal in listed] == [made["signals"][0]["id"]]


@pytest.mark.parametrize("loses", [{1}, {1, 3}])
async def test_a_claim_whose_lost_commit_comes_in_after_the_second_look_is_its_callers(loses: set[int]) -> None:
    ledger = ClusterLedger(loses=loses)
    async with running(ledger=ledger) as service:
        await buy(service)
        [made] = (await service.http.post("/rebalance/generate-signals")).json()["signals"]
        ledger.is_watched = True
        claimed = await service.http.post(f"/rebalance/signals/{made['id']}/acknowledge")
        assert claimed.status_code == 200, claimed.text
        again = await service.http.post(f"/rebalance/signals/{made['id']}/acknowledge")
        assert is_problem(again, 409, "signal-claimed")


async def test_where_nothing_changed_and_the_commit_was_lost_signals_are_made_again_of_the_same_plan() -> None:
    ledger = FakeLedger()
    async with running(ledger=ledger) as service:
        await buy(service)
        first = (await service.http.post("/rebalance/generate-signals")).json()
        ledger.fail_next, ledger.fail_after_commit = OutcomeUnknown("lost"), True
        again = (await service.http.post("/rebalance/generate-signals")).json()
        assert again["signals_created"] == 0
        assert [signal["id"] for signal in again["signals"]] == [first["signals"][0]["id"]]


async def test_no_signals_are_made_of_a_state_from_before_the_database_went_away() -> None:
    ledger = FakeLedger()
    async with running(ledger=ledger) as service:
        await buy(service)
        assert (await service.http.post("/rebalance/generate-signals")).status_code == 200
        ledger.away = True
        assert is_problem(await service.http.post("/rebalance/generate-signals"), 503, "ledger-unavailable")


async def test_signals_are_not_made_of_a_plan_that_does_not_come() -> None:
    async def endless() -> MarketState:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async with running() as service:
        rules = SignalRules(ttl=timedelta(minutes=15), max_price_age=timedelta(minutes=5), plan_seconds=0.01)
        with pytest.raises(LedgerUnavailable, match="does not answer"):
            await GenerateSignals(
                LockedPlan(service.ledger, service.signals, endless, service.clock, rules, portfolio_id=1)
            )()
