"""API keys are set for a service that had none: what was booked before is replayed to whom it is adopted by."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.support.database.databases import DatabaseUnderTest
from tests.support.services.service import ServiceProcess

FILL = {"symbol": "BTC", "side": "BUY", "quantity": 1, "price": 100, "net_amount": 100}


def new_key(service: ServiceProcess, *words: str) -> tuple[str, Mapping[str, str]]:
    """An entry for the settings as the command prints it, and the header that it lets in."""
    made = service.command("key", *words)
    assert made.returncode == 0, made.stderr
    entry = made.stdout.strip()
    return entry, {"X-TRADING-API-KEY": entry.rpartition(":")[2]}


def post(service: ServiceProcess, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Any:
    return httpx.post(service.url + path, json=body, headers=headers, timeout=30)


def book(service: ServiceProcess, headers: Mapping[str, str] | None = None, **fields: Any) -> Any:
    answer = post(service, "/holdings/update", {**FILL, **fields}, headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_what_an_open_service_booked_is_replayed_once_it_has_keys_that_adopt_it(
    sqlite_database: DatabaseUnderTest, tmp_path: Path
) -> None:
    with ServiceProcess(sqlite_database, tmp_path) as service:
        plain = book(service, client_trade_id="plain")
        named = book(service, client_trade_id="named", engine="grid-bot")
        refused = post(service, "/holdings/update", {**FILL, "side": "SELL", "quantity": 9, "client_trade_id": "no"})
        assert refused.status_code in {400, 409}
        cash = post(service, "/cash/transactions", {"kind": "deposit", "amount": 5, "client_transaction_id": "c"})
        assert cash.json()["replayed"] is False
        assert service.stop() == 0

        entry, headers = new_key(service, "alice", "--scopes", "read+trade+admin", "--adopt-open")
        other_entry, other = new_key(service, "bob")
        by_name_entry, by_name = new_key(service, "grid-bot")
        service.environment["PORTFOLIO_API_KEYS"] = f"{entry},{other_entry},{by_name_entry}"
        service.start()

        for known, fields in ((plain, {}), (named, {"engine": "grid-bot"})):
            key = "named" if fields else "plain"
            again = book(service, headers, client_trade_id=key, **fields)
            assert (again["replayed"], again["trade_id"]) == (True, known["trade_id"])
            told = httpx.get(f"{service.url}/bookings/{key}", headers=headers).json()
            assert told["reply"]["trade_id"] == known["trade_id"]
        again = post(
            service, "/holdings/update", {**FILL, "side": "SELL", "quantity": 9, "client_trade_id": "no"}, headers
        )
        assert (again.status_code, again.json()["type"]) == (refused.status_code, refused.json()["type"])
        body = {"kind": "deposit", "amount": 5, "client_transaction_id": "c"}
        assert post(service, "/cash/transactions", body, headers).json()["replayed"] is True
        # Another booking under an adopted key is refused, as it was.
        reused = post(service, "/holdings/update", {**FILL, "price": 101, "client_trade_id": "plain"}, headers)
        assert reused.status_code == 422
        # A key with the engine's name is the engine; any other key books, and says what it may be a copy of.
        assert book(service, by_name, client_trade_id="named", engine="grid-bot")["replayed"] is True
        twice = book(service, other, client_trade_id="plain")
        assert (twice["replayed"], twice["possible_duplicate_of"]) == (False, plain["trade_id"])
        assert service.command("verify").returncode == 0
