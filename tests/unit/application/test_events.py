"""What was committed is told once, and only then; a booked trade marks its signal in the same unit of work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

import pytest

from portfolio.application.announcer import Announcement, Announcer
from portfolio.application.errors import LedgerUnavailable, OutcomeUnknown
from portfolio.application.ledger.announcements import CashMoved, TradeBooked
from portfolio.application.ledger.booking import BookTrades
from portfolio.application.ledger.cash import MoveCash, MoveCashInOrOut
from portfolio.application.ledger.opening import OpenBooks
from portfolio.application.ledger.ports import LedgerUnit
from portfolio.application.ledger.reversal import ReverseTrade
from portfolio.application.ledger.verification import ReconcileBooks
from portfolio.application.rebalancing.records import SignalChanged, SignalStatus
from portfolio.application.rebalancing.signal_execution import MarkExecuted
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_stores import FakeSignals
from tests.support.fakes.fake_unit import FakeUnit
from tests.support.ledger_examples import AT
from tests.support.signal_examples import signal
from tests.unit.application.ledger.booking_examples import Book, accepted, opened, refused, wish
from tests.unit.examples import RULES, bought, money, sold

T = TypeVar("T")


class ConflictingLedger(FakeLedger):
    """Books where each unit of work meets a conflict once, and is run again from its first read."""

    async def transact(self, portfolio_id: int, work: Callable[[FakeUnit], Awaitable[T]], **hints: Any) -> T:
        await work(FakeUnit(self.books.copy(), await self.load(portfolio_id)))
        return await super().transact(portfolio_id, work, **hints)


@dataclass
class World:
    """Books in memory, what books on them, and all that was told."""

    ledger: FakeLedger
    clock: FakeClock
    told: list[Announcement] = field(default_factory=list)
    failures: list[tuple[Announcement, Exception]] = field(default_factory=list)

    def announcer(self, *listeners: Callable[[Announcement], None]) -> Announcer:
        return Announcer(lambda event, error: self.failures.append((event, error)), [*listeners, self.told.append])

    def booking(self, announce: Announcer | None = None) -> Book:
        within = [MarkExecuted(FakeSignals(self.ledger))]
        return partial(
            BookTrades(self.ledger, self.clock, RULES, within=within, announce=announce or self.announcer()), 1
        )

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
    def fail(event: Announcement) -> None:
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
    await OpenBooks(world.ledger, clock, money(1000), announce=announce)(1)
    move = MoveCash(kind=CashTransactionKind.WITHDRAWAL, amount=money(1), owner="", client_transaction_id="k")
    cash = MoveCashInOrOut(world.ledger, clock, RULES, announce=announce)
    await cash(1, move)
    await cash(1, move)
    [result] = await BookTrades(world.ledger, clock, RULES)(1, [wish(bought("BTC", "0.001", 45000))])
    reverse = ReverseTrade(world.ledger, clock, RULES, announce=announce)
    await reverse(1, accepted(result).trade_id, owner="")
    await reverse(1, accepted(result).trade_id, owner="")
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


@pytest.mark.parametrize("committed", [True, False])
async def test_what_is_committed_while_a_commit_is_in_doubt_is_told_in_the_order_of_the_books(
    world: World, committed: bool
) -> None:
    announce = world.announcer()
    others: list[asyncio.Task[object]] = []

    async def another_comes(_unit: LedgerUnit, _booked: Sequence[TradeBooked]) -> Sequence[Announcement]:
        if not others:
            kind = CashTransactionKind.DEPOSIT
            deposit = MoveCash(kind=kind, amount=money(1), owner="", client_transaction_id=None)
            move = MoveCashInOrOut(world.ledger, world.clock, RULES, announce=announce)
            others.append(asyncio.create_task(move(1, deposit)))
            await asyncio.sleep(0)  # it waits for the row lock now, and has it before the lost commit is looked up
        return ()

    world.ledger.fail_next, world.ledger.fail_after_commit = OutcomeUnknown("lost"), committed
    book = BookTrades(world.ledger, world.clock, RULES, within=[another_comes], announce=announce)
    await book(1, [wish(bought("BTC", "0.1", 45000))])
    await asyncio.gather(*others)
    assert world.revisions == [3, 4]
    assert type(world.told[0]) is (TradeBooked if committed else CashMoved)


async def test_a_lost_commit_that_cannot_be_looked_up_is_not_told_and_later_ones_are(world: World) -> None:
    announce = world.announcer()
    world.ledger.fail_next, world.ledger.fail_after_commit = OutcomeUnknown("lost"), True

    async def then_away(_unit: LedgerUnit, _booked: Sequence[TradeBooked]) -> Sequence[Announcement]:
        world.ledger.away = True
        return ()

    wished = [wish(bought("BTC", "0.1", 45000), key="k")]
    with pytest.raises(OutcomeUnknown):
        await BookTrades(world.ledger, world.clock, RULES, within=[then_away], announce=announce)(1, wished)
    assert not world.told
    world.ledger.away = False
    await world.booking(announce)([*wished, wish(sold("BTC", "0.1", 45000))])
    assert world.revisions == [4]


async def test_a_unit_that_is_run_again_after_a_conflict_is_told_once(world: World) -> None:
    world.ledger = ConflictingLedger(world.ledger.books)
    await world.booking()([wish(bought("BTC", "0.1", 45000)), wish(bought("ETH", "0.1", 3000))])
    assert world.revisions == [3, 4]


async def test_what_reconciles_the_books_is_told_once(world: World) -> None:
    portfolio = await world.ledger.load(1)
    world.ledger.books.portfolio = replace(portfolio, cash=portfolio.cash + money(7))
    reconcile = ReconcileBooks(world.ledger, world.clock, announce=world.announcer())
    entry = await reconcile(1)
    assert await reconcile(1) is None
    assert [event.entry for event in world.told if isinstance(event, CashMoved)] == [entry]
