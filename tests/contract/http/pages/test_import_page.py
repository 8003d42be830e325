"""The page of imports: looked at, booked with a key that is shown each time, and private without an amount."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
import structlog

from tests.contract.http.imports.test_imports import ENGINES, RATES_FILE
from tests.contract.imports.test_import_booking import BINANCE_TRADES, EXAMPLES, GLUED, KRAKEN
from tests.support.html_pages import HTML, PRIVATE, Element, amounts_of, assert_accessible, read_page
from tests.support.pages import spelt_in
from tests.support.services.http_service import BASE, Service, is_problem, running

PATH = "/pages/import"
OWN = {**HTML, "Origin": BASE}
READER, TRADER = "reader-key-reader", "trader-key-trader"
KEYS = f"reader:read:{READER},trader:read+trade:{TRADER}"


@pytest.fixture
async def keyed() -> AsyncIterator[Service]:
    async with running(api_keys=KEYS) as service:
        yield service


async def look(
    service: Service, *files: str, headers: Mapping[str, str] = OWN, rates: str = RATES_FILE, **texts: str
) -> httpx.Response:
    form: list[Any] = [("file", (f"file-{n}.csv", text)) for n, text in enumerate(files)]
    form += [("rates", ("rates.csv", rates)), *((name, (None, text)) for name, text in texts.items())]
    return await service.http.post(PATH, files=form, headers=headers)


def read(answer: httpx.Response, status: int = 200) -> Element:
    assert answer.status_code == status, answer.text
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    page = read_page(answer.text)
    assert_accessible(page)
    return page


def id_in(page: Element) -> str:
    return page.one("input", name="preview_id").attributes["value"]


async def commit(service: Service, headers: Mapping[str, str] = OWN, **fields: str) -> httpx.Response:
    return await service.http.post(f"{PATH}/commit", data=fields, headers=headers)


@pytest.mark.parametrize("name", EXAMPLES)
async def test_what_rows_become_is_shown_and_booked_by_the_button(service: Service, name: str) -> None:
    page = read(await look(service, EXAMPLES[name]))
    shown = page.table("Events of file 1")
    changes = {row["Asset or currency"].text: row["Change"].exact for row in page.table("What changes by file 1")}
    said = (
        await service.http.post("/imports", files=[("file", ("a", EXAMPLES[name])), ("rates", ("r", RATES_FILE))])
    ).json()
    [file] = said["files"]
    assert [(row["Kind"].text.replace(" ", "_"), row["Asset"].text, row["Quantity"].exact) for row in shown] == [
        (event["kind"], event["symbol"], [event["quantity"]]) for event in file["events"]
    ]
    assert changes == {symbol: [change] for symbol, change in {**file["quantities"], **file["cash_change"]}.items()}
    assert f"Book {len(file['events'])} event" in page.text
    booked = await commit(service, preview_id=id_in(page))
    assert (booked.status_code, booked.headers["location"]) == (303, f"{PATH}?booked=1")
    after = read(await service.http.get(booked.headers["location"], headers=HTML))
    assert "Booked as import 1" in after.text
    [row] = after.table("Imports")
    assert (row["Import"].text, row["State"].text) == ("1", "booked")
    again = await commit(service, preview_id=id_in(page))
    assert again.headers["location"] == f"{PATH}?booked=1"
    assert (await service.http.get("/imports")).json()["count"] == 1


async def test_rows_that_are_reported_known_or_implied_say_why(service: Service) -> None:
    short = GLUED + "2022-03-01 09:00:00,BTCUSDT,SELL,40000,0.5BTC,20000USDT,0USDT\n<script>,x\n"
    page = read(await look(service, short))
    reported = page.table("Reported rows of file 1")
    assert len(reported) == 2
    assert "Nothing of this file would be booked" in page.text
    # What is typed stays; what is missing is booked beside what there is.
    page = read(await look(service, short, partial="true", opening="true", account="mine"))
    assert page.one("input", id="account").attributes["value"] == "mine"
    [implied] = page.table("Booked although no file has it, file 1")
    assert (implied["What"].text, implied["Quantity"].exact) == ("BTC", ["0.5"])
    booked = await commit(service, preview_id=id_in(page))
    taken = await service.http.post("/imports/1/reverse")
    assert taken.status_code == 200, taken.text
    [row] = read(await service.http.get(PATH, headers=HTML)).table("Imports")
    assert row["State"].text.startswith("reversed")
    shown = read(await service.http.get(f"{PATH}?booked=1", headers=HTML))
    assert "It was taken back" in shown.one("p", **{"data-result": "booked"}).text
    assert "change nothing" not in shown.one("p", **{"data-result": "booked"}).text
    assert booked.status_code == 303
    page = read(await look(service, KRAKEN, KRAKEN))
    assert {row["Why"].text for row in page.table("Rows of file 2 that become no event")} == {"came before"}


async def test_rows_that_an_engine_booked_are_shown_before_they_are_booked_once_more(service: Service) -> None:
    body = {**ENGINES, "engine": "<momentum>"}
    for second in range(45):
        at = f"2022-03-01T09:00:{second:02}Z"
        more = {**body, "quantity": "0.01", "net_amount": 400, "executed_at": at}
        assert (await service.http.post("/holdings/update", json=more)).status_code == 200
    rows = "".join(f"2022-03-01 09:00:{n:02},BTCUSDT,BUY,40000,0.01BTC,400USDT,0USDT\n" for n in range(46))
    page = read(await look(service, GLUED + rows))
    shown = page.table("Rows of file 1 that look booked already")
    assert len(shown) == 40
    assert shown[0]["What it looks like"].text == "looks like trade 1 of <momentum>"
    assert "Like what <momentum> booked already: 45 of 46 events, would be booked once more" in page.text
    assert "And 5 more" in page.text
    page = read(await look(service, GLUED + rows, like_booked="leave-out"))
    assert page.one("option", value="leave-out").attributes.get("selected") is not None
    assert "Book 1 event" in page.text
    why, *others = page.table("Rows of file 1 that become no event")
    assert why["Are"].text == "known"
    assert why["Why"].text.endswith("of <momentum>: it is left out")
    assert (len(others), others[-1]["Why"].text) == (40, "for other reasons")
    page = read(await look(service, GLUED + rows + "2022-03-01 09:00:00,BTCUSDT,HOLD,1,1BTC,1USDT,0USDT\n"))
    assert "Like what <momentum> booked already: 45 of 46 events. Look" in page.text


async def test_rows_of_before_a_booked_split_and_likenesses_of_nobody_are_told(service: Service) -> None:
    early = {**ENGINES, "quantity": "1", "net_amount": 40_000, "executed_at": "2022-02-01T09:00:00Z"}
    assert (await service.http.post("/holdings/update", json=early)).status_code == 200
    deposit = {"kind": "interest", "amount": 2, "effective_at": "2022-03-01T10:00:00Z"}
    assert (await service.http.post("/events", json=deposit)).status_code == 200
    split = {"kind": "split", "symbol": "BTC", "ratio": 10, "effective_at": "2022-03-01T12:00:00Z"}
    event = (await service.http.post("/events", json=split)).json()["event_id"]
    history = "User_ID,UTC_Time,Account,Operation,Coin,Change,Remark\n7,2022-03-01 10:00:00,Spot,Deposit,USDT,2,\n"
    page = read(await look(service, GLUED + "2022-03-01 10:00:00,BTCUSDT,BUY,40000,0.1BTC,4000USDT,0USDT\n", history))
    assert (
        f"what row 2 says: lies before the split of BTC that is booked already, event {event}, and is not" in page.text
    )
    assert "Like what is booked already: 1 of 1 event" in page.text
    [row] = page.table("Rows of file 2 that look booked already")
    assert re.fullmatch(r"looks like entry \d+", row["What it looks like"].text)


async def test_many_rows_are_counted_and_some_are_shown(service: Service) -> None:
    rows = "".join(f"2022-03-01 10:00:{n:02},BTCUSDT,BUY,1,1BTC,1USDT,0USDT\n" for n in range(50))
    page = read(await look(service, GLUED + rows))
    assert len(page.table("Events of file 1")) == 40
    assert "And 10 more" in page.text
    page = read(await look(service, GLUED + "x\n" * 50))
    assert len(page.table("Reported rows of file 1")) == 40
    assert "And 10 more" in page.text


async def test_where_there_is_nothing_to_book_there_is_no_button_and_its_booking_says_why(service: Service) -> None:
    sold = GLUED + "2022-03-20 10:00:00,BTCUSDT,SELL,40000,0.0082BTC,328USDT,0USDT\n"
    page = read(await look(service, sold))
    assert [one.text for one in page.all("button") if one.text.startswith("Book")] == []
    form = [("file", ("a", sold))]
    preview_id = (await service.http.post("/imports", files=form)).json()["preview_id"]
    nothing = read(await commit(service, preview_id=preview_id))
    assert "Nothing was booked, as rows are reported" in nothing.text
    [row] = nothing.table("Reported rows of file 1")
    [why] = [cell.text for name, cell in row.items() if name != "Row"]
    assert "\u201cDollars that are missing: deposit it\u201d" in why
    assert "--" not in why
    # Where all is known there is nothing to mend.
    booked = await commit(service, preview_id=id_in(read(await look(service, KRAKEN))))
    assert booked.headers["location"] == f"{PATH}?booked=1"
    form = [("file", ("a", KRAKEN)), ("rates", ("r", RATES_FILE))]
    preview_id = (await service.http.post("/imports", files=form)).json()["preview_id"]
    known = await commit(service, preview_id=preview_id)
    assert known.headers["location"] == f"{PATH}?booked=none"
    assert "no row of these files is new" in read(await service.http.get(known.headers["location"], headers=HTML)).text


@pytest.mark.parametrize(
    ("content", "field"), [(b"", "preview_id"), (b"key=x", "preview_id"), (b"preview_id=x&extra=1", "extra")]
)
async def test_a_form_that_books_names_what_is_wrong(service: Service, content: bytes, field: str) -> None:
    headers = {"Origin": BASE, "Content-Type": "application/x-www-form-urlencoded"}
    refused = await service.http.post(f"{PATH}/commit", content=content, headers=headers)
    assert is_problem(refused, 400, "malformed-request")
    assert [one["field"] for one in refused.json()["errors"]] == [field]


async def test_what_is_wrong_is_said_beside_its_field(service: Service) -> None:
    page = read(await look(service, KRAKEN, zone="Mars", rates="x\n"), 400)
    assert "neither an offset" in page.one("span", id="zone-mistake").text
    assert page.one("input", id="zone").attributes["aria-invalid"] == "true"
    page = read(await look(service, KRAKEN, rates="x\n"), 400)
    assert "rates.csv" in page.one("span", id="rates-mistake").text
    answer = await service.http.post(
        PATH, content=b"x", headers={**OWN, "Content-Type": "multipart/form-data; boundary=b"}
    )
    assert answer.status_code == 400
    for number in ("x", "0", "77"):
        missing = await service.http.get(f"{PATH}?booked={number}", headers=HTML)
        assert missing.status_code == 404
        assert "import" in missing.text
    gone = await commit(service, preview_id="gone")
    assert gone.status_code == 404
    assert "no preview" in gone.text


async def test_imports_are_listed_page_by_page(service: Service) -> None:
    for number in range(21):
        page = read(await look(service, KRAKEN, account=f"account {number}", funding="implied"))
        await commit(service, preview_id=id_in(page))
    first = read(await service.http.get(PATH, headers=HTML))
    assert [row["Import"].text for row in first.table("Imports")] == [str(n) for n in range(21, 1, -1)]
    older = next(link for link in first.all("a") if link.attributes.get("rel") == "next").attributes["href"]
    second = read(await service.http.get(older, headers=HTML))
    assert [row["Import"].text for row in second.table("Imports")] == ["1"]


async def test_a_private_page_has_no_amount_of_what_is_imported(service: Service) -> None:
    files = [("file", ("a", BINANCE_TRADES)), ("file", ("b", KRAKEN)), ("rates", ("r", RATES_FILE))]
    said = (await service.http.post("/imports", files=files)).json()
    short = GLUED + "2022-03-01 09:00:00,BTCUSDT,SELL,40000,777.125BTC,31085000USDT,0USDT\n"
    answer = await look(service, BINANCE_TRADES, KRAKEN, short, headers={**OWN, "Cookie": PRIVATE["Cookie"]})
    text = answer.text
    read(answer)
    amounts = {
        one for file in said["files"] for part in (file["quantities"], file["cash_change"]) for one in part.values()
    }
    amounts |= {
        one for file in said["files"] for event in file["events"] for one in (event["quantity"], event["amount"] or "0")
    }
    assert spelt_in(text, {one.lstrip("-") for one in amounts if len(one) > 3}) == []
    assert "777.125" not in text
    assert spelt_in(text, amounts_of((await service.http.get("/portfolio")).json())) == []
    assert "Privacy mode: no amount is shown" in text


async def test_a_signed_in_browser_books_with_a_key_it_shows_each_time(keyed: Service) -> None:
    signed = await keyed.http.post("/pages/sign-in", data={"key": READER}, headers=OWN)
    assert signed.status_code == 303
    page = read(await keyed.http.get(PATH, headers=HTML))
    assert page.one("input", id="key").attributes["type"] == "password"
    for key, status in (("", 401), ("x" * 20, 401), (READER, 403)):
        refused = read(await look(keyed, KRAKEN, key=key), status)
        assert refused.one("span", id="key-mistake").text
        assert not [one for one in refused.all("input") if one.attributes.get("name") == "preview_id"]
    looked = await look(keyed, KRAKEN, key=f" {TRADER} ")
    assert TRADER not in looked.text
    preview_id = id_in(read(looked))
    for key, status in (("", 401), ("x" * 20, 401), (READER, 403)):
        asked = read(await commit(keyed, preview_id=preview_id, key=key), status)
        assert asked.one("span", id="key-mistake").text
        assert id_in(asked) == preview_id
        assert "The files are kept" not in asked.text
    assert keyed.ledger.books.imports == {}
    booked = await commit(keyed, preview_id=preview_id, key=TRADER)
    assert booked.headers["location"] == f"{PATH}?booked=1"
    # What a browser may with its cookie is unchanged.
    assert is_problem(await keyed.http.post("/imports/1/reverse"), 403, "forbidden")
    form = [("file", ("a", KRAKEN))]
    assert is_problem(await keyed.http.post("/imports", files=form), 403, "forbidden")


async def test_a_form_of_another_page_is_refused_and_so_is_who_is_nobody(keyed: Service, service: Service) -> None:
    assert (await look(keyed, KRAKEN, key=TRADER)).status_code == 401
    await keyed.http.post("/pages/sign-in", data={"key": READER}, headers=OWN)
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {}):
        for one in (keyed, service):
            assert (await look(one, KRAKEN, key=TRADER, headers=headers)).status_code == 403
            assert (await commit(one, headers, preview_id="p", key=TRADER)).status_code == 403
    assert is_problem(
        await keyed.http.post(PATH, content=b"{}", headers={"Origin": BASE, "Content-Type": "application/json"}), 415,
        "unsupported-media-type",
    )  # fmt: skip


async def test_a_key_is_in_no_log_and_guesses_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    async with running(api_keys=KEYS, rate_limit_per_minute=2) as service:
        with caplog.at_level(logging.DEBUG), structlog.testing.capture_logs() as logged:
            reading = {**OWN, "X-TRADING-API-KEY": TRADER}
            statuses = [
                (await look(service, KRAKEN, key="guess-guess-guess", headers=reading)).status_code for _ in range(4)
            ]
        assert statuses[-1] == 429
        assert not re.search("guess-guess|" + TRADER, repr(logged) + caplog.text)


async def test_the_page_is_there_while_the_database_is_away(service: Service) -> None:
    read(await service.http.get(PATH, headers=HTML))
    service.ledger.away = True
    service.clock.advance(10)
    page = read(await service.http.get(PATH, headers=HTML))
    assert "cannot be read while the database is away" in page.text
