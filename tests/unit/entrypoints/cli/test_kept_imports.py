"""The command ``portfolio imports``: what was imported is listed, shown, and taken back."""

from pathlib import Path

import pytest

from portfolio.adapters.database.schema.migration import migrate
from portfolio.entrypoints.cli.commands import commands
from portfolio.main import CompositionRoot

ROWS = (
    "Date(UTC),Pair,Side,Price,Executed,Amount,Fee\n"
    "2022-03-01 10:00:00,BTCUSDT,BUY,40000,0.01BTC,400USDT,0.00001BTC\n"
    "2022-03-02 10:00:00,BTCUSDT,SELL,41000,0.005BTC,205USDT,0USDT\n"
)


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    url = f"sqlite+aiosqlite:///{tmp_path / 'books.db'}"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PORTFOLIO_DATABASE_URL", url)
    monkeypatch.setenv("PORTFOLIO_LOG_FILE", "")
    monkeypatch.setenv("PORTFOLIO_PRICE_FEED", "simulated")
    migrate(url, None)
    return tmp_path


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as ended:
        commands(list(map(str, words)), obj=CompositionRoot())
    return int(ended.value.code or 0)


def test_an_import_is_listed_shown_and_taken_back(books: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = books / "fi\x07lls.csv"
    file.write_text(ROWS)
    assert run("import", file, "--account", "main") == 0
    capsys.readouterr()
    assert run("imports", "list") == 0
    listed = capsys.readouterr().out
    assert listed.startswith("1: ")
    assert listed.endswith(" of main, revisions 3 to 4: booked\n")
    assert run("imports", "show", 1) == 0
    shown = capsys.readouterr().out
    assert "  fi?lls.csv: binance-trades, 2 rows: 2 events, 0 ignored, 0 reported, 0 known\n" in shown
    assert run("imports", "reverse", 1, "--dry-run") == 0
    assert capsys.readouterr().out == "import 1 would be taken back, by 2 entries\n"
    assert run("imports", "reverse", 1) == 0
    assert capsys.readouterr().out == "import 1 was taken back, by 2 entries\n"
    assert run("imports", "reverse", 1) == 0
    assert capsys.readouterr().out == "import 1 was taken back before, by 2 entries\n"
    assert run("imports", "list") == 0
    assert ": reversed, 20" in capsys.readouterr().out
    assert run("verify") == 0
    capsys.readouterr()
    assert run("import", file, "--account", "main") == 0
    assert "2 events" in capsys.readouterr().out


def test_what_is_not_there_or_cannot_be_taken_back_is_said(books: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("imports", "show", 7) == 3
    assert run("imports", "reverse", 7) == 3
    assert "there is no import 7" in capsys.readouterr().err
    file, sold = books / "fills.csv", books / "sold.csv"
    file.write_text(ROWS)
    sold.write_text(ROWS.partition("2022")[0] + "2022-03-05 10:00:00,BTCUSDT,SELL,40000,0.00499BTC,199.6USDT,0USDT\n")
    assert run("import", file) == 0
    assert run("import", sold) == 0
    capsys.readouterr()
    assert run("imports", "reverse", 1) == 3
    assert "import 1 cannot be reversed: trade 1 of it cannot" in capsys.readouterr().err
