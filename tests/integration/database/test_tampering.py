"""Whatever cell of the ledger's rows is changed, whatever row is removed, added or moved: ``verify`` finds it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, Table, text
from sqlalchemy.exc import DBAPIError

from portfolio.adapters.database.database import Database
from portfolio.adapters.database.schema import tables
from portfolio.application.errors import BooksContradicted
from portfolio.application.ledger import audit
from portfolio.application.ledger.booking import BookTrades
from portfolio.application.ledger.cash import MoveCash, MoveCashInOrOut
from portfolio.application.ledger.happenings.booking import BookEvents
from portfolio.application.ledger.happenings.records import BookEvent, EventReply, RecordedEvent
from portfolio.application.ledger.happenings.reversal import ReverseEvent
from portfolio.application.ledger.opening import OpenBooks
from portfolio.application.ledger.records import BookTrade
from portfolio.application.ledger.reversal import ReverseTrade
from portfolio.application.ledger.verification import ReconcileBooks, Verification, VerifyBooks
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.cash_transaction import CashTransactionKind as Kind
from portfolio.domain.ledger.happening import Happening
from portfolio.domain.ledger.portfolio import BookingRules
from portfolio.domain.ledger.trade import Side
from portfolio.domain.symbol import Symbol
from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.migrated import bring_up_to_date
from tests.support.database.old_database import execute
from tests.support.fakes.clock import FakeClock
from tests.support.ledger_examples import ETH, execution, money
from tests.unit.examples import units

# Each of hundreds of cells is read again by the whole of `verify`.
pytestmark = pytest.mark.unmeasured

CLOCK, RULES = FakeClock(), BookingRules()
CONTRADICTED = "nothing is served"
FORGED = (
    "INSERT INTO mock_trades (symbol, side, quantity, price, amount, fee, net_amount, execution_time, booked_by)"
    " VALUES ('BTC', 'BUY', '1', '1', '1', '0', '1', '2026-01-01 00:00:00', 'ann')"
)
MOVED = "INSERT INTO portfolio_position_adjustments (cash_transaction_id, symbol, quantity_delta)"
# Of rows that others write as well: what this ledger answers of them.
PORTFOLIO = [
    "revision",
    "net_deposits",
    "realized_pnl",
    "fees_paid",
    "ledger_cash",
    "unit_count",
    "unit_value",
    "gross_profit",
    "gross_loss",
    "booked_trades",
    "booked_wins",
    "booked_losses",
    "ledger_head",
    "cash_balance",
]
HOLDINGS = ["quantity", "avg_entry_price", "total_invested", "realized_pnl", "asset_cost", "ledger_quantity"]


class Books:
    """Books on a database, and a way to do to them what their users may not."""

    def __init__(self, place: DatabaseUnderTest, database: Database, engine: Engine) -> None:
        self.place, self.database, self.engine = place, database, engine

    async def verified(self, head: str | None = None) -> Verification:
        """As the command does it: by a process that has not seen the books before."""
        opened = self.place.opened()
        try:
            return await VerifyBooks(opened.ledger, page_size=3)(1, head)
        except BooksContradicted as error:
            # The row and the newest entry do not belong together, so nothing is served at all.
            return Verification(
                trades=0,
                transactions=0,
                revision=0,
                differences=[CONTRADICTED, str(error)],
                unreconciled=[],
                unreconciled_value=money(0),
            )
        finally:
            await opened.close()

    def cells(self, table: Table, columns: list[str] | tuple[str, ...]) -> Iterator[tuple[int, str, Any]]:
        with self.engine.connect() as connection:
            for row in connection.execute(text(f"SELECT id, {', '.join(columns)} FROM {table.name} ORDER BY id")).all():
                for name in columns:
                    yield row.id, name, getattr(row, name)

    def write(self, table: Table, row_id: int, column: str, value: Any) -> None:
        with self.engine.begin() as connection:
            statement = text(f"UPDATE {table.name} SET {column} = :value WHERE id = :row_id")
            connection.execute(statement, {"value": value, "row_id": row_id})

    @contextmanager
    def changed(self, table: Table, row_id: int, column: str, was: Any) -> Iterator[None]:
        self.write(table, row_id, column, another(table, column, was))
        yield
        self.write(table, row_id, column, was)


def another(table: Table, column: str, was: Any) -> Any:
    """A value that the column can take, and does not have."""
    if column == "side":
        return "SELL" if was == "BUY" else "BUY"
    kind = table.c[column].type.__class__.__name__
    if kind == "Exact":
        changed = Decimal(was or 0) + Decimal("0.000000000000000001")
        return format(changed, "f") if was is None or isinstance(was, str) else changed
    if kind == "UtcMoment" and was is None:
        return "2026-01-01 00:00:00.000000"
    if kind == "UtcMoment":
        moment = datetime.fromisoformat(was) if isinstance(was, str) else was
        moved = moment + timedelta(microseconds=1)
        return moved.isoformat(" ", "microseconds") if isinstance(was, str) else moved
    if kind in {"Integer", "Boolean"}:
        return 7_000_000 if was is None else 1 - was if kind == "Boolean" else was + 1
    raw = was.decode() if isinstance(was, bytes) else was
    return "x" if raw is None else raw[:-1] + ("y" if raw.endswith("x") else "x")


def wish(client_trade_id: str | None, *args: Any, **fields: Any) -> BookTrade:
    return BookTrade(owner="ann", client_trade_id=client_trade_id, execution=execution(*args), **fields)


async def opened_books(database: DatabaseUnderTest) -> AsyncIterator[Books]:
    """Adopted books with entries, outcomes and refusals of every kind."""
    bring_up_to_date(database)
    execute(
        database,
        "INSERT INTO mock_holdings (symbol, quantity, avg_entry_price, total_invested, realized_pnl, last_price)"
        " VALUES ('BTC', 2, 10, 21, 3, 12)",
        "INSERT INTO mock_holdings (symbol, quantity, total_invested, realized_pnl) VALUES ('SOL', 0, 0, -4)",
        "INSERT INTO mock_portfolio (cash_balance) VALUES (50000)",
    )
    opened = database.opened()
    engine = database.engine()
    ledger = opened.ledger
    try:
        await OpenBooks(ledger, CLOCK, money(0))(1)
        book = BookTrades(ledger, CLOCK, RULES)
        await book(1, [wish("k1", Side.BUY, "1", "10", "0.1", ETH, engine="momentum", notes="a «note»")])
        await book(
            1,
            [
                wish(
                    "k2",
                    Side.BUY,
                    "3",
                    "9",
                    "0.1",
                    ETH,
                    signal_id="s",
                    recommendation_id="17",
                    confidence=Decimal("0.5"),
                ),
                wish("k3", Side.SELL, "1", "12", "0.1", ETH),
                wish(None, Side.SELL, "1", "8", "0.1", ETH),
                wish("k4", Side.SELL, "900", "8", "0.1", ETH),
            ],
        )
        await ReverseTrade(ledger, CLOCK, RULES)(1, 3, owner="ann", notes="back")
        move = MoveCashInOrOut(ledger, CLOCK, RULES)
        cash = MoveCash(kind=CashTransactionKind.DEPOSIT, amount=money(100), owner="ann", client_transaction_id="d1")
        await move(1, cash)
        await move(
            1,
            replace(
                cash, kind=CashTransactionKind.WITHDRAWAL, amount=money(10**9), client_transaction_id="w1", note="n"
            ),
        )
        yield Books(database, opened, engine)
    finally:
        engine.dispose()
        await opened.close()


@pytest.fixture
async def books(database: DatabaseUnderTest) -> AsyncIterator[Books]:
    """The books on each kind of database."""
    async for opened in opened_books(database):
        yield opened


async def test_books_that_nobody_touched_hold(books: Books) -> None:
    found = await books.verified()
    assert (found.differences, found.unreconciled, found.lost) == ([], [], [])
    [(_, _, newest)] = books.cells(tables.mock_portfolio, ["ledger_head"])
    assert found.head == newest
    assert len(newest) == 64


of_entries = pytest.mark.parametrize(
    ("table", "columns"),
    [
        (tables.mock_trades, (*audit.TRADE, "digest")),
        (tables.cash_transactions, (*audit.CASH_ENTRY, "digest")),
        (tables.position_adjustments, (*audit.ADJUSTMENT, "cash_transaction_id")),
        (tables.booking_outcomes, (*audit.OUTCOME, "digest")),
        (tables.cash_refusals, (*audit.CASH_REFUSAL, "digest")),
    ],
    ids=lambda each: each.name if isinstance(each, Table) else "",
)


@of_entries
async def test_any_changed_cell_is_found_and_its_row_named(
    books: Books, table: Table, columns: tuple[str, ...]
) -> None:
    # Each on a server takes ten times as long: `make faults` changes every one there, too.
    await check_cells(books, table, columns, every=1 if books.place.kind == "sqlite" else 11)


@pytest.mark.faults_long
@of_entries
async def test_each_changed_cell_is_found_and_its_row_named(
    books: Books, table: Table, columns: tuple[str, ...]
) -> None:
    await check_cells(books, table, columns, every=1)


async def check_cells(books: Books, table: Table, columns: tuple[str, ...], every: int) -> None:
    """See that one cell in so many, when it is changed, is found."""
    for row_id, column, was in list(books.cells(table, columns))[::every]:
        try:
            with books.changed(table, row_id, column, was):
                found = await books.verified()
        except DBAPIError:
            continue  # a key of the database's own refuses it
        said = [*found.differences, *found.lost]
        place = f"{table.name} row {row_id}"
        if table is tables.position_adjustments:
            place = "portfolio_cash_transactions row 1"
        assert CONTRADICTED in said or any(place in line for line in said), (row_id, column, was, said)
    assert (await books.verified()).holds


@pytest.mark.parametrize(
    ("table", "columns"),
    [(tables.mock_portfolio, PORTFOLIO), (tables.mock_holdings, HOLDINGS)],
    ids=lambda each: each.name if isinstance(each, Table) else "",
)
async def test_any_changed_sum_is_found_and_named(books: Books, table: Table, columns: list[str]) -> None:
    # What is not held has neither cost nor average, whatever stands there: no answer shows it.
    closed = {row_id for row_id, name, was in books.cells(table, columns) if name == "quantity" and not Decimal(was)}
    for row_id, column, was in list(books.cells(table, columns)):
        if row_id in closed and column in {"avg_entry_price", "total_invested", "asset_cost"}:
            continue
        with books.changed(table, row_id, column, was):
            found = await books.verified()
        assert found.differences or found.unreconciled, (row_id, column, was)
    assert (await books.verified()).holds


@pytest.mark.parametrize(
    "deed",
    [
        "DELETE FROM mock_trades WHERE id = 2",
        "DELETE FROM portfolio_cash_transactions WHERE kind = 'deposit'",
        "DELETE FROM portfolio_position_adjustments WHERE symbol = 'SOL'",
        "UPDATE mock_trades SET ledger_revision = ledger_revision + 100 WHERE id IN (2, 3)",
        "UPDATE mock_trades SET ledger_revision = NULL WHERE id = 5",
        "UPDATE mock_trades SET id = 900 WHERE id = 2",
        "UPDATE portfolio_booking_outcomes SET client_trade_id = 'other' WHERE client_trade_id = 'k2'",
        "UPDATE portfolio_booking_outcomes SET status = 'refused' WHERE client_trade_id = 'k2'",
        FORGED,
        f"{MOVED} VALUES (77, 'ADA', '1')",
        f"{MOVED} VALUES (1, 'ADA', '0')",
    ],
)
async def test_a_row_that_is_gone_moved_or_from_nowhere_is_found(books: Books, deed: str) -> None:
    execute(books.place, deed)
    assert not (await books.verified()).holds


@pytest.mark.parametrize("table", ["mock_trades", "portfolio_cash_transactions"])
async def test_the_newest_entry_gone_with_its_revision_is_found_by_the_head(books: Books, table: str) -> None:
    if table == "mock_trades":
        await BookTrades(books.database.ledger, CLOCK, RULES)(1, [wish(None)])
    execute(
        books.place,
        f"DELETE FROM {table} WHERE ledger_revision = (SELECT revision FROM mock_portfolio)",
        "UPDATE mock_portfolio SET revision = revision - 1",
    )
    assert any(line.startswith("the newest digest is") for line in (await books.verified()).differences)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("mock_trades", "cash_delta"),
        ("mock_trades", "quantity"),
        ("mock_trades", "ledger_revision"),
        ("mock_trades", "execution_time"),
        ("portfolio_cash_transactions", "net_deposits_delta"),
        ("portfolio_cash_transactions", "kind"),
        ("portfolio_position_adjustments", "cost_basis_delta"),
        ("portfolio_booking_outcomes", "outcome"),
    ],
)
@pytest.mark.parametrize("absurd", ["abc", "9" * 40, "NaN", ""])
async def test_a_cell_that_sqlite_takes_and_nobody_can_read_is_found(
    sqlite_database: DatabaseUnderTest, table: str, column: str, absurd: str
) -> None:
    async with asynccontextmanager(opened_books)(sqlite_database) as books:
        execute(sqlite_database, f"UPDATE {table} SET {column} = '{absurd}' WHERE id = 1")
        found = await books.verified()
        assert CONTRADICTED in found.differences or any(
            f"{table} row 1" in line or "portfolio_cash_transactions row 1" in line for line in found.differences
        )


async def test_entries_in_another_order_are_found(books: Books) -> None:
    for was, becomes in ((2, 900), (3, 2), (900, 3)):
        execute(books.place, f"UPDATE mock_trades SET ledger_revision = {becomes} WHERE ledger_revision = {was}")
    assert not (await books.verified()).holds


async def test_a_noted_head_is_found_again_later_and_another_is_not(books: Books) -> None:
    noted = (await books.verified()).head
    assert noted is not None
    await BookTrades(books.database.ledger, CLOCK, RULES)(1, [wish("k9")])
    assert (await books.verified(head=noted)).holds
    assert f"no entry has the digest {'0' * 64}" in (await books.verified(head="0" * 64)).differences[0]


async def test_digests_that_are_all_taken_away_are_missed(books: Books) -> None:
    execute(books.place, "UPDATE mock_portfolio SET ledger_head = NULL")
    assert any(line.startswith("the newest digest is") for line in (await books.verified()).differences)
    for table in ("mock_trades", "portfolio_cash_transactions"):
        execute(books.place, f"UPDATE {table} SET digest = NULL")
    found = await books.verified()
    assert (found.holds, found.is_proved) == (True, False)


async def test_older_entries_are_taken_into_the_chain_once_and_later_ones_carry_it_on(books: Books) -> None:
    head = (await books.verified()).head
    execute(
        books.place,
        "UPDATE mock_trades SET digest = NULL",
        "UPDATE portfolio_cash_transactions SET digest = NULL",
        "UPDATE mock_portfolio SET ledger_head = NULL",
    )
    book = BookTrades(books.database.ledger, CLOCK, RULES)
    await book(1, [wish("before the seal")])
    await OpenBooks(books.database.ledger, CLOCK, money(0))(1)
    sealed = await books.verified(head=head)
    assert (sealed.differences, sealed.is_proved) == ([], True)
    await book(1, [wish("after the seal")])
    await OpenBooks(books.database.ledger, CLOCK, money(0))(1)
    found = await books.verified(head=sealed.head)
    assert (found.differences, found.is_proved, found.head != sealed.head) == ([], True, True)
    execute(books.place, "UPDATE mock_trades SET notes = 'other' WHERE id = 1")
    assert not (await books.verified()).holds


@pytest.mark.parametrize("key", ["k1", "k3"])
async def test_a_booking_whose_outcome_is_gone_is_a_replay_and_brings_it_back(books: Books, key: str) -> None:
    book = BookTrades(books.database.ledger, CLOCK, RULES)
    wishes = {
        "k1": wish("k1", Side.BUY, "1", "10", "0.1", ETH, engine="momentum", notes="a «note»"),
        "k3": wish("k3", Side.SELL, "1", "12", "0.1", ETH),
    }
    [before] = await book(1, [wishes[key]])
    execute(books.place, f"DELETE FROM portfolio_booking_outcomes WHERE client_trade_id = '{key}'")
    lost = await books.verified()
    assert (lost.holds, len(lost.lost)) == (True, 1)
    # In a batch too, beside one that is booked.
    again, new = await book(1, [wishes[key], wish("new")])
    assert (again.replayed, new.replayed) == (True, False)  # type: ignore[union-attr]  # booked, so with a result
    assert again.outcome.result.trade_id == before.outcome.result.trade_id  # type: ignore[union-attr]  # booked, so with a result
    assert again.outcome.terms == before.outcome.terms  # type: ignore[union-attr]  # booked, so with a result
    found = await books.verified()
    assert (found.differences, found.lost) == ([], [])
    assert (await books.verified()).trades == 6  # five of the fixture, and the new one


async def test_what_others_changed_of_a_cost_is_theirs_until_it_is_accepted(books: Books) -> None:
    execute(
        books.place,
        "UPDATE mock_holdings SET total_invested = total_invested + 1 WHERE symbol = 'ETH'",
        "UPDATE mock_holdings SET avg_entry_price = avg_entry_price + 2 WHERE symbol = 'BTC'",
        "UPDATE mock_holdings SET realized_pnl = realized_pnl + 2 WHERE symbol = 'SOL'",
    )
    found = await books.verified()
    assert (found.differences, [line.partition(":")[0] for line in found.unreconciled]) == ([], ["BTC", "ETH", "SOL"])
    await ReconcileBooks(books.database.ledger, CLOCK)(1)
    after = await books.verified()
    assert (after.differences, after.unreconciled) == ([], [])


def test_a_digest_is_of_every_column_that_is_written() -> None:
    """Beside numbers that the database gives, and the digest itself."""
    of = {
        tables.mock_trades: ({"id", "digest"}, audit.TRADE + audit.TRADE_GROUP),
        tables.cash_transactions: ({"id", "digest"}, audit.CASH_ENTRY + audit.EVENT),
        tables.position_adjustments: ({"id", "cash_transaction_id"}, audit.ADJUSTMENT),
        tables.booking_outcomes: ({"id", "digest"}, audit.OUTCOME),
        tables.cash_refusals: ({"id", "digest"}, audit.CASH_REFUSAL),
    }
    for table, (others, columns) in of.items():
        assert {column.name for column in table.c} - others == set(columns)


async def test_costs_that_older_entries_do_not_say_are_written_down_once(books: Books) -> None:
    """As the baseline of a version before 0024 was."""
    execute(
        books.place,
        "UPDATE portfolio_position_adjustments SET asset_cost_delta = NULL, cost_basis_delta = NULL,"
        " realized_delta = NULL, avg_entry_price = NULL",
        "DELETE FROM portfolio_position_adjustments WHERE symbol = 'SOL'",
        "UPDATE portfolio_cash_transactions SET digest = NULL",
        "UPDATE portfolio_cash_transactions SET value_before = '0' WHERE kind = 'baseline'",
        "UPDATE mock_trades SET digest = NULL",
        "UPDATE mock_portfolio SET ledger_head = NULL",
    )
    await OpenBooks(books.database.ledger, CLOCK, money(0))(1)
    found = await books.verified()
    assert (found.differences, found.is_proved) == ([], True)
    assert [line.partition(":")[0] for line in found.unreconciled] == ["BTC", "SOL"]
    assert all("entries of before 0024 do not say it" in line for line in found.unreconciled)
    entry = await ReconcileBooks(books.database.ledger, CLOCK)(1)
    assert entry is not None
    assert not any(moved.quantity_delta for moved in entry.positions)
    after = await books.verified()
    assert (after.differences, after.unreconciled) == ([], [])


# --- events -----------------------------------------------------------------------------------------------------------


async def happened(books: Books) -> None:
    """An event of some kinds, one with all that can be said of it, a swap, and one that was taken out."""
    book = BookEvents(books.database.ledger, CLOCK, RULES)
    stated: list[dict[str, Any]] = [
        {"kind": Kind.TRANSFER_IN, "symbol": ETH, "quantity": units("2"), "value": money(20), "group": "a «group»"},
        {"kind": Kind.INCOME, "symbol": ETH, "quantity": units("1"), "value": money(9), "label": "staking"},
        {"kind": Kind.SPLIT, "symbol": ETH, "ratio": Decimal(3)},
        {
            "kind": Kind.SWAP,
            "symbol": ETH,
            "quantity": units("1"),
            "to_symbol": Symbol("POL"),
            "to_quantity": units("5"),
            "value": money(8),
        },
    ]
    results = await book(1, [BookEvent(what=Happening(effective_at=CLOCK.now(), **one), owner="ann") for one in stated])
    income = results[1]
    assert isinstance(income, EventReply)
    assert isinstance(income.event, RecordedEvent)
    assert income.event.id is not None
    await ReverseEvent(books.database.ledger, CLOCK, RULES)(1, income.event.id, owner="ann")


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        (tables.cash_transactions, (*audit.EVENT, "kind", "net_deposits_delta", "realized_delta")),
        (tables.mock_trades, audit.TRADE_GROUP),
    ],
    ids=lambda each: each.name if isinstance(each, Table) else "",
)
async def test_any_changed_cell_of_an_event_is_found_and_its_row_named(
    books: Books, table: Table, columns: tuple[str, ...]
) -> None:
    await happened(books)
    await check_cells(books, table, columns, every=1 if books.place.kind == "sqlite" else 11)


async def test_a_changed_leg_of_an_event_is_found(books: Books) -> None:
    await happened(books)
    cells = [one for one in books.cells(tables.position_adjustments, audit.ADJUSTMENT) if one[0] > 2]
    assert len(cells) > 12
    for row_id, column, was in cells:
        with books.changed(tables.position_adjustments, row_id, column, was):
            assert (await books.verified()).differences, (row_id, column)
    assert (await books.verified()).holds
