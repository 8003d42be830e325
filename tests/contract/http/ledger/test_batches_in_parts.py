"""A booking of a batch that is no JSON is its own 400; which are the others is told by brackets, quotes and commas."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.services.http_service import BUY, Service, is_problem

URL = "/holdings/update/batch"
JSON = {"Content-Type": "application/json"}


def good(number: int, **more: Any) -> bytes:
    """A booking that can be read."""
    return json.dumps(
        {**BUY, "quantity": 0.001, "net_amount": 45, "fees": 0, "client_trade_id": f"k{number}", **more}
    ).encode()


def with_price(text: bytes) -> bytes:
    """A booking whose price is written like this."""
    return good(99).replace(b"45000.0", text)


async def send(service: Service, body: bytes) -> Any:
    """The answer to a batch."""
    return await service.http.post(URL, content=body, headers=JSON)


BROKEN = {
    "no digit before the point": with_price(b".5"),
    "no digit after it": with_price(b"5."),
    "leading zero": with_price(b"007"),
    "plus": with_price(b"+5"),
    "no number": with_price(b"NaN"),
    "infinity": with_price(b"-Infinity"),
    "python": with_price(b"None"),
    "nothing": with_price(b""),
    "bare word": with_price(b"undefined"),
    "single quotes": with_price(b"'5'"),
    "trailing comma": good(99)[:-1] + b",}",
    "two commas": good(99).replace(b", ", b",, ", 1),
    "no comma": good(99).replace(b", ", b" ", 1),
    "no colon": good(99).replace(b": ", b" ", 1),
    "a comment": good(99)[:-1] + b"/* \xe2\x82\xac */}",
    "no UTF-8": good(99, symbol="7777").replace(b"7777", b"\xff\xfe"),
    "no UTF-8 outside of texts": with_price(b"\xff"),
    "a control character in a key": good(99).replace(b"k99", b"k\x0199"),
    "deep": good(99, notes=7777).replace(b"7777", b"[" * 3000 + b"]" * 3000),
    "a list": b"[1, [2,, 3]]",
    "no item": b"",
    "brackets of two kinds": good(99)[:-1] + b"]",
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
async def test_an_item_that_is_no_json_leaves_the_others_alone(service: Service, broken: bytes) -> None:
    items = [good(0), broken, good(1, notes='a "quoted", {note} with \\ and [brackets'), broken, good(2)]
    answer = await send(service, b' { "bookings" :\n[' + b" , ".join(items) + b"] }\n")
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [result["status"] for result in results] == ["booked", "unreadable", "booked", "unreadable", "booked"]
    assert [result["index"] for result in results] == [0, 1, 2, 3, 4]
    assert {result["http_status"] for result in results[1::2]} == {400}
    for number in range(3):
        assert (await service.http.get(f"/bookings/k{number}")).status_code == 200


EVENTS = "/events/batch"
FRAMES = {
    "alone": b'{"events": [%b]}',
    "before": b'{"dry_run": false, "events": [%b]}',
    "behind": b'{"events": [%b], "dry_run": null}',
    "looked at": b'{"events": [%b], "dry_run": true}',
}


def interest(number: int) -> bytes:
    """An event that can be read."""
    return json.dumps({"kind": "interest", "amount": 1, "client_event_id": f"e{number}"}).encode()


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
@pytest.mark.parametrize("broken", [b'{"kind": "interest", "amount": .5}', b'{"kind": "charge",}', b"NaN", b""])
async def test_an_event_that_is_no_json_leaves_the_others_alone(service: Service, frame: bytes, broken: bytes) -> None:
    body = frame % b",".join([interest(0), broken, interest(1)])
    answer = await service.http.post(EVENTS, content=body, headers=JSON)
    assert answer.status_code == 200, answer.text
    assert [result["status"] for result in answer.json()["results"]] == ["booked", "unreadable", "booked"]
    assert answer.json()["results"][1]["http_status"] == 400
    found = (await service.http.get("/events")).json()["count"]
    assert found == (0 if answer.json()["dry_run"] else 2)


@pytest.mark.parametrize("frame", [
    b'{"events": [%b], "more": 1}', b'{"events": [%b], "dry_run": "yes"}', b'{"dry_run": [%b]}',
    b'{"dry_run": "[", "events": [%b]}', b'{"events": [%b], "events": 1}', b'{"events": [%b], "dry_run": true',
])  # fmt: skip
async def test_what_stands_around_events_that_are_no_json_is_read_strictly(service: Service, frame: bytes) -> None:
    answer = await service.http.post(EVENTS, content=frame % b",".join([interest(0), b".5"]), headers=JSON)
    assert is_problem(answer, 400, "malformed-request")
    assert (await service.http.get("/events")).json()["count"] == 0


@pytest.mark.unmeasured
async def test_a_thousand_bookings_lose_one(service: Service) -> None:
    items = [with_price(b".5") if number == 500 else good(number) for number in range(1000)]
    answer = (await send(service, b'{"bookings":[' + b",".join(items) + b"]}")).json()
    assert (answer["booked"], answer["unreadable"], answer["results"][500]["status"]) == (999, 1, "unreadable")


async def test_a_comma_too_many_at_the_end_is_no_item(service: Service) -> None:
    answer = (await send(service, b'{"bookings":[' + good(0) + b",]}")).json()
    assert [result["status"] for result in answer["results"]] == ["booked"]


UNTOLD = {
    "broken off": b'{"bookings":[' + good(0) + b',{"symbol',
    "broken off in a text": b'{"bookings":[' + good(0) + b',{"symbol":"]}',
    "no quote at an end": b'{"bookings":[' + good(0).replace(b'"BUY"', b'"BUY') + b"," + good(1) + b"]}",
    "no quote at two ends": b'{"bookings":['
    + b",".join(good(n).replace(b'"BUY"', b'"BUY') if n in {1, 3} else good(n) for n in range(5))
    + b"]}",
    "a bracket too many": b'{"bookings":[' + good(0) + b"}," + good(1) + b"]}",
    "a bracket too few": b'{"bookings":[' + good(0)[:-1] + b"," + good(1) + b"]}",
    "no comma between": b'{"bookings":[' + good(0) + b" " + good(1) + b",.5]}",
    "another field": b'{"bookings":[' + good(0) + b',.5],"more":1}',
    "another name": b'{"trades":[' + good(0) + b",.5]}",
    "no list": b'{"bookings":' + good(0)[:-1] + b",}}",
    "too many": b'{"bookings":[' + b",".join([b".5"] * 1001) + b"]}",
    "none": b'{"bookings":[ ],}',
    "only brackets": b'{"bookings":[' + b"[]," * 200_000 + b".5]}",
}


@pytest.mark.parametrize("body", UNTOLD.values(), ids=UNTOLD)
async def test_what_cannot_be_told_apart_is_one_400_and_nothing_of_it_is_booked(service: Service, body: bytes) -> None:
    answer = await send(service, body)
    assert is_problem(answer, 400, "malformed-request")
    assert (await service.http.get("/trades")).json()["count"] == 0


@pytest.mark.parametrize("path", [URL, "/events/batch"])
async def test_what_may_become_of_one_alone_is_no_answer_to_its_batch(service: Service, path: str) -> None:
    described = (await service.http.get("/openapi.json")).json()["paths"][path]["post"]["responses"]
    assert not {"409", "422"} & described.keys()
    of_400 = described["400"]["content"]["application/problem+json"]["examples"]
    assert list(of_400) == ["malformed-request"]
    assert {"outcome-unknown", "ledger-unavailable"} <= described["503"]["content"]["application/problem+json"][
        "examples"
    ].keys()
