"""The examples of the README, the tour and the pages on rebalancing and history give the answers printed there.

With ``README_WRITE=1`` the answers are written into the pages instead.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from urllib.request import urlopen

import pytest

from portfolio.settings import PREFIX, Settings
from tests.support.database.databases import DatabaseUnderTest
from tests.support.services.service import PORTFOLIO, ServiceProcess

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
MOVING = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "2026-01-01T00:00:00Z"),
    (re.compile(r'"\d{4}-\d\d-\d\d"'), '"2026-01-01"'),
    (re.compile(r"^head [0-9a-f]{64}$", re.MULTILINE), "head 0"),
    (re.compile(r'("(?:latency_ms|\w*age_seconds)": ?)(?:[\d.]+|null)'), r"\g<1>0"),
    (re.compile(r'("comparison": ?\{\s*"status": ?"agree",\s*"revision": ?)\d+'), r"\g<1>0"),
)


@pytest.mark.parametrize("page", ["README.md", "docs/tour.md", "docs/rebalancing.md", "docs/history.md"])
def test_every_example_gives_the_answer_printed_there(
    page: str, sqlite_database: DatabaseUnderTest, tmp_path: Path
) -> None:
    path = ROOT / page
    # Nobody answers there: the examples show prices as booked, before a refresh.
    nowhere = dict.fromkeys(("COINBASE_URL", "BINANCE_URL", "CANDLES_URL"), "http://127.0.0.1:9")
    settings = {"PORTFOLIO_PRICE_FEED": "exchanges", **{f"PORTFOLIO_{name}": url for name, url in nowhere.items()}}
    with ServiceProcess(sqlite_database, tmp_path, settings=settings, is_measured=path == README) as service:
        printed = path.read_text()
        written = BLOCK.sub(lambda block: f"```console\n{_run_all(block[1], service)}```", printed)
        served = _routes_of(service) if path == README else set()
    if os.environ.get("README_WRITE") and _still(written) != _still(printed):
        path.write_text(written)
        printed = written
    assert _still(written) == _still(printed)
    assert served <= _routes_listed()


def test_the_readme_lists_every_setting() -> None:
    table = README.read_text().partition("## Settings")[2].partition("\n## ")[0]
    listed = {
        name for row in re.findall(r"^\| (`[A-Z].*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    }
    assert listed == {name.upper() for name in Settings.__struct_fields__}, PREFIX


def _routes_of(service: ServiceProcess) -> set[str]:
    with urlopen(f"http://localhost:{service.port}/openapi.json") as answer:
        paths = json.load(answer)["paths"]
    methods = {"get", "post", "put", "patch", "delete"}
    return {f"{method.upper()} {_unnamed(path)}" for path, item in paths.items() for method in methods & set(item)}


def _routes_listed() -> set[str]:
    return {
        _unnamed(route.partition("?")[0])
        for row in re.findall(r"^\| (`(?:GET|POST|DELETE) .*?) \|", README.read_text(), re.MULTILINE)
        for route in re.findall(r"`(.+?)`", row)
    }


def _unnamed(path: str) -> str:
    return re.sub(r"\{.+?\}", "{}", path)


def _run_all(block: str, service: ServiceProcess) -> str:
    commands = [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]
    assert commands
    return "".join(f"$ {command}\n{_run(command, service)}\n" for command in commands)


def _run(command: str, service: ServiceProcess) -> str:
    here = command.replace("localhost:8026", f"localhost:{service.port}").replace(".venv/bin/portfolio", str(PORTFOLIO))
    done = subprocess.run(
        ["bash", "-c", here], env=service.environment, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip().replace(f"localhost:{service.port}", "localhost:8026")


def _still(text: str) -> str:
    """Return the text with what moves from run to run held still."""
    for pattern, replacement in MOVING:
        text = pattern.sub(replacement, text)
    return text
