"""Connections to SQLite: where none can be made, nobody is left who answers later."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiosqlite.core
import pytest
from sqlalchemy import text

from portfolio.adapters.database.connection.connections import Connections
from portfolio.adapters.database.connection.engine import create_engine
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.connection.sqlite import connect_to_sqlite
from portfolio.adapters.database.connection.statements import Statement
from portfolio.application.errors import LedgerRefused
from tests.support.database.databases import PATIENT


class _Late:
    """What a thread of the driver has to do, which it comes to late, as on a busy machine."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue

    def get(self) -> Any:
        """Return the next thing to do."""
        task = self._queue.get()
        time.sleep(0.05)
        return task


@pytest.fixture
def raised(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[threading.ExceptHookArgs]]:
    """What the driver's threads, which are late, raise; nothing is the demand once the last of them has ended."""
    raised: list[threading.ExceptHookArgs] = []
    work: Any = aiosqlite.core._connection_worker_thread
    monkeypatch.setattr(aiosqlite.core, "_connection_worker_thread", lambda queue: work(_Late(queue)))
    monkeypatch.setattr(threading, "excepthook", raised.append)
    before = set(threading.enumerate())
    yield raised
    for thread in set(threading.enumerate()) - before:
        thread.join()
    assert raised == []


@pytest.mark.usefixtures("raised")
def test_a_connection_that_cannot_be_made_leaves_no_thread_that_answers_a_closed_loop(tmp_path: Path) -> None:
    async def connect() -> None:
        with pytest.raises(sqlite3.OperationalError, match="unable to open database file"):
            await connect_to_sqlite(str(tmp_path / "none" / "portfolio.db"))

    asyncio.run(connect())


@pytest.mark.usefixtures("raised")
def test_who_is_told_to_stop_while_connecting_leaves_no_such_thread_either(tmp_path: Path) -> None:
    async def connect() -> None:
        connecting = asyncio.create_task(connect_to_sqlite(str(tmp_path / "portfolio.db")))
        await asyncio.sleep(0)
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting

    asyncio.run(connect())


@pytest.mark.usefixtures("raised")
def test_a_database_is_closed_once_nobody_is_at_work_in_it(tmp_path: Path) -> None:
    """Otherwise the loop could be closed while a statement is under way whose answer nobody waits for any more."""
    answers: list[int] = []
    file = tmp_path / "portfolio.db"
    file.touch()

    async def look() -> None:
        url = f"sqlite+aiosqlite:///{file}"
        connections = Connections(create_engine(url, hosts=(), pool_size=1, limits=PATIENT), PATIENT)

        async def ask(session: Session) -> None:
            began.set()
            answers.extend((await session.run(text("SELECT 7"))).scalars())

        began = asyncio.Event()
        asking = asyncio.create_task(connections.read(ask))
        await asyncio.wait_for(began.wait(), 10)
        await connections.close()
        assert answers == [7]
        await asking

    asyncio.run(look())


async def test_a_database_that_may_not_be_written_says_what_it_takes_to_read_one(tmp_path: Path) -> None:
    path = tmp_path / "portfolio.db"
    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE t (n INTEGER)")
    connections = Connections(
        create_engine(f"sqlite+aiosqlite:///{path}", hosts=(), pool_size=1, limits=PATIENT), PATIENT
    )

    async def write(session: Session) -> None:
        await session.execute(Statement("PRAGMA query_only = ON"), Statement("INSERT INTO t VALUES (1)"))

    try:
        with pytest.raises(LedgerRefused, match="readonly database: SQLite writes beside its file, also to read"):
            await connections.read(write)
    finally:
        await connections.close()
