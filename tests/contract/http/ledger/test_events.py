"""Events over HTTP: what is answered, refused, replayed, listed and taken out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.services.http_service import BUY, Service, fields, is_problem, running

TRANSFER = {"kind": "transfer_in", "symbol": "SOL", "quantity": 2, "value": "300", "basis": "100.10"}


async def post(service: Service, **body: Any) -> Any:
    return await service.http.post("/events", json=body)


async def test_an_event_is_answered_with_its_legs_and_the_four_changes(service: Service) -> None:
    answer = await post(service, **TRANSFER, group="from my wallet", effective_at="2025-01-02T03:04:05Z")
    assert answer.status_code == 200
    said = answer.json()
    assert said["legs"] == [
        {"symbol": "SOL", "quantity_delta": 2, "basis_delta": 100.1, "asset_delta": 100.1, "realized_delta": 0}
    ]
    deltas = ("cash_delta", "net_deposits_delta", "realized_delta", "fees_delta")
    assert [said[name] for name in deltas] == [0, 100.1, 0, 0]
    assert (said["basis_assumed"], said["dry_run"], said["replayed"]) == (False, False, False)
    assert (said["net_deposits"], said["cash_balance"]) == (100_100.1, 100_000)
    event = said["event"]
    assert (event["group"], event["flow_value"], event["id"]) == ("from my wallet", 300, said["event_id"])
    assert event["effective_at"] == "2025-01-02T03:04:05Z"
    assert (await service.http.get(f"/events/{event['id']}")).json()["event"] == event
    assert (await service.http.get("/events")).json()["events"] == [event]


async def test_a_swap_is_two_trades_of_one_group(service: Service) -> None:
    await service.http.post("/holdings/update", json=BUY)
    said = (await post(service, kind="swap", symbol="BTC", quantity="0.05", to_symbol="ETH", to_quantity=1)).json()
    trades = (await service.http.get("/trades", params={"limit": 2})).json()["trades"]
    assert [(one["side"], one["symbol"]) for one in trades] == [("BUY", "ETH"), ("SELL", "BTC")]
    assert said["event"]["trade_ids"] == [one["id"] for one in reversed(trades)]
    assert {one["group"] for one in trades} == {said["event"]["group"]}
    assert said["cash_delta"] == 0
    assert [leg["symbol"] for leg in said["legs"]] == ["BTC", "ETH"]
    assert said["realized_delta"] == said["legs"][0]["realized_delta"] == trades[1]["realized_pnl"]


@pytest.mark.parametrize("alone", [0, 1])
async def test_a_swap_of_which_a_trade_was_reversed_alone_says_so_whatever_else_is_in_the_way(
    service: Service, alone: int
) -> None:
    await service.http.post("/holdings/update", json=BUY)
    said = (await post(service, kind="swap", symbol="BTC", quantity="0.05", to_symbol="ETH", to_quantity=1)).json()
    ids = said["event"]["trade_ids"]
    await service.http.post(f"/trades/{ids[alone]}/reverse")
    if alone == 0:  # and what the other brought is no longer held
        await service.http.post(
            "/holdings/update", json={"symbol": "ETH", "side": "SELL", "quantity": 1, "price": 9, "net_amount": 9}
        )
    answer = await service.http.post(f"/events/{said['event_id']}/reverse")
    assert is_problem(answer, 409, "not-reversible")
    assert f"trade {ids[alone]} of it was reversed alone: reverse trade {ids[1 - alone]} too" in answer.json()["detail"]


async def test_a_cost_that_nobody_states_is_the_value_and_is_said_to_be_assumed(service: Service) -> None:
    said = (await post(service, kind="transfer_in", symbol="SOL", quantity=2, value=300)).json()
    assert (said["basis_assumed"], said["net_deposits_delta"]) == (True, 300)


@pytest.mark.parametrize("kind", ["transfer_out", "loss", "exchange", "swap"])
@pytest.mark.parametrize("said", ["0.7999999999999999", "0.80000000000000004", "0.8"])
async def test_what_leaves_of_all_but_a_rounding_is_all_of_it_and_the_event_says_what_was_reported(
    service: Service, kind: str, said: str
) -> None:
    await service.http.post("/holdings/update", json={**BUY, "quantity": 0.8, "net_amount": 36000})
    more = {"exchange": {"to_symbol": "ETH", "to_quantity": 1}, "swap": {"to_symbol": "ETH", "to_quantity": 1}}
    body = {"kind": kind, "symbol": "BTC", "quantity": said, "client_event_id": "all", **more.get(kind, {})}
    told = f"quantity: {said} was reported, and all of 0.8 taken"
    for dry_run in (True, False, False):
        answer = await service.http.post("/events", json={**body, "dry_run": dry_run})
        assert answer.status_code == 200, answer.text
        leg = answer.json()["legs"][0]
        assert leg["quantity_delta"] == -0.8
        assert answer.json()["event"]["note"] == (None if said == "0.8" or kind == "swap" else told)
    held = [one["symbol"] for one in (await service.http.get("/positions")).json()["positions"]]
    assert held == (["ETH"] if kind in more else [])
    kept = (await service.http.get("/events")).json()["events"][0]
    assert kept["note"] == (None if said == "0.8" or kind == "swap" else told)
    if kind == "swap" and said != "0.8":  # its sale is a trade, and says it as trades do
        sale = (await service.http.get(f"/trades/{kept['trade_ids'][0]}")).json()["trade"]
        assert str(sale["reported_quantity"]) == str(float(said)) or sale["reported_quantity"] == float(said)


async def test_a_dry_run_books_nothing(service: Service) -> None:
    said = (await post(service, **TRANSFER, client_event_id="k", dry_run=True)).json()
    assert (said["dry_run"], said["event_id"], said["event"]["id"]) == (True, None, None)
    assert (await service.http.get("/events")).json()["events"] == []
    booked = (await post(service, **TRANSFER, client_event_id="k")).json()
    assert (booked["replayed"], booked["legs"]) == (False, said["legs"])


async def test_a_key_books_once(service: Service) -> None:
    first = await post(service, **TRANSFER, client_event_id="k")
    again = await service.http.post("/events", json=TRANSFER, headers={"Idempotency-Key": "k"})
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == {**first.json(), "replayed": True}
    other = await post(service, **{**TRANSFER, "basis": 101}, client_event_id="k")
    assert is_problem(other, 422, "key-reused")


async def test_a_refusal_with_a_key_is_answered_again(service: Service) -> None:
    body = {"kind": "loss", "symbol": "BTC", "quantity": 1, "client_event_id": "l"}
    refused = await post(service, **body)
    assert is_problem(refused, 409, "insufficient-quantity")
    await service.http.post("/holdings/update", json=BUY)
    again = await post(service, **body)
    assert (again.status_code, again.json()) == (409, {**refused.json(), "replayed": True})
    assert again.json()["instance"] == "/events"


async def test_a_key_is_looked_up_whether_it_was_booked_or_refused(service: Service) -> None:
    booked = (await post(service, **TRANSFER, client_event_id="k/1")).json()
    loss = {"kind": "loss", "symbol": "BTC", "quantity": 1, "client_event_id": "l"}
    refused = (await post(service, **loss)).json()
    found = (await service.http.get("/events", params={"client_event_id": "k/1"})).json()
    assert (found["events"], found["count"], found["refused"]) == ([booked["event"]], 1, [])
    found = (await service.http.get("/events", params={"client_event_id": "l"})).json()
    [kept] = found["refused"]
    assert (found["events"], kept["client_event_id"], kept["http_status"]) == ([], "l", 409)
    said = {name: value for name, value in refused.items() if name not in {"timestamp", "replayed"}}
    assert kept["decided_at"] == refused["timestamp"]
    assert {name: kept["problem"][name] for name in said} == said
    for params in ({"client_event_id": "never"}, {"client_event_id": "l", "owner": "somebody"}):
        found = (await service.http.get("/events", params=params)).json()
        assert (found["events"], found["refused"], found["next_cursor"]) == ([], [], None)
    assert (await service.http.get("/events")).json()["refused"] == []


async def test_a_key_is_of_its_owner_and_an_adopting_one_also_of_the_open_service() -> None:
    books, sent = FakeLedger(), {**TRANSFER, "client_event_id": "k"}
    async with running(ledger=books) as service:
        await post(service, **sent)
    scopes = {"ann": "read+trade", "bob": "read", "eve": "read+adopt-open"}
    keys = {name: name * 16 for name in scopes}
    named = ",".join(f"{name}:{scopes[name]}:{key}" for name, key in keys.items())
    async with running(ledger=books, opened=False, api_keys=named) as service:
        as_ann = {"X-TRADING-API-KEY": keys["ann"]}
        assert (await service.http.post("/events", json=sent, headers=as_ann)).status_code == 200
        for name, owner, found in (
            ("ann", None, ["ann"]),
            ("bob", None, []),
            ("bob", "ann", ["ann"]),
            ("eve", None, [""]),
            ("eve", "eve", []),
        ):
            asked = {"client_event_id": "k"} | ({} if owner is None else {"owner": owner})
            answer = await service.http.get("/events", params=asked, headers={"X-TRADING-API-KEY": keys[name]})
            assert [one["owner"] for one in answer.json()["events"]] == found, (name, owner)


async def test_what_is_worth_is_asked_for_where_no_price_is_known(service: Service) -> None:
    answer = await post(service, kind="income", symbol="SOL", quantity=1, label="staking")
    assert is_problem(answer, 400, "value-unknown")
    assert fields(answer) == {"value"}


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"kind": "income", "symbol": "SOL", "quantity": 1, "value": 1}, {"label"}),
        ({"kind": "transfer_in", "symbol": "SOL", "quantity": 1, "value": 1, "label": "staking"}, {"label"}),
        ({"kind": "interest"}, {"amount"}),
        ({"kind": "interest", "amount": 0}, {"amount"}),
        ({"kind": "interest", "amount": 1, "value": 1}, {"value"}),
        ({"kind": "split", "symbol": "BTC"}, {"ratio"}),
        ({"kind": "transfer_in", "symbol": "SOL", "quantity": 1, "value": -1}, {"value"}),
        ({"kind": "transfer_in", "symbol": "?", "quantity": 1, "value": 1}, {"symbol"}),
        ({"kind": "swap", "symbol": "A", "quantity": 1, "to_symbol": "?", "to_quantity": 1}, {"to_symbol"}),
        ({"kind": "exchange", "symbol": "A", "quantity": 1, "to_symbol": "B"}, {"to_quantity"}),
        (
            {"kind": "exchange", "symbol": "A", "quantity": 1, "to_symbol": "B", "to_quantity": 1, "ratio": 1},
            {"to_quantity"},
        ),
        ({"kind": "interest", "amount": 1, "effective_at": "yesterday"}, {"effective_at"}),
        ({"kind": "interest", "amount": 1, "effective_at": "2999-01-01T00:00:00Z"}, {"effective_at"}),
        ({"kind": "interest", "amount": 1, "effective_at": -1}, {"effective_at"}),
        ({"kind": "interest", "amount": 1, "effective_at": {}}, {"effective_at"}),
        ({"kind": "gift", "amount": 1}, {"kind"}),
        ({"kind": "interest", "amount": 1, "fee": 1}, {"fee"}),
    ],
)
async def test_a_body_that_is_not_understood_to_the_last_field_is_refused(
    service: Service, body: dict[str, Any], wrong: set[str]
) -> None:
    answer = await post(service, **body)
    assert is_problem(answer, 400, "malformed-request")
    assert fields(answer) == wrong
    assert (await service.http.get("/events")).json()["count"] == 0


async def test_an_asset_does_not_become_itself(service: Service) -> None:
    answer = await post(service, kind="exchange", symbol="A", quantity=1, to_symbol="A", ratio=2)
    assert is_problem(answer, 400, "invalid-amount")
    assert fields(answer) == {"to_symbol"}


async def test_a_batch_is_booked_in_one_transaction_each_event_alone(service: Service) -> None:
    events = [
        {"kind": "interest", "amount": 12, "client_event_id": "a"},
        {"kind": "charge", "amount": 10**7, "client_event_id": "b"},
        {"kind": "charge", "amount": 10**7},
        {"kind": "nothing"},
        {"kind": "charge", "amount": 5, "dry_run": True},
        {"kind": "interest", "amount": 12, "client_event_id": "a"},
    ]
    said = (await service.http.post("/events/batch", json={"events": events})).json()
    assert [(one["status"], one["http_status"], one["replayed"]) for one in said["results"]] == [
        ("booked", 200, False),
        ("refused", 409, False),
        ("refused", 409, False),
        ("unreadable", 400, False),
        ("unreadable", 400, False),
        ("booked", 200, True),
    ]
    assert (said["booked"], said["refused"], said["unreadable"], said["dry_run"]) == (2, 2, 2, False)
    assert said["results"][0]["event"]["realized_delta"] == 12
    assert said["results"][1]["problem"]["type"].endswith("insufficient-cash")
    listed = (await service.http.get("/events")).json()
    assert listed["count"] == 1


async def test_a_batch_that_is_only_looked_at_or_unreadable_books_nothing(service: Service) -> None:
    events = [{"kind": "interest", "amount": 12}]
    said = (await service.http.post("/events/batch", json={"events": events, "dry_run": True})).json()
    assert (said["dry_run"], said["results"][0]["event"]["event_id"]) == (True, None)
    said = (await service.http.post("/events/batch", json={"events": [{}]})).json()
    assert said["unreadable"] == 1
    keyed = await service.http.post("/events/batch", json={"events": events}, headers={"Idempotency-Key": "k"})
    assert is_problem(keyed, 400, "malformed-request")
    assert (await service.http.get("/events")).json()["events"] == []


async def test_an_event_is_taken_out_once(service: Service) -> None:
    booked = (await post(service, **TRANSFER)).json()
    path = f"/events/{booked['event_id']}/reverse"
    taken = (await service.http.post(path)).json()
    assert taken["legs"][0]["quantity_delta"] == -2
    assert (taken["net_deposits"], taken["net_deposits_delta"]) == (100_000, -100.1)
    again = await service.http.post(path)
    assert (again.headers["Idempotency-Replayed"], again.json()) == ("true", {**taken, "replayed": True})
    listed = (await service.http.get("/events")).json()["events"]
    assert [(one["reverses"], one["reversed_by"]) for one in listed] == [
        (booked["event_id"], None),
        (None, taken["event_id"]),
    ]
    of_reversal = await service.http.post(f"/events/{taken['event_id']}/reverse")
    assert is_problem(of_reversal, 409, "not-reversible")


@pytest.mark.parametrize("event_id", ["1", "999999", "x", "0"])
async def test_what_is_no_event_is_not_found(service: Service, event_id: str) -> None:
    assert is_problem(await service.http.get(f"/events/{event_id}"), 404, "not-found")
    assert is_problem(await service.http.post(f"/events/{event_id}/reverse"), 404, "not-found")


async def test_pages_of_events_follow_one_another(service: Service) -> None:
    for amount in (1, 2, 3):
        await post(service, kind="interest", amount=amount)
    first = (await service.http.get("/events", params={"limit": 2})).json()
    rest = (await service.http.get("/events", params={"cursor": first["next_cursor"]})).json()
    found = [one["cash_delta"] for page in (first, rest) for one in page["events"]]
    assert (found, rest["next_cursor"]) == ([3, 2, 1], None)


async def test_the_key_of_a_deposit_is_no_key_without_a_trace(service: Service) -> None:
    moved = {"kind": "deposit", "amount": 1000, "client_transaction_id": "ev-1"}
    assert (await service.http.post("/cash/transactions", json=moved)).status_code == 200
    asked = await service.http.get("/events", params={"client_event_id": "ev-1"})
    assert (asked.status_code, asked.json()["type"]) == (422, "/problems/key-reused")
    assert (await post(service, **TRANSFER, client_event_id="ev-1")).json()["type"] == "/problems/key-reused"


@pytest.mark.parametrize(
    "query",
    [
        {"owner": "ann"},
        {"client_event_id": "k", "cursor": "e1"},
        {"client_event_id": "k", "status": "refused"},
        {"cursor": "e1", "status": "refused"},
        {"cursor": "u1"},
        {"status": "booked"},
    ],
    ids=str,
)
async def test_a_query_of_events_of_which_a_part_would_be_passed_over_is_refused(
    service: Service, query: dict[str, str]
) -> None:
    await post(service, kind="interest", amount=1)
    assert (await service.http.get("/events", params=query)).status_code == 400


async def test_events_are_among_the_cash_transactions_and_the_entries(service: Service) -> None:
    booked = (await post(service, **TRANSFER, client_event_id="k")).json()["event"]
    [listed] = (await service.http.get("/cash/transactions", params={"limit": 1})).json()["transactions"]
    assert (listed["id"], listed["kind"], listed["client_transaction_id"]) == (booked["id"], "transfer_in", "k")
    assert listed["event"]["flow_value"] == 300
    newest = (await service.http.get("/entries")).json()["entries"][-1]
    assert (newest["ledger"], newest["kind"]) == (booked["revision"], "transfer_in")
    assert newest["event"] == listed["event"]


# --- fees in another asset, and groups --------------------------------------------------------------------------------

BNB = {"symbol": "BNB", "side": "BUY", "quantity": 10, "price": 300, "net_amount": 3000}
BOUGHT = {"symbol": "BTC", "side": "BUY", "quantity": 1, "price": 45_000, "net_amount": 45_000}


async def test_a_fee_in_another_asset_is_sold_and_both_trades_are_of_one_group(service: Service) -> None:
    await service.http.post("/holdings/update", json=BNB)
    paid = {**BOUGHT, "fee_asset": "BNB", "fee_quantity": "0.1", "client_trade_id": "k", "group": "order 7"}
    first = await service.http.post("/holdings/update", json=paid)
    assert first.status_code == 200, first.text
    trades = (await service.http.get("/trades", params={"limit": 2})).json()["trades"]
    assert [(one["symbol"], one["side"], one["fees"], one["group"]) for one in trades] == [
        ("BTC", "BUY", 30, "order 7"),
        ("BNB", "SELL", 0, "order 7"),
    ]
    assert first.json()["cash_balance"] == 52_000
    again = await service.http.post("/holdings/update", json=paid)
    assert again.json() == {**first.json(), "replayed": True}


async def test_a_fee_that_nobody_knows_the_value_of_is_refused_and_kept(service: Service) -> None:
    paid = {**BOUGHT, "fee_asset": "BNB", "fee_quantity": "0.1", "client_trade_id": "k"}
    refused = await service.http.post("/holdings/update", json=paid)
    assert is_problem(refused, 400, "value-unknown")
    again = await service.http.post("/holdings/update", json=paid)
    assert again.json() == {**refused.json(), "replayed": True}


async def test_a_fee_in_the_asset_itself_is_what_was_not_received(service: Service) -> None:
    fee = {"fee_asset": "BTC", "fee_quantity": "0.001"}
    bought = await service.http.post("/holdings/update", json={**BOUGHT, **fee})
    assert bought.status_code == 200, bought.text
    assert (bought.json()["position"]["quantity"], bought.json()["cash_balance"]) == (0.999, 55_000)
    [trade] = (await service.http.get("/trades", params={"limit": 1})).json()["trades"]
    assert (trade["quantity"], trade["notional"], trade["fees"], trade["group"]) == (0.999, 44_955, 45, None)
    part = {**BOUGHT, **fee, "side": "SELL", "quantity": "0.998", "net_amount": "44910"}
    sold = await service.http.post("/holdings/update", json=part)
    assert sold.status_code == 200, sold.text
    assert (sold.json()["position"]["quantity"], sold.json()["cash_balance"]) == (0, 99_910)
    [trade] = (await service.http.get("/trades", params={"limit": 1})).json()["trades"]
    assert (trade["quantity"], trade["notional"], trade["fees"]) == (0.999, 44_955, 45)


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({"fee_asset": "BNB"}, {"fee_quantity"}),
        ({"fee_quantity": 1}, {"fee_asset"}),
        ({"fee_asset": "BNB", "fee_quantity": 1, "fees_included": True}, {"fees_included"}),
        ({"fee_asset": "?", "fee_quantity": 1}, {"fee_asset"}),
    ],
)
async def test_a_fee_in_kind_is_read_strictly(service: Service, more: dict[str, Any], wrong: set[str]) -> None:
    answer = await service.http.post("/holdings/update", json={**BOUGHT, **more})
    assert is_problem(answer, 400, "malformed-request")
    assert fields(answer) == wrong


async def test_a_ratio_is_told_and_compared_to_its_last_digit(service: Service) -> None:
    await service.http.post("/holdings/update", json=BUY)
    split = {"kind": "split", "symbol": "BTC", "ratio": "12345678901.123456789012345678", "client_event_id": "s"}
    booked = await post(service, **split)
    assert '"ratio":12345678901.123456789012345678,' in booked.text
    assert is_problem(await post(service, **{**split, "ratio": "12345678901.123456789012345679"}), 422, "key-reused")
    assert (await post(service, **split)).json()["replayed"] is True
    assert "12345678901.123456789012345678 for 1" in (await service.http.get("/pages/activity")).text


@pytest.mark.parametrize("held", [True, False], ids=["booked", "refused"])
async def test_a_ratio_whose_digest_was_once_rounded_is_replayed(service: Service, held: bool) -> None:
    """Programs of before had 28 digits of a ratio in the digest: that of a ratio of 28 digits is the same today."""
    if held:
        await service.http.post("/holdings/update", json=BUY)
    split = {"kind": "split", "symbol": "BTC", "ratio": "12345678901.123456789012345678"}
    first = await post(service, **split, client_event_id="s")
    await post(service, **{**split, "ratio": "12345678901.12345678901234568"}, client_event_id="of 28 digits")
    books = service.ledger.books
    kept: dict[int, Any] = books.transactions if held else books.cash_refusals
    number = {one.client_transaction_id: number for number, one in kept.items()}
    digest = kept[number["of 28 digits"]].fingerprint
    kept[number["s"]] = replace(kept[number["s"]], fingerprint=digest)
    again = await post(service, **split, client_event_id="s")
    assert (again.status_code, again.json()["replayed"]) == (first.status_code, True)
    other = await post(service, **{**split, "ratio": "12345678901.1234567890123457"}, client_event_id="s")
    assert is_problem(other, 422, "key-reused")
    if held:  # what was booked says which of those that are rounded to the same it was
        other = await post(service, **{**split, "ratio": "12345678901.123456789012345679"}, client_event_id="s")
        assert is_problem(other, 422, "key-reused")


async def test_the_ratio_of_a_refused_split_is_kept_to_its_last_digit(service: Service) -> None:
    refused = await post(service, kind="split", symbol="BTC", ratio="12345678901.123456789012345678")
    assert refused.status_code == 409
    kept = (await service.http.get("/events", params={"status": "refused"})).text
    assert "12345678901.123456789012345678" in kept
