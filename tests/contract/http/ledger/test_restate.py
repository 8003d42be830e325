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
        refused = await service.http.post("/ledger/restate", json={"dry_run": True, "revision": 1})
        assert is_problem(refused, 409, "books-moved")  # a dry run says what the real one would
        assert (await post(service, {"dry_run": True, "revision": looked["revision"]}))["restatements"] == [one]
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


async def test_what_was_exchanged_and_transferred_out_is_one_entry_that_moves_deposits_too(tmp_path: Path) -> None:
    async with running_on_sqlite(tmp_path) as service:
        for side, symbol, quantity, money, day in (
            ("BUY", "MATIC", 1000, 500, "2024-01-01"),
            ("exchange", "MATIC", 1000, None, "2024-03-01"),
            ("transfer_out", "POL", 500, 300, "2024-04-01"),
            ("BUY", "MATIC", 1000, 1500, "2024-02-01"),
        ):
            at = f"{day}T12:00:00Z"
            body: dict[str, Any] = {"symbol": symbol, "quantity": quantity}
            if side == "BUY":
                body |= {"side": side, "price": (money or 0) / quantity, "net_amount": money, "executed_at": at}
            else:
                body |= {"kind": side, "effective_at": at} | ({"value": money} if money else {})
                body |= {} if money else {"to_symbol": "POL", "to_quantity": 1000}
            answer = await service.http.post("/holdings/update" if side == "BUY" else "/events", json=body)
            assert answer.status_code == 200, answer.text
        before = (await ask(service, "/portfolio"))["portfolio"]
        made = await post(service, {"dry_run": False})
        # in order 2000 cost 2000: 1000 of it become POL, of which a half leaves with 500; booked was 250
        costs = [(one["symbol"], one["cost_basis"], one["realized_pnl"]) for one in made["restatements"]]
        assert costs == [("MATIC", 1000, 0), ("POL", 500, 0)]
        assert {one["transaction_id"] for one in made["restatements"]} == {5}
        assert (made["net_deposits_delta"], made["message"], made["left_out"]) == (-250, "2 positions restated", [])
        after = (await ask(service, "/portfolio"))["portfolio"]
        assert after["net_deposits"] == before["net_deposits"] - 250
        for name in ("cash_balance", "realized_pnl", "unreconciled"):
            assert after[name] == before[name], name
        proved = await VerifyBooks(service.ledger)(1)
        assert (proved.holds, proved.is_proved, proved.differences) == (True, True, [])
        average = await ask(service, "/lots", method="average")
        assert [(lot["symbol"], lot["basis"]) for lot in average["lots"]] == [("MATIC", 1000), ("POL", 500)]


async def test_only_an_admin_restates_and_only_what_is_known(service: Service) -> None:
    for body, field in (({"dry_run": "maybe"}, "dry_run"), ({"revision": -1}, "revision"), ({"all": True}, "all")):
        answer = await service.http.post("/ledger/restate", json=body)
        assert is_problem(answer, 400, "malformed-request")
        assert fields(answer) == {field}
    assert KEYS
