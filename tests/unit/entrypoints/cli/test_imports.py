"""The command ``portfolio import``, in this process and as it is started."""

import json
from pathlib import Path

import pytest

from portfolio.entrypoints.cli.commands import commands
from portfolio.main import CompositionRoot

GLUED = "Date(UTC),Pair,Side,Price,Executed,Amount,Fee\n"
ROW = "2022-03-01 10:00:00,BTCUSDT,BUY,40000,0.01BTC,400USDT,0.00001BTC\n"
EMPTY = "2022-03-01 10:00:00,BTCUSDT,BUY,40000,0BTC,0USDT,0BTC\n"
BAD = "2022-03-01 10:00:00,BTCUSDT,HOLD,40000,0.01BTC,400USDT,0.00001BTC\n"


def run(*words: object) -> int:
    """Carry out the command line and return its exit status."""
    with pytest.raises(SystemExit) as ended:
        commands(["import", *map(str, words)], obj=CompositionRoot())
    status = ended.value.code
    assert isinstance(status, int)
    return status


def test_json_is_one_object_for_one_file_and_a_list_for_several(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "trades.csv"
    file.write_text(GLUED + ROW * 2)
    assert run(file, "--dry-run", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"format", "rows", "events", "ignored", "reported", "known", "quantities", "cash_change"}
    assert found["known"] == []
    assert found["quantities"] == {"BTC": "0.01998"}
    assert found["cash_change"] == {"USDT": "-800"}
    assert run(file, file, "--dry-run", "--json") == 0
    first, again = json.loads(capsys.readouterr().out)
    assert first == found
    assert (again["events"], len(again["known"])) == ([], 2)


def test_a_reported_row_ends_with_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "trades.csv"
    file.write_text(GLUED + ROW + BAD)
    assert run(file, "--dry-run", "--json") == 2
    assert [one["row"] for one in json.loads(capsys.readouterr().out)["reported"]] == [3]
    assert run(file, "--dry-run") == 2
    assert "nothing of it would be booked: see --partial" in capsys.readouterr().out
    assert run(file, "--dry-run", "--partial") == 2
    assert "1 event would be booked without them" in capsys.readouterr().out


def test_a_person_reads_what_becomes_of_the_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "trades\x1b[31m.csv"
    file.write_text(GLUED + ROW * 41 + EMPTY * 2 + "".join(BAD.replace("HOLD", f"B{n}") for n in range(41)))
    assert run(file, "--dry-run") == 2
    out = capsys.readouterr().out
    assert "trades?[31m.csv: binance-trades, 84 rows: 41 events, 2 ignored, 41 reported, 0 known" in out
    assert "row 45: 'B0' is neither BUY nor SELL" in out
    assert out.count("... and 1 more: --json prints them all") == 2
    assert "BTC 0.00999, USDT -400" in out
    assert "ignored: 2 rows: nothing was executed" in out
    assert "quantities: BTC 0.40959" in out  # 41 x 0.00999
    assert "cash: USDT -16400" in out


def test_events_of_many_rows_and_files_without_any_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history, noise = tmp_path / "history.csv", tmp_path / "noise.csv"
    rows = ["Buy,BTC,0.1", "Buy,BTC,0.1", "Buy,USDT,-10", "Buy,USDT,-10"]
    history.write_text(
        "User_ID,UTC_Time,Account,Operation,Coin,Change,Remark\n"
        + "".join(f"7,2020-01-01 00:00:00,Spot,{row},\n" for row in rows)
    )
    noise.write_text("?\n")
    assert run(history, noise, "--dry-run") == 2
    out = capsys.readouterr().out
    assert "2,3,4,..." in out
    assert "noise.csv: not recognised, 1 row: 0 events, 0 ignored, 1 reported" in out


def test_without_a_dry_run_it_says_that_booking_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "trades.csv"
    file.write_text(GLUED + ROW)
    assert run(file) == 2
    assert "cannot be booked yet" in capsys.readouterr().err


@pytest.mark.parametrize(("zone", "at"), [("+02:00", "08:00:00Z"), ("Europe/Vienna", "09:00:00Z"), ("-6", "16:00:00Z")])
def test_the_zone_is_an_offset_or_a_name(
    zone: str, at: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "trades.csv"
    file.write_text(GLUED.replace("Date(UTC)", "Time") + ROW)
    assert run(file, f"--zone={zone}", "--dry-run", "--json") == 0
    assert json.loads(capsys.readouterr().out)["events"][0]["at"] == f"2022-03-01T{at}"


@pytest.mark.parametrize("words", [["--zone=Moon/Base"], ["--zone=../../etc"], ["--format=x"], ["--decimal=;"]])
def test_what_cannot_be_is_a_wrong_command_line(words: list[str], tmp_path: Path) -> None:
    file = tmp_path / "trades.csv"
    file.write_text(GLUED + ROW)
    assert run(file, "--dry-run", *words) == 64
    assert run(tmp_path / "gone.csv", "--dry-run") == 64
