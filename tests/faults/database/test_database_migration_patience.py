"""A migration waits for nobody for ever: neither for a lock, nor for a server that has gone silent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from portfolio.adapters.database.schema.migration import migrate
from portfolio.application.errors import LedgerUnavailable
from tests.integration.database.test_migrations import up
from tests.support.database.database_server import DatabaseServer
from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.old_database import execute, make_old


def test_a_migration_gives_up_on_a_lock_of_others_and_has_done_nothing_to_that_table(
    mariadb: DatabaseServer, mysql_database: DatabaseUnderTest
) -> None:
    make_old(mysql_database)
    ledger = mysql_database.url.rsplit("/", 1)[-1].split("?")[0]
    with mariadb.connect(database=ledger) as other, other.cursor() as cursor:
        other.begin()
        cursor.execute("SELECT * FROM mock_trades")
        with pytest.raises(LedgerUnavailable, match=r"another session keeps a lock, see SHOW PROCESSLIST"):
            migrate(mysql_database.migration_url, mysql_database.prices_schema, patience_seconds=1)
        assert execute(mysql_database, "SELECT version_num FROM portfolio_schema_version") == [("0006",)]
        other.rollback()
    up(mysql_database)


def test_a_migration_gives_up_on_a_server_that_is_frozen(private_mariadb: DatabaseServer) -> None:
    place = private_mariadb.create_database_pair("frozen")
    private_mariadb.pause()
    try:
        with pytest.raises(LedgerUnavailable, match="the migration failed"):
            migrate(place.migration_url, place.prices_schema, patience_seconds=1)
    finally:
        private_mariadb.resume()


def test_a_migration_gives_up_on_a_server_that_freezes_while_it_is_at_work(private_mariadb: DatabaseServer) -> None:
    place = private_mariadb.create_database_pair("freezes")
    make_old(place)
    ledger = place.url.rsplit("/", 1)[-1].split("?")[0]
    waits = "SELECT 1 FROM information_schema.processlist WHERE info LIKE 'ALTER TABLE mock_trades%'"
    with private_mariadb.connect(database=ledger) as other, other.cursor() as cursor, ThreadPoolExecutor(1) as beside:
        other.begin()
        cursor.execute("SELECT * FROM mock_trades")
        migration = beside.submit(migrate, place.migration_url, place.prices_schema, patience_seconds=5)
        while not private_mariadb.execute(waits):
            assert not migration.done()
        private_mariadb.pause()
        try:
            with pytest.raises(LedgerUnavailable, match="timed out"):
                migration.result(timeout=60)
        finally:
            private_mariadb.resume()
