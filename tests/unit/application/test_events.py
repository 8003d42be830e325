"""What was committed is told once, and only then; a booked trade marks its signal in the same unit of work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from portfolio.application.announcer import Announcer, Event
from portfolio.application.errors import LedgerUnavailable, OutcomeUnknown
from portfolio.application.ledger.booking import BookTrades
from portfolio.application.ledger.cash import MoveCash, MoveCashInOrOut
from portfolio.application.ledger.events import CashMoved, TradeBooked
from portfolio.application.ledger.opening import OpenBooks
from portfolio.application.ledger.reversal import ReverseTrade
from portfolio.application.rebalancing.records import SignalChanged, SignalStatus
from portfolio.application.rebalancing.signal_execution import MarkExecuted
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_ledger import FakeLedger, FakeSignals
from tests.support.ledger_examples import AT
from tests.support.signal_examples import signal
from tests.unit.application.ledger.booking_examples import accepted, opened, refused, wish
from tests.unit.examples import RULES, bought, money, sold


@dataclass
class World:
    """Books in memory, what books on them, and all that was told."""

    ledger: FakeLedger
    clock: FakeClock
    told: list[Event] = field(default_factory=list)
    failures: list[tuple[Event, Exception]] = field(default_factory=list)

    def announcer(self, *listeners: Callable[[Event], None]) -> Announcer:
        announcer = Announcer(lambda event, error: self.failures.append((event, error)))
        for listener in (*listeners, self.told.append):
            announcer.listen(listener)
        return announcer

    def booking(self, announce: Announcer | None = None) -> BookTrades:
        within = [MarkExecuted(FakeSignals(self.ledger))]
        return BookTrades(self.ledger, self.clock, RULES, within=within, announce=announce or self.announcer())

    @property
    def revisions(self) -> Sequence[int]:
        """The ledger revisions of the trades and cash transactions told."""
        return [event.entry.revision for event in self.told if isinstance(event, TradeBooked | CashMoved)]


@pytest.fixture
async def world() -> World:
    clock = FakeClock()
    clock.set_wall_clock(AT)
    return World(await opened(clock), clock)


async def test_each_trade_of_a_transaction_is_told_once_in_its_order(world: World) -> None:
    results = await world.booking()(
        [wish(bought("BTC", "0.1", 45000)), wish(bought("BTC", "0.1", 45000), key="k"), wish(sold("BTC", "0.1", 45000))]
    )
    assert [event.trade_id for event in world.told if isinstance(event, TradeBooked)] == [
        accepted(result).trade_id for result in results
    ]
    assert world.revisions == [3, 4, 5]


async def test_refusals_and_replays_are_no_news(world: World) -> None:
    book = world.booking()
    refused((await book([wish(sold("BTC", "0.1", 45000))]))[0])
    assert not world.told
    await book([wish(bought("BTC", "0.1", 45000), key="k")])
    await book([wish(bought("BTC", "0.1", 45000), key="k")])
    assert world.revisions == [3]


async def test_what_was_not_committed_is_not_told(world: World) -> None:
    world.ledger.fail_next = LedgerUnavailable("away")
    with pytest.raises(LedgerUnavailable):
        await world.booking()([wish(bought("BTC", "0.1", 45000))])
    assert not world.told


@pytest.mark.parametrize("committed", [True, False])
async def test_a_lost_commit_is_told_once_whatever_became_of_it(world: World, committed: bool) -> None:
    world.ledger.fail_next, world.ledger.fail_after_commit = OutcomeUnknown("lost"), committed
    await world.booking()([wish(bought("BTC", "0.1", 45000))])
    assert world.revisions == [3]
    assert (await world.ledger.load(1)).revision == 3


async def test_a_listener_that_fails_harms_nobody(world: World) -> None:
    def fail(event: Event) -> None:
        raise ZeroDivisionError

    [result] = await world.booking(world.announcer(fail))([wish(bought("BTC", "0.1", 45000))])
    accepted(result)
    assert world.revisions == [3]
    [(event, error)] = world.failures
    assert (event, type(error)) == (world.told[0], ZeroDivisionError)


async def test_cash_and_reversals_are_told_too() -> None:
    clock = FakeClock()
    world = World(FakeLedger(), clock)
    announce = world.announcer()
    await OpenBooks(world.ledger, clock, money(1000), announce=announce)()
    move = MoveCash(kind=CashTransactionKind.WITHDRAWAL, amount=money(1), owner="", client_transaction_id="k")
    cash = MoveCashInOrOut(world.ledger, clock, RULES, announce=announce)
    await cash(move)
    await cash(move)
    [result] = await BookTrades(world.ledger, clock, RULES)([wish(bought("BTC", "0.001", 45000))])
    reverse = ReverseTrade(world.ledger, clock, RULES, announce=announce)
    await reverse(accepted(result).trade_id, owner="")
    await reverse(accepted(result).trade_id, owner="")
    assert [type(event) for event in world.told] == [CashMoved, CashMoved, CashMoved, TradeBooked]
    assert world.revisions == [1, 2, 3, 5]


async def test_a_trade_that_carries_a_signal_out_marks_it_in_its_own_transaction(world: World) -> None:
    signals = FakeSignals(world.ledger)
    await world.booking()([wish(bought("BTC", "0.1", 45000))])
    await world.ledger.transact(1, lambda unit: signals.within(unit).add([signal()]))
    world.told.clear()
    execution = sold("BTC", "0.05", 45000)
    naming = [replace(wish(execution, key=key), signal_id=signal().id) for key in ("a", "b")]
    world.ledger.fail_next = LedgerUnavailable("away")
    with pytest.raises(LedgerUnavailable):
        await world.booking()(naming[:1])
    assert [kept.status for kept in world.ledger.books.signals.values()] == [SignalStatus.OPEN]
    [first, _] = await world.booking()(naming)
    [kept] = world.ledger.books.signals.values()
    assert (kept.status, kept.executed_trade_id) == (SignalStatus.EXECUTED, accepted(first).trade_id)
    changed = [event.signal for event in world.told if isinstance(event, SignalChanged)]
    assert [(one.id, one.status) for one in changed] == [(kept.id, SignalStatus.EXECUTED)]
    assert type(world.told[-1]) is SignalChanged
