"""``portfolio import`` of a file that ``portfolio export events`` wrote, as a person uses both."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from portfolio.adapters.database.schema.migration import migrate
from portfolio.entrypoints.cli.commands import commands
from portfolio.entrypoints.exports.read_back import read_back
from portfolio.entrypoints.http.ledger.csv_rows import cell, text_in
from portfolio.main import CompositionRoot

GLUED = "Date(UTC),Pair,Side,Price,Executed,Amount,Fee\n"
ROWS = "2022-03-01 10:00:00,BTCUSDT,BUY,40000,0.01BTC,400USDT,0.00001BTC\n"
MORE = "2022-03-02 10:00:00,BTCUSDT,SELL,41000,0.004BTC,164USDT,0.1USDT\n"


def run(*words: object) -> int:
    """Carry out the command line and return its exit status."""
    with pytest.raises(SystemExit) as ended:
        commands([*map(str, words)], obj=CompositionRoot())
    status = ended.value.code or 0
    assert isinstance(status, int)
    return status


@pytest.fixture
def use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make the commands use the books of a name, which are migrated at first."""

    def of(name: str, cash: str = "0") -> None:
        url = f"sqlite+aiosqlite:///{tmp_path / name}.db"
        monkeypatch.setenv("PORTFOLIO_DATABASE_URL", url)
        monkeypatch.setenv("PORTFOLIO_INITIAL_CASH", cash)
        if not (tmp_path / f"{name}.db").exists():
            migrate(url, None)

    return of


@pytest.fixture
def exported(tmp_path: Path, use: Any, capsys: pytest.CaptureFixture[str]) -> Path:
    """Events of books with an opening, their cash and three trades."""
    use("first", "1000")
    (tmp_path / "trades.csv").write_text(GLUED + ROWS + MORE)
    assert run("import", tmp_path / "trades.csv") == 0
    for kind in ("csv", "json"):
        assert run("export", "events", "--format", kind, "-o", tmp_path / f"events.{kind}") == 0
    capsys.readouterr()
    return tmp_path / "events.csv"


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_the_file_goes_into_empty_books_once(
    tmp_path: Path, exported: Path, use: Any, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    file = exported.rename(tmp_path / "of_any.name") if kind == "csv" else tmp_path / "events.json"
    use("other")
    assert run("import", file, "--dry-run", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["format"], told["rows"], len(told["events"]), told["reported"]) == ("portfolio-events", 4, 4, [])
    deposit = told["events"][1]
    assert (deposit["kind"], deposit["amount"], deposit["symbol"]) == ("deposit", "1000", None)
    assert deposit["row"] == {"csv": 4, "json": 1}[kind]
    assert run("import", file) == 0
    out = capsys.readouterr().out
    assert f"{file.name}: portfolio-events, 4 rows: 3 rows booked, 0 reported, 1 known\n  trade: 2 rows\n" in out
    assert run("import", file) == 0
    assert "4 rows: 0 rows booked, 0 reported, 4 known" in capsys.readouterr().out
    assert run("export", "events", "-o", tmp_path / "again.csv") == 0
    if kind == "csv":
        texts = (one.read_bytes().decode() for one in (file, tmp_path / "again.csv"))
        before, after = ([*csv.reader(io.StringIO(text, newline=""))] for text in texts)
        key = before[1].index("key")
        assert [[*row[:key], *row[key + 2 :]] for row in after[1:]] == [[*r[:key], *r[key + 2 :]] for r in before[1:]]


def test_books_that_hold_money_refuse_the_file_and_it_says_why(
    tmp_path: Path, exported: Path, use: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    use("third", "2000")
    assert run("import", tmp_path / "trades.csv") == 0
    capsys.readouterr()
    assert run("import", exported) == 2
    out = capsys.readouterr().out
    assert "0 rows booked, 1 reported, 1 known" in out
    assert "PORTFOLIO_INITIAL_CASH=0" in out
    assert run("import", exported, "--json") == 2
    assert [one["row"] for one in json.loads(capsys.readouterr().out)["reported"]] == [4]


def test_many_reported_rows_are_counted(exported: Path, use: Any, capsys: pytest.CaptureFixture[str]) -> None:
    use("fourth")
    exported.write_bytes(exported.read_bytes() + b"9,gift\r\n" * 41)
    assert run("import", exported) == 2
    out = capsys.readouterr().out
    assert "row 7: the row is cut: 2 of" in out
    assert "... and 1 more: --json prints them all" in out


def test_an_export_is_imported_alone(tmp_path: Path, exported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, besides in (
        ((tmp_path / "trades.csv",), "another file"),
        (("--partial",), "--partial"),
        (("--format", "ccxt"), "--format"),
        (("--date-order", "dmy"), "--date-order"),
    ):
        assert run("import", exported, *words) == 64
        assert f"imported alone, without {besides}" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["=1", "'=1", "''=1", "'tis", "'", "''", "-0.10", "'\t", "' =1", "plain"])
def test_a_text_is_read_back_as_it_was_whatever_it_begins_with(text: str) -> None:
    assert text_in(cell(text)) == text


def test_a_text_is_read_back_without_what_kept_it_from_being_a_formula(exported: Path) -> None:
    lines = exported.read_text().replace("initial cash", "'=1+1")
    exported.write_text("\ufeff" + lines, newline="")
    found = read_back(str(exported))
    assert [row.cells["note"] for row in found.rows[:2]] == [None, "=1+1"]
    assert (found.about["what"], [row.place for row in found.rows]) == ("events", [3, 4, 5, 6])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"what": "events", "convention": "x"}', "no list of rows"),
        ('{"what": "events", "convention": "x", "rows": 1}', "no list of rows"),
        ('{"what": "events", "convention": ', "cannot be read"),
        ('# portfolio export: what=events, revision=1\r\na,b\r\n"1,2', "line 3: unexpected end"),
        ("# portfolio export: what=events, revision=1\r\n\udcff", "cannot be read"),
    ],
)
def test_what_is_no_export_is_reported(
    tmp_path: Path, use: Any, capsys: pytest.CaptureFixture[str], text: str, why: str
) -> None:
    use("fifth")
    file = tmp_path / "events.txt"
    file.write_bytes(text.encode(errors="surrogateescape"))
    assert run("import", file) == 2
    assert why in capsys.readouterr().out


def test_a_row_of_json_that_is_none_is_a_fault(tmp_path: Path) -> None:
    file = tmp_path / "events.json"
    file.write_text('{"what": "events", "convention": "x", "rows": [7, {"a": [1]}, {"a": true, "b": 1.50, "c": null}]}')
    found = read_back(str(file))
    assert [fault.row for fault in found.faults] == [0, 1]
    assert [dict(row.cells) for row in found.rows] == [{"a": "true", "b": "1.50", "c": None}]
