"""Connections to SQLite, whose driver has a thread for each."""

from __future__ import annotations

import asyncio
import sqlite3
from functools import partial
from typing import Any

import aiosqlite

_ROWS_AT_ONCE = 64
_STOP_SECONDS = 1.0


class _Connection(aiosqlite.Connection):
    """A connection that tells when its thread has ended."""

    stopped: asyncio.Future[Any] | None = None

    def stop(self) -> asyncio.Future[Any] | None:
        """Have the thread end, and return its answer to that."""
        self.stopped = super().stop()
        return self.stopped


async def connect_to_sqlite(path: str, **options: Any) -> aiosqlite.Connection:
    """Return a connection; where it cannot be made, the driver's thread has ended when the error is raised.

    The driver's own does not wait for its thread then, which may answer an event loop that has been closed meanwhile.
    Who is told to stop waits for it too, though for a second at most: the disk may be silent.
    """
    connection = _Connection(partial(sqlite3.connect, path, **options), _ROWS_AT_ONCE)
    connection._thread.daemon = True  # noqa: SLF001  as SQLAlchemy does it for connections of its own making
    try:
        return await connection
    except BaseException:
        if connection.stopped is not None:
            await asyncio.wait({connection.stopped}, timeout=_STOP_SECONDS)
        raise
