"""Many writers, foreign writers, deadlocks and lost connections: nothing is lost and nothing is booked twice."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from decimal import Decimal

import pymysql
import pytest
from sqlalchemy import make_url
from sqlalchemy.event import listens_for

from portfolio.adapters.database.connection.session import BORN
from portfolio.adapters.database.connection.timeouts import Timeouts
from portfolio.adapters.database.database import Database, open_database
from portfolio.application.errors import LedgerUnavailable, OutcomeUnknown
from portfolio.application.ledger.ports import LedgerUnit
from portfolio.application.ledger.records import TradeFilter
from portfolio.application.ledger.verification import VerifyBooks
from portfolio.settings import Settings, SettingsError
from tests.support.database.database_server import DatabaseServer
from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.migrated import bring_up_to_date
from tests.support.database.old_database import execute
from tests.support.ledger_examples import BTC, ETH, book, book_one, execution, money, open_books
from tests.support.services.waiting import until

QUICK = Timeouts(pool_seconds=0.5, statement_seconds=3.0, commit_seconds=1.0, lock_wait_seconds=1)


@dataclass
class Opened:
    """A migrated database with open books, and where it is."""

    place: DatabaseUnderTest
    database: Database

    def another(self, **options: object) -> Database:
        """One more instance of the service on the same database."""
        return self.place.opened(**options)


@pytest.fixture
async def opened(database: DatabaseUnderTest) -> AsyncIterator[Opened]:
    async for ready in _open(database):
        yield ready


@pytest.fixture
async def on_mysql(mysql_database: DatabaseUnderTest) -> AsyncIterator[Opened]:
    async for ready in _open(mysql_database):
        yield ready


async def _open(place: DatabaseUnderTest) -> AsyncIterator[Opened]:
    bring_up_to_date(place)
    database = place.opened(limits=QUICK)
    try:
        await open_books(database.ledger)
        yield Opened(place, database)
    finally:
        await database.close()


async def test_two_instances_book_at_once_and_lose_nothing(opened: Opened) -> None:
    other = opened.another()
    try:
        ledgers = [opened.database.ledger, other.ledger]
        wanted = execution(quantity="0.01", fees="1")
        await asyncio.gather(*(book_one(ledgers[number % 2], wanted) for number in range(60)))
    finally:
        await other.close()
    after = await opened.database.ledger.load(1)
    # 60 x (0.01 x 45000 + 1)
    assert (after.revision, after.cash) == (62, money(100_000 - 60 * 451))
    verdict = await VerifyBooks(opened.database.ledger)(1)
    assert (verdict.differences, verdict.unreconciled, verdict.trades) == ([], [], 60)


async def test_a_foreign_write_between_our_read_and_our_write_is_not_lost(on_mysql: Opened) -> None:
    await book_one(on_mysql.database.ledger)
    runs = 0

    async def interrupted(unit: LedgerUnit) -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            theirs = "UPDATE mock_holdings SET quantity = quantity + 1, total_invested = total_invested + 7"
            await asyncio.to_thread(execute, on_mysql.place, theirs)
        await book(unit, execution(quantity="0.1", fees="0"))

    await on_mysql.database.ledger.transact(1, interrupted)
    after = (await on_mysql.database.ledger.load(1)).position(BTC)
    # 0.1 + their 1 + 0.1; 4522.5 + their 7 + 4500
    assert (runs, after.quantity.value, after.cost_basis) == (2, Decimal("1.2"), money("9029.5"))
    assert after.unreconciled.value == 1


async def test_a_foreign_insert_of_the_same_symbol_is_not_overwritten(on_mysql: Opened) -> None:
    runs = 0

    async def interrupted(unit: LedgerUnit) -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            theirs = "INSERT INTO mock_holdings (symbol, quantity, total_invested) VALUES ('BTC', 5, 50)"
            await asyncio.to_thread(execute, on_mysql.place, theirs)
        await book(unit, execution(quantity="1", price="10", fees="0"))

    await on_mysql.database.ledger.transact(1, interrupted)
    after = (await on_mysql.database.ledger.load(1)).position(BTC)
    assert (runs, after.quantity.value, after.cost_basis, after.unreconciled.value) == (
        2,
        Decimal(6),
        money(60),
        Decimal(5),
    )


async def test_a_deadlock_is_tried_again_from_the_first_read(on_mysql: Opened, mariadb: DatabaseServer) -> None:
    ledger = on_mysql.database.ledger
    await book_one(ledger)
    runs = 0
    name = make_url(on_mysql.place.url).database
    with mariadb.connect(database=name) as theirs, theirs.cursor() as cursor:
        # The heavier transaction survives a deadlock: many rows written make theirs so.
        cursor.execute("BEGIN")
        for number in range(50):
            cursor.execute(f"INSERT INTO mock_holdings (symbol, quantity) VALUES ('X{number}', 1)")
        cursor.execute("UPDATE mock_holdings SET last_price = 1 WHERE symbol = 'BTC'")
        waiting: asyncio.Task[int] | None = None

        async def crossing(unit: LedgerUnit) -> None:
            nonlocal runs, waiting
            runs += 1
            if runs == 1:
                lock = "SELECT id FROM mock_portfolio FOR UPDATE"
                waiting = asyncio.create_task(asyncio.to_thread(cursor.execute, lock))
                await asyncio.sleep(0.3)
                crossed.set()
            await book(unit)

        crossed = asyncio.Event()
        task = asyncio.create_task(ledger.transact(1, crossing))
        await crossed.wait()
        assert waiting is not None
        await waiting
        await asyncio.to_thread(theirs.commit)
        await task
    after = await ledger.load(1)
    assert runs == 2
    assert (after.position(BTC).quantity.value, after.revision) == (Decimal("0.2"), 4)


async def test_a_lock_wait_that_times_out_is_tried_again(on_mysql: Opened, mariadb: DatabaseServer) -> None:
    name = make_url(on_mysql.place.url).database
    with mariadb.connect(database=name) as theirs, theirs.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT id FROM mock_portfolio FOR UPDATE")
        started = time.monotonic()
        task = asyncio.create_task(book_one(on_mysql.database.ledger))
        await asyncio.sleep(1.5)
        assert not task.done()
        theirs.rollback()
        await task
    # Longer than one wait of the lock: the first attempt had timed out.
    assert time.monotonic() - started > 1.0
    assert (await on_mysql.database.ledger.load(1)).revision == 3


async def test_a_lock_that_is_never_given_up_ends_in_unavailable_with_nothing_applied(opened: Opened) -> None:
    release = _hold(opened.place)
    try:
        with pytest.raises(LedgerUnavailable):
            await book_one(opened.database.ledger)
    finally:
        release()
    assert not (await opened.database.lookups.trades(1, TradeFilter())).items
    await book_one(opened.database.ledger)


async def test_readers_are_not_held_up_by_a_writer(opened: Opened) -> None:
    async def slow(unit: LedgerUnit) -> None:
        await book(unit)
        # The writer waits for the reader: were it the other way round too, neither would come to its end.
        assert (await opened.database.ledger.load(1)).revision == 2

    await opened.database.ledger.transact(1, slow)
    assert (await opened.database.ledger.load(1)).revision == 3


async def test_a_cancelled_unit_leaves_no_trace_and_no_connection(opened: Opened) -> None:
    small = opened.another(pool_size=1, limits=QUICK)
    try:
        for _ in range(3):
            inside = asyncio.Event()

            async def endless(unit: LedgerUnit, inside: asyncio.Event = inside) -> None:
                await book(unit)
                inside.set()
                await asyncio.sleep(60)

            task = asyncio.create_task(small.ledger.transact(1, endless))
            await inside.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert (await small.ledger.load(1)).revision == 2
    finally:
        await small.close()


async def test_an_exhausted_pool_answers_within_its_timeout_and_recovers(on_mysql: Opened) -> None:
    small = on_mysql.another(pool_size=1, limits=QUICK)
    try:

        async def hold(unit: LedgerUnit) -> None:
            with pytest.raises(LedgerUnavailable, match="in use"):
                await small.ledger.load(1)

        await small.ledger.transact(1, hold)
        assert (await small.ledger.load(1)).revision == 2
    finally:
        await small.close()


async def test_a_connection_killed_in_the_middle_of_a_unit_is_replaced(
    on_mysql: Opened, mariadb: DatabaseServer
) -> None:
    runs = 0

    async def killed(unit: LedgerUnit) -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            _kill_connections(mariadb, on_mysql.place)
        await book(unit)

    await on_mysql.database.ledger.transact(1, killed)
    assert runs == 2
    assert (await on_mysql.database.ledger.load(1)).revision == 3


async def test_reads_survive_connections_that_the_server_has_closed(on_mysql: Opened, mariadb: DatabaseServer) -> None:
    await asyncio.gather(*(on_mysql.database.ledger.load(1) for _ in range(5)))
    _kill_connections(mariadb, on_mysql.place)
    assert (await on_mysql.database.ledger.load(1)).revision == 2


async def test_a_silent_database_ends_by_the_deadline_and_is_used_again_when_it_speaks(
    private_mariadb: DatabaseServer,
) -> None:
    place = private_mariadb.create_database_pair("silent")
    async for opened in _open(place):
        private_mariadb.pause()
        try:
            started = time.monotonic()
            with pytest.raises(LedgerUnavailable):
                await opened.database.ledger.load(1)
            with pytest.raises((LedgerUnavailable, OutcomeUnknown)):
                await book_one(opened.database.ledger)
            assert time.monotonic() - started < 15
        finally:
            private_mariadb.resume()
        await asyncio.sleep(0.2)
        assert (await opened.database.ledger.load(1)).revision in {2, 3}


async def test_a_commit_without_an_answer_is_said_to_be_unknown(private_mariadb: DatabaseServer) -> None:
    place = private_mariadb.create_database_pair("commit")
    async for opened in _open(place):

        async def last_words(unit: LedgerUnit) -> None:
            await book(unit)
            await unit.entries(after=0, limit=1)  # what waits to be written goes ahead of a question
            private_mariadb.pause()

        try:
            with pytest.raises(OutcomeUnknown):
                await opened.database.ledger.transact(1, last_words)
        finally:
            private_mariadb.resume()
        assert (await opened.database.ledger.load(1)).revision in {2, 3}
        assert (await VerifyBooks(opened.database.ledger)(1)).holds


async def test_a_read_only_server_is_unavailable_and_recovers_without_a_restart(
    private_mariadb: DatabaseServer,
) -> None:
    place = private_mariadb.create_database_pair("readonly")
    async for opened in _open(place):
        private_mariadb.execute("SET GLOBAL read_only = ON")
        try:
            with pytest.raises(LedgerUnavailable):
                await book_one(opened.database.ledger)
            with pytest.raises(LedgerUnavailable, match="read-only"):
                await opened.database.probe.ping()
            assert (await opened.database.ledger.load(1)).revision == 2
        finally:
            private_mariadb.execute("SET GLOBAL read_only = OFF")
        await book_one(opened.database.ledger)


async def test_a_further_host_is_used_when_the_first_is_away(on_mysql: Opened) -> None:
    url = make_url(on_mysql.place.url)
    nobody = url.set(port=1).render_as_string(hide_password=False)
    database = open_database(nobody, prices_schema=on_mysql.place.prices_schema, hosts=[f"{url.host}:{url.port}"])
    try:
        assert (await database.ledger.load(1)).revision == 2
        await book_one(database.ledger, execution(symbol=ETH))
    finally:
        await database.close()


async def test_nobody_there_is_unavailable(mysql_database: DatabaseUnderTest) -> None:
    nobody = make_url(mysql_database.url).set(port=1).render_as_string(hide_password=False)
    database = open_database(nobody)
    try:
        with pytest.raises(LedgerUnavailable):
            await database.probe.ping()
    finally:
        await database.close()


def test_another_kind_of_database_is_refused() -> None:
    with pytest.raises(SettingsError, match="postgresql"):
        open_database("postgresql+asyncpg://localhost/x")


def _hold(place: DatabaseUnderTest) -> Callable[[], object]:
    """Hold the portfolio's lock in another program until what is returned is called."""
    if place.kind == "sqlite":
        connection = sqlite3.connect(make_url(place.url).database or "", isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        return connection.close
    url = make_url(place.migration_url)
    theirs = pymysql.connect(
        host=url.host, port=url.port or 3306, user=url.username, password=url.password or "", database=url.database
    )
    theirs.begin()
    theirs.cursor().execute("SELECT id FROM mock_portfolio FOR UPDATE")
    return theirs.close


def _kill_connections(server: DatabaseServer, place: DatabaseUnderTest) -> None:
    name = make_url(place.url).database
    for [number] in server.execute(f"SELECT id FROM information_schema.processlist WHERE db = '{name}'"):
        server.execute(f"KILL {number}")


async def test_a_unit_that_is_late_says_that_it_was_late_and_applies_nothing(opened: Opened) -> None:
    late = opened.another(limits=replace(QUICK, unit_seconds=0.0))
    try:
        with pytest.raises(LedgerUnavailable, match=r"^nothing was applied: a transaction took over 0 s"):
            await book_one(late.ledger)
    finally:
        await late.close()
    assert (await opened.database.ledger.load(1)).positions == {}


async def test_a_unit_of_a_command_may_take_longer_than_any_wait_for_the_database(opened: Opened) -> None:
    settings = Settings(database_url=opened.place.url, request_deadline_seconds=1)
    command = Database.of(settings, for_commands=True, least_seconds=0)
    over = time.monotonic() + Timeouts.within(1).unit_seconds

    async def slow(unit: LedgerUnit) -> int:
        await until(lambda: time.monotonic() > over)
        return len(await unit.entries(after=0, limit=1))

    try:
        assert await command.ledger.transact(1, slow) == 1
    finally:
        await command.close()


async def test_a_key_whose_outcome_was_thinned_away_never_books_twice(opened: Opened) -> None:
    ledger = opened.database.ledger
    await book_one(ledger, client_trade_id="old")
    execute(opened.place, "DELETE FROM portfolio_booking_outcomes")
    with pytest.raises(LedgerUnavailable):
        await book_one(ledger, client_trade_id="old")
    await book_one(ledger, client_trade_id="new")
    verdict = await VerifyBooks(ledger)(1)
    assert (verdict.trades, verdict.differences) == (2, [])


async def test_bookings_one_after_another_leave_the_pool_alone_until_the_connection_is_old(opened: Opened) -> None:
    connections, taken = opened.database.ledger._connections, list[object]()
    listens_for(connections._engine.sync_engine, "checkout")(lambda *found: taken.append(found))
    await book_one(opened.database.ledger, execution(quantity="1", price="10", fees="0"))
    before = len(taken)
    for _ in range(3):
        await book_one(opened.database.ledger, execution(quantity="1", price="10", fees="0"))
    assert len(taken) == before
    assert connections._kept is not None
    connections._kept._pooled.info[BORN] -= QUICK.recycle_seconds
    await book_one(opened.database.ledger, execution(quantity="1", price="10", fees="0"))
    assert len(taken) == before + 1


async def test_a_connection_that_is_kept_after_a_commit_is_there_for_whoever_asks_first(
    database: DatabaseUnderTest,
) -> None:
    bring_up_to_date(database)
    only = database.opened(pool_size=1, limits=QUICK)
    try:
        await open_books(only.ledger)
        for revision in range(3, 6):
            await book_one(only.ledger, execution(quantity="1", price="10", fees="0"))
            assert (await only.ledger.load(1)).revision == revision
            booked, read = await asyncio.gather(only.ledger.load(1), only.ledger.version(1))
            assert booked.revision == revision
            assert read
    finally:
        await only.close()
