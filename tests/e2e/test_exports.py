"""``portfolio export``, ``lots`` and ``gains`` on the books of the demonstration: what the routes answer too."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.database.databases import sqlite_database_in
from tests.support.services.service import ServiceProcess


def said(service: ServiceProcess, *words: str) -> str:
    """What a command prints."""
    done = service.command(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def answered(service: ServiceProcess, path: str) -> httpx.Response:
    answer = httpx.get(f"{service.url}{path}", timeout=60.0)
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize("what", ["trades", "gains"])
def test_the_command_and_the_route_write_the_same_rows(service: ServiceProcess, tmp_path: Path, what: str) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("what was there")
    words = ("export", what, "--since", "2026-01-01T00:00:00Z", "-o")
    assert said(service, *words, str(file)) == f"{file}: {file.stat().st_size:,} bytes\n"
    lines = file.read_text().splitlines()
    assert lines[1:] == answered(service, f"/exports/{what}?since=2026-01-01T00:00:00Z").text.splitlines()[1:]
    assert lines[0].startswith(f"# portfolio export: what={what}, convention=")
    assert len(lines) > 10
    assert said(service, *words, "-").splitlines()[1:] == lines[1:]
    assert [one.name for one in tmp_path.iterdir()] == ["rows.csv"]


@pytest.mark.parametrize(
    ("words", "query"),
    [
        (
            ("positions", "--as-of", "2026-06-01T00:00:00Z", "--known-at", "40"),
            "as_of=2026-06-01T00:00:00Z&known_at=40",
        ),
        (("performance", "--basis", "restated"), "basis=restated"),
    ],
)
def test_the_command_and_the_route_are_of_the_same_past(
    service: ServiceProcess, words: tuple[str, ...], query: str
) -> None:
    lines = said(service, "export", *words, "-o", "-").splitlines()
    assert lines[1:] == answered(service, f"/exports/{words[0]}?{query}").text.splitlines()[1:]
    assert len(lines) > 2


def test_a_file_that_could_not_be_written_leaves_what_was_there(service: ServiceProcess, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert service.command("export", "trades", "-o", str(tmp_path / "folder" / "no" / "rows.csv")).returncode == 3
    for words in (
        ("positions", "--since", "2026-01-01T00:00:00Z"),
        ("trades", "--since", "soon"),
        ("all",),
        ("trades", "--as-of", "2026-01-01T00:00:00Z"),
        ("closes", "--known-at", "3"),
        ("gains", "--basis", "restated"),
        ("positions", "--method", "hifo"),
        ("performance", "--basis", "recorded", "--known-at", "3"),
    ):
        assert service.command("export", *words, "-o", str(tmp_path / "rows.csv")).returncode == 64
    assert [one.name for one in tmp_path.iterdir()] == ["folder"]


def without_time(answer: Any) -> Any:
    return {name: value for name, value in answer.items() if name not in {"timestamp", "as_of"}}


def test_made_up_prices_are_called_so_by_commands_too(service: ServiceProcess) -> None:
    for what in ("positions", "closes", "gains"):
        printed = json.loads(said(service, "export", what, "--format", "json", "-o", "-"))
        routes = answered(service, f"/exports/{what}?format=json").json()
        assert list(printed) == list(routes)
        assert printed["price_feed"] == "simulated"
    for words in (("lots",), ("export", "positions", "-o", "-"), ("backtest", "run", "--from", "2026-11-01")):
        assert "portfolio: prices are made up: PORTFOLIO_PRICE_FEED is simulated\n" in service.command(*words).stderr


def test_lots_and_gains_are_those_of_the_routes(service: ServiceProcess) -> None:
    for words, path in (
        (
            ("lots", "--method", "hifo", "--as-of", "2026-06-01T00:00:00Z"),
            "/lots?method=hifo&as_of=2026-06-01T00:00:00Z",
        ),
        (("gains", "--known-at", "40", "--method", "lifo"), "/gains?method=lifo&known_at=40"),
        (("gains", "--year", "2026"), "/gains?year=2026"),
    ):
        told = json.loads(said(service, *words, "--json"))
        assert without_time(told) == without_time(answered(service, path).json())
        assert told["count"] > 0
    lots, gains = said(service, "lots").splitlines(), said(service, "gains", "--year", "2026").splitlines()
    assert lots[0].split() == ["symbol", "quantity", "basis", "acquired_at", "days_held", "term", "trade_id"]
    count = answered(service, "/lots").json()["count"]
    assert (len(lots), lots[-1].startswith(f"lots by fifo: {count}; cost ")) == (count + 2, True)
    assert "gains by fifo: " in gains[-1]
    nothing = "gains by fifo: 0; gain 0, of which short_term 0, long_term 0, undated 0\n"
    assert said(service, "gains", "--year", "1970") == nothing
    for words in (("lots", "--known-at", "soon"), ("gains", "--year", "26"), ("lots", "--as-of", "2026-01-01")):
        assert service.command(*words).returncode == 64


def test_events_go_into_empty_books_though_the_command_is_killed(service: ServiceProcess, tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    said(service, "export", "events", "-o", str(file))
    other = ServiceProcess(sqlite_database_in(tmp_path), tmp_path, settings={"PORTFOLIO_INITIAL_CASH": "0"})
    other.migrate_by_command()
    with subprocess.Popen([other.program, "import", str(file)], env=other.environment, cwd=tmp_path) as killed:
        with closing(sqlite3.connect(tmp_path / "portfolio.db", timeout=60.0)) as books:
            while books.execute("SELECT COUNT(*) FROM mock_trades").fetchone()[0] < 20:
                assert killed.poll() is None
                time.sleep(0.01)
        killed.kill()
    told = json.loads(said(other, "import", str(file), "--json"))
    assert (told["rows"], told["reported"]) == (len(told["known"]) + len(told["events"]), [])
    assert 20 < len(told["known"]) < told["rows"]
    assert json.loads(said(other, "import", str(file), "--json"))["events"] == []
    rows = [
        json.loads(said(one, "export", "events", "--format", "json", "-o", "-"))["rows"] for one in (service, other)
    ]
    for old, new in list(zip(*rows, strict=True))[1:]:  # the opening is of the moment of migrate
        assert {**new, "key": old["key"], "note": old["note"]} == old
    gains = [said(one, "export", "gains", "-o", "-").splitlines()[1:] for one in (service, other)]
    assert gains[0] == gains[1]
    assert "the books hold" in said(other, "verify")
