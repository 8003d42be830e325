"""The files of an SQLite database under their names: the ones that were opened, or others in their place.

A file that was deleted, moved or replaced goes on under the handles that are open on it: what is written there is in no
database that anybody will ever open. Nor is what is written beside a file that was cut short or overwritten in place.
"""

from __future__ import annotations

import os
import sqlite3
from weakref import WeakSet

from portfolio.adapters.database.connection.sqlite_log import SqliteLog
from portfolio.adapters.database.schema.revision import SCHEMA_REVISION
from portfolio.application.errors import SchemaUnknown

FILE = "portfolio_file"
"""Under which a connection of the pool keeps its file."""

# What SQLite says where a file holds something else, or less, than was written there.
_DAMAGES = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR_SHORT_READ}
_ADVICE = "stop the service and see docs/upgrade.md"
_PRIMARY = 0xFF  # the part of an extended code that says of what kind it is

_Identity = tuple[int, int] | None


class FileReplaced(Exception):
    """A file of the database is not the one that was opened, or does not hold what was written there."""


class DatabaseFile:
    """What tells the files that connections are open on from any others: device and number.

    A file that was once found damaged takes nothing more, and gives nothing: SQLite goes on with what it has in memory,
    and where it ends, nobody can open the file any more.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._main: _Identity = None
        self._damage = ""
        self._log = SqliteLog(f"{path}-wal")
        # The log of what is not in the main file yet, and its index. They end with the last connection.
        self._beside: dict[str, _Identity] = {}
        # Those that are given up without being closed are not counted for ever.
        self._open: WeakSet[object] = WeakSet()

    def opened(self, connection: object) -> None:
        """Take notice of a connection of the driver that has read from the database.

        Raises:
            FileReplaced: it is open on another file than those before it.
        """
        if not self._open:
            self._beside = dict.fromkeys((f"{self._path}-wal", f"{self._path}-shm"))
            self._log = SqliteLog(f"{self._path}-wal")
        self._main = self._main or _identity(_found(self._path))
        self._open.add(connection)
        try:
            self.check()
        except FileReplaced:
            self._open.discard(connection)  # it is given up, and nobody tells that it is closed
            raise

    def closed(self, connection: object) -> None:
        """Take notice that a connection is closed."""
        self._open.discard(connection)

    def met(self, code: int | None) -> None:
        """Take notice of an error of SQLite's, by its extended code."""
        if code is not None and _DAMAGES & {code, code & _PRIMARY}:
            self._damage = f"the database {self._path} was changed or cut short while it was open: {_ADVICE}"

    def check(self) -> None:
        """Make sure that there is a database, and that its files are the ones that were opened first.

        Raises:
            SchemaUnknown: none was opened yet, and there is none; migrations alone make one.
            FileReplaced: one was deleted, moved, replaced or damaged since.
        """
        if self._damage:
            raise FileReplaced(self._damage)
        if self._main is None and _is_missing(self._path):
            raise SchemaUnknown(None, SCHEMA_REVISION, missing=f"its file {os.path.abspath(self._path)}")
        main = _found(self._path)
        if self._main is not None and _identity(main) != self._main:
            raise _replaced(self._path, "put it back, or ")
        if self._open:
            self._check_beside()
            if main is not None and main.st_size == 0:
                self.met(sqlite3.SQLITE_IOERR_SHORT_READ)
        if self._damage:
            raise FileReplaced(self._damage)

    def _check_beside(self) -> None:
        for path, before in self._beside.items():
            found = _found(path)
            if before is None:
                self._beside[path] = _identity(found)
            elif _identity(found) != before:
                raise _replaced(path, "")
            if path == self._log.path and not self._log.is_whole(found):
                self.met(sqlite3.SQLITE_IOERR_SHORT_READ)


def _found(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError:
        return None


def _identity(found: os.stat_result | None) -> _Identity:
    return None if found is None else (found.st_dev, found.st_ino)


def _is_missing(path: str) -> bool:
    """Return whether there is no such file; of one that may not be looked at the driver tells."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _replaced(path: str, advice: str) -> FileReplaced:
    return FileReplaced(f"the file {path} was deleted, moved or replaced while it was open: {advice}{_ADVICE}")
