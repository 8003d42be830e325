"""Each check of the harness can fail: real books, broken in every way, are caught by the check that is named."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.faults.harness.bookings import Batch, Book
from tests.faults.harness.books import Books, Cursor, Tables, read_books, units
from tests.faults.harness.clients import Client, text
from tests.faults.harness.invariants import CHECKS, Violation, check
from tests.faults.harness.model import Model
from tests.faults.harness.operations import ForeignWrite, Move, Reverse, compare_identity
from tests.faults.harness.plans import Planner
from tests.faults.harness.scene import Operation, Scene
from tests.faults.harness.world import INITIAL_CASH, MARKET, World, mysql_world, sqlite_world
from tests.support.database.database_server import DatabaseServer
from tests.unit.domain.ledger.ledger_model import ONE, Wish

# The last digit that the ledger knows.
LEAST = 1

BUY = Wish("BTC", True, 2 * ONE, 50_000 * ONE, 100_000 * ONE, 17 * ONE, False)
SELL = Wish("BTC", False, ONE // 3, 50_000 * ONE, 50_000 * ONE // 3, 3 * ONE, False)
OVERSELL = Wish("ETH", False, ONE, 3_000 * ONE, 3_000 * ONE, 0, False)


@dataclass(frozen=True)
class Kept:
    """Books that hold, and the model that says so."""

    tables: Tables
    model: Model

    def read(self, *statements: str) -> Books:
        """Return the books as they would be after these statements, which are then taken back."""
        connection = self.tables.connect()
        try:
            cursor: Cursor = connection.cursor()
            cursor.execute("BEGIN")
            for statement in statements:
                cursor.execute(statement)
            books = read_books(cursor, self.model.told, sqlite=self.tables.is_sqlite)
            cursor.execute("ROLLBACK")
        finally:
            connection.close()
        return books


@pytest.fixture(scope="module", params=["sqlite", "mysql"])
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    folder: Path = tmp_path_factory.mktemp("kept")
    if request.param == "sqlite":
        entered = sqlite_world(folder)
    else:
        server: DatabaseServer = request.getfixturevalue("mariadb")
        entered = mysql_world(server, f"kept_{os.getpid()}", folder)
    with entered as world:
        model = asyncio.run(_book_some(world))
        yield Kept(world.tables, model)


async def _book_some(world: World) -> Model:
    model = Model(prices={symbol: units(price) for symbol, price in MARKET.items()})
    model.open(INITIAL_CASH * ONE)
    scene = Scene(world, Client(world.service.url), model)
    doge = Wish("DOGE", True, 70_000 * ONE, ONE // 5, 14_000 * ONE, 0, False)
    operations: list[Operation] = [
        Book("one", BUY),
        Batch([("two", SELL), ("three", OVERSELL), ("four", doge)]),
        Move("five", 1_234 * ONE),
        Move("seven", -(10**9) * ONE),
        Reverse(1),
        Book("six", SELL),
        ForeignWrite("DOGE", -77 * ONE),
    ]
    for operation in operations:
        await operation.ask(scene)
        await operation.settle(scene)
    await scene.client.close()
    return model


def test_books_that_hold_are_found_to_hold(kept: Kept) -> None:
    books = kept.read()
    check(books, kept.model)
    assert not books.listed
    check(kept.tables.read(), kept.model)
    assert books.replayed.trades == 5
    assert books.revision == 8  # the baseline, the first deposit, two buys, two sells, a deposit and a reversal


def column(kept: Kept, table: str, name: str, where: str = "1 = 1") -> Any:
    [(value,)] = kept.tables.rows(f"SELECT {name} FROM {table} WHERE {where}")
    return value


def moved(kept: Kept, table: str, name: str, where: str = "1 = 1", by: int = LEAST) -> str:
    """Return the statement that changes one figure by so little."""
    value = text(units(column(kept, table, name, where)) + by)
    return f"UPDATE {table} SET {name} = '{value}' WHERE {where}"


CASH = "portfolio_cash_transactions"
FIGURES = [
    ("mock_portfolio", "cash_balance", "1 = 1", "cash_is_conserved"),
    ("mock_portfolio", "ledger_cash", "1 = 1", "cash_is_conserved"),
    ("mock_portfolio", "net_deposits", "1 = 1", "the_replay_gives_the_sums"),
    ("mock_portfolio", "net_deposits", "1 = 1", "the_identity_holds"),
    ("mock_portfolio", "realized_pnl", "1 = 1", "the_replay_gives_the_sums"),
    ("mock_portfolio", "realized_pnl", "1 = 1", "the_identity_holds"),
    ("mock_portfolio", "fees_paid", "1 = 1", "the_replay_gives_the_sums"),
    ("mock_holdings", "quantity", "symbol = 'BTC'", "quantity_is_conserved"),
    ("mock_holdings", "quantity", "symbol = 'BTC'", "the_model_is_equal"),
    ("mock_holdings", "ledger_quantity", "symbol = 'DOGE'", "quantity_is_conserved"),
    ("mock_holdings", "total_invested", "symbol = 'BTC'", "the_identity_holds"),
    ("mock_holdings", "total_invested", "symbol = 'DOGE'", "the_replay_gives_the_sums"),
    ("mock_holdings", "realized_pnl", "symbol = 'BTC'", "the_replay_gives_the_sums"),
    ("mock_holdings", "asset_cost", "symbol = 'BTC'", "the_model_is_equal"),
    ("mock_holdings", "avg_entry_price", "symbol = 'BTC'", "the_model_is_equal"),
    ("mock_trades", "cash_delta", "client_trade_id = 'one'", "cash_is_conserved"),
    ("mock_trades", "quantity", "client_trade_id = 'four'", "quantity_is_conserved"),
    ("mock_trades", "realized_pnl", "client_trade_id = 'two'", "the_replay_gives_the_sums"),
    ("mock_trades", "fee", "client_trade_id = 'one'", "the_replay_gives_the_sums"),
    (CASH, "cash_delta", "client_transaction_id = 'five'", "cash_is_conserved"),
    (CASH, "net_deposits_delta", "client_transaction_id = 'five'", "the_replay_gives_the_sums"),
]


@pytest.mark.parametrize(("table", "name", "where", "caught_by"), FIGURES)
def test_a_figure_that_is_off_by_the_last_digit_is_caught(
    kept: Kept, table: str, name: str, where: str, caught_by: str
) -> None:
    with pytest.raises(Violation) as violation:
        check(kept.read(moved(kept, table, name, where)), kept.model)
    assert caught_by in violation.value.broken


COPIED = (
    "symbol, side, quantity, price, amount, fee, net_amount, execution_time, booked_by, cash_delta, notional_delta,"
    " cost_basis_sold, realized_pnl, closes, portfolio_id, booked_at"
)
ROWS = {
    "a trade is gone": ("DELETE FROM mock_trades WHERE client_trade_id = 'one'", "nothing_acknowledged_is_missing"),
    "a reversal is gone": (
        "DELETE FROM mock_trades WHERE reverses_trade_id IS NOT NULL",
        "nothing_acknowledged_is_missing",
    ),
    "a trade has lost its key": (
        "UPDATE mock_trades SET client_trade_id = 'other' WHERE client_trade_id = 'two'",
        "nothing_acknowledged_is_missing",
    ),
    "a deposit is gone": (
        "DELETE FROM portfolio_cash_transactions WHERE client_transaction_id = 'five'",
        "nothing_acknowledged_is_missing",
    ),
    "a trade is there twice": (
        (
            f"INSERT INTO mock_trades ({COPIED}, ledger_revision) SELECT {COPIED}, 9 FROM mock_trades"
            " WHERE client_trade_id = 'four'"
        ),
        "nothing_is_doubled",
    ),
    "a deposit is nobody's": (
        "UPDATE portfolio_cash_transactions SET client_transaction_id = 'other' WHERE client_transaction_id = 'five'",
        "nothing_is_doubled",
    ),
    "an outcome is dropped": (
        "DELETE FROM portfolio_booking_outcomes WHERE client_trade_id = 'one'",
        "outcomes_are_kept",
    ),
    "a refusal is dropped": (
        "DELETE FROM portfolio_booking_outcomes WHERE client_trade_id = 'three'",
        "outcomes_are_kept",
    ),
    "a refused withdrawal is dropped": (
        "DELETE FROM portfolio_cash_refusals WHERE client_transaction_id = 'seven'",
        "outcomes_are_kept",
    ),
    "a refused withdrawal is nobody's": (
        "UPDATE portfolio_cash_refusals SET client_transaction_id = 'other' WHERE client_transaction_id = 'seven'",
        "outcomes_are_kept",
    ),
    "an outcome has another trade": (
        "UPDATE portfolio_booking_outcomes SET trade_id = trade_id + 1 WHERE client_trade_id = 'one'",
        "outcomes_are_kept",
    ),
    "the revision is raised": ("UPDATE mock_portfolio SET revision = revision + 1", "revisions_have_no_gap"),
    "an entry has skipped a revision": (
        "UPDATE mock_trades SET ledger_revision = 99 WHERE client_trade_id = 'six'",
        "revisions_have_no_gap",
    ),
    "a position has no row": ("DELETE FROM mock_holdings WHERE symbol = 'BTC'", "quantity_is_conserved"),
    "a price is absurd": ("UPDATE mock_holdings SET last_price = '2' WHERE symbol = 'BTC'", "prices_are_believable"),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_that_is_not_as_told_is_caught(kept: Kept, name: str) -> None:
    statement, caught_by = ROWS[name]
    with pytest.raises(Violation) as violation:
        check(kept.read(statement), kept.model)
    assert caught_by in violation.value.broken


def test_two_keys_with_one_trade_are_caught(kept: Kept) -> None:
    told = Model(**{name: getattr(kept.model, name) for name in ("rules", "promises", "prices", "transaction_keys")})
    told.trade_ids = [*kept.model.trade_ids, kept.model.trade_ids[0]]
    with pytest.raises(Violation) as violation:
        check(kept.tables.read(), told)
    assert "nothing_is_doubled" in violation.value.broken


def test_every_check_is_shown_to_fail() -> None:
    assert set(CHECKS) == {caught_by for *_, caught_by in FIGURES} | {caught_by for _, caught_by in ROWS.values()}


def test_an_answer_whose_sums_are_off_by_the_last_digit_is_caught() -> None:
    told = {"total_value": "3", "cash_balance": "1", "invested_amount": "2", "net_deposits": "3", "realized_pnl": "0"}
    told |= {"unrealized_pnl": "0", "unreconciled": "0"}
    positions = [{"market_value": "2"}]
    compare_identity({**told, "positions": positions})
    for name in told:
        with pytest.raises(AssertionError):
            compare_identity({**told, name: text(units(told[name]) + LEAST), "positions": positions})
    with pytest.raises(AssertionError):
        compare_identity({**told, "positions": [*positions, {"market_value": text(LEAST)}]})


def test_the_same_seed_plans_the_same_operations() -> None:
    def planned(seed: int) -> list[Operation]:
        model = Model(prices={symbol: units(price) for symbol, price in MARKET.items()})
        model.open(INITIAL_CASH * ONE)
        planner = Planner(model, "run")
        return [planner.plan(random.Random(f"{seed}/{n}"), n, faulty=n % 3 == 0) for n in range(200)]

    assert planned(7) == planned(7)
    assert planned(7) != planned(8)
