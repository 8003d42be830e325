"""The page of trades, and its file: the numbers are the API's, and a private page has no amount."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from tests.support.html_pages import HTML, PRIVATE, Element, of_api, sound_page
from tests.support.services.http_service import BOSS, BUY, KEYS, A, Service, fields, is_problem, running


async def page_of(service: Service, path: str = "/pages/trades", **headers: str) -> Element:
    return await sound_page(service, path, headers)


async def book(service: Service, **changed: Any) -> dict[str, Any]:
    answer = await service.http.post("/holdings/update", json={**BUY, **changed})
    found: dict[str, Any] = answer.json()
    return found


async def test_what_events_brought_is_in_the_result_and_its_formula_says_so(service: Service) -> None:
    for event in ({"kind": "interest", "amount": 12}, {"kind": "charge", "amount": 5}):
        assert (await service.http.post("/events", json=event)).status_code == 200
    figure = (await page_of(service)).figure("realized_pnl")
    assert figure.exact == ["7"]
    assert "interest, losses and charges, which are no trades" in figure.text


async def test_trades_and_refusals_are_those_of_the_api_to_the_last_digit(service: Service) -> None:
    await book(service, quantity="0.123456789012345678", net_amount="5555.555505555555", client_trade_id="a")
    await book(service, side="SELL", quantity="0.05", price="47000", net_amount="2350", fees="1.25", notes="<b>out</b>")
    await book(service, quantity=1000, net_amount=45_000_000, client_trade_id="too-much")
    page = await page_of(service)
    trades, refusals = await of_api(service, "/trades"), await of_api(service, "/bookings?status=refused")
    rows = page.table("Booked trades")
    assert len(rows) == len(trades["trades"]) == 2
    for row, trade in zip(rows, trades["trades"], strict=True):
        names = {"Quantity": "quantity", "Price": "price", "Notional": "notional", "Change of cash": "cash_delta"}
        assert {name: row[name].exact for name in names} == {name: [trade[of]] for name, of in names.items()}
        assert row["Trade"].text == trade["id"]
    assert rows[0]["Realized"].exact == [trades["trades"][0]["realized_pnl"]]
    assert rows[1]["Realized"].text == "opens"
    assert "<b>out</b>" in rows[0]["Key, signal, notes"].text
    [refused], [kept] = page.table("Refused bookings"), refusals["bookings"]
    assert refused["Quantity"].exact == [kept["quantity"]]
    assert kept["problem"]["detail"] in refused["Why"].text
    portfolio = (await of_api(service, "/portfolio"))["portfolio"]
    assert {name: page.value(name) for name in ("realized_pnl", "fees_paid")} == {
        name: portfolio[name] for name in ("realized_pnl", "fees_paid")
    }


async def test_refused_events_and_withdrawals_are_those_of_the_api(service: Service) -> None:
    assert "No event, deposit or withdrawal was refused" in (await page_of(service)).text
    swap = {
        "kind": "swap",
        "symbol": "BTC",
        "quantity": "12.5",
        "to_symbol": "ETH",
        "to_quantity": 345,
        "value": 987654,
    }
    withdrawal = {"kind": "withdrawal", "amount": 765_432, "client_transaction_id": "w"}
    assert (await service.http.post("/events", json=swap)).status_code == 409
    assert (await service.http.post("/cash/transactions", json=withdrawal)).status_code == 409
    rows = (await page_of(service)).table("Refused events, deposits and withdrawals")
    kept = (await of_api(service, "/events?status=refused"))["refused"]
    assert [row["Key"].text for row in rows] == [one["client_event_id"] for one in kept]
    assert [row["What"].text for row in rows] == ["withdrawal", "swap"]
    assert [row["Amount or value"].exact for row in rows] == [["765432"], ["987654"]]
    assert [rows[1][name].exact for name in ("Quantity", "Quantity of that")] == [["12.5"], ["345"]]
    assert kept[1]["problem"]["detail"] in rows[1]["Why"].text
    body = (await service.http.get("/pages/trades", headers=PRIVATE)).text
    assert not [amount for amount in ("12.5", "345", "987654", "987,654", "765432", "765,432") if amount in body]
    for number in range(20):
        await service.http.post("/events", json={**swap, "client_event_id": f"s{number}"})
    for number in range(21):
        await book(service, quantity=1000, net_amount=45_000_000, client_trade_id=f"r{number}")
    table, path, seen = "Refused events, deposits and withdrawals", "/pages/trades", []
    page = await page_of(service)
    while path:
        page = await page_of(service, path)
        seen += [row["Key"].text for row in page.table(table)]
        links = [link.attributes["href"] for link in page.all("a") if link.text == "Older"]
        path = next((link.partition("#")[0] for link in links if link.endswith("#refused-events")), "")
    assert [key for key in seen if key.startswith("s")] == [f"s{number}" for number in range(19, -1, -1)]
    assert len(seen) == 22
    # what is shown of the one list stays while the other is turned over
    [bookings] = [link.attributes["href"] for link in page.all("a") if link.text == "Older"]
    turned = await page_of(service, bookings.partition("#")[0])
    assert [row["Key"].text for row in turned.table("Refused bookings")] == ["r0"]
    assert [row["Key"].text for row in turned.table(table)] == seen[20:]
    newest = {link.attributes["href"].rpartition("#")[2] for link in turned.all("a") if link.text == "Newest"}
    assert newest == {"refused", "refused-events"}


async def test_one_trade_says_how_its_money_adds_up(service: Service) -> None:
    await book(service)
    sold = await book(service, side="SELL", quantity="0.05", price="47000", net_amount="2350", fees="1.25")
    page = await page_of(service, f"/pages/trades?trade={sold['trade_id']}")
    # 2350 - 1.25 = 2348.75; half of 4522.5 was its cost: 2348.75 - 2261.25 = 87.5
    assert page.figure("cash_delta").exact == ["2348.75", "2350", "1.25", "2348.75"]
    assert page.figure("trade_realized_pnl").exact == ["87.5", "2348.75", "2261.25", "87.5"]
    bought = await page_of(service, "/pages/trades?trade=1")
    assert bought.figure("cash_delta").exact == ["-4522.5", "4500", "22.5", "-4522.5"]
    assert "realizes nothing" in bought.figure("trade_realized_pnl").text


async def test_a_reversal_and_what_it_takes_back_name_each_other() -> None:
    async with running(api_keys=KEYS) as service:
        await service.http.post("/holdings/update", json=BUY, headers=A)
        await service.http.post("/trades/1/reverse", headers=BOSS)
        rows = (await page_of(service, **A)).table("Booked trades")
        assert [row["Reversal"].text for row in rows] == ["takes back 1", "taken back by 2"]
        assert [row["Engine"].text for row in rows] == ["booked by boss", "booked by engine-a"]
        bought = await service.http.post("/holdings/update", json={**BUY, "client_trade_id": "two"}, headers=A)
        [alone] = (await page_of(service, f"/pages/trades?trade={bought.json()['trade_id']}", **A)).table(
            "Booked trades"
        )
        assert "Reversal" not in alone
        one = await page_of(service, "/pages/trades?trade=2", **A)
        assert "opposite of that of trade 1" in one.figure("cash_delta").text
        assert "taken back" in one.figure("trade_realized_pnl").text


@pytest.mark.parametrize(
    ("query", "fitting"),
    [
        ("symbol=eth-usd", [3]),
        ("side=sell", [4]),
        ("side=", [4, 3, 2, 1]),
        ("engine=beta", [2]),
        ("owner=alpha", [1]),
        ("client_trade_id=k2", [2]),
        ("trade=3", [3]),
        ("trade=%233", [3]),
        ("trade=99", []),
        ("since=2025-03-02", [4, 3]),
        ("until=2025-03-01", [2, 1]),
        ("since=2025-03-01&until=2025-03-01", [2]),
        ("since=2025-03-01T23:59:59Z&until=2025-03-02T00:00:01Z", [3, 2]),
        ("symbol=BTC&side=BUY", [2, 1]),
    ],
)
async def test_the_filters_are_those_of_the_api_and_days_are_whole_days_of_utc(
    service: Service, query: str, fitting: list[int]
) -> None:
    await book(service, executed_at="2025-02-28T23:59:59Z", engine="alpha", client_trade_id="k1")
    await book(service, executed_at="2025-03-01T23:59:59.5Z", engine="beta", client_trade_id="k2")
    await book(service, executed_at="2025-03-02T00:00:00Z", symbol="ETH", engine="gamma", client_trade_id="k3")
    await book(service, executed_at="2025-03-02T05:00:00Z", side="SELL", engine="gamma", client_trade_id="k4")
    page = await page_of(service, f"/pages/trades?{query}")
    if not fitting:
        assert "No trade fits these filters" in page.text
        return
    assert [row["Trade"].text for row in page.table("Booked trades")] == [str(one) for one in fitting]
    file = await service.http.get(f"/pages/trades.csv?{query}")
    assert [row["id"] for row in csv.DictReader(io.StringIO(file.text))] == [str(one) for one in fitting]


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("trade", "0", "a whole number above zero"),
        ("trade", "9" * 30, "a whole number above zero"),
        ("symbol", "<script>", "A-Z"),
        ("side", "HOLD", "takes BUY or SELL"),
        ("engine", "e" * 101, "at most 100 characters"),
        ("client_trade_id", "k" * 129, "at most 128 characters"),
        ("since", "yesterday", "ISO 8601"),
        ("since", "2026-02-30", "day of the calendar"),
        ("until", "2026-01-01T00:00:00", "needs an offset"),
        ("until", "9999-12-31", "out of range"),
        ("limit", "3", "takes 50, 100 or 500"),
        ("cursor", "r1", "is no page of this list"),
    ],
)
async def test_what_was_typed_wrong_is_said_in_the_page_beside_what_was_typed(
    service: Service, field: str, typed: str, said: str
) -> None:
    await book(service)
    page = await page_of(service, f"/pages/trades?{field}={typed}")
    [alert] = [found for found in page.all("div") if found.attributes.get("role") == "alert"]
    assert said in alert.text
    assert "Nothing was looked up" in page.text
    if field not in {"side", "limit", "cursor"}:
        typed_in = page.one("input", id=field)
        assert typed_in.attributes["value"] == typed
        assert typed_in.attributes["aria-invalid"] == "true"
        assert said in page.one("span", id=f"{field}-mistake").text
    if field not in {"limit", "cursor"}:  # the file has no pages
        answer = await service.http.get(f"/pages/trades.csv?{field}={typed}")
        assert is_problem(answer, 400, "malformed-request")
        assert fields(answer) == {field}


async def test_what_the_form_does_not_know_is_a_problem_page(service: Service) -> None:
    answer = await service.http.get("/pages/trades?strange=1", headers=HTML)
    assert answer.status_code == 400
    assert "strange" in answer.text


async def test_the_pages_of_a_long_list_have_each_trade_once(service: Service) -> None:
    for number in range(0, 120, 60):
        many = [{**BUY, "quantity": "0.0001", "net_amount": "4.5", "fees": 0} for _ in range(number, number + 60)]
        assert (await service.http.post("/holdings/update/batch", json={"bookings": many})).status_code == 200
    path, seen = "/pages/trades?symbol=BTC&side=BUY", []
    while True:
        page = await page_of(service, path)
        seen += [int(row["Trade"].text) for row in page.table("Booked trades")]
        older = [link for link in page.all("a") if link.text == "Older"]
        if not older:
            break
        path = older[0].attributes["href"]
        assert "symbol=BTC&side=BUY" in path
    assert seen == list(range(120, 0, -1))
    assert [link.text for link in page.all("a") if link.text == "Newest"] == ["Newest"]
    large = await page_of(service, "/pages/trades?limit=100")
    assert len(large.table("Booked trades")) == 100


async def test_the_pages_of_refusals_have_each_refusal_once(service: Service) -> None:
    for number in range(23):
        await book(service, quantity=1000, net_amount=45_000_000, client_trade_id=f"r{number}")
    first = await page_of(service)
    [older] = [link for link in first.all("a") if link.text == "Older"]
    second = await page_of(service, older.attributes["href"].partition("#")[0])
    keys = [row["Key"].text for page in (first, second) for row in page.table("Refused bookings")]
    assert keys == [f"r{number}" for number in range(22, -1, -1)]
    assert [link.attributes["href"] for link in second.all("a") if link.text == "Newest"] == ["/pages/trades#refused"]
    last = await page_of(service, "/pages/trades?refused=r1")
    assert "No booking was refused before these" in last.text


async def test_empty_books_say_so(service: Service) -> None:
    page = await page_of(service)
    assert "Nothing was booked yet" in page.text
    assert "No booking was refused yet" in page.text


async def test_a_private_page_has_no_amount_in_any_byte(service: Service) -> None:
    await book(service, quantity="0.123456", price="45678.9", net_amount="5639.33", fees="7.77", client_trade_id="one")
    await book(service, side="SELL", quantity="0.054321", price="45678.9", net_amount="2481.32", fees="1.31",
               notes="sold 0.054321 for 2481.32")  # fmt: skip
    await book(service, quantity=1234, net_amount="56367762.6", price="45678.9", client_trade_id="two")
    answers = [await of_api(service, path) for path in ("/trades", "/bookings?status=refused")]
    portfolio = (await of_api(service, "/portfolio"))["portfolio"]
    amounts = {portfolio[name] for name in ("total_value", "cash_balance", "realized_pnl", "fees_paid", "cost_basis")}
    for record in [*answers[0]["trades"], *answers[1]["bookings"]]:
        names = ("quantity", "price", "notional", "net_amount", "fees", "cash_delta", "cost_basis_sold", "realized_pnl")
        amounts |= {record[name] for name in names if name in record}
    amounts = {amount.lstrip("-") for amount in amounts} - {"0"}
    assert len(amounts) > 10
    for path in ("/pages/trades", "/pages/trades?trade=2", "/pages/trades?symbol=BTC"):
        for headers in (HTML, PRIVATE):
            body = (await service.http.get(path, headers=headers)).text
            shown = {amount for amount in amounts if amount in body}
            assert bool(shown) is (headers is HTML), shown
    private = await page_of(service, **PRIVATE)
    # At what price the own books traded is a cost.
    assert all("Price" not in row for row in private.table("Booked trades"))
    assert "More spent than there is" in private.table("Refused bookings")[0]["Why"].text
    assert not any("csv" in link.attributes.get("href", "") for link in private.all("a"))
    refused = await service.http.get("/pages/trades.csv", headers={"Cookie": "private=1"})
    assert is_problem(refused, 403, "private-mode")


async def test_without_a_database_the_last_sums_stand_there_and_the_lists_say_why_they_do_not(service: Service) -> None:
    await book(service)
    await page_of(service)
    service.ledger.away = True
    service.clock.advance(61)
    page = await page_of(service)
    assert "Database away" in page.one("section", aria_label="State").text
    assert page.value("fees_paid") == "22.5"
    assert page.text.count("while the database is away") == 3
    assert is_problem(await service.http.get("/pages/trades.csv"), 503, "ledger-unavailable")


async def test_a_page_is_for_those_who_may_read() -> None:
    async with running(api_keys=KEYS) as service:
        assert is_problem(await service.http.get("/pages/trades"), 401, "unauthorized")
        assert is_problem(await service.http.get("/pages/trades.csv"), 401, "unauthorized")


# ------------------------------------------------------------------------------------------------------- the file


async def test_the_file_has_every_field_of_every_trade_digit_by_digit(service: Service) -> None:
    await book(service, quantity="0.123456789012345678", net_amount="5555.555505555555", client_trade_id='a,b"c')
    await book(service, side="SELL", quantity="0.05", price="45000", net_amount="2250", notes="two\nlines")
    file = await service.http.get("/pages/trades.csv")
    assert file.headers["content-type"] == "text/csv; header=present; charset=utf-8"
    assert file.headers["content-disposition"] == 'attachment; filename="trades-2025-06-15.csv"'
    assert file.content.count(b"\r\n") == 3
    rows = list(csv.DictReader(io.StringIO(file.text, newline="")))
    trades = (await of_api(service, "/trades"))["trades"]
    assert len(rows) == len(trades) == 2
    for row, trade in zip(rows, trades, strict=True):
        assert list(row) == list(trade)
        expected = {name: "" if value is None else str(value) for name, value in trade.items()}
        expected["closes"] = expected["closes"].lower()
        assert row == expected


@pytest.mark.parametrize(
    "note",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "  =1",
        "\r=1",
        "\uff1d1",
        "\u00a0=1",
        "\ufeff=1",
        "-12.5",
        "=cmd|' /C calc'!A0",
        "'=1+1",
    ],
)
async def test_no_cell_is_a_formula_to_a_spreadsheet_and_numbers_stay_numbers(service: Service, note: str) -> None:
    await book(service, notes=note, engine=note[:20] if note.isprintable() else "e", client_trade_id="-1")
    [row] = csv.DictReader(io.StringIO((await service.http.get("/pages/trades.csv")).text, newline=""))
    assert row["notes"] == f"'{note}"
    assert row["client_trade_id"] == "'-1"
    assert row["cash_delta"] == "-4522.5"


async def test_a_long_file_comes_in_parts_and_has_each_trade_once(service: Service) -> None:
    many = [{**BUY, "quantity": "0.0001", "net_amount": "4.5", "fees": 0} for _ in range(1_000)]
    assert (await service.http.post("/holdings/update/batch", json={"bookings": many})).status_code == 200
    await book(service)
    async with service.http.stream("GET", "/pages/trades.csv") as file:
        parts = [part async for part in file.aiter_text()]
    rows = list(csv.DictReader(io.StringIO("".join(parts), newline="")))
    assert [int(row["id"]) for row in rows] == list(range(1_001, 0, -1))


async def test_a_file_of_nothing_has_its_head(service: Service) -> None:
    file = await service.http.get("/pages/trades.csv")
    assert (file.status_code, file.text.count("\r\n")) == (200, 1)
    assert file.text.startswith("id,symbol,side,quantity")


@pytest.mark.parametrize("path", ["/pages/trades", "/pages/activity"])
async def test_a_long_note_opens_and_no_name_or_note_turns_the_words_beside_it(service: Service, path: str) -> None:
    override = "\N{RIGHT-TO-LEFT OVERRIDE}"
    await book(service, notes="long " * 300, engine=f"{override}enigne")
    await book(service, notes="short")
    page = await page_of(service, path)
    [opened] = [one for one in page.one("main").all() if one.tag == "details" and "long" in one.text]
    assert opened.text.count("long") > 300
    told = [one.text for one in page.all() if one.tag == "bdi"]
    assert {f"{override}enigne", "short"} <= set(told)
