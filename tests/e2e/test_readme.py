"""The README's examples give the answers printed there.

With ``README_WRITE=1`` the answers are written into it instead.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from tests.support.database.databases import DatabaseUnderTest
from tests.support.services.service import PORTFOLIO, ServiceProcess

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
MOVING = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "2026-01-01T00:00:00Z"),
    (re.compile(r'("(?:latency_ms|\w*age_seconds)": ?)(?:[\d.]+|null)'), r"\g<1>0"),
)


def test_every_example_of_the_readme_gives_the_answer_printed_there(
    sqlite_database: DatabaseUnderTest, tmp_path: Path
) -> None:
    text = README.read_text()
    # Nobody answers there: the examples show prices as booked, before a refresh.
    nowhere = dict.fromkeys(("COINBASE_URL", "BINANCE_URL", "CANDLES_URL"), "http://127.0.0.1:9")
    settings = {"PORTFOLIO_PRICE_FEED": "exchanges", **{f"PORTFOLIO_{name}": url for name, url in nowhere.items()}}
    with ServiceProcess(sqlite_database, tmp_path, settings=settings) as service:
        written = BLOCK.sub(lambda block: f"```console\n{_run_all(block[1], service)}```", text)
    if os.environ.get("README_WRITE"):
        README.write_text(written)
    assert _still(written) == _still(README.read_text())


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
