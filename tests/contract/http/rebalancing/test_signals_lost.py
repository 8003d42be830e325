"""Signals while the database is away, or the answer to their commit is lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from portfolio.application.errors import LedgerUnavailable, OutcomeUnknown
from portfolio.application.rebalancing.signal_rules import SignalRules
from portfolio.application.rebalancing.signals import GenerateSignals, LockedPlan
from portfolio.application.risk.state import MarketState
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.services.http_service import BUY, Service, is_problem, running


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
