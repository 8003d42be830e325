"""Under a running service rows are changed and removed: `verify` tells by its status, and a lost outcome comes back."""

from __future__ import annotations

import subprocess
from pathlib import Path

import httpx

from tests.faults.database.test_database_restore import NO_PRICES
from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.old_database import execute
from tests.support.services.service import ServiceProcess

BODY = {"symbol": "BTC", "side": "BUY", "quantity": 0.001, "price": 50_000, "net_amount": 50}


def test_verify_finds_what_is_done_to_the_rows_and_the_next_copy_brings_a_lost_outcome_back(
    database: DatabaseUnderTest, tmp_path: Path
) -> None:
    with ServiceProcess(database, tmp_path, settings=NO_PRICES) as service:
        first = [_book(service, number) for number in range(5)]
        noted = _head(service.command("verify"))
        execute(database, "DELETE FROM portfolio_booking_outcomes WHERE client_trade_id IN ('key-1', 'key-3')")
        lost = service.command("verify")
        assert lost.returncode == 1
        assert lost.stdout.count("lost  mock_trades row") == 2
        with httpx.Client(base_url=service.url, timeout=60) as client:
            assert client.get("/bookings/key-1").json()["booking"]["status"] == "booked"
            assert client.get("/bookings/key-9").status_code == 404
        again = [_book(service, number) for number in range(6)]
        assert [answer["replayed"] for answer in again] == [True] * 5 + [False]
        assert [answer["trade_id"] for answer in again[:5]] == [answer["trade_id"] for answer in first]
        held = service.command("verify", "--head", noted)
        assert (held.returncode, _head(held) != noted) == (0, True), held.stdout
        execute(
            database, "UPDATE mock_trades SET execution_time = '2026-01-01 00:00:00' WHERE client_trade_id = 'key-2'"
        )
        broken = service.command("verify", "--head", noted)
        assert broken.returncode == 2
        assert f"BROKEN mock_trades row {first[2]['trade_id']}, " in broken.stdout


def _book(service: ServiceProcess, number: int) -> dict[str, object]:
    body = {**BODY, "client_trade_id": f"key-{number}"}
    answer = httpx.post(f"{service.url}/holdings/update", json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    booked: dict[str, object] = answer.json()
    return booked


def _head(verified: subprocess.CompletedProcess[str]) -> str:
    assert verified.returncode == 0, verified.stdout + verified.stderr
    [head] = [line.removeprefix("head ") for line in verified.stdout.splitlines() if line.startswith("head ")]
    return head
