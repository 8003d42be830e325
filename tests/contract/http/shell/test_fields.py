"""What the fields of requests take: numbers as programs have them, nothing at all, names that are numbers, moments."""

from __future__ import annotations

import json
import re
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar.params import QueryParameter
from litestar.routes import HTTPRoute

from portfolio.entrypoints.http.backtest.requests import BacktestBody, SweepBody, WalkForwardBody
from portfolio.entrypoints.http.imports.controller import ReverseImportBody
from portfolio.entrypoints.http.ledger.happenings.requests import EventBody, EventsBody
from portfolio.entrypoints.http.ledger.lots import PicksBody
from portfolio.entrypoints.http.ledger.requests import BatchBody, BookingBody, CashTransactionBody, ReversalBody
from portfolio.entrypoints.http.ledger.restatement import RestateBody
from portfolio.entrypoints.http.optimisation.requests import LimitsBody, OptimiseBody
from portfolio.entrypoints.http.rebalancing.requests import PolicyBody, TradeBody, WhatIfBody
from portfolio.entrypoints.http.shell.strict_body import StrictBody
from tests.support.services.http_service import BASE, BUY, Service, fields, is_problem, running

pytestmark = pytest.mark.unmeasured

URL = "/holdings/update"
BACKTEST: dict[str, Any] = {"from": "2025-01-01", "to": "2025-03-31", "start": "cash"}
WIDE = Context(prec=400, rounding=ROUND_HALF_EVEN)


def rounded(text: str) -> Decimal:
    """The number at 18 decimals."""
    return Decimal(text).quantize(Decimal("1e-18"), context=WIDE)


async def post(service: Service, path: str, body: str) -> httpx.Response:
    """Send JSON as it is written."""
    return await service.http.post(path, content=body, headers={"Content-Type": "application/json"})


def exactly(text: str) -> Any:
    """JSON with its decimals to the last digit."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


@pytest.mark.parametrize(
    "price",
    [
        "4.825668398677374e-06",
        "0.00000482566839867737400001",
        '"4.825668398677374e-06"',
        "4.8256683986773745e-06",  # a half: to the even digit
        "4.8256683986773755e-06",
        "45000." + "0" * 300 + "1",
        "4.5e+0004",
        '".5"',
        '" 5. "',
    ],
)
async def test_a_number_of_any_form_is_booked_rounded_half_even_and_its_text_again_is_a_replay(
    service: Service, price: str
) -> None:
    value = rounded(json.loads(price) if price.startswith('"') else price)
    # 1,000 units of it, whose money is within the tolerance of any of these prices
    body = json.dumps({**BUY, "quantity": 7777, "net_amount": 8888, "fees": 0, "client_trade_id": "k"})
    body = body.replace("45000.0", price).replace("7777", "1").replace("8888", price)
    first, again = await post(service, URL, body), await post(service, URL, body)
    assert first.status_code == 200, first.text
    assert again.json() == {**first.json(), "replayed": True}
    kept = exactly((await service.http.get("/bookings/k")).text)["booking"]
    assert (kept["price"], kept["net_amount"]) == (value, value)
    trade = exactly((await service.http.get("/trades/1")).text)["trade"]
    assert trade["price"] == value


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(value=st.floats(min_value=0, exclude_min=True, allow_infinity=False), places=st.integers(0, 400))
async def test_no_double_is_malformed_but_for_its_size(value: float, places: int) -> None:
    async with running() as service:
        for text in (repr(value), f"{value:.{places}f}", f'"{value:.17E}"'):
            for name in ("quantity", "price", "net_amount", "fees"):
                answer = await post(service, URL, json.dumps({**BUY, name: 7777}).replace("7777", text))
                is_zero = not Decimal(text.strip('"'))
                malformed = rounded(text.strip('"')) >= 10**20 or (is_zero and name != "fees")
                assert (answer.json().get("type") == "/problems/malformed-request") is malformed, answer.text


@pytest.mark.parametrize(
    ("path", "body", "place"),
    [
        ("/cash/transactions", {"kind": "deposit", "amount": 7777}, "amount"),
        ("/rebalance/what-if", {"trades": [{"symbol": "BTC", "side": "BUY", "quantity": 1, "price": 7777}]}, "price"),
        ("/rebalance/what-if", {"policy": {"position_limit": 7777}}, "position_limit"),
        ("/rebalance/what-if", {"policy": {"confidences": {"high_volatility": 7777}}}, "high_volatility"),
        (
            "/pretrade/check",
            {**BUY, "price": 7777, "net_amount": 0.02512345678901234, "quantity": 0.1, "fees": 0},
            "price",
        ),
        (URL, {**BUY, "confidence": 7777}, "confidence"),
        (URL, {**BUY, "quantity": 1, "net_amount": 45000, "fees": 7777}, "fees"),
        (URL, {**BUY, "price": 4500, "quantity": 10, "net_amount": 45000, "fee_asset": "BTC", "fee_quantity": 7777},
         "fee_quantity"),
        *(("/events", {"symbol": "BTC", **body}, next(name for name in body if body[name] == 7777)) for body in (
            {"kind": "transfer_in", "quantity": 7777, "value": 1}, {"kind": "income", "value": 7777, "quantity": 1,
            "label": "staking"}, {"kind": "transfer_in", "basis": 7777, "quantity": 1, "value": 1},
            {"kind": "transfer_out", "quantity": 7777, "value": 1}, {"kind": "loss", "quantity": 7777},
            {"kind": "swap", "to_quantity": 7777, "quantity": 1, "to_symbol": "ETH", "value": 1},
            {"kind": "exchange", "ratio": 7777, "quantity": 1, "to_symbol": "ETH"}, {"kind": "split", "ratio": 7777},
        )),
        *(("/events", {"kind": kind, "amount": 7777}, "amount") for kind in ("interest", "charge")),
        ("/trades/2/lots", {"lots": [{"entry": 3, "quantity": 7777}, {"entry": 3, "quantity": "0.74876543210987655"}]},
         "lots"),
        *(("/optimise", {"objective": "equal_weight", name: 7777}, name)
          for name in ("cash_percent", "max_turnover_percent")),
        ("/optimise", {"objective": "equal_weight", "limits": {"position_limit": 7777}}, "position_limit"),
        *(("/backtests", {**BACKTEST, name: 7777}, name)
          for name in ("fee_bps", "slippage_bps", "recovery_percent", "initial_value")),
        ("/backtests", {**BACKTEST, "start": "weights", "weights": {"BTC": 7777}}, "weights"),
        ("/backtests", {**BACKTEST, "sweep": {"grid": {"position_limit": [7777]}}}, "grid"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("number", ["2.5123456789012345e-01", '"0.2512345678901234500000000000000001"'])
async def test_every_number_of_every_route_is_taken(
    service: Service, path: str, body: dict[str, Any], place: str, number: str
) -> None:
    if path == "/optimise":
        await service.http.post(URL, json=BUY)
    if path in {"/events", "/trades/2/lots"}:
        await service.http.post(URL, json={**BUY, "quantity": 1, "net_amount": 45000, "fees": 0})
    if path == "/trades/2/lots":
        await service.http.post(
            URL, json={**BUY, "side": "SELL", "quantity": "0.9999999999999999", "net_amount": 45000, "fees": 0}
        )
    answer = await post(service, path, json.dumps(body).replace("7777", number))
    assert answer.status_code in {200, 202}, (place, answer.text)


@pytest.mark.parametrize("whole", ["30.0", "3e1", "3.0E+01"])
@pytest.mark.parametrize(
    ("path", "body", "place"),
    [
        ("/ledger/restate", {"revision": 7777}, "revision"),
        ("/optimise", {"objective": "equal_weight", "days": 7777}, "days"),
        ("/trades/1/lots", {"lots": [{"entry": 7777, "quantity": 1}]}, "entry"),
        *(("/backtests", {**BACKTEST, name: 7777}, name) for name in ("every_days", "seed")),
        *(("/backtests", {**BACKTEST, "sweep": {"grid": {"position_limit": [0.2, 0.3]}, "samples": 2, "seed": 7777},
           "walk_forward": {"train_days": 20, "test_days": 10, **more}}, "walk_forward")
          for more in ({}, {"train_days": 7777}, {"test_days": 7777})),
    ],
)  # fmt: skip
async def test_a_whole_number_may_be_written_as_programs_write_doubles(
    service: Service, path: str, body: dict[str, Any], place: str, whole: str
) -> None:
    plain = await post(service, path, json.dumps(body).replace("7777", "30"))
    again = await post(service, path, json.dumps(body).replace("7777", whole))
    assert {**again.json(), "replayed": None} == {**plain.json(), "replayed": None}, place
    assert plain.json().get("type") != "/problems/malformed-request", plain.text
    broken = await post(service, path, json.dumps(body).replace("7777", "30.5"))
    assert is_problem(broken, 400, "malformed-request")
    assert "takes a whole number" in broken.json()["errors"][0]["message"]


@pytest.mark.parametrize("key", ["1.5", "true", "[]", "{}"])
async def test_what_is_no_key_is_told_that_a_text_would_be_one_too(service: Service, key: str) -> None:
    broken = await post(service, "/holdings/update", json.dumps({**BUY, "client_trade_id": 7777}).replace("7777", key))
    assert is_problem(broken, 400, "malformed-request")
    assert broken.json()["errors"] == [{"field": "client_trade_id", "message": "takes a text, or a whole number"}]


TRADE = {name: value for name, value in BUY.items() if name != "fees"}
BODIES: dict[str, tuple[type[msgspec.Struct], dict[str, Any]]] = {
    URL: (BookingBody, TRADE),
    "/pretrade/check": (BookingBody, TRADE),
    "/cash/transactions": (CashTransactionBody, {"kind": "deposit", "amount": 1}),
    "/trades/1/reverse": (ReversalBody, {}),
    "/events": (EventBody, {"kind": "interest", "amount": 1}),
    "/rebalance/what-if": (WhatIfBody, {}),
    "/ledger/restate": (RestateBody, {}),
    "/trades/1/lots": (PicksBody, {"lots": []}),
    "/optimise": (OptimiseBody, {"objective": "equal_weight"}),
    "/backtests": (BacktestBody, BACKTEST),
    "/imports/1/reverse": (ReverseImportBody, {}),
    "/events/batch": (EventsBody, {"events": [{"kind": "interest", "amount": 1}]}),
    "/holdings/update/batch": (BatchBody, {"bookings": [TRADE]}),
}


def optional(kind: type[msgspec.Struct]) -> list[str]:
    """The fields that a body may do without, by the names they have there."""
    return [field.encode_name for field in msgspec.structs.fields(kind) if not field.required]


@pytest.mark.parametrize("nothing", [None, "", " ", "\t \n"])
@pytest.mark.parametrize("path", BODIES)
async def test_null_empty_and_blank_mean_not_given_in_every_optional_field(path: str, nothing: str | None) -> None:
    kind, body = BODIES[path]
    async with running() as service, running() as other:
        for each in (service, other):
            await each.http.post(URL, json=BUY)
        empty = await service.http.post(path, json={**dict.fromkeys(optional(kind), nothing), **body})
        absent = await other.http.post(path, json=body)
    assert empty.status_code == absent.status_code, empty.text
    assert absent.json().get("type") != "/problems/malformed-request", absent.text
    if path == "/backtests":
        assert empty.json()["backtest"]["request"] == absent.json()["backtest"]["request"]
    else:
        assert empty.json() == absent.json()


async def test_no_route_with_a_body_is_left_out_of_these_tests(service: Service) -> None:
    taken = {
        route.path_format.replace("{trade_id}", "1").replace("{import_id}", "1")
        for route in service.app.routes
        for handler in (route.route_handlers if isinstance(route, HTTPRoute) else ())
        if handler.resolve_data_dto() is StrictBody and "data" in handler.parsed_fn_signature.parameters
    }
    assert taken == set(BODIES)


@pytest.mark.parametrize("nothing", [None, "", "  "])
async def test_null_and_empty_mean_not_given_within_lists_and_tables(service: Service, nothing: str | None) -> None:
    imagined = {"symbol": "BTC", "side": "BUY", "quantity": 1, "price": 45000}
    plain = await service.http.post("/rebalance/what-if", json={"trades": [imagined]})
    policy = {**dict.fromkeys(optional(PolicyBody), nothing), "confidences": {"high_volatility": nothing}}
    trade = {**dict.fromkeys(optional(TradeBody), nothing), **imagined}
    empty = await service.http.post("/rebalance/what-if", json={"trades": [trade], "policy": policy})
    assert empty.json() == plain.json()
    batch = {"bookings": [{**BUY, **dict.fromkeys(optional(BookingBody), nothing)}]}
    assert (await service.http.post(f"{URL}/batch", json=batch)).json()["booked"] == 1
    event = {**dict.fromkeys(optional(EventBody), nothing), "kind": "interest", "amount": 1}
    assert (await service.http.post("/events/batch", json={"events": [event]})).json()["booked"] == 1
    limits = {"limits": dict.fromkeys(optional(LimitsBody), nothing)}
    assert (await service.http.post("/optimise", json={"objective": "equal_weight", **limits})).status_code == 200
    sweep, walk = {"grid": {"position_limit": [0.2]}}, {"train_days": 30, "test_days": 20}
    many = {
        "sweep": {**dict.fromkeys(optional(SweepBody), nothing), **sweep},
        "walk_forward": {**dict.fromkeys(optional(WalkForwardBody), nothing), **walk},
    }
    plain = await service.http.post("/backtests", json={**BACKTEST, "sweep": sweep, "walk_forward": walk})
    assert plain.status_code == 202, plain.text
    empty = await service.http.post("/backtests", json={**BACKTEST, **many})
    assert empty.json()["backtest"]["id"] == plain.json()["backtest"]["id"]


@pytest.mark.parametrize("field", ["symbol", "side", "quantity", "price", "net_amount"])
@pytest.mark.parametrize("nothing", [None, "", " "])
async def test_what_is_needed_is_given(service: Service, field: str, nothing: str | None) -> None:
    answer = await service.http.post(URL, json={**BUY, field: nothing})
    assert is_problem(answer, 400, "malformed-request")
    assert fields(answer) == {field}


def queries(service: Service) -> list[tuple[str, str, bool]]:
    """Each parameter of each GET route, and whether it may be left out."""
    found = []
    for route in service.app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            if "GET" in handler.http_methods and "{" not in route.path_format:
                parameters = dict(handler.parsed_fn_signature.parameters)
                for argument, provided in handler.resolve_dependencies().items():
                    if argument in handler.parsed_fn_signature.parameters:
                        parameters |= provided.parsed_fn_signature.parameters
                for name, field in parameters.items():
                    if isinstance(field.kwarg_definition, QueryParameter):
                        found.append((route.path_format, field.kwarg_definition.name or name, not field.is_required))
    return found


async def test_an_empty_parameter_is_not_given_and_neither_is_null(service: Service) -> None:
    asked = 0
    for path, name, may_miss in queries(service):
        for nothing in ("", "null", "NULL", "%20", "+%20"):
            needed = "&status=refused" if path == "/bookings" and may_miss else ""
            answer = await service.http.get(f"{path}?{name}={nothing}{needed}")
            usual = 426 if path == "/stream" else 200
            assert answer.status_code == (usual if may_miss else 400), (path, name, answer.text)
            asked += 1
    assert asked > 30


async def test_an_unknown_parameter_is_refused_by_every_route_that_names_what_it_knows(service: Service) -> None:
    asked = 0
    for route in service.app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            for method in handler.http_methods - {"OPTIONS"}:
                path = route.path_format.replace("{trade_id}", "1")
                headers = {"Origin": BASE} if path.startswith("/pages/") else {}
                answer = await service.http.request(method, f"{path}?strange=1", headers=headers)
                assert is_problem(answer, 400, "malformed-request"), path
                known = ", ".join(name for where, name, _ in queries(service) if where == path)
                if method == "GET" and "{" not in path:
                    assert answer.json()["errors"] == [
                        {"field": "strange", "message": f"is not known here; known are: {known or 'none'}"}
                    ]
                asked += 1
    assert asked > 30


@pytest.mark.parametrize(
    ("path", "body", "field", "choices"),
    [
        ("/cash/transactions", {"kind": "gift", "amount": 1}, "kind", ["deposit", "withdrawal"]),
        (URL, {**BUY, "side": "HOLD"}, "side", ["BUY", "SELL"]),
        ("/rebalance/what-if", {"policy": {"priorities": {"high_volatility": "x"}}}, "priorities", ["high", "low"]),
        ("/rebalance/signals?status=done", None, "status", ["open", "acknowledged", "executed", "expired"]),
        ("/bookings?status=booked", None, "status", ["refused"]),
        ("/trades?side=HOLD", None, "side", ["BUY", "SELL"]),
        ("/events", {"kind": "gift"}, "kind", ["transfer_in", "income", "swap", "charge"]),
        ("/events", {"kind": "income", "label": "x"}, "label", ["staking", "airdrop", "rebate"]),
        ("/optimise", {"objective": "x"}, "objective", ["min_variance", "hrp", "equal_weight"]),
        ("/optimise", {"objective": "hrp", "estimator": "x"}, "estimator", ["sample", "ewma"]),
        ("/optimise", {"objective": "hrp", "limits": "x"}, "limits", ["policy", "hard"]),
        ("/backtests", {**BACKTEST, "kind": "x"}, "kind", ["policy", "targets"]),
        ("/backtests", {**BACKTEST, "start": "x"}, "start", ["holdings", "cash", "weights"]),
        ("/backtests", {**BACKTEST, "fill": "x"}, "fill", ["next_close", "same_close"]),
        ("/exports/everything", None, "what", ["trades", "events", "closes"]),
        ("/exports/trades?format=xml", None, "format", ["csv", "json", "parquet"]),
        ("/exports/gains?method=x", None, "method", ["fifo", "picked"]),
        ("/gains?method=x", None, "method", ["fifo", "picked"]),
        ("/lots?method=x", None, "method", ["fifo", "picked"]),
        ("/gains?format=x", None, "format", ["csv", "json"]),
        ("/attribution?by=x", None, "by", ["engine", "key", "reason", "symbol"]),
        ("/performance?basis=x", None, "basis", ["restated", "recorded"]),
        ("/stream/events?topics=x", None, "topics", ["entries", "state", "health"]),
    ],
)
async def test_a_wrong_choice_is_answered_with_the_choices(
    service: Service, path: str, body: dict[str, Any] | None, field: str, choices: list[str]
) -> None:
    answer = await (service.http.get(path) if body is None else service.http.post(path, json=body))
    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert field in error["field"]
    for choice in choices:
        assert choice in error["message"]


@pytest.mark.parametrize(("number", "text"), [("12345", "12345"), (str(10**30), str(10**30)), ("-1", "-1")])
async def test_a_name_may_be_a_number_and_its_text_counts(service: Service, number: str, text: str) -> None:
    names = ("client_trade_id", "engine", "signal_id", "recommendation_id")
    given_as_number = json.dumps({**BUY, **dict.fromkeys(names, 7777)}).replace("7777", number)
    first = await post(service, URL, given_as_number)
    again = await service.http.post(URL, json={**BUY, **dict.fromkeys(names, text)})
    assert again.json() == {**first.json(), "replayed": True}
    trade = (await service.http.get("/trades", params={"client_trade_id": text})).json()["trades"][0]
    assert {trade[name] for name in names} == {text}
    assert (await service.http.get(f"/bookings/{text}")).json()["booking"]["owner"] == text
    moved = await post(
        service, "/cash/transactions", f'{{"kind": "deposit", "amount": 1, "client_transaction_id": {number}}}'
    )
    assert moved.json()["transaction"]["client_transaction_id"] == text


@pytest.mark.parametrize(
    ("sent", "kept"), [("é" * 2000, "é" * 2000), ("é" * 2000 + "x", "é" * 1974 + " [cut, of 2001 characters]")]
)
async def test_a_remark_that_is_too_long_is_cut_and_says_so(service: Service, sent: str, kept: str) -> None:
    keyed = {**BUY, "notes": sent, "client_trade_id": "k"}
    booked = await service.http.post(URL, json=keyed)
    assert (await service.http.post(URL, json=keyed)).json() == {**booked.json(), "replayed": True}
    undone = await service.http.post(f"/trades/{booked.json()['trade_id']}/reverse", json={"notes": sent})
    moved = await service.http.post("/cash/transactions", json={"kind": "deposit", "amount": 1, "note": sent})
    assert moved.json()["transaction"]["note"] == kept
    for answer in (booked, undone):
        assert (await service.http.get(f"/trades/{answer.json()['trade_id']}")).json()["trade"]["notes"] == kept


MOMENTS = {
    "2025-06-15T11:00:00Z": "2025-06-15T11:00:00Z",
    "2025-06-15t11:00:00z": "2025-06-15T11:00:00Z",
    "2025-06-15 11:00:00Z": "2025-06-15T11:00:00Z",
    "2025-06-15T11:00Z": "2025-06-15T11:00:00Z",
    "2025-06-15T12:00:00+01:00": "2025-06-15T11:00:00Z",
    "2025-06-15T12:00:00.5+0100": "2025-06-15T11:00:00.500000Z",
    "2025-06-15T12:00+01": "2025-06-15T11:00:00Z",
    "2025-06-15T10:00:00-01:00": "2025-06-15T11:00:00Z",
    "20250615T110000Z": "2025-06-15T11:00:00Z",
    "1749985200": "2025-06-15T11:00:00Z",
    "1749985200.25": "2025-06-15T11:00:00.250000Z",
    "0": "1970-01-01T00:00:00Z",
    "1749985200000": "2025-06-15T11:00:00Z",
    "1749985200000000": "2025-06-15T11:00:00Z",
    "1749985200000000000": "2025-06-15T11:00:00Z",
    "1.7499852e9": "2025-06-15T11:00:00Z",
    "1.7499852e12": "2025-06-15T11:00:00Z",
}


@pytest.mark.parametrize(("text", "moment"), MOMENTS.items())
async def test_a_moment_is_iso_8601_or_seconds_since_1970(service: Service, text: str, moment: str) -> None:
    await service.http.post(URL, json={**BUY, "executed_at": text})
    if text[0] in "01" and "T" not in text:
        await post(service, URL, json.dumps({**BUY, "executed_at": 7777}).replace("7777", text))
    await service.http.post(URL, json={**BUY, "executed_at": "1970-01-01T00:00:00Z"})
    trades = (await service.http.get("/trades")).json()["trades"]
    assert {trade["executed_at"] for trade in trades} <= {moment, "1970-01-01T00:00:00Z"}
    # As clients write it into an address: a plus sign there means a blank.
    for written in (text, text.replace("+", "%2B").replace(" ", "+"), text.replace("+", " ")):
        found = (await service.http.get(f"/trades?since={written}")).json()
        assert [trade for trade in trades if trade["executed_at"] >= moment] == found["trades"], written


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2025-06-15T12:00:00", "needs an offset"),
        ("2025-06-15 12:00", "needs an offset"),
        ("2025-06-15", "needs an offset"),
        ("-99999999999", "out of range"),
        ("1e99", "out of range"),
        ("today", "ISO 8601, such as 2026-01-31T12:00:00Z, or seconds since 1970"),
        ("2025-06-15T25:00:00Z", "ISO 8601"),
        ("1e", "ISO 8601"),
    ],
)
async def test_what_is_no_moment_is_told_what_one_is(service: Service, text: str, words: str) -> None:
    answer = await service.http.get("/trades", params={"until": text})
    assert is_problem(answer, 400, "malformed-request")
    assert words in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("path", ["/lots", "/gains", "/portfolio", "/positions", "/performance", "/exports/events"])
async def test_every_parameter_that_is_a_moment_takes_what_clients_send(service: Service, path: str) -> None:
    names = ["since"] if path.startswith("/exports") else ["as_of", "known_at"]
    for name in names:
        for text in ("2025-06-15T11:00:00Z", "2025-06-15T12:00:00+01:00", "1749985200", "1749985200000"):
            answer = await service.http.get(f"{path}?{name}={text}")
            assert answer.status_code == 200, answer.text
            assert answer.text.count("2025-06-15T11:00:00Z") == (await service.http.get(
                path, params={name: text})).text.count("2025-06-15T11:00:00Z")  # fmt: skip
        refused = await service.http.get(f"{path}?{name}=today")
        assert is_problem(refused, 400, "malformed-request")
        assert "or seconds since 1970" in refused.json()["errors"][0]["message"]


@pytest.mark.parametrize("text", ["NaN", "-Infinity", "1.10", "1E2", "9007199254740993.0"])
@pytest.mark.parametrize("field", ["client_trade_id", "engine"])
async def test_what_is_no_whole_number_is_nobodys_identity(service: Service, field: str, text: str) -> None:
    body = json.dumps({**BUY, field: 7777}).replace("7777", text)
    for _ in range(2):
        answer = await service.http.post(URL, content=body, headers={"Content-Type": "application/json"})
        assert is_problem(answer, 400, "malformed-request")
        assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert (await service.http.get("/trades")).json()["count"] == 0


async def test_a_period_may_begin_with_the_first_day_that_there_is(service: Service) -> None:
    assert (await service.http.get("/performance/period?from=0001-01-01")).status_code == 200


HALVES = [r"cut \ud83d", r"\ude00 cut", r"\ud83d\ud83d\ude00", r"\\\ud83d"]


@pytest.mark.parametrize("text", HALVES)
async def test_half_a_character_spoils_its_own_booking_alone(service: Service, text: str) -> None:
    good = [json.dumps({**BUY, "client_trade_id": f"k{number}"}) for number in range(3)]
    good[1] = json.dumps(BUY)[:-1] + f', "client_trade_id": "{text}"}}'
    answer = await post(service, f"{URL}/batch", f'{{"bookings": [{", ".join(good)}]}}')
    assert [result["status"] for result in answer.json()["results"]] == ["booked", "unreadable", "booked"]
    alone = await post(service, URL, good[1])
    assert is_problem(alone, 400, "malformed-request")
    assert [error["field"] for error in alone.json()["errors"]] == ["client_trade_id"]


@pytest.mark.parametrize(
    ("path", "body", "field", "words"),
    [
        ("/bookings", None, "status", "is needed: takes refused"),
        ("/bookings?status=+", None, "status", "is needed: takes refused"),
        ("/performance/period?from=31.01.2026", None, "from", "has to be a day of the calendar, such as 2026-01-31"),
        ("/performance/period?to=2026-02-30", None, "to", "has to be a day of the calendar, such as 2026-01-31"),
        ("/performance/period?to=1769817600", None, "to", "has to be a day of the calendar, such as 2026-01-31"),
        (URL, {**BUY, "fees_included": "yes"}, "fees_included", "takes true or false"),
        (URL, {**BUY, "override": 1}, "override", "takes true or false"),
        ("/rebalance/what-if", {"policy": {"dust_value": 1e12}}, "policy.dust_value", "0.01 or more and at most 1000"),
        ("/rebalance/what-if", {"policy": {"dust_value": "1e400"}}, "policy.dust_value", "and at most 1000000"),
        ("/rebalance/what-if", {"policy": {"fee_bps": 1e25}}, "policy.fee_bps", "0 or more and at most 1000"),
        ("/rebalance/what-if", {"policy": {"confidences": {"x": 1}}}, "policy.confidences.x", "is not known here"),
        ("/rebalance/what-if", {"policy": {"priorities": {"x": "low"}}}, "policy.priorities.x", "is not known here"),
        (URL, {**BUY, "x": 1}, "x", "is not known here"),
        (URL, {name: value for name, value in BUY.items() if name != "price"}, "price", "is needed"),
        (URL, {**BUY, "client_trade_id": "k" * 129}, "client_trade_id", "takes at most 128 characters"),
        (URL, {**BUY, "symbol": 5}, "symbol", "takes a text"),
        (URL, {**BUY, "symbol": "B" * 41}, "symbol", "takes at most 40 characters"),
        (URL, {**BUY, "symbol": ""}, "symbol", "takes at least 1 character"),
        (f"{URL}/batch", {"bookings": []}, "bookings", "takes at least 1 entry"),
        ("/rebalance/what-if", {"policy": {"x": 1}}, "policy.x", "is not known here"),
        ("/rebalance/what-if", {"policy": []}, "policy", "takes an object"),
        ("/rebalance/what-if", {"trades": {}}, "trades", "takes a list"),
        ("/rebalance/what-if", {"trades": [{"symbol": "BTC", "side": "BUY"}]}, "trades[0].quantity", "is needed"),
        ("/optimise", {"objective": "hrp", "symbols": ["B"] * 501}, "symbols", "takes at most 500 entries"),
        ("/backtests", {"from": 5}, "from", "takes a day of the calendar, such as 2026-01-31"),
        (f"/performance?days={'9' * 5000}", None, "days", "is out of range"),
        *(
            ("/rebalance/what-if", {"trades": [{"symbol": "BTC", "side": "BUY", "quantity": 1, name: 1e-19}]},
             f"trades[0].{name}", "has to be above zero at 18 decimals")
            for name in ("quantity", "price")
        ),
    ],
)  # fmt: skip
async def test_a_refusal_says_what_is_taken(
    service: Service, path: str, body: dict[str, Any] | None, field: str, words: str
) -> None:
    answer = await (service.http.get(path) if body is None else service.http.post(path, json=body))
    assert is_problem(answer, 400, answer.json()["type"].removeprefix("/problems/"))
    [error] = answer.json()["errors"]
    assert error["field"] == field
    assert words in error["message"]
    assert field.rpartition(".")[2] in answer.json()["detail"]


@pytest.mark.parametrize("wrong", [7, 7.5, True, "\x00", "x" * 3000, [], {}, [7], {"x": 7}], ids=repr)
@pytest.mark.parametrize("path", BODIES)
async def test_no_refusal_speaks_the_language_of_the_decoder(path: str, wrong: Any) -> None:
    kind, body = BODIES[path]
    names = [field.encode_name for field in msgspec.structs.fields(kind)]
    async with running() as service:
        for sent in (wrong, *({**body, name: wrong} for name in names)):
            said = (await service.http.post(path, json=sent)).text
            assert not re.search('`|Expected|Object|Invalid|Integer|regex| "', said), said


@pytest.mark.parametrize("field", ["side", "client_trade_id", "engine", "symbol", "quantity"])
async def test_a_line_feed_at_the_end_belongs_to_the_text(field: str) -> None:
    async with running() as service:
        body = {**BUY, "client_trade_id": "k", "engine": "e"}
        answer = await service.http.post("/holdings/update", json={**body, field: f"{body[field]}\n"})
        assert (answer.status_code, answer.json()["type"]) == (400, "/problems/malformed-request")
        queried = await service.http.get("/trades", params={"side": "BUY\n"})
        assert (queried.status_code, queried.json()["type"]) == (400, "/problems/malformed-request")
