"""Cash transactions and their list."""

from __future__ import annotations

from tests.support.services.http_service import BUY, Service, fields, is_problem


async def test_cash_transactions_are_listed_newest_first_and_paged(service: Service) -> None:
    for kind, amount in (("deposit", "2500.10"), ("withdrawal", "0.05")):
        body = {"kind": kind, "amount": amount, "client_transaction_id": kind, "note": "by wire"}
        assert (await service.http.post("/cash/transactions", json=body)).status_code == 200
    await service.http.post("/holdings/update", json=BUY)
    first = (await service.http.get("/cash/transactions", params={"limit": 2})).json()
    assert [(one["kind"], one["amount"], one["cash_delta"]) for one in first["transactions"]] == [
        ("withdrawal", 0.05, -0.05),
        ("deposit", 2500.1, 2500.1),
    ]
    assert {one["client_transaction_id"] for one in first["transactions"]} == {"deposit", "withdrawal"}
    assert {one["note"] for one in first["transactions"]} == {"by wire"}
    # the books were opened with 100,000 dollars, on a row that others may have written before
    rest = (await service.http.get("/cash/transactions", params={"cursor": first["next_cursor"]})).json()
    assert [(one["kind"], one["amount"]) for one in rest["transactions"]] == [("deposit", 100_000), ("baseline", 0)]
    assert (first["count"], rest["count"], rest["next_cursor"]) == (2, 2, None)


async def test_a_listed_transaction_is_the_one_that_was_answered(service: Service) -> None:
    body = {"kind": "deposit", "amount": 7}
    booked = (await service.http.post("/cash/transactions", json=body)).json()["transaction"]
    listed = (await service.http.get("/cash/transactions", params={"limit": 1})).json()["transactions"]
    assert listed == [booked]


async def test_the_cursor_of_another_list_is_refused(service: Service) -> None:
    answer = await service.http.get("/cash/transactions", params={"cursor": "t1"})
    assert is_problem(answer, 400, "malformed-request")
    assert fields(answer) == {"cursor"}


async def test_a_refused_withdrawal_with_a_key_is_answered_again(service: Service) -> None:
    body = {"kind": "withdrawal", "amount": 100_001, "client_transaction_id": "w-1"}
    refused = await service.http.post("/cash/transactions", json=body)
    assert is_problem(refused, 409, "insufficient-cash")
    assert (refused.json()["replayed"], refused.json()["instance"]) == (False, "/cash/transactions")
    await service.http.post("/cash/transactions", json={"kind": "deposit", "amount": 5})
    again = await service.http.post("/cash/transactions", json=body)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (409, "true")
    assert again.json() == {**refused.json(), "replayed": True}
    other = await service.http.post("/cash/transactions", json={**body, "amount": 1})
    assert is_problem(other, 422, "key-reused")
    unkeyed = await service.http.post("/cash/transactions", json={"kind": "withdrawal", "amount": 200_000})
    assert is_problem(unkeyed, 409, "insufficient-cash")
    assert unkeyed.json()["replayed"] is False
