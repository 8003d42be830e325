"""Files that commands write stand there whole, or not at all, and nothing but a file is replaced."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from portfolio.entrypoints.cli.whole_files import whole_file


def test_what_is_there_stays_until_the_new_file_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("old")

    def write_half() -> None:
        with whole_file(file) as made:
            made.write(b"half")
            made.flush()
            assert file.read_text() == "old"
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert [one.name for one in tmp_path.iterdir()] == ["rows.csv"]
    assert file.read_text() == "old"


def test_a_file_that_is_replaced_keeps_its_rights_and_a_new_one_is_its_owners(tmp_path: Path) -> None:
    old, new = tmp_path / "old.csv", tmp_path / "new.csv"
    old.write_text("old")
    old.chmod(0o644)
    for file in (old, new):
        with whole_file(file) as made:
            made.write(b"whole")
    assert [stat.S_IMODE(file.stat().st_mode) for file in (old, new)] == [0o644, 0o600]
    assert old.read_text() == new.read_text() == "whole"


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    file, link = tmp_path / "folder" / "rows.csv", tmp_path / "link.csv"
    file.write_text("old")
    link.symlink_to(file)
    with whole_file(link) as made:
        made.write(b"whole")
    assert link.is_symlink()
    assert file.read_text() == "whole"


def test_a_pipe_or_a_device_is_written_to_and_stays_what_it_is(tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe", list[bytes]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    with whole_file(pipe) as made:
        made.write(b"whole")
    reader.join(timeout=10)
    assert read == [b"whole"]
    assert pipe.is_fifo()


def test_two_that_write_the_same_file_leave_a_whole_one(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    with whole_file(file) as one:
        one.write(b"1" * 100_000)
        with whole_file(file) as other:
            other.write(b"2" * 10)
        one.write(b"1" * 100_000)
    assert file.read_bytes() == b"1" * 200_000
    assert [one.name for one in tmp_path.iterdir()] == ["rows.csv"]


def test_what_cannot_be_written_is_named_as_it_was_given(tmp_path: Path) -> None:
    file = tmp_path / "none" / "rows.csv"
    with pytest.raises(FileNotFoundError) as caught, whole_file(file):
        pass
    assert caught.value.filename == str(file)
