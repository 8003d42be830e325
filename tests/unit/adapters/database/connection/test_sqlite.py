"""Connections to SQLite: where none can be made, nobody is left who answers later."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import aiosqlite.core
import pytest

from portfolio.adapters.database.connection.sqlite import connect_to_sqlite


class _Late:
    """What a thread of the driver has to do, which it comes to late, as on a busy machine."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue

    def get(self) -> Any:
        """Return the next thing to do."""
        task = self._queue.get()
        time.sleep(0.05)
        return task


def test_a_connection_that_cannot_be_made_leaves_no_thread_that_answers_a_closed_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: list[threading.ExceptHookArgs] = []
    work: Any = aiosqlite.core._connection_worker_thread
    monkeypatch.setattr(aiosqlite.core, "_connection_worker_thread", lambda queue: work(_Late(queue)))
    monkeypatch.setattr(threading, "excepthook", raised.append)
    before = set(threading.enumerate())

    async def connect() -> None:
        with pytest.raises(sqlite3.OperationalError, match="unable to open database file"):
            await connect_to_sqlite(str(tmp_path / "none" / "portfolio.db"))

    asyncio.run(connect())
    for thread in set(threading.enumerate()) - before:
        thread.join()
    assert raised == []
