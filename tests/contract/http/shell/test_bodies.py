"""What a body must not be: 400, 413 or 415 at once, and never 500."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from tests.support.services.http_service import BUY, Service, fields, is_problem

URL = "/holdings/update"
JSON = {"Content-Type": "application/json"}


def with_quantity(text: str) -> bytes:
    """A booking whose quantity is written like this."""
    return json.dumps({**BUY, "quantity": 7777}).replace("7777", text).encode()


NO_BOOKINGS = {
    "empty": b"",
    "null": b"null",
    "list": b"[]",
    "broken off": b"{",
    "trailing comma": b'{"symbol": "BTC",}',
    "no UTF-8": b"\xff\xfe",
    "no UTF-8 inside": b'{"symbol": "\xff"}',
    "byte order mark": b"\xef\xbb\xbf" + json.dumps(BUY).encode(),
    "lone surrogate": b'{"symbol": "\\ud800"}',
    "UTF-16": json.dumps(BUY).encode("utf-16"),
    **{
        f"quantity {text}": with_quantity(text)
        for text in (
            "NaN",
            '"NaN"',
            "Infinity",
            '"Infinity"',
            "1E+999999",
            '"1E+999999"',
            "1E+999999999999999999",
            '"1_000"',
            '"\u0661"',
            "true",
            "null",
            "[1]",
        )
    },
    "5,000 digits": with_quantity("1" * 5000),
    "deep field": with_quantity("[" * 3000 + "]" * 3000),
    "deep list": b"[" * 3000 + b"]" * 3000,
    "deep object": b'{"a":' * 3000 + b"1" + b"}" * 3000,
}


@pytest.mark.parametrize("body", NO_BOOKINGS.values(), ids=NO_BOOKINGS)
async def test_what_is_no_booking_is_400(service: Service, body: bytes) -> None:
    answer = await service.http.post(URL, content=body, headers=JSON)
    assert is_problem(answer, 400, "malformed-request")


@pytest.mark.parametrize("repeated", ['"symbol"', '"\\u0073ymbol"'])
async def test_a_repeated_field_is_refused_by_name(service: Service, repeated: str) -> None:
    body = json.dumps(BUY)[:-1] + f', {repeated}: "ETH"}}'
    answer = await service.http.post(URL, content=body, headers=JSON)
    assert is_problem(answer, 400, "malformed-request")
    assert fields(answer) == {"symbol"}


async def test_every_wrong_field_is_named_at_once(service: Service) -> None:
    answer = await service.http.post(URL, json={**BUY, "quantity": "x", "price": 0, "symbol": "BTC-EUR"})
    assert fields(answer) == {"quantity", "price", "symbol"}


@pytest.mark.parametrize(
    ("path", "limit"), [(URL, 64 * 1024), (f"{URL}/batch", 1024 * 1024), ("/cash/transactions", 64 * 1024)]
)
async def test_a_body_over_its_limit_is_413_with_and_without_a_length(service: Service, path: str, limit: int) -> None:
    async def streamed() -> AsyncIterator[bytes]:
        for _ in range(limit // 1024 + 1):
            yield b" " * 1024

    announced = await service.http.post(path, content=b" " * (limit + 1), headers=JSON)
    unannounced = await service.http.post(path, content=streamed(), headers=JSON)
    fits = await service.http.post(path, content=b" " * limit, headers=JSON)
    assert is_problem(announced, 413, "body-too-large")
    assert is_problem(unannounced, 413, "body-too-large")
    assert is_problem(fits, 400, "malformed-request")


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json; v=1; charset=latin-1"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
        {"Content-Type": ""},
    ],
)
@pytest.mark.parametrize("path", [URL, "/portfolio/refresh"])
async def test_other_content_types_are_415(service: Service, path: str, headers: dict[str, str]) -> None:
    answer = await service.http.post(path, content=json.dumps(BUY), headers=headers)
    assert is_problem(answer, 415, "unsupported-media-type")


async def test_even_an_empty_body_may_not_state_another_content_type(service: Service) -> None:
    answer = await service.http.post("/portfolio/refresh", headers={"Content-Type": "text/plain"})
    assert is_problem(answer, 415, "unsupported-media-type")
    assert (await service.http.post("/portfolio/refresh")).status_code == 200


async def test_utf_8_may_be_said(service: Service) -> None:
    headers = {"Content-Type": 'application/json; charset="UTF-8"'}
    assert (await service.http.post(URL, content=json.dumps(BUY), headers=headers)).status_code == 200


NESTED = {
    "a list": b"[" + b"1," * 30_000 + b"1]",
    "objects": b"[" + b'{"a":1,"a":2},' * 4_000 + b"1]",
    "one object": b"{" + b",".join(b'"%x":1' % n for n in range(6_000)) + b"}",
}


@pytest.mark.parametrize("figure", NESTED.values(), ids=NESTED)
@pytest.mark.parametrize(
    ("path", "around"),
    [
        (URL, b"%s"),
        (f"{URL}/batch", b'{"bookings":[%s]}'),
        ("/rebalance/what-if", b'{"policy":{"confidences":{"high_volatility":%s}}}'),
    ],
)
async def test_a_figure_that_holds_a_million_values_is_refused_before_they_are_looked_at(
    service: Service, path: str, around: bytes, figure: bytes
) -> None:
    # A key that comes twice within would be complained of, had anybody looked.
    body = around % with_quantity("9").replace(b"9", figure) if b"policy" not in around else around % figure
    answer = await service.http.post(path, content=body, headers=JSON)
    if path.endswith("batch"):
        [item] = answer.json()["results"]
        problem = item["problem"]
    else:
        assert is_problem(answer, 400, "malformed-request")
        problem = answer.json()
    assert "has to be a decimal number" in problem["detail"]
    assert {error["field"] for error in problem["errors"]} <= {"quantity", "policy.confidences.high_volatility"}


async def test_what_a_client_made_up_is_echoed_in_short(service: Service) -> None:
    in_body = await service.http.post(URL, json={**BUY, "x" * 60_000: 1})
    in_query = await service.http.get("/trades", params={"y" * 20_000: "1"})
    for answer in (in_body, in_query):
        assert is_problem(answer, 400, "malformed-request")
        assert len(answer.content) < 2_000
