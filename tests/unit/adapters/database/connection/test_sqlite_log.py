"""What is committed in SQLite's log and was cut off by no SQLite is missed; what SQLite itself does with it is not."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from portfolio.adapters.database.connection.sqlite_file import DatabaseFile, FileReplaced
from portfolio.adapters.database.connection.sqlite_log import SqliteLog

FRAME = 24 + 4_096  # a page, and its head


class Connection(sqlite3.Connection):
    """One that is counted as open."""


def opened(path: Path) -> Connection:
    """A connection that commits by itself."""
    return sqlite3.connect(path, isolation_level=None, factory=Connection)


class Books:
    """A database that the service and another program have open, and what the service knows of its files."""

    def __init__(self, path: Path) -> None:
        self.path, self.log = path, Path(f"{path}-wal")
        self.own, self.other = opened(path), opened(path)
        self.own.execute("PRAGMA journal_mode = WAL")
        self.own.execute("CREATE TABLE notes (note BLOB)")
        self.file = DatabaseFile(str(path))
        self.file.opened(self.own)

    def write(self, connection: Connection, size: int = 1) -> None:
        """Write a note of so many pages."""
        connection.execute("INSERT INTO notes VALUES (randomblob(?))", [size * 4_000])
        self.file.check()


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    """Books with 20 commits in their log."""
    made = Books(tmp_path / "books.db")
    for _ in range(20):
        made.write(made.own, 3)
    yield made
    made.own.close()
    made.other.close()


def _emptied_and_written(books: Books) -> None:
    books.other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    books.other.execute("INSERT INTO notes VALUES (1)")


def _tidied_and_written(books: Books) -> None:
    books.other.execute("VACUUM")
    _emptied_and_written(books)


def _limited(books: Books) -> None:
    books.other.execute("PRAGMA journal_size_limit = 0")
    books.other.execute("PRAGMA wal_checkpoint(FULL)")
    books.other.execute("INSERT INTO notes VALUES (1)")


def _limited_while_it_is_written(books: Books) -> None:
    books.other.execute("PRAGMA journal_size_limit = 0")
    books.other.execute("PRAGMA wal_checkpoint(FULL)")
    books.other.execute("PRAGMA cache_size = 1")
    books.other.execute("BEGIN IMMEDIATE")
    books.write(books.other, 20)
    assert books.log.stat().st_size > 40 * FRAME
    books.other.execute("COMMIT")
    assert books.log.stat().st_size < 40 * FRAME


def _limited_after_what_was_rolled_back(books: Books) -> None:
    books.other.execute("PRAGMA wal_checkpoint(FULL)")
    books.own.execute("PRAGMA cache_size = 1")
    books.own.execute("BEGIN IMMEDIATE")
    for _ in range(3):
        books.write(books.own, 10)
    books.own.execute("ROLLBACK")
    books.file.check()
    books.other.execute("PRAGMA journal_size_limit = 0")
    books.other.execute("INSERT INTO notes VALUES (1)")
    assert books.log.stat().st_size < 10 * FRAME


def _made_anew(books: Books) -> None:
    for connection in (books.own, books.other):
        connection.close()
    books.file.closed(books.own)
    assert not books.log.exists()
    books.own = opened(books.path)
    books.own.execute("INSERT INTO notes VALUES (1)")
    books.file.opened(books.own)


@pytest.mark.parametrize(
    "deed",
    [
        _emptied_and_written,
        _tidied_and_written,
        _limited,
        _limited_while_it_is_written,
        _limited_after_what_was_rolled_back,
        _made_anew,
    ],
)
def test_what_sqlite_does_with_its_log_is_no_damage(books: Books, deed: Callable[[Books], None]) -> None:
    deed(books)
    books.file.check()
    books.write(books.own)


def _cut(books: Books) -> None:
    os.truncate(books.log, books.log.stat().st_size - FRAME)


def _cut_within_its_head(books: Books) -> None:
    os.truncate(books.log, 20)


def _cut_after_it_was_begun_anew(books: Books) -> None:
    before = books.log.stat().st_size
    books.other.execute("PRAGMA wal_checkpoint(RESTART)")
    books.write(books.own)
    assert books.log.stat().st_size == before
    os.truncate(books.log, 32 + FRAME)


def _overwritten(books: Books) -> None:
    size = books.log.stat().st_size
    books.log.write_bytes(books.log.read_bytes()[:32] + b"noise" * (size // 5))


def _emptied_in_place(books: Books) -> None:
    os.truncate(books.log, 0)
    books.file.check()  # as yet it looks as if SQLite had done it
    books.own.execute("INSERT INTO notes VALUES (1)")


@pytest.mark.parametrize(
    "deed", [_cut, _cut_within_its_head, _cut_after_it_was_begun_anew, _overwritten, _emptied_in_place]
)
def test_a_log_that_lacks_what_was_committed_is_damaged_until_a_restart(
    books: Books, deed: Callable[[Books], None]
) -> None:
    whole = books.log.read_bytes()
    deed(books)
    for _ in range(2):
        with pytest.raises(FileReplaced, match=r"books\.db was changed or cut short"):
            books.file.check()
        books.log.write_bytes(whole)


def test_a_log_that_goes_or_is_emptied_while_it_is_looked_at_is_looked_at_the_next_time(books: Books) -> None:
    log, found = SqliteLog(str(books.log)), books.log.stat()
    aside = books.log.rename(books.log.with_suffix(".aside"))
    assert log.is_whole(found)
    books.log.touch()
    assert log.is_whole(found)
    books.log.write_bytes(b"noise" * 10)
    assert not log.is_whole(books.log.stat())
    aside.replace(books.log)


def _begun_anew_with_more(books: Books) -> None:
    books.other.execute("PRAGMA wal_checkpoint(RESTART)")
    books.other.execute("INSERT INTO notes VALUES (randomblob(400000))")


@pytest.mark.parametrize("deed", [_emptied_and_written, _begun_anew_with_more])
def test_a_log_that_is_begun_anew_between_its_head_and_its_frames_is_no_damage(
    books: Books, deed: Callable[[Books], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = os.pread

    def read_before_the_deed(file: int, size: int, at: int) -> bytes:
        monkeypatch.undo()
        head = read(file, size, at)
        deed(books)
        return head

    books.own.execute("INSERT INTO notes VALUES (1)")
    monkeypatch.setattr(os, "pread", read_before_the_deed)
    books.file.check()
    assert os.pread is read, "it was looked at"
    for _ in range(2):
        books.write(books.own)
    _cut(books)
    with pytest.raises(FileReplaced):
        books.file.check()


def test_a_commit_of_however_many_pages_is_missed_once_it_was_looked_through(books: Books) -> None:
    books.other.execute("PRAGMA wal_checkpoint(RESTART)")
    books.own.execute("INSERT INTO notes VALUES (randomblob(4000000))")
    for _ in range(11):  # of about 980 frames 100 are read at a look
        books.file.check()
    _cut(books)
    with pytest.raises(FileReplaced):
        books.file.check()


def test_what_was_written_and_rolled_back_is_not_missed(books: Books) -> None:
    books.own.execute("PRAGMA cache_size = 1")
    for pages in (300, 30, 150):
        books.own.execute("BEGIN IMMEDIATE")
        books.write(books.own, pages)
        for _ in range(5):
            books.file.check()
        books.own.execute("ROLLBACK")
        books.file.check()
        books.write(books.own)
    books.file.check()
    os.truncate(books.log, 32 + 40 * FRAME)
    with pytest.raises(FileReplaced):
        books.file.check()
