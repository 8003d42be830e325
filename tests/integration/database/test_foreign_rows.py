"""What other programs leave in the shared rows neither stops the bookings nor breaks the proof of the books."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from portfolio.adapters.database.database import Database
from portfolio.application.errors import BooksContradicted, LedgerUnavailable
from portfolio.application.ledger.opening import OpenBooks, Opening
from portfolio.application.ledger.rebuilding import RebuildBooks
from portfolio.application.ledger.verification import ReconcileBooks, VerifyBooks
from portfolio.application.prices.records import PriceUpdate
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.mark import Mark
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol
from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.migrated import bring_up_to_date
from tests.support.database.old_database import execute
from tests.support.fakes.clock import FakeClock
from tests.support.ledger_examples import AT, BTC, ETH, book_one, execution, money

ADA = Symbol("ADA")
CLOCK = FakeClock()


@pytest.fixture
def binary(database: DatabaseUnderTest) -> DatabaseUnderTest:
    """A database in which 'btc' and 'BTC' are two words."""
    if database.kind == "mysql":
        execute(database, "ALTER DATABASE COLLATE utf8mb4_bin")
    bring_up_to_date(database)
    return database


@pytest.fixture
async def books(binary: DatabaseUnderTest) -> AsyncIterator[Database]:
    opened = binary.opened()
    try:
        await OpenBooks(opened.ledger, CLOCK, money(100_000))(1)
        yield opened
    finally:
        await opened.close()


async def verified(books: Database) -> tuple[list[str], list[str]]:
    """What is wrong with the books, and what others moved."""
    verdict = await VerifyBooks(books.ledger)(1)
    return list(verdict.differences), list(verdict.unreconciled)


async def test_cash_written_by_others_in_their_own_way_does_not_stop_bookings(
    books: Database, binary: DatabaseUnderTest
) -> None:
    execute(binary, "UPDATE mock_portfolio SET cash_balance = cash_balance - 10928.5")
    execute(binary, "UPDATE mock_portfolio SET cash_balance = cash_balance - 9071.5, updated_at = CURRENT_TIMESTAMP")
    await book_one(books.ledger, execution(quantity="1", price="100", fees="0"))
    execute(binary, "UPDATE mock_holdings SET quantity = quantity + 1.0, total_invested = total_invested + 100.0")
    await book_one(books.ledger, execution(quantity="1", price="100", fees="0"))
    after = await books.ledger.load(1)
    # 100000 - 20000 - 100 - 100; ours and theirs
    assert (after.cash, after.position(BTC).quantity.value) == (money(79_800), Decimal(3))


async def test_symbols_in_lower_case_are_adopted_booked_and_priced_in_place(binary: DatabaseUnderTest) -> None:
    execute(
        binary,
        "INSERT INTO mock_holdings (symbol, quantity, avg_entry_price, total_invested) VALUES ('btc', 2, 10, 20)",
        "INSERT INTO mock_portfolio (cash_balance) VALUES (1000)",
    )
    books = binary.opened()
    try:
        assert await OpenBooks(books.ledger, CLOCK, money(1))(1) is Opening.ADOPTED
        await book_one(books.ledger, execution(quantity="1", price="10", fees="0"))
        await books.prices.record(1, PriceUpdate(marks={BTC: Mark(Price(Decimal(11)), "x", AT)}, at=CLOCK.now()), None)
        assert await verified(books) == ([], [])
    finally:
        await books.close()
    [[symbol, quantity, value]] = execute(binary, "SELECT symbol, quantity, position_value FROM mock_holdings")
    assert (symbol, Decimal(str(quantity)), Decimal(str(value))) == ("btc", Decimal(3), Decimal(33))


@pytest.mark.parametrize(
    "values",
    [
        ("('ADA', 1000000000000, 1000000000, 5)",),
        ("('ADA', 1, 1, 90000000000000000000)", "('SOL', 1, 1, 90000000000000000000)"),
        ("('ADA', -1, 0, -90000000000000000000)", "('SOL', 1, 1, 90000000000000000000)"),
    ],
)
async def test_absurd_numbers_hurt_their_own_position_only(
    books: Database, binary: DatabaseUnderTest, values: tuple[str, ...]
) -> None:
    execute(
        binary,
        "INSERT INTO mock_holdings (symbol, quantity, avg_entry_price, total_invested) VALUES " + ", ".join(values),
    )
    await book_one(books.ledger)
    loaded = await books.ledger.load(1)
    assert loaded.position(BTC).quantity.value == Decimal("0.1")
    assert abs(loaded.total_value.value) < 10**20
    assert (loaded.unreadable_rows, loaded.position(ADA).is_open) in [((), True), (("SOL",), True)]
    assert (await verified(books))[0] == []


async def test_what_is_no_number_and_no_moment_is_named_or_left_out(
    sqlite_database: DatabaseUnderTest,
) -> None:
    bring_up_to_date(sqlite_database)
    books = sqlite_database.opened()
    try:
        await OpenBooks(books.ledger, CLOCK, money(100_000))(1)
        await book_one(books.ledger)
        execute(
            sqlite_database,
            "INSERT INTO mock_holdings (symbol, quantity, total_invested) VALUES ('ADA', 'many', 5)",
            "INSERT INTO mock_holdings (symbol, quantity, last_price) VALUES ('SOL', 1, 'Infinity')",
            "INSERT INTO mock_holdings (symbol, quantity) VALUES ('DOT', 1e30)",
            "UPDATE mock_holdings SET updated_at = '23/11/2026', price_at = 'yesterday' WHERE symbol = 'BTC'",
            "UPDATE mock_portfolio SET updated_at = '23/11/2026'",
        )
        await book_one(books.ledger, execution(quantity="1", price="10", fees="0", symbol=ETH))
        loaded = await books.ledger.load(1)
        assert (loaded.unreadable_rows, loaded.position(BTC).updated_at) == (("ADA", "DOT"), None)
        assert loaded.position(Symbol("SOL")).mark is None
        with pytest.raises(LedgerUnavailable, match="ADA"):
            await book_one(books.ledger, execution(quantity="1", price="10", fees="0", symbol=ADA))
        execute(sqlite_database, "UPDATE mock_portfolio SET cash_balance = 1e25")
        with pytest.raises(LedgerUnavailable):
            await books.ledger.load(1)
        with pytest.raises(LedgerUnavailable):
            await book_one(books.ledger)
    finally:
        await books.close()


async def test_a_deleted_row_is_unreconciled_until_it_is_accepted(books: Database, binary: DatabaseUnderTest) -> None:
    await book_one(books.ledger)
    await book_one(books.ledger, execution(quantity="2", price="10", fees="0", symbol=ETH))
    execute(binary, "DELETE FROM mock_holdings WHERE symbol = 'BTC'")
    differences, unreconciled = await verified(books)
    assert differences == []
    assert "BTC: it has no row, the ledger says 0.1" in unreconciled
    entry = await ReconcileBooks(books.ledger, CLOCK)(1)
    assert entry is not None
    assert [(a.symbol, a.quantity_delta.value) for a in entry.positions] == [(BTC, Decimal("-0.1"))]
    assert await verified(books) == ([], [])
    await book_one(books.ledger)
    assert await verified(books) == ([], [])


async def test_a_row_deleted_and_booked_again_can_be_reconciled(books: Database, binary: DatabaseUnderTest) -> None:
    await book_one(books.ledger)
    execute(binary, "DELETE FROM mock_holdings WHERE symbol = 'BTC'")
    await book_one(books.ledger)
    await ReconcileBooks(books.ledger, CLOCK)(1)
    assert await verified(books) == ([], [])
    assert (await books.ledger.load(1)).position(BTC).quantity.value == Decimal("0.1")


async def test_a_portfolio_row_made_anew_is_no_new_books_and_its_cash_is_unreconciled_once_they_are_rebuilt(
    books: Database, binary: DatabaseUnderTest
) -> None:
    await book_one(books.ledger)
    before = await books.ledger.load(1)
    opening = OpenBooks(books.ledger, CLOCK, money(1))
    assert await opening(1) is Opening.NOTHING
    # With an id that the service, which runs on, does not know.
    execute(binary, "DELETE FROM mock_portfolio", "INSERT INTO mock_portfolio (id, cash_balance) VALUES (77, 50000)")
    for refused in (
        books.ledger.revisions(1),
        opening(1),
        book_one(books.ledger),
        ReconcileBooks(books.ledger, CLOCK)(1),
    ):
        with pytest.raises(BooksContradicted):
            await refused
    entry = await RebuildBooks(books.repair, CLOCK)(1)
    assert (entry.revision, entry.transaction.kind, entry.portfolio_id) == (4, CashTransactionKind.REBUILD, 77)
    after = await books.ledger.load(1)
    assert (after.cash, after.ledger_cash, after.positions) == (money(50_000), before.ledger_cash, before.positions)
    assert (after.trade_counts, after.units, after.fees_paid) == (before.trade_counts, before.units, before.fees_paid)
    await book_one(books.ledger, execution(quantity="1", price="10", fees="1"))
    differences, unreconciled = await verified(books)
    assert differences == []
    assert unreconciled == [f"cash: the row says 49989, the ledger {before.cash - money(11)}"]
    assert (await books.ledger.revisions(1)).ledger == 5
