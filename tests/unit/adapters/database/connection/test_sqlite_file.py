"""Which files a database is in, told from others by device and number."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from portfolio.adapters.database.connection.sqlite_file import DatabaseFile, FileReplaced


class Connection:
    """What stands for a connection of the driver."""


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    """The database, and its log beside it."""
    main, log = tmp_path / "books.db", tmp_path / "books.db-wal"
    main.write_bytes(b"books")
    log.touch()
    return main, log


def made_anew(log: Path) -> None:
    """SQLite makes the log anew for the first connection after the last one."""
    log.rename(log.with_suffix(".before"))
    log.touch()


def test_a_connection_that_was_refused_for_a_replaced_file_is_not_counted_as_open(paths: tuple[Path, Path]) -> None:
    main, log = paths
    file, first, refused = DatabaseFile(str(main)), Connection(), Connection()
    file.opened(first)
    elsewhere = main.rename(main.with_suffix(".elsewhere"))
    with pytest.raises(FileReplaced, match="put it back"):
        file.opened(refused)
    elsewhere.rename(main)
    file.closed(first)
    made_anew(log)
    file.opened(first)
    file.check()


def test_a_connection_that_was_given_up_without_a_word_is_not_counted_as_open_for_ever(
    paths: tuple[Path, Path],
) -> None:
    main, log = paths
    file, lost = DatabaseFile(str(main)), Connection()
    file.opened(lost)
    del lost
    gc.collect()
    made_anew(log)
    file.opened(kept := Connection())
    file.check()
    made_anew(log)
    with pytest.raises(FileReplaced, match=r"books\.db-wal"):
        file.check()
    file.closed(kept)
    file.check()
