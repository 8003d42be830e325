"""``POST /holdings/update`` and what can be asked about it afterwards."""

from __future__ import annotations

import asyncio
import json
import math
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from portfolio.application.errors import LedgerUnavailable, OutcomeUnknown
from portfolio.domain.categories import Categories
from portfolio.domain.rebalancing.policy import RebalancePolicy
from tests.support.services.http_service import (
    BOSS,
    BUY,
    KEYS,
    A,
    B,
    Service,
    create_database,
    fields,
    is_problem,
    running,
    running_on_sqlite,
)

URL = "/holdings/update"
SELL = {**BUY, "side": "SELL", "fees": 0}
TOO_MUCH = {**BUY, "quantity": 100, "net_amount": 4_500_000, "fees": 0}


async def test_a_position_is_over_concentrated_as_the_policy_and_the_analysis_of_risk_have_it(tmp_path: Path) -> None:
    policy = RebalancePolicy(position_limit=Decimal("0.28"))
    shares = {"BTC": "28", "ETH": "28.0000001", "USDC": "30"}
    database, categories = create_database(tmp_path), Categories({"USDC": "stablecoin"})
    async with running_on_sqlite(tmp_path, database=database, policy=policy, categories=categories) as service:
        bought = {"side": "BUY", "price": 1000}
        bookings = [
            {
                **bought,
                "symbol": symbol,
                "quantity": share,
                "net_amount": str(Decimal(share) * 1000),
                "client_trade_id": symbol,
            }
            for symbol, share in shares.items()
        ]
        results = (await service.http.post(f"{URL}/batch", json={"bookings": bookings})).json()["results"]
        told = {one["booking"]["position"]["symbol"]: one["booking"]["risk"]["over_concentrated"] for one in results}
        assert told == {"BTC": False, "ETH": True, "USDC": False}
        analysis = (await service.http.get("/risk/concentration")).json()["concentration_analysis"]
        assert [over["symbol"] for over in analysis["over_concentrated_positions"]] == ["ETH"]
        with sqlite3.connect(database) as rows:
            rows.execute("DELETE FROM portfolio_booking_outcomes")
        rows.close()
        replies = [(await service.http.get(f"/bookings/{symbol}")).json()["reply"] for symbol in shares]
        assert [reply["risk"]["over_concentrated"] for reply in replies] == [False, True, False]


async def test_a_purchase_is_answered_as_the_contract_says(service: Service) -> None:
    answer = await service.http.post(URL, json=BUY)
    assert answer.status_code == 200
    body = answer.json()
    assert body["status"] == "success"
    assert body["timestamp"] == "2025-06-15T12:00:00Z"
    assert body["message"] == "Holdings updated for BTC"
    assert (body["cash_balance"], body["realized_pnl"]) == (95477.5, 0)
    position = body["position"]
    assert (position["quantity"], position["avg_entry_price"]) == (0.1, 45000)
    # 4500 + 22.5 of fees, and that over 0.1
    assert (position["cost_basis"], position["break_even_price"]) == (4522.5, 45225)
    assert (position["price_source"], position["price_status"], position["category"]) == (
        "trade", "live", "store_of_value",
    )  # fmt: skip
    # 4500 of 99977.5
    assert body["risk"] == {"allocation_percent": 4.501013, "over_concentrated": False}
    assert (body["replayed"], body["possible_duplicate_of"]) == (False, None)


async def test_the_same_key_and_booking_repeats_the_answer_word_for_word(service: Service) -> None:
    keyed = {**BUY, "client_trade_id": "k 1/~"}
    first = await service.http.post(URL, json=keyed)
    await service.http.post(URL, json={**BUY, "symbol": "ETH"})
    service.clock.advance(3600)
    again = await service.http.post(URL, json={**keyed, "symbol": "btc-usd", "side": "buy", "quantity": "0.10"})
    assert again.json() == {**first.json(), "replayed": True}
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert len(service.ledger.books.trades) == 2


async def test_a_kept_refusal_is_repeated_too_even_when_it_would_pass_now(service: Service) -> None:
    keyed = {**TOO_MUCH, "client_trade_id": "k"}
    first = await service.http.post(URL, json=keyed)
    assert is_problem(first, 409, "insufficient-cash")
    assert first.json()["replayed"] is False
    await service.http.post("/cash/transactions", json={"kind": "deposit", "amount": 10_000_000})
    again = await service.http.post(URL, json=keyed)
    assert (again.status_code, again.json()) == (409, {**first.json(), "replayed": True})
    assert again.headers["Idempotency-Replayed"] == "true"


async def test_the_same_key_with_another_booking_is_refused_and_changes_nothing(service: Service) -> None:
    await service.http.post(URL, json={**BUY, "client_trade_id": "k"})
    before = service.ledger.books.portfolio
    answer = await service.http.post(URL, json={**BUY, "client_trade_id": "k", "quantity": 0.1000001})
    assert is_problem(answer, 422, "key-reused")
    assert service.ledger.books.portfolio == before


async def test_the_key_may_come_in_the_header_but_not_two_different_ones(service: Service) -> None:
    header = {"Idempotency-Key": "k"}
    first = await service.http.post(URL, json=BUY, headers=header)
    both = await service.http.post(URL, json={**BUY, "client_trade_id": "k"}, headers=header)
    differs = await service.http.post(URL, json={**BUY, "client_trade_id": "K"}, headers=header)
    assert both.json() == {**first.json(), "replayed": True}
    assert is_problem(differs, 400, "malformed-request")
    assert fields(differs) == {"client_trade_id"}


@pytest.mark.parametrize("key", ["x" * 129, "é", "a\tb"])
async def test_a_key_is_1_to_128_printable_characters(service: Service, key: str) -> None:
    assert is_problem(await service.http.post(URL, json={**BUY, "client_trade_id": key}), 400, "malformed-request")
    answer = await service.http.post(URL, json=BUY, headers=[(b"Idempotency-Key", key.encode())])
    assert is_problem(answer, 400, "malformed-request")
    assert fields(answer) == {"Idempotency-Key"}


async def test_without_a_key_an_equal_booking_is_booked_and_marked(service: Service) -> None:
    first = (await service.http.post(URL, json=BUY)).json()
    second = (await service.http.post(URL, json=BUY)).json()
    assert second["possible_duplicate_of"] == first["trade_id"]
    assert second["position"]["quantity"] == 0.2


async def test_the_same_key_with_and_without_an_engine_is_marked_as_a_possible_duplicate(service: Service) -> None:
    keyed = {**BUY, "client_trade_id": "k"}
    first = (await service.http.post(URL, json=keyed)).json()
    second = (await service.http.post(URL, json={**keyed, "engine": "momentum"})).json()
    assert (first["possible_duplicate_of"], second["possible_duplicate_of"]) == (None, first["trade_id"])
    assert (second["replayed"], second["position"]["quantity"]) == (False, 0.2)
    kept = (await service.http.get("/bookings/k", params={"owner": "momentum"})).json()
    assert kept["booking"]["possible_duplicate_of"] == kept["reply"]["possible_duplicate_of"] == first["trade_id"]


REFUSED = {
    "fees-too-high": {**BUY, "fees": 451},  # of 4500
    "amount-mismatch": {**BUY, "net_amount": 9000},
    "insufficient-cash": TOO_MUCH,
    "insufficient-quantity": SELL,
}


@pytest.mark.parametrize("slug", REFUSED)
async def test_what_could_be_read_and_was_refused_is_kept_counted_answered_and_can_be_booked(
    service: Service, slug: str
) -> None:
    keyed = {**REFUSED[slug], "client_trade_id": "k"}
    refused = await service.http.post(URL, json=keyed)
    assert is_problem(refused, refused.status_code, slug)
    assert fields(refused) == ({"fees"} if slug == "fees-too-high" else set())
    assert (await service.http.post(URL, json=keyed)).json() == {**refused.json(), "replayed": True}
    found = (await service.http.get("/bookings/k")).json()["booking"]
    assert (found["status"], found["http_status"], found["problem"]["type"]) == (
        "refused", refused.status_code, f"/problems/{slug}",
    )  # fmt: skip
    [listed] = (await service.http.get("/bookings", params={"status": "refused"})).json()["bookings"]
    assert listed == found
    assert (await service.http.get("/health")).json()["refused_bookings"] == 1
    in_batch = (await service.http.post(f"{URL}/batch", json={"bookings": [REFUSED[slug], BUY]})).json()
    assert [item["status"] for item in in_batch["results"]] == ["refused", "booked"]
    booked = await service.http.post(URL, json={**keyed, "override": True})
    assert booked.status_code == 200
    assert (await service.http.get("/health")).json()["refused_bookings"] == 1  # the one of the batch has no key


@pytest.mark.parametrize("reported", ["0.09999999999999999", "0.10000000000000002"])
async def test_a_sale_of_all_but_a_rounding_says_what_was_booked_and_what_was_sent(
    service: Service, reported: str
) -> None:
    bought = (await service.http.post(URL, json=BUY)).json()
    assert (bought["quantity"], bought["reported_quantity"]) == (0.1, None)
    sale = {**SELL, "quantity": Decimal(reported), "client_trade_id": "s"}
    body = msgspec.json.Encoder(decimal_format="number").encode(sale)
    answer = await service.http.post(URL, content=body, headers={"Content-Type": "application/json"})
    sold = json.loads(answer.text, parse_float=Decimal)
    quantities = (Decimal("0.1"), Decimal(reported))
    assert (sold["quantity"], sold["reported_quantity"]) == quantities
    assert (sold["position"]["quantity"], sold["cash_balance"]) == (0, Decimal("99977.5"))  # all but 22.5 of fees
    [trade, _] = json.loads((await service.http.get("/trades")).text, parse_float=Decimal)["trades"]
    assert (trade["quantity"], trade["reported_quantity"]) == quantities
    kept = json.loads((await service.http.get("/bookings/s")).text, parse_float=Decimal)
    for one in (kept["booking"], kept["reply"]):
        assert (one["quantity"], one["reported_quantity"]) == quantities
    again = await service.http.post(URL, content=body, headers={"Content-Type": "application/json"})
    assert json.loads(again.text, parse_float=Decimal) == {**sold, "replayed": True}


async def test_a_check_before_the_trade_knows_that_a_sale_is_of_everything(service: Service) -> None:
    await service.http.post(URL, json=BUY)
    sale = {**SELL, "quantity": "0.1000000000000001"}
    check = (await service.http.post("/pretrade/check", json=sale)).json()["check"]
    assert (check["accepted"], check["problem"]) == (True, None)
    assert check["projected"]["quantity"] == 0


async def test_fifty_copies_at_once_are_one_trade(service: Service) -> None:
    keyed = {**BUY, "client_trade_id": "k"}
    answers = await asyncio.gather(*(service.http.post(URL, json=keyed) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert sum(not answer.json()["replayed"] for answer in answers) == 1
    assert len(service.ledger.books.trades) == 1


@pytest.mark.parametrize(
    ("changed", "status", "slug", "named"),
    [
        ({"net_amount": 450}, 400, "amount-mismatch", set()),
        ({"fees": 451}, 400, "fees-too-high", {"fees"}),
        ({"symbol": "BTC-EUR"}, 400, "malformed-request", {"symbol"}),
        ({"symbol": "BTCUSDT"}, 400, "malformed-request", {"symbol"}),
        ({"symbol": "USD"}, 400, "malformed-request", {"symbol"}),
        ({"side": "HOLD"}, 400, "malformed-request", {"side"}),
        ({"quantity": 0}, 400, "malformed-request", {"quantity"}),
        ({"quantity": "-0.0"}, 400, "malformed-request", {"quantity"}),
        ({"price": -1}, 400, "malformed-request", {"price"}),
        ({"quantity": "1e20", "price": 0}, 400, "malformed-request", {"quantity", "price"}),
        ({"fees": "-1"}, 400, "malformed-request", {"fees"}),
        ({"engine": "e" * 101}, 400, "malformed-request", {"engine"}),
        ({"engine": 10**100}, 400, "malformed-request", {"engine"}),
        ({"client_trade_id": True}, 400, "malformed-request", {"client_trade_id"}),
        ({"quantitty": 1}, 400, "malformed-request", {"quantitty"}),
        ({"side": "SELL"}, 409, "insufficient-quantity", set()),
    ],
)
async def test_what_cannot_be_booked_says_which_field_is_wrong(
    service: Service, changed: dict[str, Any], status: int, slug: str, named: set[str]
) -> None:
    before = service.ledger.books.portfolio
    answer = await service.http.post(URL, json={**BUY, **changed})
    assert is_problem(answer, status, slug)
    assert fields(answer) == named
    assert service.ledger.books.portfolio == before


@pytest.mark.parametrize("field", ["quantity", "price", "net_amount"])
async def test_an_amount_that_rounds_to_zero_is_refused_and_kept_and_no_override_books_it(
    service: Service, field: str
) -> None:
    before = service.ledger.books.portfolio
    keyed = {**BUY, field: 4e-19, "client_trade_id": "k"}
    first, again = await service.http.post(URL, json=keyed), await service.http.post(URL, json=keyed)
    assert is_problem(first, 400, "invalid-amount")
    assert f"{field} has to be above zero at 18 decimals" in first.json()["detail"]
    assert again.json() == {**first.json(), "replayed": True}
    assert (await service.http.get("/bookings/k")).json()["booking"][field] == 0
    assert (await service.http.get("/bookings?status=refused")).json()["count"] == 1
    assert is_problem(await service.http.post(URL, json={**keyed, "override": True}), 400, "invalid-amount")
    checked = await service.http.post("/pretrade/check", json={**BUY, field: 4e-19})
    assert is_problem(checked, 400, "invalid-amount")
    assert service.ledger.books.portfolio == before


async def test_a_moment_is_kept_in_utc_and_may_be_a_minute_ahead(service: Service) -> None:
    answer = await service.http.post(URL, json={**BUY, "executed_at": "2025-06-15T14:01:00+02:00"})
    assert answer.status_code == 200
    trade = (await service.http.get("/trades")).json()["trades"][0]
    assert trade["executed_at"] == "2025-06-15T12:01:00Z"


async def test_a_batch_is_answered_in_order_each_alone(service: Service) -> None:
    batch = {"bookings": [{**BUY, "client_trade_id": "1"}, TOO_MUCH, {**SELL, "client_trade_id": "2"}]}
    body = (await service.http.post(f"{URL}/batch", json=batch)).json()
    assert [(r["index"], r["status"], r["http_status"]) for r in body["results"]] == [
        (0, "booked", 200), (1, "refused", 409), (2, "booked", 200),
    ]  # fmt: skip
    assert (body["booked"], body["refused"]) == (2, 1)
    assert body["results"][1]["problem"]["type"] == "/problems/insufficient-cash"
    # bought for 4522.5, sold for 4500
    assert body["results"][2]["booking"]["realized_pnl"] == -22.5
    again = (await service.http.post(f"{URL}/batch", json=batch)).json()
    assert [r["replayed"] for r in again["results"]] == [True, False, True]
    assert again["results"][0]["booking"] == {**body["results"][0]["booking"], "replayed": True}


UNREADABLE: dict[str, tuple[str, set[str]]] = {
    "no number": (json.dumps({**BUY, "price": "x"}), {"price"}),
    "not a number": (json.dumps({**BUY, "quantity": -math.inf, "price": math.nan}), {"quantity", "price"}),
    "nothing for what is needed": (json.dumps({**BUY, "symbol": None}), {"symbol"}),
    "an unknown field": (json.dumps({**BUY, "x": 1}), {"x"}),
    "a field twice": (json.dumps(BUY)[:-1] + ', "price": 1}', {"price"}),
    "another type": (json.dumps({**BUY, "symbol": 5}), {"symbol"}),
    "no symbol": (json.dumps({**BUY, "symbol": "BTC-EUR"}), {"symbol"}),
    "a list for a figure": (json.dumps({**BUY, "price": [[], []]}), {"price"}),
    "no object": ("5", set()),
    "null": ("null", set()),
}


@pytest.mark.parametrize(("unreadable", "named"), UNREADABLE.values(), ids=UNREADABLE)
async def test_a_booking_of_a_batch_that_cannot_be_read_leaves_the_others_alone(
    service: Service, unreadable: str, named: set[str]
) -> None:
    body = f'{{"bookings": [{json.dumps(BUY)}, {unreadable}, {json.dumps(BUY)}]}}'
    answer = await service.http.post(f"{URL}/batch", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert [item["status"] for item in found["results"]] == ["booked", "unreadable", "booked"]
    assert (found["booked"], found["refused"], found["unreadable"]) == (2, 0, 1)
    problem = found["results"][1]["problem"]
    assert (problem["status"], problem["type"]) == (400, "/problems/malformed-request")
    assert {error["field"] for error in problem["errors"]} == named
    assert len(service.ledger.books.trades) == 2


async def test_an_override_in_a_batch_by_one_who_may_not_leaves_the_others_alone() -> None:
    async with running(api_keys=KEYS) as service:
        batch = {"bookings": [{**BUY, "override": True}, BUY]}
        answer = await service.http.post(f"{URL}/batch", json=batch, headers=A)
        assert [item["http_status"] for item in answer.json()["results"]] == [403, 200]


async def test_a_batch_of_nothing_that_can_be_read_is_answered_too(service: Service) -> None:
    answer = await service.http.post(f"{URL}/batch", json={"bookings": [{**BUY, "price": 0}] * 1000})
    assert (answer.status_code, answer.json()["unreadable"], len(answer.json()["results"])) == (200, 1000, 1000)
    assert service.ledger.books.trades == {}


@pytest.mark.parametrize("count", [0, 1001])
async def test_a_batch_has_one_to_a_thousand_bookings(service: Service, count: int) -> None:
    answer = await service.http.post(f"{URL}/batch", json={"bookings": [BUY] * count})
    assert is_problem(answer, 400, "malformed-request")


async def test_a_thousand_bookings_fit_into_a_batch(service: Service) -> None:
    tiny = {**BUY, "quantity": "0.0001", "net_amount": "4.5", "fees": 0}
    answer = await service.http.post(f"{URL}/batch", json={"bookings": [tiny] * 1000})
    assert answer.json()["booked"] == 1000


async def test_what_became_of_a_booking_can_be_asked_by_its_key_byte_for_byte() -> None:
    async with running(api_keys=KEYS) as service:
        await service.http.post(URL, json={**BUY, "client_trade_id": "a//b ?%2F"}, headers=A)
        path = "/bookings/a%2F%2Fb%20%3F%252F"
        mine = await service.http.get(path, headers=A)
        theirs = await service.http.get(path, headers=B)
        asked = await service.http.get(path, params={"owner": "engine-a"}, headers=B)
    booking = mine.json()["booking"]
    assert (booking["status"], booking["owner"], booking["client_trade_id"]) == ("booked", "engine-a", "a//b ?%2F")
    assert mine.json()["reply"]["replayed"] is True
    assert is_problem(theirs, 404, "not-found")
    assert asked.json()["booking"] == booking


async def test_refusals_are_listed_newest_first_page_by_page(service: Service) -> None:
    for key in "abc":
        await service.http.post(URL, json={**TOO_MUCH, "client_trade_id": key})
    first = (await service.http.get("/bookings", params={"status": "refused", "limit": 2})).json()
    rest = (
        await service.http.get("/bookings", params={"status": "refused", "limit": 2, "cursor": first["next_cursor"]})
    ).json()
    assert [b["client_trade_id"] for b in first["bookings"] + rest["bookings"]] == ["c", "b", "a"]
    assert (first["count"], rest["count"], rest["next_cursor"]) == (2, 1, None)
    assert first["bookings"][0]["problem"]["type"] == "/problems/insufficient-cash"


async def test_an_admin_books_what_an_engine_was_refused_under_its_key() -> None:
    async with running(api_keys=KEYS) as service:
        keyed = {**TOO_MUCH, "client_trade_id": "k"}
        refused = await service.http.post(URL, json=keyed, headers=A)
        forbidden = await service.http.post(URL, json={**keyed, "override": True}, headers=A)
        booked = await service.http.post(URL, json={**keyed, "override": True, "engine": "engine-a"}, headers=BOSS)
        outcome = await service.http.get("/bookings/k", headers=A)
    assert is_problem(refused, 409, "insufficient-cash")
    assert is_problem(forbidden, 403, "forbidden")
    assert booked.status_code == 200
    assert booked.json()["cash_balance"] == -4_400_000
    assert outcome.json()["booking"]["trade_id"] == booked.json()["trade_id"]


async def test_where_it_is_open_a_key_belongs_to_its_engine(service: Service) -> None:
    first = await service.http.post(URL, json={**BUY, "client_trade_id": "k", "engine": "one"})
    second = await service.http.post(URL, json={**BUY, "client_trade_id": "k", "engine": "two"})
    assert [first.json()["replayed"], second.json()["replayed"]] == [False, False]


@pytest.mark.parametrize(
    ("failure", "slug"),
    [
        (LedgerUnavailable("the pool is exhausted", retry_after_seconds=2.5), "ledger-unavailable"),
        (OutcomeUnknown("cut during the commit"), "outcome-unknown"),
    ],
)
async def test_a_lost_database_is_503_with_retry_after(service: Service, failure: Exception, slug: str) -> None:
    service.ledger.fail_next = failure
    service.ledger.away = isinstance(failure, LedgerUnavailable)
    if slug == "outcome-unknown":
        # the second look, under the lock, fails as well
        original = service.ledger.transact

        async def transact(portfolio_id: int, work: Any, **hints: Any) -> Any:
            service.ledger.fail_next = failure
            return await original(portfolio_id, work, **hints)

        service.ledger.transact = transact
    answer = await service.http.post(URL, json=BUY)
    assert answer.status_code == 503
    batch = await service.http.post(f"{URL}/batch", json={"bookings": [BUY, BUY]})
    assert batch.status_code == 503
    assert f'portfolio_bookings_total{{kind="trade",result="{slug}"}} 3.0' in (await service.http.get("/metrics")).text
    assert int(answer.headers["Retry-After"]) >= 1
    if slug == "outcome-unknown":
        assert is_problem(answer, 503, slug)
        assert answer.headers["Retry-After"] == "1"


async def test_numbers_are_written_digit_by_digit(service: Service) -> None:
    dust = {"symbol": "PEPE", "side": "BUY", "quantity": "1E-8", "price": "100000000", "net_amount": 1, "fees": 0}
    text = (await service.http.post(URL, json=dust)).text
    assert '"quantity":0.00000001,' in text
    assert '"current_price":100000000,' in text
    assert '"cash_balance":99999,' in text
    assert json.loads(text)["position"]["unrealized_pnl"] == 0
