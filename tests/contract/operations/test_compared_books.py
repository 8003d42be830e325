"""Rows are held to what the entries add up to, in memory and on each kind of database."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from portfolio.application.errors import BooksContradicted
from portfolio.application.ledger.cash import MoveCash, MoveCashInOrOut
from portfolio.application.ledger.ports import LedgerUnit
from portfolio.application.ledger.reversal import ReverseTrade
from portfolio.application.ledger.snapshots import Snapshots
from portfolio.application.operations.comparison import Agreement, CompareBooks
from portfolio.application.performance.days.ledger_days import LedgerDays
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import Quantity
from tests.contract.ledger.ledger_kinds import Ports, ports
from tests.support.fakes.clock import FakeClock
from tests.support.ledger_examples import AT, BTC, ETH, book_one, execution, money, open_books

__all__ = ["ports"]

CLOCK, RULES = FakeClock(AT), BookingRules()


def started(ports: Ports) -> CompareBooks:
    """What compares in an instance that was just started."""
    snapshots = Snapshots(ports.ledger, CLOCK, 1)
    return CompareBooks(ports.ledger, LedgerDays(ports.ledger, ports.lookups), snapshots, CLOCK)


async def hold(ports: Ports, entered: Portfolio) -> None:
    """Hold the rows to it, in a unit of work that is rolled back."""

    async def work(unit: LedgerUnit) -> None:
        unit.hold_to(entered)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await ports.ledger.transact(1, work)


async def test_rows_are_held_to_what_the_entries_say_until_there_is_another_entry(ports: Ports) -> None:
    await open_books(ports.ledger)
    await book_one(ports.ledger)
    right = await ports.ledger.load(1)
    held = replace(right.position(BTC), ledger_quantity=Quantity(Decimal(7)))
    await hold(ports, replace(right, net_deposits=money("99999"), positions={BTC: held}))
    for ask in (ports.ledger.load(1), ports.ledger.newest(1), book_one(ports.ledger)):
        with pytest.raises(BooksContradicted, match=r"net_deposits.*was 99999 and is 100000.*ledger_quantity of BTC"):
            await ask
    assert (await ports.ledger.revisions(1)).ledger == right.revision
    assert [entry.revision for entry in await ports.ledger.movements(1, after=0, limit=9)] == [1, 2, 3]


async def test_rows_that_are_what_the_entries_say_are_booked_on(ports: Ports) -> None:
    await open_books(ports.ledger)
    await book_one(ports.ledger)
    await hold(ports, await ports.ledger.load(1))
    await book_one(ports.ledger)
    assert (await ports.ledger.load(1)).revision == 4


async def test_books_of_every_kind_of_entry_agree_to_the_last_digit(ports: Ports) -> None:
    await open_books(ports.ledger)
    compare = started(ports)
    await book_one(ports.ledger, execution(quantity="0.333333333333333333", price="7.000000000000000007", fees="0.1"))
    sold = await book_one(ports.ledger, execution(Side.SELL, quantity="0.1", price="3", fees="0.000000000000000001"))
    assert (await compare()).status is Agreement.AGREE
    await book_one(ports.ledger, execution(symbol=ETH))
    await ReverseTrade(ports.ledger, CLOCK, RULES)(1, sold, owner="boss")
    paid_out = MoveCash(kind=CashTransactionKind.WITHDRAWAL, amount=money("10"), owner="boss")
    await MoveCashInOrOut(ports.ledger, CLOCK, RULES)(1, paid_out)
    for each in (compare, started(ports)):
        found = await each()
        assert (found.status, found.revision) == (Agreement.AGREE, 7), found
