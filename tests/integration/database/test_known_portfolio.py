"""A booking reads the rows it touches; the others are as they were, unless somebody booked or priced in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.database import Database
from portfolio.application.errors import BooksContradicted
from portfolio.application.ledger.opening import OpenBooks
from portfolio.application.ledger.ports import LedgerUnit
from portfolio.application.ledger.rebuilding import RebuildBooks
from portfolio.application.ledger.verification import VerifyBooks
from portfolio.application.prices.records import Close, PriceUpdate
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.trade import Side
from portfolio.domain.mark import Mark
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol
from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.migrated import bring_up_to_date
from tests.support.database.old_database import execute
from tests.support.fakes.clock import FakeClock
from tests.support.ledger_examples import AT, BTC, ETH, book, book_one, execution, money

ADA = Symbol("ADA")
CLOCK = FakeClock()


@pytest.fixture
async def books(database: DatabaseUnderTest) -> AsyncIterator[Database]:
    bring_up_to_date(database)
    opened = database.opened()
    try:
        await OpenBooks(opened.ledger, CLOCK, money(1_000_000))(1)
        yield opened
    finally:
        await opened.close()


@pytest.fixture
async def other(books: Database, database: DatabaseUnderTest) -> AsyncIterator[Database]:
    """Another instance on the same database."""
    opened = database.opened()
    try:
        yield opened
    finally:
        await opened.close()


async def seen_by(books: Database, symbol: Symbol) -> Portfolio:
    """The portfolio as a booking of this symbol finds it under the lock."""

    async def look(unit: LedgerUnit) -> Portfolio:
        return unit.portfolio

    return await books.ledger.transact(1, look, symbols={symbol})


def same(one: Portfolio, other: Portfolio) -> bool:
    """Whether two say the same, but for when rows were written."""
    return _timeless(one) == _timeless(other)


def _timeless(portfolio: Portfolio) -> Portfolio:
    positions = {s: replace(p, updated_at=None) for s, p in portfolio.positions.items()}
    return replace(portfolio, positions=positions, updated_at=None)


async def price(books: Database, **prices: str) -> None:
    """Refresh prices."""
    marks = {Symbol(code): Mark(Price(Decimal(text)), "coinbase", AT) for code, text in prices.items()}
    await books.prices.record(1, PriceUpdate(marks=marks, at=AT), None)


async def test_a_booking_reads_the_row_it_touches_and_leaves_the_others_unread(
    books: Database, database: DatabaseUnderTest
) -> None:
    await book_one(books.ledger, execution(symbol=ETH))
    await book_one(books.ledger, execution(symbol=BTC))
    await seen_by(books, BTC)
    execute(database, "UPDATE mock_holdings SET quantity = 7 WHERE symbol = 'ETH'")
    assert (await seen_by(books, BTC)).position(ETH).quantity.value == Decimal("0.1")
    # who touches it sees it, and so does the check of every few seconds
    assert (await seen_by(books, ETH)).position(ETH).quantity.value == Decimal(7)
    assert (await books.ledger.load(1)).position(ETH).quantity.value == Decimal(7)
    assert (await seen_by(books, BTC)).position(ETH).quantity.value == Decimal(7)


async def test_what_another_instance_booked_is_seen_whatever_is_touched(books: Database, other: Database) -> None:
    await book_one(books.ledger, execution(symbol=BTC))
    await book_one(other.ledger, execution(symbol=ETH))
    found = await seen_by(books, BTC)
    assert found.position(ETH).quantity.value == Decimal("0.1")
    await book_one(other.ledger, execution(symbol=ADA))
    assert same(await books.ledger.newest(1), await other.ledger.load(1))


async def test_what_another_instance_priced_is_seen(books: Database, other: Database) -> None:
    await book_one(books.ledger, execution(symbol=ETH))
    await book_one(books.ledger, execution(symbol=BTC))
    await price(other, ETH="50")
    assert (await seen_by(books, BTC)).position(ETH).market_value == money(5)
    await price(books, ETH="60", BTC="70")
    assert (await seen_by(books, BTC)).invested == money(13)
    assert (await books.ledger.newest(1)).invested == money(13)


async def close(books: Database, **prices: str) -> None:
    """Keep closes of a day."""
    await books.prices.add_closes(
        [
            Close(symbol=Symbol(code), day=AT.date(), price=Price(Decimal(text)), source="coinbase")
            for code, text in prices.items()
        ]
    )


async def hold_both(books: Database) -> None:
    """Book ether and bitcoin, and have all rows known."""
    for symbol in (ETH, BTC):
        await book_one(books.ledger, execution(symbol=symbol))
    await seen_by(books, BTC)


async def test_closes_that_this_instance_kept_make_no_booking_read_all_rows(
    books: Database, other: Database, database: DatabaseUnderTest
) -> None:
    await hold_both(books)
    execute(database, "UPDATE mock_holdings SET quantity = 7 WHERE symbol = 'ETH'")
    await close(books, ETH="5")
    await book_one(books.ledger, execution(symbol=BTC))
    await close(books, ETH="6", BTC="7")
    assert (await seen_by(books, BTC)).position(ETH).quantity.value == Decimal("0.1")
    assert (await books.ledger.newest(1)).position(ETH).quantity.value == Decimal("0.1")
    # closes of others cannot be told from prices of others
    await close(other, ETH="8")
    assert (await seen_by(books, BTC)).position(ETH).quantity.value == Decimal(7)


async def test_price_revisions_that_are_given_again_are_not_those_of_this_instance(
    books: Database, other: Database, database: DatabaseUnderTest
) -> None:
    await hold_both(books)
    await close(books, ETH="5")
    await seen_by(books, BTC)
    execute(database, "UPDATE mock_portfolio SET price_revision = price_revision - 1")  # an older copy, by a person
    await seen_by(books, BTC)
    await price(other, ETH="50")
    assert (await seen_by(books, BTC)).position(ETH).market_value == money(5)


async def test_what_another_program_wrote_is_seen_by_the_next_who_asks_once_prices_are_written(
    books: Database, database: DatabaseUnderTest
) -> None:
    await book_one(books.ledger, execution(symbol=ETH))
    await book_one(books.ledger, execution(symbol=BTC))
    await books.ledger.load(1)
    execute(database, "UPDATE mock_holdings SET quantity = 7 WHERE symbol = 'ETH'")
    assert (await books.ledger.newest(1)).position(ETH).quantity.value == Decimal("0.1")
    await price(books, BTC="70")
    assert (await books.ledger.newest(1)).position(ETH).quantity.value == Decimal(7)


async def test_a_row_that_is_gone_holds_nothing_and_the_ledger_goes_on_from_what_it_says(
    books: Database, database: DatabaseUnderTest
) -> None:
    await book_one(books.ledger, execution(symbol=ETH))
    await book_one(books.ledger, execution(symbol=BTC))
    execute(database, "DELETE FROM mock_holdings WHERE symbol = 'ETH'")
    gone = (await seen_by(books, ETH)).position(ETH)
    assert [gone.quantity.value, gone.ledger_quantity.value] == [Decimal(0), Decimal("0.1")]
    await book_one(books.ledger, execution(symbol=ETH))
    anew = (await books.ledger.newest(1)).position(ETH)
    assert [anew.quantity.value, anew.ledger_quantity.value] == [Decimal("0.1"), Decimal("0.2")]
    assert same(await books.ledger.newest(1), await books.ledger.load(1))


async def test_a_row_in_another_case_that_somebody_added_is_not_added_again(
    books: Database, database: DatabaseUnderTest
) -> None:
    await book_one(books.ledger, execution(symbol=BTC))
    await seen_by(books, BTC)
    execute(database, "INSERT INTO mock_holdings (symbol, quantity, total_invested) VALUES ('eth', 2, 20)")
    await book_one(books.ledger, execution(symbol=ETH))
    rows = execute(database, "SELECT symbol FROM mock_holdings WHERE UPPER(symbol) = 'ETH'")
    assert [symbol for (symbol,) in rows] == ["eth"]
    assert (await books.ledger.load(1)).position(ETH).quantity.value == Decimal("2.1")


async def test_what_failed_is_not_taken_for_written(books: Database) -> None:
    await book_one(books.ledger, execution(symbol=BTC))

    async def fail(unit: LedgerUnit) -> None:
        await book(unit, execution(symbol=ETH))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await books.ledger.transact(1, fail, symbols={ETH})
    assert ETH not in (await seen_by(books, BTC)).positions
    assert same(await books.ledger.newest(1), await books.ledger.load(1))


async def test_books_put_back_to_an_earlier_state_are_not_believed(
    books: Database, other: Database, database: DatabaseUnderTest
) -> None:
    await book_one(books.ledger, execution(symbol=BTC))
    await book_one(books.ledger, execution(symbol=ETH))
    await seen_by(books, BTC)
    execute(
        database,
        "DELETE FROM mock_trades WHERE symbol = 'ETH'",
        "DELETE FROM mock_holdings WHERE symbol = 'ETH'",
        "UPDATE mock_portfolio SET revision = revision - 1, cash_balance = cash_balance + 4522.5, "
        "ledger_cash = ledger_cash + 4522.5, fees_paid = fees_paid - 22.5",
    )
    with pytest.raises(BooksContradicted, match="older copy"):
        await seen_by(books, BTC)
    # Who never saw the later state cannot know; and a rebuild says that a person does.
    assert ETH not in (await seen_by(other, BTC)).positions
    await RebuildBooks(books.repair, CLOCK)(1)
    assert ETH not in (await seen_by(books, BTC)).positions


async def test_what_was_known_before_a_contradiction_is_known_after_it(
    books: Database, database: DatabaseUnderTest
) -> None:
    await book_one(books.ledger, execution(symbol=BTC))
    before = await seen_by(books, BTC)
    execute(database, "UPDATE mock_portfolio SET revision = revision + 7")
    with pytest.raises(BooksContradicted, match="at ledger revision 10"):
        await seen_by(books, BTC)
    execute(database, "UPDATE mock_portfolio SET revision = revision - 7, net_deposits = -5")
    with pytest.raises(BooksContradicted, match="net_deposits of mock_portfolio was 1000000 and is -5"):
        await seen_by(books, BTC)
    execute(database, "UPDATE mock_portfolio SET net_deposits = 1000000")
    assert same(await seen_by(books, BTC), before)


async def test_what_a_first_booking_adds_is_read_along_with_the_others(books: Database, other: Database) -> None:
    await book_one(books.ledger, execution(symbol=BTC))
    await book_one(other.ledger, execution(symbol=ETH))  # it knows nothing yet, and reads all rows under the lock
    assert same(await other.ledger.newest(1), await books.ledger.load(1))


async def test_what_was_booked_while_all_rows_were_read_is_read_again_and_no_more(
    books: Database, database: DatabaseUnderTest
) -> None:
    for symbol in (ETH, BTC):
        await book_one(books.ledger, execution(symbol=symbol))
    place = books.ledger._row
    await seen_by(books, BTC)

    async def load(session: Session) -> None:
        row, [holdings] = await place.read(session, 1, place.known.statement(session.dialect, None), lock=False)
        await book_one(books.ledger, execution(symbol=ADA))
        await book_one(books.ledger, execution(symbol=BTC))
        place.known.complete(place.known.whole(row, holdings), (), ())

    await books.ledger._connections.read(load, snapshot=True)
    execute(database, "UPDATE mock_holdings SET quantity = 7 WHERE symbol = 'ETH'")
    found = await seen_by(books, BTC)
    held = {symbol: found.position(symbol).quantity.value for symbol in (ADA, BTC, ETH)}
    assert held == {ADA: Decimal("0.1"), BTC: Decimal("0.2"), ETH: Decimal("0.1")}  # others are as they were


async def test_who_reads_while_others_book_sees_every_booking_that_was_answered_before(
    books: Database, other: Database
) -> None:
    acknowledged: set[Symbol] = set()
    finished = asyncio.Event()

    async def engine(at: Database, name: str) -> None:
        for number in range(8):
            symbol = Symbol(f"{name}{number}")
            await book_one(at.ledger, execution(Side.BUY, quantity="1", price="2", fees="0", symbol=symbol))
            acknowledged.add(symbol)

    async def reader() -> None:
        while not finished.is_set():
            before = set(acknowledged)
            assert before <= (await books.ledger.newest(1)).positions.keys()
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        readers = [tasks.create_task(reader()) for _ in range(2)]
        async with asyncio.TaskGroup() as engines:
            for at, name in ((books, "A"), (books, "B"), (books, "C"), (other, "D")):
                engines.create_task(engine(at, name))
        finished.set()
        await asyncio.wait(readers)
    assert same(await books.ledger.newest(1), await books.ledger.load(1))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["book", "book elsewhere", "price", "price elsewhere", "close", "close elsewhere", "read"]),
        st.sampled_from(["BTC", "ETH", "ADA"]),
        st.sampled_from(["1", "0.000000000000000001", "3.7"]),
    ),
    max_size=12,
)


@pytest.mark.unmeasured
@given(STEPS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_happened_the_newest_is_what_all_rows_say(
    books: Database, other: Database, steps: list[tuple[str, str, str]]
) -> None:
    for what, code, amount in steps:
        symbol, at = Symbol(code), other if what.endswith("elsewhere") else books
        if what.startswith("book"):
            await book_one(at.ledger, execution(Side.BUY, quantity=amount, price="2", fees="0", symbol=symbol))
        elif what.startswith("price"):
            await price(at, **{code: amount})
        elif what.startswith("close"):
            await close(at, **{code: amount})
        else:
            await books.ledger.newest(1)
        whole = await other.ledger.load(1)
        under_lock = await seen_by(books, symbol)
        assert same(under_lock, whole)
        assert (under_lock.invested, under_lock.cost_basis) == (whole.invested, whole.cost_basis)
        assert same(await books.ledger.newest(1), whole)
    assert (await VerifyBooks(books.ledger)(1)).holds
