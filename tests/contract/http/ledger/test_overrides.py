"""Whose booking an override makes good."""

from __future__ import annotations

from typing import Any

from tests.support.services.http_service import BOSS, BUY, KEYS, A, B, Service, fields, is_problem, running

URL = "/holdings/update"
TOO_MUCH = {**BUY, "quantity": 100, "net_amount": 4_500_000, "fees": 0, "client_trade_id": "k", "engine": "alpha"}


async def owners(service: Service) -> list[tuple[str, str | None]]:
    """Whose trades are in the books, and their keys, oldest first."""
    trades = (await service.http.get("/trades", headers=BOSS)).json()["trades"]
    return [(trade["owner"], trade["client_trade_id"]) for trade in reversed(trades)]


async def test_the_engines_own_body_sent_again_by_an_admin_is_booked_in_the_engines_name() -> None:
    async with running(api_keys=KEYS) as service:
        assert is_problem(await service.http.post(URL, json=TOO_MUCH, headers=A), 409, "insufficient-cash")
        booked = await service.http.post(URL, json={**TOO_MUCH, "override": True}, headers=BOSS)
        again = await service.http.post(URL, json=TOO_MUCH, headers=A)
        assert await owners(service) == [("engine-a", "k")]
    assert again.json() == {**booked.json(), "replayed": True}


async def test_an_override_of_what_was_booked_is_a_replay() -> None:
    body = {**BUY, "client_trade_id": "k", "engine": "alpha"}
    async with running(api_keys=KEYS) as service:
        booked = await service.http.post(URL, json=body, headers=A)
        again = await service.http.post(URL, json={**body, "override": True}, headers=BOSS)
        batch = await service.http.post(f"{URL}/batch", json={"bookings": [{**body, "override": True}]}, headers=BOSS)
        assert len(await owners(service)) == 1
    assert again.json() == {**booked.json(), "replayed": True}
    assert batch.json()["results"][0]["booking"] == again.json()


async def test_of_several_owners_one_has_to_be_named() -> None:
    async with running(api_keys=KEYS) as service:
        for engine in (A, B):
            await service.http.post(URL, json=TOO_MUCH, headers=engine)
        unnamed = await service.http.post(URL, json={**TOO_MUCH, "override": True}, headers=BOSS)
        batch = await service.http.post(
            f"{URL}/batch", json={"bookings": [{**TOO_MUCH, "override": True}, BUY]}, headers=BOSS
        )
        named = await service.http.post(URL, json={**TOO_MUCH, "override": True, "owner": "engine-b"}, headers=BOSS)
        assert await owners(service) == [("boss", None), ("engine-b", "k")]
    assert is_problem(unnamed, 422, "owner-ambiguous")
    assert fields(unnamed) == {"owner"}
    assert [result["http_status"] for result in batch.json()["results"]] == [422, 200]
    assert named.status_code == 200


LOSS = {"kind": "loss", "symbol": "BTC", "quantity": 1, "client_event_id": "l"}
WITHDRAWAL = {"kind": "withdrawal", "amount": 100_001, "client_transaction_id": "w"}


async def test_an_event_that_was_refused_is_listed_and_counted_until_an_admin_books_it_in_its_owners_name() -> None:
    async with running(api_keys=KEYS) as service:
        assert is_problem(await service.http.post("/events", json=LOSS, headers=A), 409, "insufficient-quantity")
        refused = await service.http.post("/cash/transactions", json=WITHDRAWAL, headers=BOSS)
        listed = (await service.http.get("/events?status=refused&limit=1", headers=A)).json()
        more = {"status": "refused", "cursor": listed["next_cursor"]}
        rest = (await service.http.get("/events", params=more, headers=A)).json()
        counted = (await service.http.get("/health", headers=A)).json()["refused_bookings"]
        forbidden = await service.http.post("/events", json={**LOSS, "override": True}, headers=A)
        own = await service.http.post("/events", json={**LOSS, "owner": "engine-a"}, headers=A)
        booked = await service.http.post("/events", json={**LOSS, "override": True}, headers=BOSS)
        again = await service.http.post("/events", json=LOSS, headers=A)
        batch = await service.http.post("/events/batch", json={"events": [{**LOSS, "override": True}]}, headers=BOSS)
        withdrawn = await service.http.post("/cash/transactions", json={**WITHDRAWAL, "override": True}, headers=BOSS)
        metrics = (await service.http.get("/metrics", headers=A)).text
        left = (await service.http.get("/events?status=refused", headers=A)).json()
    assert is_problem(refused, 409, "insufficient-cash")
    [withdrawal], [loss] = listed["refused"], rest["refused"]
    assert (listed["events"], listed["count"], rest["next_cursor"], counted) == ([], 1, None, 2)
    assert (withdrawal["kind"], withdrawal["amount"], withdrawal["problem"]["instance"]) == (
        "withdrawal", 100_001, "/cash/transactions",
    )  # fmt: skip
    assert {name: loss[name] for name in ("owner", "kind", "symbol", "quantity", "amount", "http_status")} == {
        "owner": "engine-a", "kind": "loss", "symbol": "BTC", "quantity": 1, "amount": None, "http_status": 409,
    }  # fmt: skip
    assert is_problem(forbidden, 403, "forbidden")
    assert fields(own) == {"owner"}
    assert booked.json()["legs"][0]["quantity_delta"] == -1
    assert booked.json()["event"]["owner"] == "engine-a"
    assert again.json() == batch.json()["results"][0]["event"] == {**booked.json(), "replayed": True}
    assert withdrawn.json()["cash_balance"] == -1
    assert "portfolio_refused_bookings 0" in metrics
    assert (left["refused"], left["count"]) == ([], 0)


async def test_of_several_owners_of_an_event_one_has_to_be_named() -> None:
    async with running(api_keys=KEYS) as service:
        for engine in (A, B):
            await service.http.post("/events", json=LOSS, headers=engine)
        over = {**LOSS, "override": True}
        unnamed = await service.http.post("/events", json=over, headers=BOSS)
        batch = await service.http.post("/events/batch", json={"events": [over]}, headers=BOSS)
        named = await service.http.post("/events", json={**over, "owner": "engine-b"}, headers=BOSS)
        wrong = {**WITHDRAWAL, "client_transaction_id": "l", "override": True}
        of_cash = await service.http.post("/cash/transactions", json=wrong, headers=BOSS)
        named_cash = await service.http.post("/cash/transactions", json={**wrong, "owner": "engine-b"}, headers=BOSS)
    assert is_problem(unnamed, 422, "owner-ambiguous")
    assert fields(unnamed) == {"owner"}
    assert batch.json()["results"][0]["http_status"] == 422
    assert named.json()["event"]["owner"] == "engine-b"
    assert is_problem(of_cash, 422, "owner-ambiguous")
    assert is_problem(named_cash, 422, "key-reused")


async def test_an_override_that_nobody_was_refused_before_is_the_admins_own() -> None:
    async with running(api_keys=KEYS) as service:
        await service.http.post(URL, json={**TOO_MUCH, "override": True}, headers=BOSS)
        assert await owners(service) == [("boss", "k")]


async def test_an_owner_is_named_for_an_override_alone_and_by_an_admin_alone() -> None:
    async with running(api_keys=KEYS) as service:
        without = await service.http.post(URL, json={**TOO_MUCH, "owner": "engine-a"}, headers=BOSS)
        engine = await service.http.post(URL, json={**TOO_MUCH, "override": True, "owner": "engine-b"}, headers=A)
    assert is_problem(without, 400, "malformed-request")
    assert fields(without) == {"owner"}
    assert is_problem(engine, 403, "forbidden")


async def test_an_override_with_fees_on_the_other_side_is_another_booking() -> None:
    other: dict[str, Any] = {"override": True, "fees_included": True, "notes": "by hand"}
    refused = {**TOO_MUCH, "fees": 100}
    async with running(api_keys=KEYS) as service:
        await service.http.post(URL, json=refused, headers=A)
        differs = await service.http.post(URL, json={**refused, **other}, headers=BOSS)
        same = await service.http.post(URL, json={**refused, **other, "fees_included": False}, headers=BOSS)
    assert is_problem(differs, 422, "key-reused")
    assert same.status_code == 200


async def test_where_it_is_open_a_booking_is_found_by_its_key_alone_while_one_engine_has_it(service: Service) -> None:
    await service.http.post(URL, json={**BUY, "client_trade_id": "k", "engine": "one"})
    found = await service.http.get("/bookings/k")
    await service.http.post(URL, json={**BUY, "client_trade_id": "k", "engine": "two"})
    several = await service.http.get("/bookings/k")
    named = await service.http.get("/bookings/k", params={"owner": "two"})
    assert (found.status_code, found.json()["booking"]["owner"]) == (200, "one")
    assert is_problem(several, 422, "owner-ambiguous")
    assert named.json()["booking"]["owner"] == "two"
    assert is_problem(await service.http.get("/bookings/l"), 404, "not-found")


async def test_where_it_is_open_an_override_is_for_its_engine(service: Service) -> None:
    for engine in ("one", "two"):
        await service.http.post(URL, json={**TOO_MUCH, "engine": engine})
    booked = await service.http.post(URL, json={**TOO_MUCH, "engine": "two", "override": True})
    assert booked.status_code == 200
    assert [entry.request.owner for entry in service.ledger.books.trades.values() if entry] == ["two"]


async def test_an_owner_without_a_booking_under_the_key_is_not_booked_for(service: Service) -> None:
    refused = {**BUY, "fees": 1000, "client_trade_id": "k", "engine": "a"}
    assert is_problem(await service.http.post(URL, json=refused), 400, "fees-too-high")
    wrong = {**refused, "override": True, "owner": "zz"}
    assert is_problem(await service.http.post(URL, json=wrong), 422, "owner-ambiguous")
    assert (await service.http.get("/trades")).json()["count"] == 0
    right = await service.http.post(URL, json={**wrong, "owner": "a"})
    assert (right.status_code, right.json()["replayed"]) == (200, False)
