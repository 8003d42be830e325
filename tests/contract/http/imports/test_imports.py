"""Imports over HTTP: what the command does, looked at, booked by its id once, listed, and taken back."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portfolio.application.imports.kept.records import Asked
from portfolio.entrypoints.http.imports.slots import MOST_AT_WORK, ImportSlots
from portfolio.entrypoints.http.imports.uploads import LARGEST_UPLOAD, MOST_FILES
from tests.contract.imports.test_import_booking import BINANCE_TRADES, EXAMPLES, GLUED, KRAKEN, RATES
from tests.support.imports import answer
from tests.support.services.http_service import Service, is_problem, running, running_on_sqlite

RATES_FILE = "date,currency,dollars\n" + "".join(f"{day},{symbol},{rate}\n" for (day, symbol), rate in RATES.items())
SECRETS = {"desk": "trade", "other": "trade", "look": "read", "boss": "admin+read"}
KEYS = ",".join(f"{name}:{scopes}:{name * 4}" for name, scopes in SECRETS.items())
DESK, OTHER, BOSS = ({"X-TRADING-API-KEY": name * 4} for name in ("desk", "other", "boss"))
Parts = Sequence[tuple[str, tuple[str | None, str | bytes]]]


def parts(*files: str | bytes, rates: str | None = RATES_FILE, **texts: str) -> Parts:
    """The parts of a form."""
    found: list[tuple[str, tuple[str | None, str | bytes]]] = [
        ("file", (f"file-{number}.csv", text)) for number, text in enumerate(files)
    ]
    found += [] if rates is None else [("rates", ("rates.csv", rates))]
    return [*found, *((name, (None, text)) for name, text in texts.items())]


async def send(service: Service, form: Parts, headers: Mapping[str, str] | None = None) -> httpx.Response:
    return await service.http.post("/imports", files=form, headers=dict(headers or {}))


async def preview(service: Service, *files: str | bytes, headers: Mapping[str, str] | None = None, **how: Any) -> Any:
    found = await send(service, parts(*files, **how), headers)
    assert found.status_code == 200, found.text
    return found.json()


async def commit(service: Service, preview_id: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
    return await service.http.post(f"/imports/{preview_id}/commit", headers=dict(headers or {}))


async def cash(service: Service) -> Any:
    return (await service.http.get("/portfolio")).json()["portfolio"]["cash_balance"]


@pytest.mark.parametrize("name", EXAMPLES)
async def test_a_preview_is_what_the_command_says_and_its_booking_the_same(service: Service, name: str) -> None:
    text, before = EXAMPLES[name], await cash(service)
    looked = await preview(service, text)
    [file] = looked["files"]
    said = answer(text, "file-0.csv")
    assert {key: one for key, one in file.items() if key not in {"name", "is_given_up"}} == said
    assert (file["name"], file["is_given_up"]) == ("file-0.csv", False)
    assert await cash(service) == before
    first, again = [await commit(service, looked["preview_id"]) for _ in range(2)]
    assert first.json()["files"] == looked["files"]
    assert again.json() == {**first.json(), "replayed": True}
    assert again.headers["Idempotency-Replayed"] == "true"
    listed = (await service.http.get("/imports")).json()
    assert listed["count"] == 1
    [record] = listed["imports"]
    assert record["id"] == first.json()["import_id"]
    assert record["files"][0]["events"] == len(said["events"])
    assert (record["state"], record["preview_id"], record["reversed_at"]) == ("booked", looked["preview_id"], None)
    assert (await service.http.get(f"/imports/{record['id']}")).json()["import"] == record


async def test_an_import_is_taken_back_once_and_its_file_can_come_again(service: Service) -> None:
    before = await cash(service)
    made = (await commit(service, (await preview(service, KRAKEN))["preview_id"])).json()
    path = f"/imports/{made['import_id']}/reverse"
    dry = (await service.http.post(path, json={"dry_run": True})).json()
    assert (dry["dry_run"], dry["import"]["state"]) == (True, "booked")
    done, again = [await service.http.post(path) for _ in range(2)]
    assert done.json()["entries"] == dry["entries"] > 0
    assert again.json() == {**done.json(), "replayed": True}
    assert again.headers["Idempotency-Replayed"] == "true"
    record = done.json()["import"]
    assert record["state"] == "reversed"
    assert record["reversed_last_revision"] - record["reversed_first_revision"] + 1 == done.json()["entries"]
    assert await cash(service) == before
    again_made = await preview(service, KRAKEN)
    assert len(again_made["files"][0]["events"]) == record["files"][0]["events"]


async def test_what_cannot_be_taken_back_is_a_conflict_that_names_it(service: Service) -> None:
    made = (await commit(service, (await preview(service, KRAKEN))["preview_id"])).json()
    sell = GLUED + "2022-03-20 10:00:00,BTCUSDT,SELL,40000,0.0082BTC,328USDT,0USDT\n"
    await commit(service, (await preview(service, sell))["preview_id"])
    refused = await service.http.post(f"/imports/{made['import_id']}/reverse")
    assert is_problem(refused, 409, "not-reversible")
    assert refused.json()["title"] == "This cannot be undone"
    assert "BTC" in refused.json()["detail"]
    for wrong in ("0", "x", "999", "١"):
        assert is_problem(await service.http.post(f"/imports/{wrong}/reverse"), 404, "not-found")
        assert is_problem(await service.http.get(f"/imports/{wrong}"), 404, "not-found")


async def test_reasons_name_fields_and_not_options_of_the_command(service: Service) -> None:
    sell = GLUED + "2022-03-20 10:00:00,BTCUSDT,SELL,40000,0.0082BTC,328USDT,0USDT\n"
    local = "uid,time,pair,side\n" + GLUED.replace("(UTC)", "")
    looked = await preview(service, sell, local)
    reasons = [one["reason"] for file in looked["files"] for one in file["reported"]]
    assert "funding=implied books a deposit" in reasons[0]
    assert "opening=true a transfer" in reasons[0]
    assert "with partial=true" in reasons[0]
    booked = (await commit(service, looked["preview_id"])).json()
    assert booked["files"] == looked["files"]
    assert "--" not in str(looked)


async def test_a_preview_belongs_to_its_key_and_undoing_takes_another_scope() -> None:
    async with running(api_keys=KEYS) as service:
        looked = await preview(service, KRAKEN, headers=DESK)
        assert is_problem(await commit(service, looked["preview_id"], OTHER), 404, "not-found")
        booked = await commit(service, looked["preview_id"], DESK)
        assert booked.status_code == 200
        path = f"/imports/{booked.json()['import_id']}/reverse"
        assert is_problem(await service.http.post(path, headers=DESK), 403, "forbidden")
        assert (await service.http.post(path, headers=BOSS)).status_code == 200
        assert (await service.http.get("/imports?limit=1", headers=BOSS)).json()["next_cursor"] is None


async def test_two_instances_book_a_preview_once_and_say_the_same(tmp_path: Path) -> None:
    async with (
        running_on_sqlite(tmp_path) as one,
        running_on_sqlite(tmp_path, database=tmp_path / "portfolio.db") as two,
    ):
        looked = await preview(one, BINANCE_TRADES)
        answers = await asyncio.gather(*(commit(s, looked["preview_id"]) for s in (one, two, one, two)))
        good = [found.json() for found in answers if found.status_code == 200]
        assert {found.status_code for found in answers} <= {200, 503}
        good.append((await commit(two, looked["preview_id"])).json())
        assert len({json.dumps([found["import_id"], found["files"]]) for found in good}) == 1
        assert [found["replayed"] for found in good].count(False) == 1
        for service in (one, two):
            assert (await service.http.get("/imports")).json()["count"] == 1
        # What one has looked at another takes back, and shows.
        assert (await two.http.post(f"/imports/{good[0]['import_id']}/reverse")).status_code == 200
        assert (await one.http.get("/imports")).json()["imports"][0]["state"] == "reversed"


WRONG: Sequence[tuple[Parts, str]] = [
    ([], "file"),
    (parts(rates=None), "file"),
    (parts(*[KRAKEN] * (MOST_FILES + 1)), "file"),
    (parts(KRAKEN, format="excel"), "format"),
    (parts(KRAKEN, zone="Europe/Nowhere"), "zone"),
    (parts(KRAKEN, zone="../../etc/passwd"), "zone"),
    (parts(KRAKEN, zone="\0"), "zone"),
    (parts(KRAKEN, zone="localtime"), "zone"),
    (parts(KRAKEN, zone="posixrules"), "zone"),
    (parts(KRAKEN, zone="Factory"), "zone"),
    (parts(KRAKEN, zone="right/Europe/Vienna"), "zone"),
    (parts(KRAKEN, decimal="x"), "decimal"),
    (parts(KRAKEN, date_order="myd"), "date_order"),
    (parts(KRAKEN, funding="yes"), "funding"),
    (parts(KRAKEN, opening="perhaps"), "opening"),
    (parts(KRAKEN, partial="2"), "partial"),
    (parts(KRAKEN, account="x" * 129), "account"),
    (parts(KRAKEN, account="a\x07"), "account"),
    (parts(KRAKEN, account="x" * 5_000), "account"),
    (parts(KRAKEN, price="1"), "price"),
    (parts(KRAKEN, key="secret"), "key"),
    (parts(KRAKEN, rates="day,symbol\n"), "rates"),
    (parts(KRAKEN, rates="date,currency,dollars\n2022-03-01,BTC,x\n"), "rates"),
    ([*parts(KRAKEN), ("rates", ("more.csv", RATES_FILE))], "rates"),
    ([*parts(KRAKEN), ("account", ("a.csv", "b"))], "account"),
    ([("file", (None, KRAKEN))], "file"),
    ([*parts(KRAKEN), ("account", (None, "a")), ("account", (None, "b"))], "account"),
    ([*parts(KRAKEN), ("account", (None, b"\xff"))], "account"),
]


@pytest.mark.parametrize("nothing", ["", " ", "\t", "null", "NULL"])
async def test_null_empty_and_blank_mean_not_given_in_every_text_of_the_form(service: Service, nothing: str) -> None:
    names = [name for name in Asked.__dataclass_fields__ if name != "account"]
    assert {"format", "zone", "decimal", "opening"} <= set(names)
    empty = (await send(service, parts(KRAKEN, **dict.fromkeys(names, nothing)))).json()
    plain = (await send(service, parts(KRAKEN))).json()
    assert empty["files"] == plain["files"]
    padded = await send(service, parts(KRAKEN, zone=" +02:00 ", decimal=" .", partial=" TRUE "))
    assert padded.status_code == 200, padded.text


ENGINES: Mapping[str, Any] = {"symbol": "BTC", "side": "BUY", "quantity": "0.5", "price": 40_000, "net_amount": 20_000}


async def test_rows_that_an_engine_booked_are_told_over_http_and_left_out_where_that_is_asked_for(
    service: Service,
) -> None:
    body = {**ENGINES, "engine": "momentum", "executed_at": "2022-03-01T09:59:58Z"}
    assert (await service.http.post("/holdings/update", json=body)).status_code == 200
    said = await preview(service, BINANCE_TRADES)
    assert said["files"][0]["like_booked"] == [{"row": 2, "entries": ["trade 1"], "by": "momentum"}]
    both = await preview(service, BINANCE_TRADES, like_booked="book")
    assert both["files"] == said["files"]
    left = (await preview(service, BINANCE_TRADES, like_booked="leave-out"))["files"][0]
    assert left["known"] == [{"row": 2, "reason": "looks like trade 1 of momentum: it is left out"}]
    assert (left["like_booked"], len(left["events"])) == ([], len(said["files"][0]["events"]) - 1)
    booked = (await commit(service, said["preview_id"])).json()
    assert booked["files"] == said["files"]
    wrong = await send(service, parts(KRAKEN, like_booked="perhaps"))
    assert wrong.json()["detail"] == "like_booked: takes book or leave-out"


async def test_choices_are_told_as_choices(service: Service) -> None:
    answer = await send(service, parts(KRAKEN, decimal="x"))
    assert answer.json()["detail"] == "decimal: takes , or ."


@pytest.mark.parametrize(("form", "field"), WRONG)
async def test_a_wrong_field_is_named(service: Service, form: Parts, field: str) -> None:
    found = await send(service, form or [("nothing", (None, "x"))])
    assert is_problem(found, 400, "malformed-request"), found.text
    assert field in {error["field"] for error in found.json()["errors"]}


async def test_a_body_of_another_kind_or_size_is_refused(service: Service) -> None:
    for content_type, content, status, slug in (
        ("application/json", b"{}", 415, "unsupported-media-type"),
        ("application/x-www-form-urlencoded", b"a=b", 415, "unsupported-media-type"),
        ("multipart/form-data", b"x", 400, "malformed-request"),
        ("multipart/form-data; boundary=", b"x", 400, "malformed-request"),
        ("multipart/form-data; boundary=b", b"", 400, "malformed-request"),
        ("multipart/form-data; boundary=b", b"--b\r\n", 400, "malformed-request"),
        ("multipart/form-data; boundary=b", b"--b--\r\n", 400, "malformed-request"),
        ("multipart/form-data; boundary=\xe4", b"--b--\r\n", 400, "malformed-request"),
        ("multipart/form-data; boundary=b", b"--b\r\nno header\r\n\r\n\r\n--b--", 400, "malformed-request"),
        ("multipart/form-data; boundary=b", b"0" * (LARGEST_UPLOAD + 1), 413, "body-too-large"),
    ):
        headers = {b"Content-Type": content_type.encode("latin-1")}
        found = await service.http.post("/imports", content=content, headers=headers)
        assert is_problem(found, status, slug), (content_type, content[:20], found.text)
    many = [("x" + str(n), (None, "y")) for n in range(100)]
    assert is_problem(await send(service, many), 400, "malformed-request")


async def test_absurd_files_are_reported_and_never_a_failure(service: Service, tmp_path: Path) -> None:
    noise = bytes(range(256)) * 40_000
    never = tmp_path / "never.db"
    with sqlite3.connect(never) as connection:
        connection.execute(
            "CREATE VIEW trades AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id FROM n"
        )
        connection.execute("CREATE TABLE orders (id INTEGER)")
    connection.close()
    files = [
        noise,
        b"",
        b"\0" * 100_000,
        b"PK\x03\x04" + noise,
        b"SQLite format 3\0" + noise,
        never.read_bytes(),
        b"[" * 100_000,
        b'{"activities": [1, null, {}]}',
        (KRAKEN + '"' * 4_001).encode(),
        b"," * 100_000 + b"\n" + b"," * 100_000,
        KRAKEN.encode()[:200],
        KRAKEN.replace("2022", "\0").encode(),
        KRAKEN.encode("utf-16"),
    ]
    for file in files:
        found = await preview(service, file)
        assert found["files"][0]["rows"] >= 0
        done = await commit(service, found["preview_id"])
        assert done.status_code == 200, done.text
    names = [("file", (name, KRAKEN)) for name in ("..\\..\\a.csv", "/etc/passwd", "x" * 4_000, "\u202e.csv", '"')]
    for part in names:
        found = await send(service, [part])
        assert found.status_code in {200, 400}, found.text


PIECES = [
    b"--b",
    b"\r\n",
    b"--",
    b'Content-Disposition: form-data; name="file"; filename="a.csv"',
    b'Content-Disposition: form-data; name="zone"',
    b"Content-Type: text/plain; charset=nothing",
    b"Content-Disposition: form-data",
    GLUED.encode(),
    b"2022-03-01 10:00:00,BTCUSDT,BUY,40000,0.5BTC,20000USDT,0.0005BTC\n",
    b"\0",
    b"\xff\xfe",
]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=20), max_size=25))
async def test_no_body_is_a_failure(pieces: list[bytes]) -> None:
    async with running() as service:
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        found = await service.http.post("/imports", content=b"".join(pieces), headers=headers)
        assert found.status_code in {200, 400}, found.text


async def test_so_many_are_at_work_and_others_are_told_to_come_again(service: Service) -> None:
    slots = service.app.given["import_slots"]
    assert isinstance(slots, ImportSlots)
    looked = await preview(service, KRAKEN)

    async def hold(count: int) -> None:
        if count:
            with slots.taken():
                await hold(count - 1)
            return
        for found in (await send(service, parts(KRAKEN)), await commit(service, looked["preview_id"])):
            assert is_problem(found, 429, "rate-limited")
            assert found.headers["Retry-After"] == "5"

    await hold(MOST_AT_WORK)
    assert (await commit(service, looked["preview_id"])).status_code == 200


@pytest.mark.unmeasured
async def test_others_are_answered_while_many_rows_are_read(service: Service) -> None:
    rows = "".join(
        f"2022-03-01 {n // 3600 % 24:02}:{n // 60 % 60:02}:{n % 60:02},BTCUSDT,BUY,1,0.0001BTC,0.0001USDT,0USDT\n"
        for n in range(12_000)
    )
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            begun = time.perf_counter()
            await asyncio.sleep(0.005)
            longest = max(longest, time.perf_counter() - begun)

    watching = asyncio.create_task(watch())
    begun = time.perf_counter()
    looked = await preview(service, GLUED + rows)
    took = time.perf_counter() - begun
    watching.cancel()
    assert len(looked["files"][0]["events"]) == 12_000
    assert longest < took / 3, f"the event loop was held for {longest:.2f} of {took:.2f} s"


def in_form(disposition: bytes, more: bytes = b"--b--\r\n") -> bytes:
    """A form with one part."""
    return b"--b\r\n" + disposition + b"\r\n\r\nx\r\n" + more


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (in_form(b'Content-Disposition: form-data; name="file"; filename="\xe9.csv"'), "a file is not UTF-8"),
        (in_form(b'Content-Disposition: form-data; name="file"', b""), "ends before its last boundary"),
        (in_form(b"Content-Disposition: attachment"), "not form-data"),
        (in_form(b"X: y"), "has no Content-Disposition"),
        (in_form(b'Content-Disposition: form-data; name="' + b"a" * 70_000 + b'"'), "is too long"),
        (in_form(b'Content-Disposition: form-data; name="file"; filename="a"', b"") * 70, "more than 64 parts"),
        (b"--b\nx\n--b--\n", "its parts cannot be told"),
    ],
)
async def test_what_is_no_form_is_told_in_words_and_not_in_those_of_a_library(
    service: Service, body: bytes, why: str
) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = await service.http.post("/imports", content=body, headers=headers)
    assert is_problem(answer, 400, "malformed-request")
    assert why in answer.json()["detail"]
    assert not [word for word in ("Error", "egment", "('") if word in answer.json()["detail"]]
