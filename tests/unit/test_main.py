"""The commands as the composition root carries them out, on a database that is not there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from portfolio import __version__
from portfolio.adapters.database.schema.revision import SCHEMA_REVISION
from portfolio.entrypoints.cli.commands import commands
from portfolio.main import CompositionRoot

FILE = "date,currency,dollars\n"
TRADES = (
    "Date(UTC),Pair,Side,Price,Executed,Amount,Fee\n2021-03-01 10:00:00,BTCUSDT,BUY,50000,0.01BTC,500USDT,0.5USDT\n"
)
COMMAND = """
import sys
from click.testing import CliRunner
from portfolio.entrypoints.cli.commands import commands
from portfolio.main import CompositionRoot
print(CliRunner().invoke(commands, sys.argv[1:], obj=CompositionRoot()).exit_code, "httpx" in sys.modules)
"""


@pytest.mark.parametrize(
    "words",
    [
        "lots", "gains", "export trades -o -", "tearsheet -o {folder}/t.html", "optimise equal_weight",
        "backtest run --from 2025-01-01 --to 2025-02-01", "backtest show bt-1", "backtest cancel bt-1",
        "imports list", "imports show 1", "imports reverse 1", "import {folder}/a.csv", "verify", "reconcile",
    ],
)  # fmt: skip
def test_every_command_on_the_books_says_which_version_for_which_schema_works_on_which_database(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.csv").write_text(FILE)
    books = tmp_path / "books.db"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PORTFOLIO_DATABASE_URL", f"sqlite+aiosqlite:///{books}")
    monkeypatch.setenv("PORTFOLIO_LOG_FILE", "")
    done = CliRunner().invoke(commands, words.format(folder=tmp_path).split(), obj=CompositionRoot())
    said = f"portfolio: version {__version__}, schema {SCHEMA_REVISION}, database {books}"
    assert said in done.stderr.splitlines(), done.output
    assert said not in done.stdout


def test_an_import_that_needs_no_closes_opens_no_exchange(tmp_path: Path) -> None:
    (tmp_path / "trades.csv").write_text(TRADES)
    given = {"PORTFOLIO_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path / 'books.db'}", "PORTFOLIO_LOG_FILE": ""}
    said = [
        subprocess.run(
            [sys.executable, "-c", COMMAND, *words],
            env={**os.environ, **given},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for words in (["migrate"], ["import", "trades.csv", "--funding", "implied"])
    ]
    assert [code for code, _ in said] == ["0", "0"]
    assert said[1] == ["0", "False"]
