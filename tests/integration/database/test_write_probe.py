"""Whether a booking could be committed now: asked of the database's locks, not of its reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Connection

from portfolio.adapters.database.database import Database
from portfolio.application.errors import LedgerUnavailable
from portfolio.application.ledger.ports import LedgerUnit
from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.migrated import bring_up_to_date
from tests.support.ledger_examples import book, book_one, open_books

LOCK = "SELECT id FROM mock_portfolio FOR UPDATE"


@pytest.fixture
async def books(database: DatabaseUnderTest) -> AsyncIterator[Database]:
    """Open books in a process that has booked nothing yet."""
    bring_up_to_date(database)
    first = database.opened()
    await open_books(first.ledger)
    await first.close()
    opened = database.opened()
    try:
        yield opened
    finally:
        await opened.close()


async def test_a_free_lock_is_taken_and_given_back(books: Database) -> None:
    for _ in range(5):
        await books.probe.try_write(1)
    before = await books.ledger.load(1)
    await book_one(books.ledger)
    assert (await books.ledger.load(1)).revision == before.revision + 1


async def test_a_lock_that_another_program_keeps_means_that_nothing_can_be_booked(
    books: Database, database: DatabaseUnderTest
) -> None:
    engine = database.engine()
    with engine.begin() as theirs:
        _lock(theirs)
        with pytest.raises(LedgerUnavailable):  # though they keep it until this is over
            await books.probe.try_write(1)
    engine.dispose()
    await books.probe.try_write(1)
    await book_one(books.ledger)


async def test_a_booking_of_our_own_that_has_the_lock_is_no_obstacle(books: Database) -> None:
    has_lock, may_end = asyncio.Event(), asyncio.Event()

    async def long(unit: LedgerUnit) -> None:
        has_lock.set()
        await may_end.wait()
        await book(unit)

    booking = asyncio.create_task(books.ledger.transact(1, long))
    await has_lock.wait()
    await books.probe.try_write(1)
    may_end.set()
    await booking


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("SELECT 1")  # beginning has taken it
    else:
        connection.exec_driver_sql(LOCK)
