"""The command that makes a demonstration."""

from __future__ import annotations

import socket
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from portfolio.entrypoints.cli.commands import commands
from portfolio.entrypoints.demo.history import DemoReport
from portfolio.settings import Settings


class Root:
    """A composition root that remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, object]] = []
        self.settings: list[Settings] = []

    def migrate(self, settings: Settings, target: str) -> str:
        self.asked.append(("migrate", target))
        return target

    async def make_demo(self, settings: Settings, seed: int) -> DemoReport:
        self.asked.append(("make", seed))
        day = date(2026, 1, 1)
        return DemoReport(
            first=day, last=day, trades=2, refused=1, cash_transactions=3, events=4, imported=5, days=1, signals=1
        )

    def serve(self, settings: Settings) -> None:
        self.asked.append(("serve", settings.port))
        self.settings.append(settings)

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(commands, ["demo", *words], obj=self)


def test_it_makes_the_books_and_serves_them_where_it_says() -> None:
    root = Root()
    done = root.run("--port", "18026", "--seed", "7")
    assert done.exit_code == 0, done.output
    assert root.asked == [("migrate", "head"), ("make", 7), ("serve", 18026)]
    assert (
        "2 trades, 1 refused booking, 3 deposits and withdrawals, 4 events, 5 of a file, 1 open signal; all prices"
        in done.output
    )
    assert "open http://127.0.0.1:18026/ " in done.output


def test_it_reads_no_setting_and_listens_on_this_machine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTFOLIO_DATABASE_URL", "mysql+aiomysql://books/that-are-meant")
    monkeypatch.setenv("PORTFOLIO_HOST", "0.0.0.0")  # noqa: S104 (it is not listened on)
    root = Root()
    root.run()
    [settings] = root.settings
    assert settings.is_embedded
    assert settings.is_simulated
    assert settings.is_loopback


def test_where_its_port_is_taken_it_takes_a_free_one() -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", Settings().port))
            listener.listen()
        except OSError:
            pass  # another program has it: all the better
        root = Root()
        root.run()
    [(_, port)] = [one for one in root.asked if one[0] == "serve"]
    assert port != Settings().port


def test_the_folder_of_the_books_goes_with_the_command() -> None:
    root = Root()
    root.run()
    [settings] = root.settings
    assert not Path(settings.log_file).parent.exists()


def test_books_are_only_made_in_a_new_file(tmp_path: Path) -> None:
    root, file = Root(), tmp_path / "books.db"
    assert root.run("--make", str(file)).exit_code == 0
    assert root.asked == [("migrate", "head"), ("make", 8026)]
    file.write_text("somebody's")
    done = Root().run("--make", str(file))
    assert done.exit_code == 3
    assert "is there already" in done.output
    assert file.read_text() == "somebody's"
