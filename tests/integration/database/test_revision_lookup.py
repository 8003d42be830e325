"""The look at the revisions before every read: as new as what anybody committed, and never in the way of a read."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from typing import Any, NoReturn

import aiosqlite
import pytest
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from portfolio.adapters.clock import SystemClock
from portfolio.adapters.database.connection.connections import Connections
from portfolio.adapters.database.connection.mysql import MySqlConnector
from portfolio.adapters.database.connection.revision_lookup import RevisionLookup
from portfolio.adapters.database.connection.timeouts import Timeouts
from portfolio.adapters.database.database import Database
from portfolio.adapters.database.ledger.portfolio_row import _COMPUTED
from portfolio.adapters.database.schema.tables import mock_holdings, mock_portfolio
from portfolio.application.errors import LedgerUnavailable
from portfolio.application.ledger.opening import OpenBooks
from portfolio.application.ledger.records import Revisions
from portfolio.application.ledger.snapshots import Snapshots
from tests.support.database.database_server import DatabaseServer
from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.migrated import bring_up_to_date
from tests.support.database.old_database import execute
from tests.support.ledger_examples import book_one, execution, money
from tests.support.services.tcp_proxy import COMMIT, ROLLBACK, Mode, TcpProxy, Trap
from tests.support.services.waiting import until

CLOCK = SystemClock()
NOT_WRITTEN = {"id", "revision", "price_revision"}
# What others compute from the rest is not read of the portfolio's row.
READ = [
    *(column for column in mock_holdings.columns if column.name not in NOT_WRITTEN),
    *(column for column in mock_portfolio.columns if column.name not in {*NOT_WRITTEN, *_COMPUTED}),
]
OPENED = 2  # the revision of books that were just opened


@asynccontextmanager
async def opened(place: DatabaseUnderTest, **options: object) -> AsyncIterator[Database]:
    """A database whose books are open and whose look has its connection."""
    bring_up_to_date(place)
    database = place.opened(**options)
    try:
        await OpenBooks(database.ledger, CLOCK, money(100_000))(1)
        await database.ledger.load(1)
        await database.ledger.revisions(1)
        yield database
    finally:
        await database.close()


@pytest.fixture
async def books(database: DatabaseUnderTest) -> AsyncIterator[Database]:
    async with opened(database) as books:
        yield books


async def test_what_another_instance_has_committed_is_seen_at_once_by_all_who_look(
    books: Database, database: DatabaseUnderTest
) -> None:
    async with opened(database) as other:
        snapshots = Snapshots(other.ledger, CLOCK, 1)
        for revision in range(OPENED + 1, OPENED + 11):
            await book_one(books.ledger, execution(quantity="1", price="10", fees="0"))
            assert await other.ledger.revisions(1) == Revisions(ledger=revision, prices=0)
            seen = await asyncio.gather(*(snapshots.newest() for _ in range(20)))
            assert {snapshot.portfolio.revision for snapshot in seen} == {revision}


async def test_two_who_look_at_once_both_see(books: Database) -> None:
    seen = await asyncio.gather(*(books.ledger.revisions(1) for _ in range(5)))
    assert set(seen) == {Revisions(ledger=OPENED, prices=0)}


async def test_who_stops_looking_leaves_no_answer_to_the_next(books: Database) -> None:
    for turns in range(8):
        gone = asyncio.create_task(books.ledger.revisions(1))
        for _ in range(turns):
            await asyncio.sleep(0)
        gone.cancel()
        await asyncio.wait([gone])
        await book_one(books.ledger, execution(quantity="1", price="10", fees="0"))
        assert (await books.ledger.revisions(1)).ledger == OPENED + turns + 1


async def test_a_look_goes_on_when_its_connection_was_closed(
    mysql_database: DatabaseUnderTest, mariadb: DatabaseServer
) -> None:
    with TcpProxy(mariadb.host, mariadb.port) as proxy:
        place = proxied(mysql_database, mariadb, proxy)
        async with opened(place) as books:
            for _ in range(3):
                proxy.cut()
                assert (await books.ledger.revisions(1)).ledger == OPENED
                assert (await books.ledger.load(1)).revision == OPENED
            proxy.set_mode(Mode.REFUSE)
            for away in (books.ledger.revisions, books.ledger.load):
                with pytest.raises(LedgerUnavailable):
                    await away(1)
            proxy.set_mode(Mode.PASS)
            assert (await books.ledger.revisions(1)).ledger == OPENED


async def test_a_connection_is_closed_also_where_the_server_takes_no_farewell(
    mysql_database: DatabaseUnderTest, mariadb: DatabaseServer
) -> None:
    with TcpProxy(mariadb.host, mariadb.port) as proxy:
        url = make_url(proxied(mysql_database, mariadb, proxy).url)
        connection = await MySqlConnector([], Timeouts())(**url.translate_connect_args(username="user", database="db"))
        proxy.cut()
        await until(lambda: connection._reader.exception() is not None)
        with pytest.raises(ConnectionError):
            await connection.ensure_closed()
        assert connection.closed


async def test_a_silent_database_ends_a_look_by_its_deadline(
    mysql_database: DatabaseUnderTest, mariadb: DatabaseServer
) -> None:
    with TcpProxy(mariadb.host, mariadb.port) as proxy:
        place = proxied(mysql_database, mariadb, proxy)
        async with opened(place, limits=Timeouts(read_seconds=1.5)) as books:
            proxy.set_mode(Mode.SILENT)
            for _ in range(2):
                with pytest.raises(LedgerUnavailable):
                    await books.ledger.revisions(1)
            proxy.set_mode(Mode.PASS)
            assert (await books.ledger.revisions(1)).ledger == OPENED


async def test_a_server_that_became_read_only_is_asked_on_no_old_connection(
    private_mariadb: DatabaseServer,
) -> None:
    place = private_mariadb.create_database_pair("readonly")
    with TcpProxy(private_mariadb.host, private_mariadb.port) as proxy:
        async with opened(proxied(place, private_mariadb, proxy)) as books:
            private_mariadb.execute("SET GLOBAL read_only = 1")
            for _ in range(3):
                before = proxy.accepted
                assert (await books.ledger.revisions(1)).ledger == OPENED
                assert proxy.accepted == before + 1
            private_mariadb.execute("SET GLOBAL read_only = 0")
            await books.ledger.revisions(1)
            settled = proxy.accepted
            assert (await books.ledger.revisions(1)).ledger == OPENED
            assert proxy.accepted == settled


async def test_a_read_after_a_booking_is_in_no_transaction(
    mysql_database: DatabaseUnderTest, mariadb: DatabaseServer
) -> None:
    with TcpProxy(mariadb.host, mariadb.port) as proxy:
        async with opened(proxied(mysql_database, mariadb, proxy)) as books:
            await book_one(books.ledger, execution())
            for farewell in (ROLLBACK, COMMIT):
                proxy.arm(farewell, Trap.LOSE_ANSWER_CUT)
            assert (await books.ledger.newest(1)).revision == OPENED + 1
            assert proxy.sprung == []
            await books.ledger.load(1)  # which may ask for more, and so ends with a message of its own
            assert proxy.sprung == [Trap.LOSE_ANSWER_CUT]


async def test_whoever_reads_after_a_booking_sees_it_whatever_becomes_of_the_look(
    mysql_database: DatabaseUnderTest, mariadb: DatabaseServer
) -> None:
    with TcpProxy(mariadb.host, mariadb.port) as proxy:
        async with opened(proxied(mysql_database, mariadb, proxy)) as books:
            for revision in range(OPENED + 1, OPENED + 4):
                await book_one(books.ledger, execution(quantity="1", price="10", fees="0"))
                seen = await asyncio.gather(*(books.ledger.newest(1) for _ in range(3)))
                assert {portfolio.revision for portfolio in seen} == {revision}
                assert seen[0] == await books.ledger.load(1)
                proxy.cut()
                assert await books.ledger.newest(1) == seen[0]


class Broken(aiosqlite.Connection):
    """A driver on which every question fails."""

    says = ""

    def execute(self, *_: Any, **__: Any) -> NoReturn:
        """Fail."""
        raise RuntimeError(self.says)


@asynccontextmanager
async def broken_look(says: str) -> AsyncIterator[RevisionLookup]:
    """A look by a driver that says so to every question."""

    async def connect() -> aiosqlite.Connection:
        driver = Broken(lambda: sqlite3.connect(":memory:"), iter_chunk_size=64)
        driver.says = says
        return await driver

    engine, timeouts = create_async_engine("sqlite+aiosqlite://", async_creator=connect), Timeouts()
    lookup = RevisionLookup(Connections(engine, timeouts), timeouts)
    try:
        yield lookup
    finally:
        await lookup.close()


async def test_a_transport_that_was_closed_is_left_to_the_ordinary_way_of_reading() -> None:
    async with broken_look(
        "unable to perform operation on <TCPTransport closed=True>; the handler is closed"
    ) as lookup:
        assert await lookup.revisions(1) is None


async def test_a_bug_is_not_taken_for_a_lost_connection() -> None:
    async with broken_look("read() called while another coroutine is already waiting for incoming data") as lookup:
        with pytest.raises(RuntimeError, match="another coroutine"):
            await lookup.revisions(1)


async def test_whatever_another_program_writes_into_a_row_makes_another_version(
    books: Database, database: DatabaseUnderTest
) -> None:
    await book_one(books.ledger, execution(quantity="1", price="10", fees="0"))
    seen = [await books.ledger.version(1)]
    for column in READ:
        value = "'2001-02-03 04:05:06'" if column.name.endswith("_at") else "7"
        as_it_was = "" if column.name == "updated_at" else ", updated_at = updated_at"
        execute(database, f"UPDATE {column.table.name} SET {column.name} = {value}{as_it_was}")
        seen.append(await books.ledger.version(1))
        assert await books.ledger.version(1) == seen[-1], "nothing was written"
    execute(database, "INSERT INTO mock_holdings (symbol) VALUES ('ADA')")
    seen.append(await books.ledger.version(1))
    execute(database, "DELETE FROM mock_holdings")
    seen.append(await books.ledger.version(1))
    assert all(one != next_ for one, next_ in pairwise(seen))


def proxied(place: DatabaseUnderTest, server: DatabaseServer, proxy: TcpProxy) -> DatabaseUnderTest:
    """The same database behind the proxy."""
    return replace(place, url=place.url.replace(f":{server.port}/", f":{proxy.port}/"))
