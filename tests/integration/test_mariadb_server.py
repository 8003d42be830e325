"""The server that the other tests rely on, and its databases."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pymysql
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import create_async_engine

from tests.support.database.database_server import DatabaseServer
from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.mariadb import MariaDbServer

ROOT = Path(__file__).parents[2]
DENIED = 1142


async def run(url: str, *statements: str) -> list[tuple[object, ...]]:
    """The rows of the last statement, each in one transaction with the others."""
    engine = create_async_engine(url)
    rows: list[tuple[object, ...]] = []
    try:
        async with engine.begin() as connection:
            for statement in statements:
                result = await connection.execute(text(statement))
                rows = [tuple(row) for row in result] if result.returns_rows else []
    finally:
        await engine.dispose()
    return rows


async def test_every_kind_of_database_is_empty_and_takes_rows(database: DatabaseUnderTest) -> None:
    await run(database.migration_url, "CREATE TABLE t (n INTEGER PRIMARY KEY)")
    await run(database.url, "INSERT INTO t VALUES (1)")
    assert await run(database.url, "SELECT n FROM t") == [(1,)]


async def test_the_service_may_change_rows_in_both_schemas_and_no_table(
    mysql_database: DatabaseUnderTest,
) -> None:
    prices = mysql_database.prices_schema
    await run(mysql_database.migration_url, f"CREATE TABLE `{prices}`.t (n INTEGER PRIMARY KEY)")
    await run(mysql_database.url, f"INSERT INTO `{prices}`.t VALUES (1)", f"UPDATE `{prices}`.t SET n = 2")
    with pytest.raises(OperationalError) as refused:
        await run(mysql_database.url, "CREATE TABLE mine (n INTEGER PRIMARY KEY)")
    assert refused.value.orig is not None
    assert refused.value.orig.args[0] == DENIED


async def test_a_database_is_dropped_though_a_transaction_is_open_in_it(mariadb: DatabaseServer) -> None:
    database = mariadb.create_database_pair("left_open")
    await run(database.migration_url, "CREATE TABLE t (n INTEGER PRIMARY KEY)")
    engine = create_async_engine(database.url)
    connection = await engine.connect()
    await connection.execute(text("INSERT INTO t VALUES (1)"))

    await asyncio.to_thread(mariadb.drop, "left_open")

    assert mariadb.execute("SHOW DATABASES LIKE 'left_open%'") == []
    await connection.invalidate()
    await connection.close()
    await engine.dispose()


def test_the_shared_server_is_durable_and_listens_to_this_machine_alone(mariadb: DatabaseServer) -> None:
    assert mariadb.port != 3306
    rows = mariadb.execute("SELECT @@innodb_flush_log_at_trx_commit, @@log_bin, @@bind_address")
    assert rows[0][:1] == (1,)
    if isinstance(mariadb, MariaDbServer):
        assert rows[0][1:] == (0, "127.0.0.1")


def test_a_private_server_keeps_what_was_committed_when_killed(private_mariadb: DatabaseServer) -> None:
    private_mariadb.execute("CREATE DATABASE d", "CREATE TABLE d.t (n INT PRIMARY KEY)", "INSERT INTO d.t VALUES (7)")
    private_mariadb.kill()
    with pytest.raises(pymysql.err.OperationalError):
        private_mariadb.connect()
    private_mariadb.start()
    assert private_mariadb.execute("SELECT n FROM d.t") == [(7,)]

    private_mariadb.stop()
    private_mariadb.start()
    assert private_mariadb.execute("SELECT n FROM d.t") == [(7,)]


def test_a_paused_server_is_silent_until_resumed(private_mariadb: DatabaseServer) -> None:
    private_mariadb.pause()
    try:
        with pytest.raises(pymysql.err.OperationalError):
            pymysql.connect(host=private_mariadb.host, port=private_mariadb.port, read_timeout=1, connect_timeout=1)
    finally:
        private_mariadb.resume()
    assert private_mariadb.execute("SELECT 1") == [(1,)]


LAUNCH_AND_WAIT = """
import os, time
from tests.support.database.database_run import launch_server
server = launch_server(owner_pid=os.getpid())
print(server.pid, server.directory, flush=True)
time.sleep(600)
"""


def test_a_server_ends_with_tests_that_were_killed(mariadb: DatabaseServer) -> None:
    if not isinstance(mariadb, MariaDbServer):
        return  # of a container this machine shows no process
    tests = subprocess.Popen(
        [sys.executable, "-c", LAUNCH_AND_WAIT],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert tests.stdout is not None
    with tests.stdout:
        pid, directory = tests.stdout.readline().split()
    server = psutil.Process(int(pid))
    tests.kill()
    tests.wait()

    deadline = time.monotonic() + 30
    while Path(directory).exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not Path(directory).exists()
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE
