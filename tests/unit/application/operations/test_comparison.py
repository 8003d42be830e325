"""The rows are held against all entries: what no single entry tells is found, and right rows are believed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import pytest

from portfolio.application.errors import BooksContradicted, LedgerUnavailable
from portfolio.application.ledger.cash import MoveCash, MoveCashInOrOut
from portfolio.application.ledger.cash_records import CashEntry
from portfolio.application.ledger.lots.movement import Movement
from portfolio.application.ledger.opening import OpenBooks
from portfolio.application.ledger.rebuilding import RebuildBooks
from portfolio.application.ledger.reversal import ReverseTrade
from portfolio.application.ledger.snapshots import Snapshots
from portfolio.application.ledger.verification import ReconcileBooks
from portfolio.application.operations.comparison import Agreement, CompareBooks
from portfolio.application.performance.days.ledger_days import LedgerDays
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.symbol import Symbol
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_books import Books
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_lookups import FakeLookups
from tests.support.fakes.fake_unit import FakeUnit
from tests.unit.application.ledger.booking_examples import booking, opened, wish
from tests.unit.examples import RULES, bought, money, sold, units

T = TypeVar("T")
BTC, ETH, DOGE = Symbol("BTC"), Symbol("ETH"), Symbol("DOGE")
CLOCK = FakeClock()


class Busy(FakeLedger):
    """Counts the units of work, and books a trade while the first page of the entries is read, where it is told to."""

    units = 0
    books_meanwhile = False

    async def transact(self, portfolio_id: int, work: Callable[[FakeUnit], Awaitable[T]], **wanted: Any) -> T:
        self.units += 1
        return await super().transact(portfolio_id, work, **wanted)

    async def movements(self, portfolio_id: int, *, after: int, limit: int) -> Sequence[Movement | CashEntry]:
        found = await super().movements(portfolio_id, after=after, limit=limit)
        if self.books_meanwhile:
            self.books_meanwhile = False
            await booking(self, CLOCK)([wish(bought("ETH", 1, 10))])
        return found


@dataclass
class World:
    """Books in memory, and an instance that was started on them."""

    ledger: Busy
    snapshots: Snapshots
    compare: CompareBooks

    @property
    def portfolio(self) -> Portfolio:
        """What the rows say."""
        assert self.ledger.books.portfolio is not None
        return self.ledger.books.portfolio

    def tamper(self, **fields: Any) -> None:
        """Write into the rows."""
        self.ledger.books.portfolio = replace(self.portfolio, **fields)

    async def status(self) -> Agreement:
        """What a comparison finds."""
        return (await self.compare()).status


def started(ledger: Busy) -> World:
    """An instance that has read nothing yet."""
    snapshots = Snapshots(ledger, CLOCK, 1)
    return World(ledger, snapshots, CompareBooks(ledger, LedgerDays(ledger, FakeLookups(ledger)), snapshots, CLOCK))


@pytest.fixture
async def world() -> World:
    """Purchases, a win, a reversal of a win, a closed position and a deposit; then a start."""
    ledger = Busy((await opened(CLOCK)).books)
    book = booking(ledger, CLOCK)
    await book([wish(bought("BTC", 3, "33.4", net=100, fees=1)), wish(sold("BTC", 1, 50, fees="0.5"))])
    await book([wish(bought("ETH", 2, 10)), wish(sold("ETH", 2, 12)), wish(sold("BTC", 1, 60))])
    await ReverseTrade(ledger, CLOCK, RULES)(1, 2, owner="admin")
    deposit = MoveCash(kind=CashTransactionKind.DEPOSIT, amount=money(500), owner="admin")
    await MoveCashInOrOut(ledger, CLOCK, RULES)(1, deposit)
    return started(ledger)


async def test_rows_that_state_what_the_entries_add_up_to_agree_with_them(world: World) -> None:
    assert world.compare.last.status is Agreement.NOT_COMPARED
    found = await world.compare()
    assert (found.status, found.revision, found.compared_at) == (
        Agreement.AGREE,
        world.portfolio.revision,
        CLOCK.now(),
    )
    assert found == world.compare.last


async def test_the_lock_is_not_taken_again_before_there_is_another_entry(world: World) -> None:
    await world.compare()
    before = world.ledger.units
    await world.compare()
    assert world.ledger.units == before
    await booking(world.ledger, CLOCK)([wish(bought("BTC", 1, 10))])
    assert (await world.compare()).revision == world.portfolio.revision


SUMS = {name: {name: money("12.34")} for name in ("ledger_cash", "net_deposits", "realized_pnl", "fees_paid")}
HELD = {
    "more of what is held": Position(symbol=BTC, quantity=units(9), ledger_quantity=units(9)),
    "what was closed": Position(symbol=ETH, quantity=units(9), ledger_quantity=units(9)),
    "what was never traded": Position(symbol=DOGE, quantity=units(9), ledger_quantity=units(9)),
}


@pytest.mark.parametrize("changed", [*SUMS, *HELD])
async def test_sums_that_are_not_those_of_the_entries_are_not_believed_until_they_are_put_back(
    world: World, changed: str
) -> None:
    right = world.portfolio
    if changed in SUMS:
        world.tamper(**SUMS[changed])
    else:
        world.tamper(positions={**right.positions, HELD[changed].symbol: HELD[changed]})
    assert not (await world.snapshots.newest()).database_away
    found = await world.compare()
    assert found.status is Agreement.DIFFER
    assert (changed if changed in SUMS else f"ledger_quantity of {HELD[changed].symbol}") in (found.detail or "")
    assert (await world.snapshots.newest()).contradiction == found.detail
    with pytest.raises(BooksContradicted):
        await booking(world.ledger, CLOCK)([wish(bought("BTC", 1, 10))])
    assert (await world.compare()).status is Agreement.DIFFER
    world.ledger.books.portfolio = right
    assert await world.status() is Agreement.AGREE
    assert (await world.snapshots.newest()).contradiction is None


async def test_what_other_programs_wrote_beside_the_ledgers_sums_is_nothing_here(world: World) -> None:
    positions = {**world.portfolio.positions, BTC: replace(world.portfolio.position(BTC), quantity=units(9))}
    world.tamper(cash=money(1), positions=positions, unreadable_rows=("doge",))
    assert await world.status() is Agreement.AGREE
    await ReconcileBooks(world.ledger, CLOCK)(1)
    assert await world.status() is Agreement.AGREE
    assert await world.status() is Agreement.AGREE


async def test_a_position_whose_row_cannot_be_read_is_not_compared(world: World) -> None:
    positions = {s: p for s, p in world.portfolio.positions.items() if s != BTC}
    world.tamper(positions=positions, unreadable_rows=("btc",))
    assert await world.status() is Agreement.AGREE


async def test_books_that_were_opened_on_positions_of_before_agree() -> None:
    held = Position(symbol=BTC, quantity=units(2), cost_basis=money(30), asset_cost=money(30), realized_pnl=money(4))
    ledger = Busy(Books(Portfolio(id=1, cash=money(70), positions={BTC: held})))
    await OpenBooks(ledger, CLOCK, money(0))(1)
    world = started(ledger)
    assert await world.status() is Agreement.AGREE


async def test_a_booking_that_comes_while_the_entries_are_read_is_waited_for(world: World) -> None:
    world.ledger.books_meanwhile = True
    before = world.portfolio.revision
    found = await world.compare()
    assert (found.status, found.revision) == (Agreement.AGREE, before + 1)


async def test_where_entries_are_missing_it_says_which_and_contradicts_nothing(world: World) -> None:
    [first, *_] = [trade_id for trade_id, entry in world.ledger.books.trades.items() if entry]
    gone = world.ledger.books.trades.pop(first)
    assert gone is not None
    world.tamper(net_deposits=money("12.34"))
    found = await world.compare()
    assert (found.status, found.revision) == (Agreement.NOT_COMPARABLE, world.portfolio.revision)
    assert (found.detail or "").endswith(f"are missing or cannot be read: {gone.revision}")
    await booking(world.ledger, CLOCK)([wish(bought("BTC", 1, 10))])


async def test_where_the_newest_entry_or_what_a_reversal_takes_out_is_missing_nothing_is_contradicted(
    world: World,
) -> None:
    [reversal] = [e for e in world.ledger.books.trades.values() if e and e.trade.reverses is not None]
    [taken_back] = [i for i in world.ledger.books.trades if i == reversal.trade.reverses]
    world.ledger.books.trades.pop(taken_back)
    world.ledger.books.transactions.popitem()
    detail = (await world.compare()).detail or ""
    assert f"{reversal.revision}, {world.portfolio.revision}" in detail


async def test_a_database_that_is_away_leaves_what_was_found(world: World) -> None:
    found = await world.compare()
    world.ledger.away = True
    with pytest.raises(LedgerUnavailable):
        await world.compare()
    assert world.compare.last == found


async def test_an_older_state_that_a_person_decided_on_is_read_anew_and_agrees(world: World) -> None:
    older = world.ledger.books.copy()
    for _ in range(2):
        await booking(world.ledger, CLOCK)([wish(bought("BTC", 1, 10))])
    await world.compare()
    world.ledger.books = older
    await RebuildBooks(world.ledger, CLOCK)(1)
    await booking(world.ledger, CLOCK)([wish(bought("ETH", 1, 10))] * 2)
    assert await world.status() is Agreement.AGREE


async def test_sums_that_moved_together_with_an_entry_of_another_instance_are_found_later(world: World) -> None:
    await world.compare()
    await booking(world.ledger, CLOCK)([wish(bought("BTC", 1, 10))])
    world.tamper(net_deposits=money("12.34"))
    assert await world.status() is Agreement.DIFFER
