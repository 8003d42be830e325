"""The files of an SQLite database under their names: the ones that were opened, or others in their place.

A file that was deleted, moved or replaced goes on under the handles that are open on it: what is written there is in no
database that anybody will ever open. Nor is what is written beside a file that was cut short or overwritten in place.
"""

from __future__ import annotations

import os
import sqlite3
from weakref import WeakSet

from portfolio.adapters.database.schema.revision import SCHEMA_REVISION
from portfolio.application.errors import SchemaUnknown

FILE = "portfolio_file"
"""Under which a connection of the pool keeps its file."""

# What SQLite says where a file holds something else, or less, than was written there.
_DAMAGES = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR_SHORT_READ}
_LOG_BEGINS = b"\x37\x7f\x06"
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
        self._log_size = 0
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
            self._log_size = _size(f"{self._path}-wal")
        self._main = self._main or _identity(self._path)
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
        if self._main is not None and _identity(self._path) != self._main:
            raise _replaced(self._path, "put it back, or ")
        if self._open:
            for path, before in self._beside.items():
                now = _identity(path)
                if before is None:
                    self._beside[path] = now
                elif now != before:
                    raise _replaced(path, "")
            self._check_sizes()

    def _check_sizes(self) -> None:
        """Make sure that there is something in the database, and that its log was not cut short.

        Who empties the log by SQLite has written all of it to the main file, and what is written then begins it anew.

        Raises:
            FileReplaced: it was cut short, or the database emptied.
        """
        log = f"{self._path}-wal"
        size, before = _size(log), self._log_size
        self._log_size = size
        is_other = 0 < size < before or (size > 0 >= before and not _begins_as_log(log))
        if is_other or _size(self._path) == 0:
            self.met(sqlite3.SQLITE_IOERR_SHORT_READ)
            raise FileReplaced(self._damage)


def _identity(path: str) -> _Identity:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _size(path: str) -> int:
    """Return its size; -1 where it is not there."""
    try:
        return os.stat(path).st_size
    except OSError:
        return -1


def _begins_as_log(path: str) -> bool:
    """Return whether it begins as SQLite's logs do. Reading it takes no lock from anybody, as with the main file."""
    with open(path, "rb") as log:
        return log.read(len(_LOG_BEGINS)) == _LOG_BEGINS


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
