"""What requests may say: every documented example, confidence, moments, and keys in headers."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from portfolio.entrypoints.http.operations.openapi import document
from tests.support.services.http_service import BUY, Service, fields, is_problem

URL = "/holdings/update"


async def test_every_request_example_of_the_document_is_understood(service: Service) -> None:
    described = document(service.app, keyed=False)
    service.clock.advance(10 * 366 * 24 * 3600)  # past the moments in the examples
    asked = 0
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            # A form with files is no JSON: see tests/contract/http/imports.
            if "application/json" not in operation.get("requestBody", {}).get("content", {}):
                continue
            for name, example in operation["requestBody"]["content"]["application/json"]["examples"].items():
                answer = await service.http.request(method, path.replace("{trade_id}", "1"), json=example["value"])
                where = f"{method} {path}, {name}: {answer.text}"
                assert str(answer.status_code) in operation["responses"], where
                assert answer.status_code != 400 or answer.json()["type"] != "/problems/malformed-request", where
                asked += 1
    assert asked >= 6


LISTS = {
    1_000: (
        "/backtests?", "/bookings?status=refused&", "/cash/transactions?", "/entries?", "/events?", "/gains?",
        "/imports?", "/lots?", "/rebalance/signals?", "/trades?",
    ),
    10_000: ("/backtests/1/sweep?", "/backtests/1/trades?"),
}  # fmt: skip


@pytest.mark.parametrize("most", LISTS)
async def test_a_list_has_one_row_or_more_and_no_more_than_is_documented(service: Service, most: int) -> None:
    for path in LISTS[most]:
        for beyond in (0, most + 1):
            answer = await service.http.get(f"{path}limit={beyond}")
            assert is_problem(answer, 400, "malformed-request"), path
            assert fields(answer) == {"limit"}, path
        for within in (1, most):
            answer = await service.http.get(f"{path}limit={within}")
            assert answer.status_code in {200, 404}, (path, answer.text)


@pytest.mark.parametrize(
    ("given", "kept"),
    [("0.85", 0.85), ("0", 0), ("1", 1), ('"0.85"', 0.85), ("0.850000000000000000", 0.85), ("null", None)],
)
async def test_confidence_is_kept_as_it_was_sent(service: Service, given: str, kept: float | None) -> None:
    body = service.http.build_request("POST", URL, json=BUY).content.decode()[:-1] + f',"confidence":{given}}}'
    answer = await service.http.post(URL, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    assert (await service.http.get("/trades")).json()["trades"][0]["confidence"] == kept


@pytest.mark.parametrize("given", ["-0.1", "1.01", "true", "NaN", "1e9999999"])
async def test_no_other_confidence_is_kept_and_its_digits_are_never_written_out(service: Service, given: str) -> None:
    tracemalloc.start()
    try:
        answer = await service.http.post(URL, json={**BUY, "confidence": given})
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 4_000_000  # 1e9999999 in digits, or as an integer, has more
    assert answer.status_code == 200
    assert (await service.http.get("/trades/1")).json()["trade"]["confidence"] is None


@pytest.mark.parametrize(
    ("moment", "kept"),
    [("1970-01-01T00:00:00Z", "1970"), ("1970-01-01T00:59:59+01:00", "2025"), ("0001-01-01T00:00Z", "2025")],
)
async def test_nothing_was_executed_before_1970(service: Service, moment: str, kept: str) -> None:
    assert (await service.http.post(URL, json={**BUY, "executed_at": moment})).status_code == 200
    assert (await service.http.get("/trades/1")).json()["trade"]["executed_at"].startswith(kept)


async def test_a_batch_has_no_key_of_its_own(service: Service) -> None:
    answer = await service.http.post(f"{URL}/batch", json={"bookings": [BUY]}, headers={"Idempotency-Key": "k"})
    assert is_problem(answer, 400, "malformed-request")
    assert fields(answer) == {"Idempotency-Key"}
    assert "client_trade_id" in answer.json()["detail"]
    assert service.ledger.books.trades == {}


@pytest.mark.parametrize(
    ("url", "body"),
    [(URL, BUY), ("/cash/transactions", {"kind": "deposit", "amount": 1}), (f"{URL}/batch", {"bookings": [BUY]})],
)
async def test_two_different_keys_in_headers_are_refused(service: Service, url: str, body: dict[str, Any]) -> None:
    answer = await service.http.post(url, json=body, headers=[("Idempotency-Key", "k"), ("idempotency-key", "l")])
    assert is_problem(answer, 400, "malformed-request")
    assert fields(answer) == {"Idempotency-Key"}


async def test_the_same_key_in_two_headers_is_one_key(service: Service) -> None:
    answer = await service.http.post(URL, json=BUY, headers=[("Idempotency-Key", "k")] * 2)
    assert answer.status_code == 200
    assert (await service.http.get("/bookings/k")).status_code == 200


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"engine": "a\x00b"}, "takes no control characters"),
        ({"side": "HOLD"}, "takes BUY or SELL"),
        ({"client_trade_id": "é"}, "takes printable ASCII characters only"),
    ],
)
async def test_what_a_field_takes_is_said_in_plain_words(service: Service, changed: dict[str, str], words: str) -> None:
    body = (await service.http.post(URL, json={**BUY, **changed})).json()
    assert body["errors"] == [{"field": next(iter(changed)), "message": words}]
    assert "regex" not in body["detail"]
    assert words in body["detail"]


@pytest.mark.parametrize(
    ("changed", "detail"),
    [
        ({"symbol": "USD"}, "symbol: the dollar is cash, not a position"),
        ({"symbol": "a b"}, "symbol: takes 1 to 20 of A-Z and 0-9"),
        ({"side": "HOLD"}, "side: takes BUY or SELL"),
        ({"quantity": -1, "price": "x"}, "quantity: has to be above zero; price: has to be a decimal number"),
    ],
)
async def test_the_detail_of_a_refused_body_names_the_field_before_what_is_wrong_with_it(
    service: Service, changed: dict[str, Any], detail: str
) -> None:
    answer = await service.http.post("/holdings/update", json={**BUY, **changed})
    assert (answer.status_code, answer.json()["detail"]) == (400, detail)


async def test_what_is_no_object_is_told_that_one_is_taken(service: Service) -> None:
    assert (await service.http.post(URL, json=[])).json()["detail"] == "this takes an object"
