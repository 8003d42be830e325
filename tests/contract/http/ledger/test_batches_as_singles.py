"""A batch does exactly what the same requests do one after the other."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.services.http_service import BOSS, KEYS, A, B, Service, running

KINDS = {"bookings": "/holdings/update", "events": "/events"}
ADOPTING = KEYS.replace("trade+admin", "trade+admin+adopt-open")
READ = ("/portfolio", "/trades", "/bookings?status=refused", "/events", "/events?status=refused", "/health")


def booking(random: Random) -> dict[str, Any]:
    """A booking with few keys and engines, so that many of them meet."""
    quantity, fees = random.choice([0.1, 1, 100]), random.choice([0, 1, 20_000])
    body: dict[str, Any] = {
        "symbol": random.choice(["BTC", "ETH"]), "side": random.choice(["BUY", "SELL"]), "quantity": quantity,
        "price": 45000, "net_amount": quantity * random.choice([45000, 50000]), "fees": fees,
    }  # fmt: skip
    return body | _named(random, "client_trade_id") | random.choice([{}, {"engine": "a"}, {"engine": "b"}])


def event(random: Random) -> dict[str, Any]:
    """An event with few keys."""
    body: dict[str, Any] = random.choice([
        {"kind": "loss", "symbol": "BTC", "quantity": random.choice([0.1, 5])},
        {"kind": "split", "symbol": "BTC", "ratio": 2},
        {"kind": "transfer_in", "symbol": "BTC", "quantity": 1, "value": 45000},
        {"kind": "charge", "amount": random.choice([1, 1_000_000])},
        {"kind": "swap", "symbol": "BTC", "quantity": 0.1, "to_symbol": "ETH", "to_quantity": 2, "value": 4500},
    ])  # fmt: skip
    return body | _named(random, "client_event_id")


def _named(random: Random, key: str) -> dict[str, Any]:
    named: dict[str, Any] = random.choice([{}, {key: "k"}, {key: "k"}, {key: "l"}])
    override: dict[str, Any] = random.choice(
        [{}, {"override": True}, {"override": True, "owner": random.choice(["a", "engine-a"])}]
    )
    return named | (override if random.random() < 0.5 else {})


async def _found(service: Service, random: Random, kind: str, *, keyed: bool, together: bool) -> list[Any]:
    """What became of some requests, and what can be read afterwards."""
    make, url = (booking if kind == "bookings" else event), KINDS[kind]
    boss = BOSS if keyed else {}
    for _ in range(4):
        body = make(random)
        others = random.choice([A, B, boss]) if keyed else {}
        await service.http.post(url, json=body, headers=others)
    bodies = [make(random) for _ in range(12)]
    found: list[Any] = []
    if together:
        answer = await service.http.post(f"{url}/batch", json={kind: bodies}, headers=boss)
        results = answer.json()["results"]
        found += [(one["http_status"], one["replayed"], one[kind[:-1]] or one["problem"]) for one in results]
    else:
        for body in bodies:
            one = await service.http.post(url, json=body, headers=boss)
            found.append((one.status_code, "Idempotency-Replayed" in one.headers, one.json()))
    for *_, content in found:
        content.pop("instance", None)
    return found + [_settled((await service.http.get(path, headers=boss)).json()) for path in READ]


def _settled(read: Any) -> Any:
    """What was read, without what is of the moment and the random keys of what has none."""
    if isinstance(read, dict):
        return {name: _settled(one) for name, one in read.items() if name not in {"latency_ms", "instance"}}
    if isinstance(read, list):
        return [_settled(one) for one in read]
    return "refused" if isinstance(read, str) and read.startswith("refused-") else read


@pytest.mark.parametrize("keyed", [False, True], ids=["open", "keyed"])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_batch_does_what_its_requests_do_singly(kind: str, keyed: bool) -> None:
    for seed in range(20):
        found = []
        for together in (True, False):
            async with running(api_keys=KEYS if keyed else "") as service:
                found.append(await _found(service, Random(seed), kind, keyed=keyed, together=together))
        assert found[0] == found[1], seed


@pytest.mark.parametrize("kind", KINDS)
async def test_so_it_does_where_a_key_adopts_what_was_booked_without_keys(kind: str) -> None:
    for seed in range(10):
        found = []
        for together in (True, False):
            random, ledger = Random(seed), FakeLedger()
            async with running(ledger=ledger) as service:
                await _found(service, random, kind, keyed=False, together=False)
            async with running(ledger=ledger, opened=False, api_keys=ADOPTING) as service:
                found.append(await _found(service, random, kind, keyed=True, together=together))
        assert found[0] == found[1], seed


async def test_what_a_batch_overrides_is_what_it_answers_to_the_key_that_adopts_it() -> None:
    body = {"symbol": "BTC", "side": "BUY", "quantity": 100, "price": 45000, "net_amount": 4_500_000, "engine": "a"}
    refused, ledger = body | {"client_trade_id": "k"}, FakeLedger()
    async with running(ledger=ledger) as service:
        assert (await service.http.post("/holdings/update", json=refused)).status_code == 409
    override = refused | {"override": True, "owner": "a"}
    async with running(ledger=ledger, opened=False, api_keys=ADOPTING) as service:
        answer = await service.http.post("/holdings/update/batch", json={"bookings": [override, refused]}, headers=BOSS)
    results = [(one["http_status"], one["replayed"]) for one in answer.json()["results"]]
    assert results == [(200, False), (200, True)]


async def test_a_dry_run_of_a_batch_says_what_the_batch_does() -> None:
    for seed in range(20):
        random, found = Random(seed), []
        async with running() as service:
            for _ in range(3):
                await service.http.post("/events", json=event(random))
            bodies = [event(random) for _ in range(8)]
            for dry_run in (True, False):
                answer = await service.http.post("/events/batch", json={"events": bodies, "dry_run": dry_run})
                found.append([(one["http_status"], one["replayed"]) for one in answer.json()["results"]])
        assert found[0] == found[1], seed


async def test_an_override_of_what_another_engine_had_refused_in_the_same_batch_is_ambiguous() -> None:
    body = {"symbol": "BTC", "side": "BUY", "quantity": 100, "price": 45000, "net_amount": 4_500_000, "engine": "a"}
    refused = body | {"client_trade_id": "k"}
    override = refused | {"override": True, "engine": "b", "owner": "b"}
    async with running() as service:
        answer = await service.http.post("/holdings/update/batch", json={"bookings": [refused, override]})
        assert (await service.http.get("/trades")).json()["count"] == 0
    assert [one["http_status"] for one in answer.json()["results"]] == [409, 422]
