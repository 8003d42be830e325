"""The files of an SQLite database under their names: the ones that were opened, or others in their place.

A file that was deleted, moved or replaced goes on under the handles that are open on it: what is written there is in no
database that anybody will ever open.
"""

from __future__ import annotations

import os
from weakref import WeakSet

from portfolio.adapters.database.schema.revision import SCHEMA_REVISION
from portfolio.application.errors import SchemaUnknown

FILE = "portfolio_file"
"""Under which a connection of the pool keeps its file."""

_Identity = tuple[int, int] | None


class FileReplaced(Exception):
    """A file of the database is not the one that was opened."""


class DatabaseFile:
    """What tells the files that connections are open on from any others: device and number."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._main: _Identity = None
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

    def check(self) -> None:
        """Make sure that there is a database, and that its files are the ones that were opened first.

        Raises:
            SchemaUnknown: none was opened yet, and there is none; migrations alone make one.
            FileReplaced: one was deleted, moved or replaced since.
        """
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


def _identity(path: str) -> _Identity:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


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
    return FileReplaced(
        f"the file {path} was deleted, moved or replaced while it was open: "
        f"{advice}stop the service and see docs/upgrade.md"
    )
