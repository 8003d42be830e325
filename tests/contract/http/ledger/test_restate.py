"""Average cost restated over HTTP: looked at, decided, booked, and proved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from portfolio.application.ledger.verification import VerifyBooks
from tests.contract.http.ledger.test_lots import ask, book
from tests.support.services.http_service import KEYS, Service, fields, is_problem, running_on_sqlite


async def post(service: Service, body: Any = None, **options: Any) -> Any:
    answer = await service.http.post("/ledger/restate", json=body, **options)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_dry_run_comes_first_and_books_nothing(service: Service) -> None:
    await book(service)  # all purchases before the sales: the order of these changes no average
    looked = await post(service)
    assert (looked["dry_run"], looked["revision"], looked["left_out"]) == (True, 7, [])
    assert (looked["message"], looked["restatements"]) == ("0 positions to be restated", [])
    late = {"symbol": "BTC", "side": "BUY", "quantity": 1, "price": 900, "net_amount": 900}
    await service.http.post("/holdings/update", json={**late, "executed_at": "2023-02-01T00:00:00Z"})
    assert (await post(service, {}))["message"] == "1 position to be restated"
    assert (await ask(service, "/portfolio"))["portfolio"]["revision"] == 8


async def test_what_is_booked_makes_the_books_of_the_order_of_effect(tmp_path: Path) -> None:
    async with running_on_sqlite(tmp_path) as service:
        await book(service)
        late = {"symbol": "BTC", "side": "BUY", "quantity": 1, "price": 900, "net_amount": 900, "fees": 3}
        await service.http.post("/holdings/update", json={**late, "executed_at": "2023-02-01T00:00:00Z"})
        looked = await post(service, {"dry_run": True})
        [one] = looked["restatements"]
        refused = await service.http.post("/ledger/restate", json={"dry_run": False, "revision": 1})
        assert is_problem(refused, 409, "books-moved")
        # in order: 100, 903, 300, 200 for 4; 1.5 are sold for 600, 0.5 for 250: 2 are left of 1,503
        assert (one["cost_basis"], one["realized_pnl"], one["transaction_id"]) == (751.5, 98.5, None)
        before = (await ask(service, "/portfolio"))["portfolio"]
        made = await post(service, {"dry_run": False, "revision": looked["revision"]})
        assert made["restatements"] == [{**one, "transaction_id": 3}]
        assert (made["dry_run"], made["revision"], made["message"]) == (False, 9, "1 position restated")
        after = (await ask(service, "/portfolio"))["portfolio"]
        assert (after["cost_basis"], after["realized_pnl"]) == (751.5, 98.5)
        for name in ("cash_balance", "net_deposits", "unreconciled", "fees_paid"):
            assert after[name] == before[name], name
        assert (await post(service, {"dry_run": False}))["restatements"] == []
        [entry, *_] = (await ask(service, "/cash/transactions"))["transactions"]
        assert (entry["kind"], entry["cash_delta"], entry["amount"]) == ("restatement", 0, 0)
        average = await ask(service, "/lots", method="average")
        assert (average["basis"], average["gain"], average["complete"]) == (751.5, 98.5, True)
        assert (await ask(service, "/lots"))["gain"] == (await ask(service, "/gains"))["gain"]
        proved = await VerifyBooks(service.ledger)(1)
        assert (proved.holds, proved.is_proved, proved.differences) == (True, True, [])


async def test_only_an_admin_restates_and_only_what_is_known(service: Service) -> None:
    for body, field in (({"dry_run": "maybe"}, "dry_run"), ({"revision": -1}, "revision"), ({"all": True}, "all")):
        answer = await service.http.post("/ledger/restate", json=body)
        assert is_problem(answer, 400, "malformed-request")
        assert fields(answer) == {field}
    assert KEYS
