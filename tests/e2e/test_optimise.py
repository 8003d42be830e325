"""Weights from the command line and over HTTP, on the books of the demonstration, by the real worker process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.support.services.service import ServiceProcess

ATTEMPTS = 5
SETTINGS = {"PORTFOLIO_REQUEST_DEADLINE_SECONDS": "60"}
WISH = {"objective": "min_variance", "days": 365, "cash_percent": 5}
WORDS = ("min_variance", "--days", "365", "--cash-percent", "5")
MOVING = ("timestamp", "as_of")


def answered(service: ServiceProcess, wish: dict[str, Any] = WISH) -> Any:
    """What the route answers."""
    answer = httpx.post(f"{service.url}/optimise", json=wish, timeout=60.0)
    assert answer.status_code == 200, answer.text
    return answer.json()["optimisation"]


def still(found: Any) -> Any:
    """Without what moves from call to call."""
    return {name: value for name, value in found.items() if name not in MOVING}


def libraries_of(service: ServiceProcess) -> str:
    """The files that the service's own process has mapped into its memory."""
    return Path(f"/proc/{service.process.pid}/maps").read_text()


def test_the_command_and_the_route_give_the_same_answer(service: ServiceProcess) -> None:
    before = printed = None
    for _ in range(ATTEMPTS):  # between two refreshes of the prices
        before = still(answered(service))
        done = service.command("optimise", *WORDS, "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["price_feed"] == "simulated"
        printed = still(json.loads(done.stdout)["optimisation"])
        if before == still(answered(service)):
            break
    assert printed == before is not None
    assert before["fallback_chain"] == [{"objective": "min_variance", "reason": None}]
    assert before["plan"]["remaining"] == []


def test_the_command_prints_what_a_person_wants_to_know_first(service: ServiceProcess) -> None:
    done = service.command(
        "optimise", "risk_parity", "--symbol", "BTC", "--symbol", "eth-usd", "--limit", "pair_limit=1"
    )
    assert done.returncode == 0, done.stderr
    assert {"BTC", "ETH", "cash", "these:", "equal_weight:", "costs"} <= {
        line.split()[0] for line in done.stdout.split("\n") if line.strip()
    }
    bought = service.command("optimise", "equal_weight", "--symbol", "BTC", "--symbol", "XMR")
    assert "priced at the last daily close: XMR" in bought.stdout.split("\n"), bought.stderr
    refused = service.command("optimise", "risk_parity", "--confidence", "2")
    assert refused.returncode == 64
    assert "confidence: has to be 0.5 to 0.999" in refused.stderr
    short = service.command("optimise", "hrp", "--days", "20")
    assert (short.returncode, "at least 60 are needed" in short.stderr) == (3, True)
    assert service.command("optimise", "hrp", "--limit", "x").returncode == 64
    assert service.command("optimise", "hrp", "--limits", "hard", "--limit", "pair_limit=1").returncode == 64


def test_solvers_stay_out_of_the_service_and_a_worker_that_dies_is_followed_by_another(service: ServiceProcess) -> None:
    answered(service)
    assert "/scipy/" not in libraries_of(service)  # numpy has a library of that name
    assert "/clarabel/" not in libraries_of(service)
    [worker] = [
        child for child in psutil.Process(service.process.pid).children() if "spawn_main" in " ".join(child.cmdline())
    ]
    assert "clarabel" in Path(f"/proc/{worker.pid}/maps").read_text()
    worker.kill()
    worker.wait(10)
    codes = [httpx.post(f"{service.url}/optimise", json=WISH, timeout=60.0).status_code for _ in range(2)]
    assert codes in ([503, 200], [200, 200])  # the service may have seen its end before the request came


def test_a_limit_that_no_policy_may_have_is_a_command_line_that_cannot_be_read(service: ServiceProcess) -> None:
    done = service.command("optimise", "hrp", "--limit", "position_limit=-1")
    assert (done.returncode, done.stdout) == (64, "")
    assert "--limit: position_limit has to be above 0 and at most 1" in done.stderr


def test_what_cannot_be_asked_is_said_in_the_words_of_the_route(service: ServiceProcess) -> None:
    for words, wish in (
        (("--days", "50000"), {"days": 50_000}),
        (("--limit", "no_such=0.1"), {"limits": {"no_such": "0.1"}}),
        (("--cash-percent", "x"), {"cash_percent": "x"}),
    ):
        done = service.command("optimise", "hrp", *words)
        refused = httpx.post(f"{service.url}/optimise", json={"objective": "hrp", **wish}, timeout=60.0)
        assert (done.returncode, refused.status_code) == (64, 400)
        assert f"Error: {refused.json()['detail']}" in done.stderr
