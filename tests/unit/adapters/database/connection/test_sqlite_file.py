"""Which files a database is in, told from others by device and number."""

from __future__ import annotations

from pathlib import Path

import pytest

from portfolio.adapters.database.connection.sqlite_file import DatabaseFile, FileReplaced


def test_a_connection_that_was_refused_for_a_replaced_file_is_not_counted_as_open(tmp_path: Path) -> None:
    main, log = tmp_path / "books.db", tmp_path / "books.db-wal"
    for path in (main, log):
        path.touch()
    file = DatabaseFile(str(main))
    file.opened()
    elsewhere = main.rename(tmp_path / "elsewhere")
    with pytest.raises(FileReplaced, match="put it back"):
        file.opened()
    elsewhere.rename(main)
    file.closed()
    # SQLite makes the log anew for the first connection after the last one.
    log.rename(tmp_path / "log-of-before")
    log.touch()
    file.opened()
    file.check()
