"""The command ``portfolio import``, in this process and as it is started."""

import io
import json
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from portfolio.adapters.database.schema.migration import migrate
from portfolio.application.imports.records import Preview
from portfolio.domain.imports.records import Ignored
from portfolio.entrypoints.cli.commands import commands
from portfolio.entrypoints.cli.imports import _foot
from portfolio.entrypoints.cli.reporting import progress_on
from portfolio.main import CompositionRoot
from tests.support.exchanges.exchange import StandInExchange

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
    assert set(found) == {
        "format",
        "rows",
        "events",
        "ignored",
        "reported",
        "known",
        "implied",
        "like_booked",
        "remarks",
        "quantities",
        "cash_change",
    }
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
    assert "row 45: Side 'B0' is neither buy nor sell" in out
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


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty, migrated database with 100 dollars to come, which the settings name."""
    file = tmp_path / "books.db"
    url = f"sqlite+aiosqlite:///{file}"
    migrate(url, None)
    monkeypatch.setenv("PORTFOLIO_DATABASE_URL", url)
    monkeypatch.setenv("PORTFOLIO_INITIAL_CASH", "1000")
    for exchange in ("COINBASE", "BINANCE", "CANDLES"):  # nobody listens there
        monkeypatch.setenv(f"PORTFOLIO_{exchange}_URL", "http://127.0.0.1:9")
    return file


def test_files_are_booked_once_into_books_that_are_opened(
    books: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "trades.csv"
    file.write_text(GLUED + ROW * 2)
    assert run(file, "--account=main", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)["events"]) == 2
    assert run(file, "--account=main", "--json") == 0
    again = json.loads(capsys.readouterr().out)
    assert (again["events"], len(again["known"])) == ([], 2)
    with closing(sqlite3.connect(books)) as database:
        [(cash, files)] = database.execute("SELECT cash_balance, files FROM mock_portfolio, portfolio_imports")
        trades = database.execute("SELECT execution_time, booked_by FROM mock_trades").fetchall()
    assert Decimal(cash) == 200  # 1,000 less twice 400
    assert json.loads(files)[0]["events"] == 2
    assert trades == [("2022-03-01 10:00:00.000000", "import")] * 2
    assert run(file, "--account=other", "--json") == 2
    assert "--funding implied" in json.loads(capsys.readouterr().out)["reported"][0]["reason"]
    file.write_text(GLUED + ROW.replace("0.01BTC,400", "0.001BTC,40").replace("0.00001", "0.000001") + ROW)
    for words, said in ((["--dry-run"], "nothing of it would be"), (["--partial"], "1 event was booked without them")):
        assert run(file, "--account=other", *words) == 2
        assert said in capsys.readouterr().out


def test_a_dry_run_looks_at_the_books_while_another_writes_to_them(
    books: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "trades.csv"
    file.write_text(GLUED + ROW)
    assert run(file) == 0
    capsys.readouterr()
    with closing(sqlite3.connect(books)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert run(file, "--dry-run") == 0
    told = capsys.readouterr()
    assert "0 events, 0 ignored, 0 reported, 1 known" in told.out
    assert "the files alone" not in told.err


@pytest.mark.parametrize("damage", ["content = 'x'", "content = 7", "effective_at = 'then'", "ledger_revision = 'x'"])
def test_nothing_is_booked_where_nobody_knows_what_came_before(
    damage: str, books: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "trades.csv"
    file.write_text(GLUED + ROW)
    assert run(file) == 0
    with closing(sqlite3.connect(books)) as database, database:
        database.execute(f"UPDATE portfolio_import_rows SET {damage}")
    assert run(file) == 3
    assert "the row 1 of portfolio_import_rows cannot be read" in capsys.readouterr().err


def test_what_an_engine_booked_is_told_and_left_out_where_that_is_asked_for(
    books: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "trades.csv"
    file.write_text(GLUED + ROW)
    assert run(file) == 0
    with closing(sqlite3.connect(books)) as database, database:  # as if an engine had reported it
        database.execute("UPDATE mock_trades SET booked_by = 'desk', engine = 'momentum\x1b[31m'")
        database.execute("DELETE FROM portfolio_import_rows")
    capsys.readouterr()
    assert run(file, "--dry-run") == 0
    out = capsys.readouterr().out
    assert "like what momentum?[31m booked already: 1 of 1 event, would be booked once more" in out
    assert "--like-booked=leave-out leaves them out" in out
    assert "row 2 looks like trade 1 of momentum?[31m" in out
    assert run(file, "--like-booked=leave-out") == 0
    assert "known: 1 row: looks like trade 1 of momentum?[31m: it is left out" in capsys.readouterr().out
    assert run(file) == 0
    out = capsys.readouterr().out
    assert "1 of 1 event, were booked once more:" in out
    assert "--like-booked=leave-out leaves them out, once `portfolio imports reverse`" in out
    many = tmp_path / "many.csv"
    many.write_text(GLUED + ROW + BAD)
    assert run(many, "--account=other", "--funding=implied") == 2  # nothing of it is booked, as a row is reported
    out = capsys.readouterr().out
    assert "1 of 1 event, would be booked once more:" in out
    assert "portfolio imports reverse" not in out


def test_of_many_reasons_the_first_are_shown_and_the_others_counted() -> None:
    preview = Preview(name="orders.csv", format="koinly", rows=42)
    preview.known = [Ignored(row, f"looks like trade {row} of momentum: it is left out") for row in range(42)]
    out = "\n".join(_foot(preview))
    assert out.count("known: 1 row: looks like trade") == 40
    assert "... and 2 more: --json prints them all" in out


def test_what_is_implied_is_shown_before_it_is_booked(
    books: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "trades.csv"
    file.write_text(GLUED + ROW * 3)
    words = (file, "--funding=implied", "--opening")
    assert run(file, "--json") == 2
    capsys.readouterr()
    assert run(*words, "--json") == 0
    implied = [{"row": 4, "at": "2022-03-01T10:00:00Z", "symbol": "USD", "quantity": "200"}]
    assert json.loads(capsys.readouterr().out)["implied"] == implied
    file.write_text(GLUED + ROW.replace("2022-03-01", "2022-03-02"))
    assert run(*words, "--dry-run") == 0
    assert "implied before row 2: USD 400" in capsys.readouterr().out
    assert books.exists()


def test_rates_say_what_was_worth_how_much(books: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, rates = tmp_path / "trades.csv", tmp_path / "rates.csv"
    file.write_text(GLUED + ROW.replace("400USDT", "400EUR").replace("BTCUSDT", "BTC-EUR"))
    rates.write_text("date,currency,dollars\n2022-03-01,EUR,1.1\n")
    assert run(file, "--opening") == 2
    assert "2022-03-01,BTC,DOLLARS" in capsys.readouterr().out or books.exists()
    assert run(file, "--opening", f"--rates={rates}") == 0
    rates.write_text("date,currency,dollars\n2022-03-01,EUR,x\n")
    assert run(file, f"--rates={rates}") == 64
    assert "rates.csv, line 2: 'x' is not a number" in capsys.readouterr().err


def test_closes_that_are_not_stored_are_fetched_once_also_by_a_dry_run(
    books: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ledgers.csv"
    file.write_text(
        "txid,refid,time,type,subtype,aclass,asset,amount,fee,balance\n"
        "L1,S1,2022-03-02 00:00:00,staking,,currency,SOL,2,0,2\n"
        "L2,S2,2022-03-05 00:00:00,staking,,currency,SOL,2,0,4\n"
        "L3,S3,2022-03-05 00:00:00,staking,,currency,NONE,2,0,4\n"
    )
    with StandInExchange() as exchange:
        for name in ("COINBASE", "BINANCE", "CANDLES"):
            monkeypatch.setenv(f"PORTFOLIO_{name}_URL", exchange.url)
        (tmp_path / "none.csv").write_text(GLUED)
        assert run(tmp_path / "none.csv") == 0  # opens the books
        assert run(file, "--dry-run") == 2
        told = capsys.readouterr().out
        assert "2 events" in told
        assert "what NONE was worth on 2022-03-05 (coinbase, binance: " in told
        assert exchange.count("candles") > 0
        with closing(sqlite3.connect(books)) as database:
            kept = database.execute(
                "SELECT date(observed_at), price FROM portfolio_price_history ORDER BY observed_at"
            ).fetchall()
        exchange.forget()
        assert run(file, "--partial") == 2
        assert not [call for call in exchange.calls if "SOL" in call.symbols]
    assert [day for day, _ in kept] == [f"2022-03-0{n}" for n in (2, 3, 4, 5)]
    with closing(sqlite3.connect(books)) as database:
        [(realized,)] = database.execute("SELECT realized_pnl FROM mock_portfolio").fetchall()
    assert Decimal(realized) == 2 * Decimal(kept[0][1]) + 2 * Decimal(kept[3][1])


def test_without_books_a_dry_run_looks_at_the_files_alone_and_nothing_is_booked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTFOLIO_DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path / 'none.db'}")
    file = tmp_path / "trades.csv"
    file.write_text(GLUED + ROW)
    assert run(file, "--dry-run", "--json") == 0
    told = capsys.readouterr()
    assert "the files alone were looked at" in told.err
    assert len(json.loads(told.out)["events"]) == 1
    assert run(file) == 3
    assert "portfolio migrate" in capsys.readouterr().err


class Terminal(io.StringIO):
    """What a person sees."""

    def isatty(self) -> bool:
        return True


def test_how_far_it_is_shows_on_a_terminal_alone() -> None:
    shown, piped = Terminal(), io.StringIO()
    for stream in (shown, piped):
        with progress_on(stream) as tell:
            for done in (0, 1_000, 1_500):
                tell("reading [b]a\x1b.csv", done, 1_500)
            tell("booking", 7, 9)
    assert piped.getvalue() == ""
    assert "reading [b]a?.csv" in shown.getvalue()
    assert "1500/1500" in shown.getvalue()
    assert "7/9" in shown.getvalue()


@pytest.mark.parametrize(("zone", "at"), [("+02:00", "08:00:00Z"), ("Europe/Vienna", "09:00:00Z"), ("-6", "16:00:00Z")])
def test_the_zone_is_an_offset_or_a_name(
    zone: str, at: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "trades.csv"
    file.write_text(GLUED.replace("Date(UTC)", "Time") + ROW)
    assert run(file, f"--zone={zone}", "--dry-run", "--json") == 0
    assert json.loads(capsys.readouterr().out)["events"][0]["at"] == f"2022-03-01T{at}"


@pytest.mark.parametrize(
    "words",
    [
        ["--zone=Moon/Base"],
        ["--zone=localtime"],
        ["--zone=../../etc"],
        ["--format=x"],
        ["--decimal=;"],
        ["--account=a\x1bb"],
        ["--funding=x"],
    ],
)
def test_what_cannot_be_is_a_wrong_command_line(words: list[str], tmp_path: Path) -> None:
    file = tmp_path / "trades.csv"
    file.write_text(GLUED + ROW)
    assert run(file, "--dry-run", *words) == 64
    assert run(tmp_path / "gone.csv", "--dry-run") == 64
