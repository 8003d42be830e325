"""Each change of a signal is told once, after its commit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from portfolio.application.announcer import Announcement, Announcer
from portfolio.application.errors import LedgerUnavailable, OutcomeUnknown, SignalClaimed
from portfolio.application.ledger.ports import LedgerUnit
from portfolio.application.rebalancing.records import Signal, SignalChanged
from portfolio.application.rebalancing.signal_rules import SignalRules
from portfolio.application.rebalancing.signals import AcknowledgeSignal, GenerateSignals, LockedPlan
from tests.support.fakes.fake_stores import FakeSignals
from tests.support.fakes.fake_unit import FakeSignalBook
from tests.support.services.http_service import BUY, Service, running


class Listening:
    """Signals made and claimed, and what was told of them since it was last asked."""

    def __init__(self, service: Service) -> None:
        announcer = Announcer(lambda _event, error: pytest.fail(str(error)), [self._hear])
        rules = SignalRules(ttl=timedelta(minutes=15), max_price_age=service.cases.max_price_age)
        plan, clock = service.cases.rebalancing.plan, service.clock
        locked = LockedPlan(service.ledger, service.signals, plan, clock, rules, portfolio_id=1, announce=announcer)
        self.service = service
        self.generate, self.acknowledge = GenerateSignals(locked), AcknowledgeSignal(locked)
        self._told: list[Signal] = []

    def _hear(self, event: Announcement) -> None:
        assert isinstance(event, SignalChanged)
        self._told.append(event.signal)

    def told(self) -> list[tuple[str, str]]:
        told, self._told = self._told, []
        return [(signal.id, signal.status.value) for signal in told]

    async def buy(self, quantity: float) -> None:
        """Buy so many bitcoins at 30,000, which is their price."""
        body = {**BUY, "quantity": quantity, "price": 30_000, "net_amount": 30_000 * quantity, "fees": 0}
        assert (await self.service.http.post("/holdings/update", json=body)).status_code == 200
        self.service.feed.prices["BTC"] = "30000"
        assert (await self.service.http.post("/portfolio/refresh")).status_code == 200


@pytest.fixture
async def listening() -> AsyncIterator[Listening]:
    """A portfolio that holds too much of one asset."""
    async with running() as service:
        listening = Listening(service)
        await listening.buy(1)
        yield listening


async def test_a_signal_is_told_when_it_is_made_superseded_and_claimed(listening: Listening) -> None:
    [first] = (await listening.generate()).signals
    assert listening.told() == [(first.id, "open")]
    assert (await listening.generate()).created == 0
    assert not listening.told()
    await listening.buy(0.1)
    [second] = (await listening.generate()).signals
    assert listening.told() == [(second.id, "open"), (first.id, "superseded")]
    await listening.acknowledge(second.id, owner="a")
    assert listening.told() == [(second.id, "acknowledged")]
    with pytest.raises(SignalClaimed):
        await listening.acknowledge(second.id, owner="b")
    assert not listening.told()


async def test_a_signal_that_has_run_out_is_told_when_that_is_written(listening: Listening) -> None:
    [first] = (await listening.generate()).signals
    listening.service.clock.advance(900)
    await listening.buy(0.1)
    listening.told()
    [second] = (await listening.generate()).signals
    assert listening.told() == [(second.id, "open"), (first.id, "expired")]


@pytest.mark.parametrize("committed", [True, False])
async def test_signals_whose_commit_was_lost_are_told_once(listening: Listening, committed: bool) -> None:
    ledger = listening.service.ledger
    ledger.fail_next, ledger.fail_after_commit = OutcomeUnknown("lost"), committed
    [made] = (await listening.generate()).signals
    assert listening.told() == [(made.id, "open")]
    ledger.fail_next = OutcomeUnknown("lost")
    await listening.acknowledge(made.id, owner="a")
    assert listening.told() == [(made.id, "acknowledged")]


async def test_signals_that_were_not_committed_are_not_told(listening: Listening) -> None:
    listening.service.ledger.fail_next = LedgerUnavailable("away")
    with pytest.raises(LedgerUnavailable):
        await listening.generate()
    assert not listening.told()


async def test_signals_whose_commit_was_lost_and_found_are_told_before_what_came_meanwhile(
    listening: Listening,
) -> None:
    service, told = listening.service, list[Announcement]()
    announcer = Announcer(lambda _event, error: pytest.fail(str(error)), [told.append])
    later = Announcement()

    class Meanwhile(FakeSignals):
        def within(self, unit: LedgerUnit) -> FakeSignalBook:
            if service.ledger.books.signals:  # committed, but nobody knows: they are about to be looked up
                announcer([later])
            return super().within(unit)

    rules = SignalRules(ttl=timedelta(minutes=15), max_price_age=service.cases.max_price_age)
    locked = LockedPlan(
        service.ledger,
        Meanwhile(service.ledger),
        service.cases.rebalancing.plan,
        service.clock,
        rules,
        portfolio_id=1,
        announce=announcer,
    )
    service.ledger.fail_next, service.ledger.fail_after_commit = OutcomeUnknown("lost"), True
    [made] = (await GenerateSignals(locked)()).signals
    assert told == [SignalChanged(made), later]
