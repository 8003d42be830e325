"""Files to import, as they lie on a disk."""

import json
import sqlite3
import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest

from portfolio.adapters.files.imports import MOST_LINES, GivenFiles, LocalImportFiles, content_of
from portfolio.application.imports.kept.records import GivenFile
from portfolio.application.imports.preview import PreviewImport
from portfolio.application.imports.recognition import recognise
from portfolio.application.imports.records import Document, ImportFile, Options, Table, Unreadable
from tests.support.imports import StoppedClock, answer_of

pytestmark = pytest.mark.unmeasured


def freqtrade(path: Path) -> None:
    """A database as freqtrade writes it, with the columns that matter."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TABLE trades (id INTEGER PRIMARY KEY, pair TEXT, fee_open FLOAT, fee_close FLOAT, leverage FLOAT, "
            "trading_mode VARCHAR, exit_reason VARCHAR)"
        )
        connection.execute(
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, ft_trade_id INTEGER, ft_order_side VARCHAR, ft_pair VARCHAR, "
            "order_id VARCHAR, status VARCHAR, average FLOAT, filled FLOAT, order_filled_date DATETIME, "
            "ft_fee_base FLOAT)"
        )
        connection.execute("INSERT INTO trades VALUES (3, 'BTC/USDT', 0.001, 0.001, 1.0, 'SPOT', NULL)")
        connection.execute(
            "INSERT INTO orders VALUES (1, 3, 'buy', 'BTC/USDT', 'o1', 'closed', 20000.1, 0.1, "
            "'2022-03-01 10:00:00.123000', NULL)"
        )
        connection.commit()


def test_the_database_of_freqtrade_tells_the_same_as_its_answers(tmp_path: Path) -> None:
    path = tmp_path / "tradesv3.sqlite"
    freqtrade(path)
    [preview] = PreviewImport(LocalImportFiles(), StoppedClock())([str(path)], Options())
    found = answer_of(preview)
    assert found["format"] == "freqtrade"
    [event] = found["events"]
    # 0.1 x 20000.1 = 2000.01, and 0.1 % of it
    assert event["legs"] == {"BTC": "0.1", "USDT": "-2002.01001"}
    assert (event["row"], event["at"]) == ("3/o1", "2022-03-01T10:00:00.123Z")


def test_another_database_or_a_damaged_one_is_unreadable(tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE x (y)")
    damaged = tmp_path / "damaged.sqlite"
    damaged.write_bytes(b"SQLite format 3\x00" + b"noise" * 1000)
    for path in (other, damaged):
        content = LocalImportFiles().read(str(path)).content
        assert isinstance(content, Unreadable)
        assert "not one of freqtrade" in content.reason


def test_a_file_is_read_by_its_own_name_and_without_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "a (UTC+2).csv"
    path.write_text("x,y\n1,2\n")
    found = LocalImportFiles().read(str(path))
    assert found.name == "a (UTC+2).csv"
    assert isinstance(found.content, Table)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.truncate((256 << 20) + 1)  # a hole: it takes no room
    content = LocalImportFiles().read(str(path)).content
    assert isinstance(content, Unreadable)
    assert "larger than 256 MiB" in content.reason


def test_a_file_of_more_lines_than_memory_is_for_is_not_read() -> None:
    assert isinstance(content_of(b"a\n" * MOST_LINES), Table)
    content = content_of(b"a\n" * (MOST_LINES + 1))
    assert isinstance(content, Unreadable)
    assert content.reason == "over 1,000,000 lines: split the file"


def test_a_line_of_more_columns_than_any_sheet_is_a_fault_of_its_own() -> None:
    content = content_of(
        b"a,b\n" + b"," * 16_384 + b"\n" + b"," * 16_383 + b'\n"two\nlines"' + b"," * 16_384 + b"\n1,2"
    )
    assert isinstance(content, Table)
    too_wide = "the row has over 16,384 columns"
    assert [line.fault.partition(":")[0] for line in content.lines] == ["", too_wide, "", too_wide, too_wide, ""]


def test_the_fields_of_a_trade_are_held_once_however_many_orders_it_has() -> None:
    trade = {"pair": "ETH/USDT", **{f"field{n}": "x" for n in range(1000)}, "orders": [{"order_id": "1"}] * 1000}
    file = ImportFile("trades.json", content_of(json.dumps({"trades": [trade]}).encode()))
    tracemalloc.start()
    try:
        recognise(file)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 1_000_000  # copies of them for each order take 26 MB


def test_a_database_whose_rows_are_much_larger_than_it_is_read_only_in_part(tmp_path: Path) -> None:
    path = tmp_path / "tradesv3.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE trades (id INTEGER PRIMARY KEY)")
        connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY)")
        connection.executemany("INSERT INTO orders VALUES (?)", [(n,) for n in range(100)])
        # A value by default is in the file once, and in every row that is read.
        connection.execute(f"ALTER TABLE orders ADD COLUMN status DEFAULT '{'x' * 10_000}'")
        connection.commit()
    for files, name in (
        (LocalImportFiles(), str(path)),
        (GivenFiles([GivenFile("tradesv3.sqlite", path.read_bytes())]), "0"),
    ):
        content = files.read(name).content
        assert isinstance(content, Unreadable)
        assert "its rows are much larger than the file" in content.reason


def test_the_database_of_a_bot_that_runs_is_read_with_what_is_in_the_file_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "tradesv3.sqlite"
    with closing(sqlite3.connect(path)) as bot:
        bot.execute("PRAGMA journal_mode = wal")
        bot.execute("CREATE TABLE trades (id INTEGER PRIMARY KEY)")
        bot.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, ft_trade_id INTEGER, order_id TEXT)")
        bot.execute("INSERT INTO trades VALUES (1)")
        bot.executemany("INSERT INTO orders VALUES (?, 1, ?)", [(n, "x" * 100) for n in range(1000)])
        bot.commit()
        assert path.stat().st_size * 20 < 1000 * 100
        content = LocalImportFiles().read(str(path)).content
    assert isinstance(content, Document)
    assert str(content.value).count("'order_id'") == 1000


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"\x1f\x8b\x08\x00rest", "this is packed: unpack it"),
        (b"BZh91AY&SY", "this is packed: unpack it"),
        (b"7z\xbc\xaf\x27\x1c", "this is packed: unpack it"),
        (b"\xfd7zXZ\x00", "this is packed: unpack it"),
        (b"(\xb5/\xfd", "this is packed: unpack it"),
        (b"Rar!\x1a\x07", "this is packed: unpack it"),
        (
            b"\xef\xbb\xbf# portfolio export: what=events, revision=3\r\nrevision\r\n1\r\n",
            "this is an export of the books: the command portfolio import books one of events, into empty books",
        ),
        (b"PAR1\x15\x04PAR1", "this is Parquet: import the same as CSV or JSON"),
        (b"%PDF-1.4\n%\xe2\xe3", "this is a PDF: download the same as CSV"),
        (b"<!DOCTYPE html><html>", "this is a web page: download the file itself"),
        (b" \r\n<html lang='en'>", "this is a web page: download the file itself"),
        (b"", "the file is empty: download it again"),
        (b"\xef\xbb\xbf \r\n", "the file is empty: download it again"),
    ],
)
def test_what_is_no_table_is_called_by_its_name(raw: bytes, why: str) -> None:
    assert content_of(raw) == Unreadable(why)


def test_a_cell_that_is_too_long_is_a_fault_of_its_row(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text(f'x,y\n"{"a" * 200_000}",2\n"a"b,1\n1,2\n')
    content = LocalImportFiles().read(str(path)).content
    assert isinstance(content, Table)
    assert ["cannot be taken apart" in line.fault for line in content.lines] == [False, True, True, False]


def test_a_file_that_is_gone_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        LocalImportFiles().read(str(tmp_path / "gone.csv"))
