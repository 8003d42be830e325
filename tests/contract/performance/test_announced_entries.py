"""What a process has just booked is not asked for again, and counts as if it had been."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import pytest

from portfolio.application.announcer import Announcer
from portfolio.application.ledger.booking import BookTrades
from portfolio.application.ledger.cash import MoveCash, MoveCashInOrOut
from portfolio.application.ledger.cash_records import CashEntry
from portfolio.application.ledger.lots import journal
from portfolio.application.ledger.lots.movement import Movement
from portfolio.application.ledger.ports import Ledger
from portfolio.application.ledger.records import BookTrade
from portfolio.application.ledger.reversal import ReverseTrade
from portfolio.application.performance.days.entries import Change, LedgerDay
from portfolio.application.performance.days.ledger_days import LedgerDays
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.portfolio import BookingRules
from portfolio.domain.ledger.trade import Execution, Side
from portfolio.domain.symbol import Symbol
from tests.contract.ledger.ledger_kinds import Ports, ports
from tests.support.fakes.clock import FakeClock
from tests.support.ledger_examples import AT, ETH, execution, money, open_books

__all__ = ["ports"]


@dataclass
class Counted:
    """A ledger that counts how often entries are asked for."""

    ledger: Ledger
    asked: list[int] = field(default_factory=list)

    async def movements(self, portfolio_id: int, *, after: int, limit: int) -> Sequence[Movement | CashEntry]:
        """Return them."""
        self.asked.append(after)
        return await self.ledger.movements(portfolio_id, after=after, limit=limit)


class Desk:
    """Books on a ledger whose changes are announced to ``days``."""

    def __init__(self, ports: Ports) -> None:
        self._ledger, self._lookups, self._clock = ports.ledger, ports.lookups, FakeClock(AT)
        self.counted = Counted(ports.ledger)
        self.days = self._days()
        self._told = Announcer(lambda _, error: pytest.fail(str(error)), [self.days.take_notice])

    async def book(self, wanted: Execution, *, is_told: bool = True) -> None:
        """Book an execution, also as another process would."""
        of_announcer: dict[str, Any] = {"announce": self._told} if is_told else {}
        book = BookTrades(self._ledger, self._clock, BookingRules(), **of_announcer)
        await book(1, [BookTrade(execution=wanted, owner="engine")])

    async def move(self, kind: CashTransactionKind, amount: str) -> None:
        """Pay in, or out."""
        move = MoveCashInOrOut(self._ledger, self._clock, BookingRules(), announce=self._told)
        await move(1, MoveCash(kind=kind, amount=money(amount), owner="boss"))

    async def reverse(self, trade_id: int) -> None:
        """Take a trade back."""
        await ReverseTrade(self._ledger, self._clock, BookingRules(), announce=self._told)(1, trade_id, owner="boss")

    async def check(self) -> None:
        """Compare what was announced and read with what a process reads that has just been started."""
        until = (await self._ledger.load(1)).revision
        await self.days.read(1, until)
        afresh = self._days()
        await afresh.read(1, until)
        assert self.days.revision == afresh.revision
        assert _plainly(self.days.days) == _plainly(afresh.days)
        assert self.days.transactions == afresh.transactions

    def _days(self) -> LedgerDays:
        return LedgerDays(self.counted, self._lookups)  # type: ignore[arg-type]  # only entries are asked for


def _plainly(days: Mapping[date, LedgerDay]) -> dict[date, tuple[LedgerDay, dict[Symbol, list[object]]]]:
    """Days that can be compared, with each change by its sums."""
    sums = ("trades", "quantity", "cost_basis", "realized_pnl", "notional", "fees")
    return {
        at: (
            replace(day, changes=defaultdict(Change)),
            {symbol: [getattr(change, one) for one in sums] for symbol, change in day.changes.items()},
        )
        for at, day in days.items()
    }


async def test_entries_that_were_announced_are_not_asked_for_and_count_as_those_of_the_database(ports: Ports) -> None:
    await open_books(ports.ledger)
    desk = Desk(ports)
    await desk.days.read(1, 2)
    desk.counted.asked.clear()
    bought = execution()
    await desk.book(bought)
    await desk.book(replace(bought, symbol=ETH))
    await desk.book(replace(bought, side=Side.SELL, executed_at=AT.replace(microsecond=123456)))
    await desk.move(CashTransactionKind.DEPOSIT, "0.000000000000000001")
    await desk.move(CashTransactionKind.WITHDRAWAL, "10")
    await desk.reverse(3)
    await desk.days.read(1, (await ports.ledger.load(1)).revision)
    assert desk.counted.asked == []
    await desk.check()


async def test_entries_of_other_processes_between_are_asked_for(ports: Ports) -> None:
    await open_books(ports.ledger)
    desk = Desk(ports)
    await desk.days.read(1, 2)
    await desk.book(execution())
    await desk.book(execution(), is_told=False)
    await desk.book(execution())
    await desk.check()
    await desk.book(execution())
    await desk.check()


async def test_no_more_than_a_page_is_kept_of_what_nobody_reads(ports: Ports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "PAGE_SIZE", 2)
    await open_books(ports.ledger)
    desk = Desk(ports)
    for _ in range(5):
        await desk.book(execution(quantity="0.01"))
    await desk.check()
    await desk.book(execution(quantity="0.01"))
    await desk.check()
