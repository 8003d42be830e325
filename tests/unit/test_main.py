"""The commands as the composition root carries them out, on a database that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from portfolio import __version__
from portfolio.adapters.database.schema.revision import SCHEMA_REVISION
from portfolio.entrypoints.cli.commands import commands
from portfolio.main import CompositionRoot

FILE = "date,currency,dollars\n"


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
