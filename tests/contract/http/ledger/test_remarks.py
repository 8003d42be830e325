"""What moves no money decides over nothing that does: remarks are taken as well as they can be, and answers say so."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.support.services.http_service import BOSS, BUY, KEYS, A, Service, fields, is_problem, running

URL = "/holdings/update"
NOW = "2025-06-15T12:00:00Z"
GONE = "\ufffd"


async def post(service: Service, path: str, body: str | bytes, **options: Any) -> httpx.Response:
    """Send JSON as it is written."""
    headers = {"Content-Type": "application/json", **options.pop("headers", {})}
    return await service.http.post(path, content=body, headers=headers)


def written(field: str, value: str) -> str:
    """A booking with a key and one remark, as it is written."""
    return json.dumps({**BUY, "client_trade_id": "k", field: 7777}).replace("7777", value)


REMARKS = {
    "over 1": ("confidence", "1.5", None, "confidence: '1.5' is left out"),
    "below 0": ("confidence", "-0.1", None, "left out"),
    "per cent": ("confidence", '"85%"', None, "left out"),
    "a word": ("confidence", '"high"', None, "left out"),
    "huge": ("confidence", "1e400", None, "left out"),
    "no number": ("confidence", "NaN", None, "left out"),
    "truth": ("confidence", "true", None, "left out"),
    "a list of numbers": ("confidence", "[0.5]", None, "left out"),
    "long id": ("signal_id", f'"{"é" * 101}"', "é" * 100, "signal_id: cut, of 101 characters"),
    "long number": ("signal_id", "1" * 101, "1" * 100, "cut, of 101 characters"),
    "a fraction": ("signal_id", "1.10", "1.10", None),
    "an id in a list": ("recommendation_id", '["a", 1]', '["a", 1]', None),
    "an id of two lines": ("recommendation_id", r'"a\nb"', f"a{GONE}b", "recommendation_id: control characters"),
    "a raw line": ("signal_id", '"a\nb"', f"a{GONE}b", "control characters"),
    "half a character": ("signal_id", r'"a\ud83d"', f"a{GONE}", "control characters"),
    "a number for notes": ("notes", "12.50", "12.50", None),
    "a list for notes": ("notes", '["a", {"b": 1, "b": 2}]', '["a", {"b": 1, "b": 2}]', None),
    "no for notes": ("notes", "false", "false", None),
    "raw lines": ("notes", '"a\n\tb"', "a\n\tb", None),
    "a path": ("notes", r'"C:\path"', f"C:{GONE}path", None),
    "an end that is none": ("notes", r'"\x41"', f"{GONE}x41", None),
    "cut in two": ("notes", r'"\ud83d and \ud83d\ude00"', f"{GONE} and \U0001f600", None),
    "nil": ("notes", r'"a\u0000b"', f"a{GONE}b", None),
    "not a number": ("notes", "-Infinity", f"{GONE}-Infinity", None),
}


@pytest.mark.parametrize(("field", "sent", "kept", "said"), REMARKS.values(), ids=REMARKS)
async def test_a_remark_that_cannot_be_refuses_no_execution(
    service: Service, field: str, sent: str, kept: str | None, said: str | None
) -> None:
    booked = await post(service, URL, written(field, sent))
    assert booked.status_code == 200, booked.text
    assert (await post(service, URL, written(field, sent))).json() == {**booked.json(), "replayed": True}
    assert (await service.http.get("/bookings/k")).json()["reply"] == {**booked.json(), "replayed": True}
    trade = (await service.http.get("/trades/1")).json()["trade"]
    assert trade[field] == kept
    changed = booked.json()["remarks_changed"]
    assert (said is None and changed is None) or said in changed
    if field != "notes":
        assert trade["notes"] == (None if said is None else f"[{changed}]")


@pytest.mark.parametrize("bad", [b"\xff", b"\xc3", b"\xed\xa0\xbd", b"\xe9t\xe9"])
async def test_a_byte_that_is_no_utf_8_spoils_no_execution_in_its_remarks_and_is_nobodys_key(
    service: Service, bad: bytes
) -> None:
    noted = await post(service, URL, written("notes", '"7777"').encode().replace(b"7777", bad))
    assert noted.status_code == 200, noted.text
    assert GONE in (await service.http.get("/trades/1")).json()["trade"]["notes"]
    for field in ("client_trade_id", "engine", "symbol"):
        body = json.dumps({**BUY, field: "7777"}).encode().replace(b"7777", bad)
        answer = await post(service, URL, body)
        assert is_problem(answer, 400, "malformed-request")
        assert fields(answer) == {field}


MOMENTS = {
    "without an offset": ('"2025-06-15T11:00:00"', "2025-06-15T11:00:00Z", "has no offset and is taken as UTC"),
    "a date": ('"2025-06-15"', "2025-06-15T00:00:00Z", "has no offset"),
    "ahead": ('"2025-06-15T12:01:01Z"', NOW, "is more than 60 seconds ahead; the time of booking counts"),
    "before": ('"1969-12-31T23:59:59Z"', NOW, "before 1970"),
    "a word": ('"yesterday"', NOW, "ISO 8601"),
    "nothing like it": ("[1749985200]", NOW, "ISO 8601"),
    "truth": ("true", NOW, "ISO 8601"),
    "huge": ("1e30", NOW, "out of range"),
    "a century ahead": ('"9999-12-31T23:59:59-01:00"', NOW, "out of range"),
    "milliseconds": ("1749985200000", "2025-06-15T11:00:00Z", None),
    "milliseconds in a text": ('"1749985200000"', "2025-06-15T11:00:00Z", None),
    "an exponent": ('"1e3"', "1970-01-01T00:16:40Z", None),
}


@pytest.mark.parametrize(("sent", "kept", "said"), MOMENTS.values(), ids=MOMENTS)
async def test_a_moment_that_cannot_be_refuses_no_execution(
    service: Service, sent: str, kept: str, said: str | None
) -> None:
    booked = await post(service, URL, written("executed_at", sent))
    assert booked.status_code == 200, booked.text
    trade = (await service.http.get("/trades/1")).json()["trade"]
    assert trade["executed_at"] == kept
    changed = booked.json()["remarks_changed"]
    assert changed is None if said is None else said in changed
    assert trade["notes"] == (None if said is None else f"[{changed}]")


async def test_a_clock_that_was_ahead_does_not_make_another_booking_of_the_same_one(service: Service) -> None:
    body = written("executed_at", '"2025-06-15T12:03:00Z"')
    booked = await post(service, URL, body)
    service.clock.advance(seconds=150)
    assert (await post(service, URL, body)).json() == {**booked.json(), "replayed": True}


async def test_all_that_was_changed_is_said_at_the_end_of_the_notes(service: Service) -> None:
    remarks = {"notes": "x" * 2001, "confidence": 2, "signal_id": "s" * 200}
    booked = await service.http.post(URL, json={**BUY, **remarks})
    said = "signal_id: cut, of 200 characters; confidence: '2' is left out, a number from 0 to 1 is taken"
    assert booked.json()["remarks_changed"] == f"{said}; notes: cut, of 2001 characters"
    kept = (await service.http.get("/trades/1")).json()["trade"]["notes"]
    assert kept.endswith(f"x [cut, of 2001 characters] [{said}]")


async def test_a_long_remark_of_many_parts_is_cut_like_any_other(service: Service) -> None:
    booked = await service.http.post(URL, json={**BUY, "notes": [{"a": 1}] * 4000})
    assert booked.json()["remarks_changed"] == "notes: cut, of 32001 characters"


async def test_a_remark_of_a_batch_leaves_its_booking_and_the_others_alone(service: Service) -> None:
    bookings = [written("confidence", "NaN"), written("notes", r'"\ud83d"'), json.dumps(BUY)]
    keyed = [one.replace('"k"', f'"k{number}"') for number, one in enumerate(bookings)]
    answer = await post(service, f"{URL}/batch", f'{{"bookings": [{", ".join(keyed)}]}}')
    assert answer.json()["booked"] == 3, answer.text
    assert "left out" in answer.json()["results"][0]["booking"]["remarks_changed"]


async def test_the_engine_is_a_remark_where_keys_have_names_and_the_owner_where_they_have_none() -> None:
    engines = ["e" * 101, "a\nb", 1.5, ["x"]]
    async with running(api_keys=KEYS) as service:
        for number, engine in enumerate(engines):
            booked = await service.http.post(
                URL, json={**BUY, "engine": engine, "client_trade_id": f"k{number}"}, headers=A
            )
            assert booked.status_code == 200, booked.text
        trades = (await service.http.get("/trades", headers=BOSS)).json()["trades"]
        assert [trade["engine"] for trade in reversed(trades)] == ["e" * 100, f"a{GONE}b", "1.5", '["x"]']
    async with running() as service:
        for engine in engines:
            answer = await service.http.post(URL, json={**BUY, "engine": engine})
            assert is_problem(answer, 400, "malformed-request")
            assert fields(answer) == {"engine"}


async def test_a_refusal_is_kept_whatever_its_remarks_are(service: Service) -> None:
    too_much = {**BUY, "quantity": 100, "net_amount": 4_500_000, "client_trade_id": "k", "confidence": "high"}
    assert is_problem(await service.http.post(URL, json=too_much), 409, "insufficient-cash")
    assert (await service.http.get("/bookings/k")).json()["booking"]["status"] == "refused"
    booked = await service.http.post(URL, json={**too_much, "override": True})
    assert "confidence" in booked.json()["remarks_changed"]


@pytest.mark.parametrize("note", [5, 1.5, ["a"], {"b": 1}, True, "a\nb"])
async def test_the_note_of_cash_and_of_a_reversal_may_be_anything(service: Service, note: Any) -> None:
    text = note if isinstance(note, str) else json.dumps(note, separators=(",", ":"))
    await service.http.post(URL, json=BUY)
    moved = await service.http.post("/cash/transactions", json={"kind": "deposit", "amount": 1, "note": note})
    assert moved.json()["transaction"]["note"] == text
    undone = await service.http.post("/trades/1/reverse", json={"notes": note})
    assert (await service.http.get(f"/trades/{undone.json()['trade_id']}")).json()["trade"]["notes"] == text


@pytest.mark.parametrize(
    "field", ["symbol", "side", "quantity", "price", "net_amount", "fees", "client_trade_id", "fees_included"]
)
async def test_what_moves_money_or_names_it_stays_strict(service: Service, field: str) -> None:
    answer = await service.http.post(URL, json={**BUY, field: ["x"]})
    assert is_problem(answer, 400, "malformed-request")
    assert fields(answer) == {field}
